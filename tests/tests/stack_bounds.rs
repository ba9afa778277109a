//! The part of a stack that is read: all of the thread's own stack, however large its frames are, and no memory that
//! may be unmapped.

use std::process::Command;

use memtrack_tests::c::{self, Link};
use memtrack_tests::folded::fold;
use memtrack_tests::{program, snapshot};

#[test]
fn callers_beyond_large_frames_are_found() {
    for level in ["-O0", "-O2"] {
        for mib in ["1", "60", "300"] {
            let folder = program::folder(&format!("stack_bounds-large{level}-{mib}"));
            let (built, dump) = (folder.join("large_frames"), folder.join("dump"));
            let flags = ["-std=gnu11", level, "-fno-builtin", "-fno-optimize-sibling-calls", "-Wno-vla"];
            c::build("gcc", &flags, &c::source("large_frames.c"), Link::None, &built);
            // The shell is not tracked. Its limit is inherited by the program that replaces it.
            let preload = c::libraries().join("libmemtrack.so");
            let mut shell = Command::new("sh");
            shell.args(["-c", "ulimit -s unlimited && LD_PRELOAD=$1 exec $2 $3", "sh"]);
            shell.args([preload.as_os_str(), built.as_os_str(), mib.as_ref()]).env("MEMTRACK_DUMP", &dump);
            c::run(&mut shell);
            let bytes = snapshot::file(&dump);
            let last = snapshot::last(&bytes);
            last.assert_adds_up();
            assert!(last.losses.is_empty(), "{level} {mib}: {:?}", last.losses);
            let graph = fold(&dump, &["-m", "live"]);
            for (root, outermost) in [("main", "main"), ("thread", "on_thread")] {
                for (through, bytes) in [("known", 300), ("unknown", 700)] {
                    let chain = [outermost, "outer", through, "keep"];
                    let below = graph.stacks().filter(|(frames, _)| frames.ends_with(&chain));
                    let sum: u64 = below.map(|(_, bytes)| bytes).sum();
                    assert_eq!(sum, bytes, "{level}, {mib} MiB, {root}, through {through}");
                }
            }
        }
    }
}

#[test]
fn a_stack_beside_the_threads_own_may_be_unmapped() {
    let folder = program::folder("stack_bounds-beside");
    let (built, dump) = (folder.join("beside"), folder.join("dump"));
    let flags = ["-std=gnu11", "-O1", "-fno-builtin", "-fno-optimize-sibling-calls"];
    c::build("gcc", &flags, &c::source("beside.c"), Link::None, &built);
    let output = c::preloaded(&mut Command::new(built), &dump);
    assert!(output.status.success(), "{output:?}");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let graph = fold(&dump, &["-m", "allocs"]);
    let below = |chain: &[&str]| -> u64 {
        graph.stacks().filter(|(frames, _)| frames.ends_with(chain)).map(|(_, count)| count).sum()
    };
    assert_eq!(below(&["coroutine", "down", "leaf"]), 2000);
    assert_eq!(below(&["start_thread", "thread", "leaf"]), 2);
}
