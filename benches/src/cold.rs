//! The first capture of a stack, and the first event of a thread.
//!
//! The stacks lead through functions that [`wide_functions!`](crate::wide_functions) generates. Each is called once,
//! and none lies near the one before. So each frame needs a look-up in an unwind table, whose size the program
//! chooses.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::hint::black_box;
use std::process::exit;
use std::ptr::null_mut;
use std::time::Instant;

use memtrack::Tracker;

use crate::random::Random;

static HEAP: Tracker<System> = Tracker::new(System);

/// Functions between the caller and the capture.
const LINKS: usize = 16;

/// A function of a chain. Its arguments are the work at the end of the chain, and the rest of the chain.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Link(unsafe extern "C" fn(*mut c_void, *const Link));
type Work<'w> = &'w mut dyn FnMut() -> u64;

/// The generated functions of a program.
#[derive(Clone, Copy, Debug)]
pub struct Wide {
    /// The address of the first function.
    pub first: usize,
    /// The number of functions.
    pub count: usize,
}

impl Wide {
    /// Bytes from one function to the next.
    const STRIDE: usize = 32;

    /// Runs the measurement named by the arguments, and prints figures, one `key value` per line.
    pub fn main(self) {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let done = match arguments[..] {
            ["captures", "memtrack", stacks] => stacks.parse().map(|stacks| self.captures(event, stacks)),
            ["captures", "libgcc", stacks] => stacks.parse().map(|stacks| self.captures(backtrace, stacks)),
            ["threads", count] => count.parse().map(|count| self.threads(count)),
            _ => "".parse::<usize>().map(drop),
        };
        if done.is_err() {
            eprintln!("usage: captures memtrack|libgcc STACKS | threads COUNT");
            exit(2);
        }
    }

    /// Times the first capture of this many stacks, of which only the outermost frames are known.
    fn captures(self, capture: fn(), stacks: usize) {
        Chain::EMPTY.run(&mut || timed(capture));
        let first: Vec<u64> = self.chains(stacks).map(|chain| chain.run(&mut || timed(capture))).collect();
        println!("new_frames {}", stacks * LINKS);
        tell("ns_a_new_frame", first.into_iter().map(|ns| ns as f64 / LINKS as f64).collect());
    }

    /// Times the first event of the process and of this many threads.
    fn threads(self, count: usize) {
        println!("ns_first_event_of_the_process {}", Chain::EMPTY.run(&mut || timed(event)));
        let on_thread = |chain: Chain| {
            let thread = std::thread::spawn(move || chain.run(&mut || timed(event)));
            thread.join().expect("the thread does not panic") as f64
        };
        tell("ns_first_event_of_a_thread", self.chains(count).map(on_thread).collect());
    }

    /// This many chains without a common function.
    fn chains(self, count: usize) -> impl Iterator<Item = Chain> {
        let mut random = Random::new(6);
        let mut order: Vec<usize> = (0..self.count).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, random.within(0, last));
        }
        let most = order.len() / LINKS;
        assert!(count <= most, "the program has functions for {most} stacks");
        (0..count).map(move |number| self.chain(&order[number * LINKS..][..LINKS]))
    }

    fn chain(self, functions: &[usize]) -> Chain {
        let mut chain = Chain::EMPTY;
        for (link, function) in chain.0.iter_mut().zip(functions) {
            let address = (self.first + function * Self::STRIDE) as *const ();
            // SAFETY: `wide_functions!` places a function of this type at every multiple of the stride.
            *link = unsafe { std::mem::transmute::<*const (), Link>(address) };
        }
        chain
    }
}

/// The functions that call each other in turn, and the end of the chain in the last place.
struct Chain([Link; LINKS + 1]);

impl Chain {
    const EMPTY: Chain = Chain([Link(end); LINKS + 1]);

    /// Runs `work` below the functions of the chain.
    fn run(&self, work: Work<'_>) -> u64 {
        let mut answer = 0;
        let mut work: Work<'_> = &mut || {
            answer = work();
            answer
        };
        // SAFETY: each function calls the next one with the rest of the list; the last one, `end`, runs the work.
        unsafe { (self.0[0].0)((&raw mut work).cast(), self.0[1..].as_ptr()) };
        answer
    }
}

unsafe extern "C" fn end(work: *mut c_void, _: *const Link) {
    // SAFETY: `Chain::run` passes the pointer, which is valid and used by no other code during the call.
    let work = unsafe { &mut *work.cast::<Work<'_>>() };
    black_box(work());
}

/// The duration of the work in nanoseconds.
fn timed(work: fn()) -> u64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as u64
}

/// An allocation on memtrack. The block is never freed.
#[inline(never)]
fn event() {
    // SAFETY: the layout is not of size zero.
    black_box(unsafe { HEAP.alloc(Layout::new::<u64>()) });
}

/// A walk by the unwinder of the C runtime.
#[inline(never)]
fn backtrace() {
    extern "C" fn each(_: *mut c_void, _: *mut c_void) -> i32 {
        black_box(0)
    }
    unsafe extern "C" {
        fn _Unwind_Backtrace(each: extern "C" fn(*mut c_void, *mut c_void) -> i32, into: *mut c_void) -> i32;
    }
    // SAFETY: `each` uses no pointer.
    unsafe { _Unwind_Backtrace(each, null_mut()) };
}

/// Prints the median and the largest of some figures.
fn tell(key: &str, mut figures: Vec<f64>) {
    figures.sort_by(f64::total_cmp);
    if let (Some(median), Some(largest)) = (figures.get(figures.len() / 2), figures.last()) {
        println!("{key} {median:.0}\n{key}_at_most {largest:.0}");
    }
}

/// `wide_functions!(N)` generates N functions without a frame pointer, which save registers as compiled functions do,
/// and a `main` that measures them.
#[cfg(target_arch = "x86_64")]
#[macro_export]
macro_rules! wide_functions {
    ($count:literal) => {
        std::arch::global_asm!(
            ".pushsection .text.memtrack_wide, \"ax\", @progbits",
            ".p2align 5",
            ".hidden memtrack_wide",
            ".globl memtrack_wide",
            "memtrack_wide:",
            ".rept {count}",
            ".p2align 5",
            ".cfi_startproc",
            "push r15",
            ".cfi_def_cfa_offset 16",
            "push r14",
            ".cfi_def_cfa_offset 24",
            "push rbp",
            ".cfi_def_cfa_offset 32",
            "push rbx",
            ".cfi_def_cfa_offset 40",
            "push rax",
            ".cfi_def_cfa_offset 48",
            ".cfi_offset rbx, -40",
            ".cfi_offset rbp, -32",
            ".cfi_offset r14, -24",
            ".cfi_offset r15, -16",
            "add rsi, 8",
            "call [rsi - 8]",
            "add rsp, 8",
            ".cfi_def_cfa_offset 40",
            "pop rbx",
            ".cfi_def_cfa_offset 32",
            "pop rbp",
            ".cfi_def_cfa_offset 24",
            "pop r14",
            ".cfi_def_cfa_offset 16",
            "pop r15",
            ".cfi_def_cfa_offset 8",
            "ret",
            ".cfi_endproc",
            ".endr",
            ".popsection",
            count = const $count,
        );

        unsafe extern "C" {
            fn memtrack_wide();
        }

        fn main() {
            $crate::Wide { first: memtrack_wide as *const () as usize, count: $count }.main();
        }
    };
}

/// The functions are x86_64 assembly: on other processors the program has none, and every measurement fails with a
/// message.
#[cfg(not(target_arch = "x86_64"))]
#[macro_export]
macro_rules! wide_functions {
    ($count:literal) => {
        fn main() {
            $crate::Wide { first: 0, count: 0 }.main();
        }
    };
}
