//! Programs whose recording loses its file: `harmed room DUMP`, `harmed empty|half|replaced DUMP`, `harmed fault own|none`.
//!
//! `MEMTRACK_RECORD` names the recording. At the end `DUMP` gets a snapshot, by which the suite sees what was counted.

use std::alloc::System;
use std::hint::black_box;
use std::path::PathBuf;

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

/// Distinct stacks that are made, each of which takes a cell.
const STACKS: u32 = 1 << 15;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let before = black_box(vec![1u8; 4321]);
    match arguments[1].as_str() {
        "room" => {}
        "fault" => fault(&arguments[2]),
        how => harm(how),
    }
    let kept: Vec<_> = (0..STACKS).map(|path| left(path, 15)).collect();
    let others: Vec<_> = (0..4).map(|_| std::thread::spawn(work)).collect();
    others.into_iter().for_each(|thread| thread.join().unwrap());
    HEAP.dump_to_path(&arguments[2]).unwrap();
    let now = HEAP.stats();
    say!("live {}", now.live_bytes);
    say!("allocs {}", now.total_allocs);
    drop((before, kept));
}

fn recording() -> PathBuf {
    std::env::var_os("MEMTRACK_RECORD").expect("a recording").into()
}

/// What somebody does to the file meanwhile.
fn harm(how: &str) {
    let path = recording();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let len = file.metadata().unwrap().len();
    match how {
        "empty" => file.set_len(0).unwrap(),
        "half" => file.set_len(len / 2).unwrap(),
        "replaced" => std::fs::write(&path, "something else\n").unwrap(),
        other => panic!("no harm {other}"),
    }
}

fn work() {
    for size in 1..2000 {
        drop(black_box(Vec::<u8>::with_capacity(size)));
    }
}

/// A stack for each number: its bits say which function calls which.
#[inline(never)]
fn left(path: u32, depth: u32) -> Box<u32> {
    black_box(if depth == 0 {
        Box::new(path)
    } else if path >> depth & 1 == 0 {
        left(path, depth - 1)
    } else {
        right(path, depth - 1)
    })
}

#[inline(never)]
fn right(path: u32, depth: u32) -> Box<u32> {
    black_box(if depth == 0 {
        Box::new(path + 1)
    } else if path >> depth & 1 == 0 {
        left(path, depth - 1)
    } else {
        right(path, depth - 1)
    })
}

/// A fault that is the program's own: it gets it as without a recording.
fn fault(whose: &str) {
    extern "C" fn handler(_: libc::c_int) {
        // SAFETY: ends the process.
        unsafe { libc::_exit(77) };
    }
    // SAFETY: the handler has the right signature; the mapping is of a file that has no such page.
    unsafe {
        if whose == "own" {
            libc::signal(libc::SIGBUS, handler as *const () as libc::sighandler_t);
        }
        HEAP.record_to(std::env::var_os("RECORDING").expect("a path")).unwrap();
        let file = libc::memfd_create(c"empty".as_ptr(), 0);
        let page = libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file,
            0,
        );
        page.cast::<u8>().write_volatile(1);
    }
    unreachable!("the fault came");
}
