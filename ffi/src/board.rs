//! Bare metal: facts about the board that only the program knows. On hosts the tracker knows all of them.

#![allow(non_camel_case_types, reason = "names as C knows them")]

use crate::result::{MEMTRACK_ERROR_NULL, memtrack_result_t};
use core::ffi::c_void;

/// A clock: nanoseconds since some start. It never goes back.
pub type memtrack_clock_fn = Option<unsafe extern "C" fn() -> u64>;

/// Bare metal: sets the bounds of the stack: its lowest address, and the address past its highest. All of the stack must
/// be readable. Without this call no stacks are captured. Call it first thing in `main`.
///
/// `MEMTRACK_ERROR_NULL` if `low` is not below `high`, `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
///
/// # Safety
/// The memory from `low` to `high` must be readable for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_set_stack(low: *const c_void, high: *const c_void) -> memtrack_result_t {
    if low >= high {
        return MEMTRACK_ERROR_NULL;
    }
    imp::set_stack(low as usize, high as usize)
}

/// Bare metal: sets the clock. memtrack reads it inside heap events when live memory falls from a peak, and at stages. So
/// it must return quickly and must not allocate. Without a clock all times are 0.
///
/// `MEMTRACK_ERROR_NULL` if `clock` is NULL, `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
///
/// # Safety
/// `clock` must be NULL or a function that may be called at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_set_clock(clock: memtrack_clock_fn) -> memtrack_result_t {
    match clock {
        Some(clock) => imp::set_clock(clock),
        None => MEMTRACK_ERROR_NULL,
    }
}

/// Bare metal: identifies the program, so that `memtrack-fold` can check that an ELF file belongs to the dump. Pass the
/// first address of the program's code, the address past its code, and its build id (the bytes that `-Wl,--build-id` writes,
/// without the 16 bytes of the note's head). `build_id` may be NULL if `size` is 0. Only the first call has an effect.
///
/// `MEMTRACK_ERROR_NULL` if `code` is not below `code_end` or the build id is missing, `MEMTRACK_ERROR_UNSUPPORTED` on
/// hosts.
///
/// # Safety
/// `build_id` must be NULL or point to `size` bytes that never change.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_set_firmware(
    code: *const c_void,
    code_end: *const c_void,
    build_id: *const c_void,
    size: usize,
) -> memtrack_result_t {
    if code >= code_end || build_id.is_null() && size > 0 {
        return MEMTRACK_ERROR_NULL;
    }
    let build_id = match size {
        0 => &[],
        // SAFETY: it is not null, and the caller upholds the rest.
        _ => unsafe { core::slice::from_raw_parts(build_id.cast(), size) },
    };
    imp::set_firmware(code as usize, code_end as usize, build_id)
}

#[cfg(hosted)]
mod imp {
    use crate::result::{MEMTRACK_ERROR_UNSUPPORTED, memtrack_result_t};

    pub(super) fn set_firmware(_: usize, _: usize, _: &'static [u8]) -> memtrack_result_t {
        MEMTRACK_ERROR_UNSUPPORTED
    }

    pub(super) fn set_stack(_: usize, _: usize) -> memtrack_result_t {
        MEMTRACK_ERROR_UNSUPPORTED
    }

    pub(super) fn set_clock(_: unsafe extern "C" fn() -> u64) -> memtrack_result_t {
        MEMTRACK_ERROR_UNSUPPORTED
    }
}

#[cfg(not(hosted))]
mod imp {
    use crate::result::{MEMTRACK_OK, memtrack_result_t};
    use memtrack_core::{Firmware, SingleCore};

    static FIRMWARE: spin::Once<Firmware> = spin::Once::new();

    pub(super) fn set_firmware(start: usize, end: usize, build_id: &'static [u8]) -> memtrack_result_t {
        SingleCore::set_firmware(FIRMWARE.call_once(|| Firmware { start, end, build_id }));
        MEMTRACK_OK
    }

    static CLOCK: spin::Once<unsafe extern "C" fn() -> u64> = spin::Once::new();

    pub(super) fn set_stack(low: usize, high: usize) -> memtrack_result_t {
        SingleCore::set_stack(low, high);
        MEMTRACK_OK
    }

    pub(super) fn set_clock(clock: unsafe extern "C" fn() -> u64) -> memtrack_result_t {
        CLOCK.call_once(|| clock);
        // SAFETY: the program promised, when it set the clock, that it may be called at any time.
        SingleCore::set_clock(|| CLOCK.get().map_or(0, |clock| unsafe { clock() }));
        MEMTRACK_OK
    }
}

/// Nothing here panics, but the language requires a handler.
#[cfg(not(any(hosted, test)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
