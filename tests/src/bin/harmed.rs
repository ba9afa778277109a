//! Programs whose recording loses its file: `harmed room DUMP`, `harmed empty|half|replaced|other|ones|middle DUMP`,
//! `harmed fault own|none`.
//!
//! `MEMTRACK_RECORD` is the path of the recording. At the end the program writes a snapshot to `DUMP`, in which the
//! suite checks the counts.

use std::alloc::System;
use std::fs::File;
use std::hint::black_box;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

/// Distinct stacks, each of which takes a cell.
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
    HEAP.in_stage("behind", || drop(left(1, 15)));
    HEAP.dump_to_path(&arguments[2]).unwrap();
    let now = HEAP.stats();
    say!("live {}", now.live_bytes);
    say!("allocs {}", now.total_allocs);
    drop((before, kept));
}

fn recording() -> PathBuf {
    std::env::var_os("MEMTRACK_RECORD").expect("a recording").into()
}

/// Damages the file while the recording runs.
fn harm(how: &str) {
    let path = recording();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let len = file.metadata().unwrap().len();
    match how {
        "empty" => file.set_len(0).unwrap(),
        "half" => file.set_len(len / 2).unwrap(),
        "replaced" => std::fs::write(&path, "something else\n").unwrap(),
        // As if another program wrote there: the length stays, and no page is missing meanwhile.
        "other" => overwrite(&file, 0..len, scrambled),
        "ones" => overwrite(&file, 0..len, |_| u64::MAX),
        // The head stays intact.
        "middle" => overwrite(&file, 1 << 12..len, scrambled),
        other => panic!("no harm {other}"),
    }
}

/// Fills a part of a file with words that depend on their offsets.
fn overwrite(file: &File, part: Range<u64>, word: fn(u64) -> u64) {
    const LEN: usize = 1 << 12;
    let mut bytes = [0; LEN];
    for offset in part.step_by(LEN) {
        for (place, to) in bytes.chunks_exact_mut(8).enumerate() {
            to.copy_from_slice(&word(offset + 8 * place as u64).to_ne_bytes());
        }
        file.write_all_at(&bytes, offset).unwrap();
    }
}

/// Bits that look random: splitmix64 of a number.
fn scrambled(number: u64) -> u64 {
    let mixed = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

fn work() {
    for size in 1..2000 {
        drop(black_box(Vec::<u8>::with_capacity(size)));
    }
}

/// A different stack for each number: its bits choose the functions.
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

/// A fault that the program itself causes: it is delivered as without a recording.
fn fault(whose: &str) {
    extern "C" fn handler(_: libc::c_int) {
        // SAFETY: it ends the process.
        unsafe { libc::_exit(77) };
    }
    // SAFETY: the handler has the right signature; the file of the mapping has no such page.
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
    unreachable!("the write faults");
}
