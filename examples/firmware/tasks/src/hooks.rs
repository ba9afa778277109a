//! The tracker under a kernel: which task runs, and the work when tasks are made and deleted.

use core::mem::MaybeUninit;

use embedded_alloc::LlffHeap;
use memtrack::{FramePointer, Local, LossCause, Platform, Region, Tracker};

use crate::kernel::{self, Task};

/// The kernel's tasks are memtrack's threads. Interrupts count as the task that they interrupt.
pub struct Kernel;

// SAFETY: contexts that run at the same time are tasks, and each has words of its own in its control block. The kernel
// is asked for the running task without a lock, and returns the true bounds of its stack.
unsafe impl Platform for Kernel {
    fn local(&self, tracker: usize) -> Option<&Local> {
        // SAFETY: the words belong to the running task, and are exchanged only when no task uses them.
        (tracker == 0).then(|| unsafe { &*kernel::current().local.get() })
    }

    fn reserve(&self) -> Option<usize> {
        Some(0)
    }

    fn thread_id(&self) -> u64 {
        kernel::current().number() as u64 + 1
    }

    fn thread_name(&self, id: u64) -> [u8; 16] {
        kernel::task(id as usize - 1).name()
    }

    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)> {
        local.stack_from(sp)
    }
}

type Tables = Region<256, 64, 5, 1, 1, 24>;
static REGION: Tables = Tables::new();

#[global_allocator]
pub static HEAP: Tracker<LlffHeap, FramePointer, Kernel, Tables> =
    Tracker::with(LlffHeap::empty(), FramePointer, Kernel, &REGION);

const SIZE: usize = 8 << 10;
static mut MEMORY: MaybeUninit<[u8; SIZE]> = MaybeUninit::uninit();

/// Call this before the first allocation, while `main` is alone: a task that came in the middle of the tracker's beginning
/// would lose its event.
pub fn init() -> bool {
    // SAFETY: called once; nothing else uses the memory.
    unsafe { HEAP.inner().init(&raw mut MEMORY as usize, SIZE) }
    HEAP.check().is_ok()
}

/// A task is being made (FreeRTOS: `traceTASK_CREATE`). Another task may have used its control block before.
pub fn task_created(task: &Task, (low, high): (usize, usize)) {
    let local = Local::new();
    local.set_stack(low, high);
    // SAFETY: the task does not run yet, and the former owner of its control block has ended.
    unsafe { task.local.get().write(local) }
}

/// The running task has ended (FreeRTOS: `traceTASK_DELETE`). Its figures stay, and its slot in the tables is free for the
/// next task of its name.
pub fn task_deleted(task: &Task) {
    let name = task.name();
    let length = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    // SAFETY: as in `local`.
    let local = unsafe { &*task.local.get() };
    HEAP.thread_ended(local, core::str::from_utf8(&name[..length]).unwrap_or_default());
}

/// Recorded + lost = observed: threads sum to the whole, and unattributed events were counted as lost. Nothing is lost here:
/// tasks that interrupt each other inside the hook do not disturb each other.
pub fn equation_holds() -> bool {
    let stats = HEAP.stats();
    let of = |nobodys: bool| -> u64 {
        let threads = HEAP.threads().filter(|thread| (thread.id == 0) == nobodys);
        threads.map(|thread| thread.stats.total_allocs).sum()
    };
    let lost: u64 =
        HEAP.losses().filter(|(cause, _): &(LossCause, u64)| cause.is_unattributed()).map(|(_, n)| n).sum();
    of(false) + of(true) == stats.total_allocs && of(true) == lost && lost == 0
}
