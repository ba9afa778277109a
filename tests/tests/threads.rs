//! Thousands of threads that start and end, over an allocator that aborts when the hook asks for memory.

use std::os::unix::process::ExitStatusExt;

use memtrack_tests::program::{folder, output, run};
use memtrack_tests::snapshot;

const REENTRY: &str = env!("CARGO_BIN_EXE_reentry");

/// In unoptimised builds the fences and the threads themselves take most of the time.
const THREADS: u64 = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

/// The control: the fence detects an allocation.
#[test]
fn an_allocation_in_the_hook_aborts() {
    let output = output(REENTRY, &["planted"], &[]);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "the hook calls malloc\n");
}

#[test]
fn the_hook_never_asks_for_memory() {
    let dump = folder("threads").join("dump");
    let facts = run(REENTRY, &[&THREADS.to_string()], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    let bytes = snapshot::file(&dump);
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    // Each thread has one allocation after its end for the tracker: it is counted as unattributed.
    let late = snapshot.cells(|cell| cell.id == 0);
    assert_eq!((late.allocs, late.bytes, late.live), (THREADS, 55 * THREADS, 0));
    assert_eq!(snapshot.losses.len(), 1, "{:?}", snapshot.losses);
    let cause = snapshot.losses[0].cause.as_str();
    assert_eq!(facts.get(cause), THREADS as i64);
    // Threads of one name share slots, whose figures are sums.
    let named = |name| snapshot.threads_called(name).map(|thread| u64::from(thread.count)).sum::<u64>();
    assert_eq!(named("one") + named("two") + named("three"), THREADS);
    let slots = snapshot.threads.len();
    assert!(slots <= 256, "{slots} slots");
}
