//! A small preemptive kernel for the Cortex-M4: tasks with a stack each that take turns at every tick. It knows nothing of
//! the profiler, except for the hooks that it calls, as FreeRTOS calls its trace macros.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memtrack::Local;

use crate::hooks;

const TASKS: usize = 4;
/// Bytes of the stack of a task, and of the interrupts' stack.
const STACK: usize = 2 << 10;
/// Cycles of the processor between ticks.
const TICK: u32 = 2000;

// The exception in which tasks are switched: registers that the processor has not saved go onto the task's own stack.
// A task begins with a frame that has neither caller nor return address.
global_asm!(
    ".syntax unified",
    ".thumb_func",
    ".globl board_switch",
    ".type board_switch, %function",
    "board_switch:",
    ".fnstart",
    ".cantunwind",
    "mrs r0, psp",
    "tst lr, #0x10",
    "it eq",
    "vstmdbeq r0!, {{s16-s31}}",
    "stmdb r0!, {{r4-r11, lr}}",
    "bl kernel_switch",
    "ldmia r0!, {{r4-r11, lr}}",
    "tst lr, #0x10",
    "it eq",
    "vldmiaeq r0!, {{s16-s31}}",
    "msr psp, r0",
    "bx lr",
    ".fnend",
    ".size board_switch, . - board_switch",
    ".thumb_func",
    ".type kernel_begin, %function",
    "kernel_begin:",
    ".fnstart",
    ".cantunwind",
    "movs r0, #0",
    "mov lr, r0",
    "push {{r0, lr}}",
    "mov r7, sp",
    "bl kernel_run",
    ".fnend",
    ".size kernel_begin, . - kernel_begin",
);

/// A control block.
pub struct Task {
    /// The address of its registers while another task runs.
    sp: AtomicUsize,
    /// Its function, 0 if there is no task.
    entry: AtomicUsize,
    name: UnsafeCell<[u8; 16]>,
    /// The hooks' data of a task.
    pub local: UnsafeCell<Local>,
}

// SAFETY: name and local are written only while `entry` is 0 and interrupts are off, and read while it is not.
unsafe impl Sync for Task {}

static CONTROL: [Task; TASKS] = [const {
    Task {
        sp: AtomicUsize::new(0),
        entry: AtomicUsize::new(0),
        name: UnsafeCell::new([0; 16]),
        local: UnsafeCell::new(Local::new()),
    }
}; TASKS];
static CURRENT: AtomicUsize = AtomicUsize::new(0);
static SWITCHES: AtomicUsize = AtomicUsize::new(0);

#[repr(align(8))]
struct Stacks(UnsafeCell<[[usize; STACK / size_of::<usize>()]; TASKS]>);

// SAFETY: each stack belongs to its task; the first one, whose task is `main`, is the interrupts' stack.
unsafe impl Sync for Stacks {}

static STACKS: Stacks = Stacks(UnsafeCell::new([[0; STACK / size_of::<usize>()]; TASKS]));

fn stack(number: usize) -> (usize, usize) {
    let low = STACKS.0.get() as usize + number * STACK;
    (low, low + STACK)
}

impl Task {
    pub fn number(&self) -> usize {
        (core::ptr::from_ref(self) as usize - CONTROL.as_ptr() as usize) / size_of::<Task>()
    }

    pub fn name(&self) -> [u8; 16] {
        // SAFETY: it is not written while there is a task.
        unsafe { *self.name.get() }
    }

    /// Makes it a task, which runs from the next switch on.
    fn fill(&self, name: &str, entry: usize, sp: usize, stack: (usize, usize)) {
        let mut padded = [0; 16];
        padded.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
        // SAFETY: there is no task yet.
        unsafe { self.name.get().write(padded) }
        hooks::task_created(self, stack);
        self.sp.store(sp, Relaxed);
        self.entry.store(entry, Relaxed);
    }
}

/// The running task.
pub fn current() -> &'static Task {
    &CONTROL[CURRENT.load(Relaxed)]
}

pub fn task(number: usize) -> &'static Task {
    &CONTROL[number % TASKS]
}

/// Makes `main` a task, and begins to switch tasks.
pub fn start() {
    CONTROL[0].fill("main", 1, 0, board::stack());
    let (_, interrupts) = stack(0);
    // SAFETY: the two processor stacks change places, and the running code continues on the same memory. The lowest priority for the
    // exceptions of the switch and of the tick.
    unsafe {
        asm!(
            "mrs {0}, msp", "msr psp, {0}", "mrs {0}, control", "orr {0}, {0}, #2", "msr control, {0}", "isb",
            "msr msp, {1}", out(reg) _, in(reg) interrupts
        );
        (0xE000_ED20 as *mut u32).write_volatile(0xFFFF_0000);
    }
    board::start_ticks(TICK, yield_now);
}

/// Stops switching tasks.
pub fn stop() {
    board::stop_ticks();
}

/// Makes a task of a function; false if there are too many.
pub fn create(name: &str, entry: fn()) -> bool {
    critical_section::with(|_| {
        let free = (1..TASKS).find(|&number| CONTROL[number].entry.load(Relaxed) == 0);
        let Some(number) = free else { return false };
        let (low, high) = stack(number);
        unsafe extern "C" {
            fn kernel_begin();
        }
        // The words that an exception leaves on a stack: r0 … r3, r12, lr, pc, the flags with Thumb's bit. Below them, the words
        // that the switch leaves: r4 … r11, and how to return from the exception: to a task, without floating point registers.
        let mut frame = [0usize; 17];
        frame[8] = 0xFFFF_FFFD;
        (frame[15], frame[16]) = (kernel_begin as *const () as usize & !1, 1 << 24);
        let sp = high - size_of_val(&frame);
        // SAFETY: the stack belongs to no task.
        unsafe { (sp as *mut [usize; 17]).write(frame) }
        CONTROL[number].fill(name, entry as usize, sp, (low, high));
        true
    })
}

/// Waits until no task of that name is left.
pub fn wait_for(name: &str) {
    let named = |task: &Task| {
        let own = task.name();
        task.entry.load(Relaxed) != 0 && own.starts_with(name.as_bytes())
    };
    while CONTROL.iter().any(named) {
        yield_now();
    }
}

/// Switches to another task.
pub fn yield_now() {
    // SAFETY: the processor's register that requests an exception.
    unsafe { (0xE000_ED04 as *mut u32).write_volatile(1 << 28) };
    // SAFETY: waits until the exception was taken.
    unsafe { asm!("dsb", "isb", options(nostack, preserves_flags)) }
}

pub fn switches() -> usize {
    SWITCHES.load(Relaxed)
}

/// Stores the running task's stack pointer and returns that of the next task.
#[unsafe(no_mangle)]
extern "C" fn kernel_switch(sp: usize) -> usize {
    let from = CURRENT.load(Relaxed);
    CONTROL[from].sp.store(sp, Relaxed);
    let others = (1..=TASKS).map(|step| (from + step) % TASKS);
    let to = { others }.find(|&number| CONTROL[number].entry.load(Relaxed) != 0).unwrap_or(0);
    CURRENT.store(to, Relaxed);
    SWITCHES.store(SWITCHES.load(Relaxed) + 1, Relaxed);
    CONTROL[to].sp.load(Relaxed)
}

/// A task from its beginning to its end.
#[unsafe(no_mangle)]
extern "C" fn kernel_run() -> ! {
    let task = current();
    // SAFETY: the stored value of a task that runs is a function of this type.
    let entry: fn() = unsafe { core::mem::transmute(task.entry.load(Relaxed)) };
    entry();
    hooks::task_deleted(task);
    task.entry.store(0, Relaxed);
    loop {
        yield_now();
    }
}
