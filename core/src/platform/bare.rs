//! The platform of one core without an operating system: the main loop and its interrupts are one context.

use super::{Local, Platform};
use crate::limits::UNWINDER_WORDS;
use crate::sync::*;
use memtrack_format::{List, Module, Segment};

/// One core without an operating system.
///
/// Interrupts are part of the main loop's context. An event of an interrupt that comes inside the hook is counted as a
/// loss: it never waits. The platform cannot find out the stack, the clock and the program. Set them at the beginning of
/// `main`: without the stack no call stack is captured; without the others dumps have no times and no build id.
///
/// ```ignore
/// static FIRMWARE: Firmware = Firmware { code: …, build_id: … };
///
/// fn main() -> ! {
///     SingleCore::set_stack(&raw const _stack_bottom as usize, &raw const _stack_top as usize);
///     SingleCore::set_clock(uptime_ns);
///     SingleCore::set_firmware(&FIRMWARE);
/// ```
#[derive(Debug, Default, Clone, Copy)]
pub struct SingleCore;

/// The program that runs: a dump carries it, so that its reader can tell this build from others.
#[derive(Debug, Clone, Copy)]
pub struct Firmware {
    /// The address of the first byte of its code.
    pub start: usize,
    /// The address past the last byte of its code.
    pub end: usize,
    /// The build id that the linker's option `--build-id` wrote: the bytes behind the head of its note. Empty when there is
    /// none.
    pub build_id: &'static [u8],
}

static LOCAL: Local = Local::new();
/// The memory of the one unwinder that gets any.
static MEMORY: UnwinderMemory = UnwinderMemory([const { AtomicU32::new(0) }; UNWINDER_WORDS]);
static MEMORY_TAKEN: AtomicBool = AtomicBool::new(false);
static TRACKERS: AtomicUsize = AtomicUsize::new(0);
static CLOCK: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
static FIRMWARE: AtomicPtr<Firmware> = AtomicPtr::new(core::ptr::null_mut());

#[repr(align(64))]
struct UnwinderMemory([AtomicU32; UNWINDER_WORDS]);

impl SingleCore {
    /// Sets the bounds of the stack: its lowest address, and the address past its highest byte. All of it must be readable.
    pub fn set_stack(low: usize, high: usize) {
        LOCAL.set_stack(low, high);
    }

    /// Sets the clock, a function that returns nanoseconds since any fixed moment and never goes back. The tracker calls it
    /// inside the hook, as [`Platform::now_ns`] says, so it must neither allocate nor wait.
    pub fn set_clock(clock: fn() -> u64) {
        CLOCK.store(clock as *mut (), Relaxed);
    }

    /// Sets the program that dumps carry.
    pub fn set_firmware(firmware: &'static Firmware) {
        FIRMWARE.store(core::ptr::from_ref(firmware).cast_mut(), Release);
    }
}

// SAFETY: there is one context, so one `Local` serves. The integrator has set the bounds of the stack, all of which is
// readable by the contract of `set_stack`, and the clock, which neither allocates nor waits by that of `set_clock`. The
// unwinder's memory is a static of atomics, zero at first, and only the first caller gets it.
unsafe impl Platform for SingleCore {
    #[inline]
    fn local(&self, tracker: usize) -> Option<&Local> {
        (tracker == 0).then_some(&LOCAL)
    }

    fn reserve(&self) -> Option<usize> {
        (TRACKERS.fetch_add(1, Relaxed) == 0).then_some(0)
    }

    fn now_ns(&self) -> u64 {
        let clock = CLOCK.load(Relaxed);
        if clock.is_null() {
            return 0;
        }
        // SAFETY: the word is not null, so `set_clock` has stored it, from a function of this type.
        let clock: fn() -> u64 = unsafe { core::mem::transmute(clock) };
        clock()
    }

    fn thread_id(&self) -> u64 {
        1
    }

    fn thread_name(&self, _: u64) -> [u8; 16] {
        *b"main\0\0\0\0\0\0\0\0\0\0\0\0"
    }

    #[inline]
    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)> {
        local.stack_from(sp)
    }

    fn memory(&self, size: usize) -> *mut u8 {
        if size > size_of::<UnwinderMemory>() || MEMORY_TAKEN.swap(true, Relaxed) {
            return core::ptr::null_mut();
        }
        MEMORY.0.as_ptr().cast_mut().cast()
    }

    fn modules(&self, each: &mut dyn FnMut(&Module<'_>)) {
        // SAFETY: the pointer is null or `set_firmware` has stored it, from a reference to a static.
        let Some(firmware) = (unsafe { FIRMWARE.load(Acquire).as_ref() }) else { return };
        firmware.record(each);
    }
}

impl Firmware {
    /// Calls `each` with this program as a dump records it. A [`Platform::modules`] of your own calls this.
    pub fn record(&self, each: &mut dyn FnMut(&Module<'_>)) {
        let code = Segment {
            start: self.start as u64,
            length: self.end.saturating_sub(self.start) as u64,
            file_offset: 0,
            executable: true,
        };
        each(&Module {
            path: b"firmware",
            build_id: self.build_id,
            segments: List::Items(&[code]),
            ..Module::default()
        });
    }
}
