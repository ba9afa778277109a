//! Bare metal, one core, no operating system: the main loop and its interrupts are one context.

use super::{Local, Platform};
use crate::sync::*;
use memtrack_format::{List, Module, Segment};

/// One core without an operating system.
///
/// Interrupts count as the main loop: an event of an interrupt that comes inside the hook is counted as a loss,
/// never waited for. Tell it what it cannot know, first thing in `main`; without the stack no stack is captured, the
/// rest is for the reader's comfort:
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

/// The program that runs, so that the reader of a dump can tell it from another build of it.
#[derive(Debug, Clone, Copy)]
pub struct Firmware {
    /// The first address of its code.
    pub start: usize,
    /// The address past its code.
    pub end: usize,
    /// Its build id, as the linker's `--build-id` wrote it: the bytes behind the note's head. Empty without one.
    pub build_id: &'static [u8],
}

static LOCAL: Local = Local::new();
/// What the unwinder may keep, once.
static MEMORY: UnwinderMemory = UnwinderMemory([const { AtomicU32::new(0) }; WORDS]);
/// Rules of call frame information need more of it than frame pointers.
const WORDS: usize = if cfg!(cfi_bare) { 128 } else { 64 };
static MEMORY_TAKEN: AtomicBool = AtomicBool::new(false);
static TRACKERS: AtomicUsize = AtomicUsize::new(0);
static CLOCK: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
static FIRMWARE: AtomicPtr<Firmware> = AtomicPtr::new(core::ptr::null_mut());

#[repr(align(64))]
struct UnwinderMemory([AtomicU32; WORDS]);

impl SingleCore {
    /// Says where the stack lies: its lowest address and the one past its highest. All of it must be readable.
    pub fn set_stack(low: usize, high: usize) {
        LOCAL.set_stack(low, high);
    }

    /// Sets the clock: nanoseconds since some start, never going back. It is asked inside the hook at each new peak,
    /// and at stages.
    pub fn set_clock(clock: fn() -> u64) {
        CLOCK.store(clock as *mut (), Relaxed);
    }

    /// Says which program this is: dumps carry it.
    pub fn set_firmware(firmware: &'static Firmware) {
        FIRMWARE.store(core::ptr::from_ref(firmware).cast_mut(), Release);
    }
}

// SAFETY: there is one context, so one `Local` serves; the stack is readable as far as the integrator says; the clock
// is the integrator's, who is told where it is called; the unwinder's memory is
// made of atomics, zero at first, and given away once.
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
        // SAFETY: what is stored is null or was a function of this type.
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
        // SAFETY: what is stored is null or a reference to a static.
        let Some(firmware) = (unsafe { FIRMWARE.load(Acquire).as_ref() }) else { return };
        firmware.record(each);
    }
}

impl Firmware {
    /// Calls `each` with the record of a dump: what a [`Platform::modules`] of your own does.
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
