//! Stacks of C: dynamic frames, realigned frames, stacks left by `longjmp`, callbacks from the C library. Every chain
//! has its known count, although most stacks are recalled and not walked.
//!
//! Planted bug: a remembered stack that is recalled without a comparison of its words gives `also`'s blocks to
//! `after`.

use std::process::Command;

use memtrack_tests::c::{self, Link};
use memtrack_tests::folded::fold;
use memtrack_tests::{program, snapshot};

const ROUNDS: u64 = 700;

#[test]
fn every_chain_is_exact() {
    for (compiler, level) in [("gcc", "-O2"), ("gcc", "-O0"), ("clang", "-O2")] {
        let folder = program::folder(&format!("c_stacks-{compiler}{level}"));
        let (built, dump) = (folder.join("jumps"), folder.join("dump"));
        let flags = ["-std=gnu11", "-g", level, "-fno-builtin", "-fno-optimize-sibling-calls"];
        c::build(compiler, &flags, &c::source("jumps.c"), Link::None, &built);
        assert!(c::preloaded(&mut Command::new(built), &dump).status.success());
        let bytes = snapshot::file(&dump);
        let last = snapshot::last(&bytes);
        last.assert_adds_up();
        assert!(last.losses.is_empty(), "{compiler} {level}: {:?}", last.losses);

        let graph = fold(&dump, &["-m", "allocs"]);
        let count = |chain: &[&str]| -> u64 {
            let exact = graph.stacks().filter(|(frames, _)| {
                let main = frames.iter().position(|frame| *frame == "main").expect("main in every stack");
                frames[main + 1..] == *chain
            });
            exact.map(|(_, count)| count).sum()
        };
        let repeated = |name: &'static str, depth: u64| {
            let mut chain = vec![name; depth as usize + 1];
            chain.push("leaf");
            chain
        };
        let mut told = 0;
        let mut check = |chain: &[&str], expected: u64| {
            assert_eq!(count(chain), expected, "{compiler} {level}: {chain:?}");
            told += expected;
        };
        check(&["dynamic", "leaf"], ROUNDS);
        for (name, depths) in [("nested", 5), ("aligned", 3), ("jump", 7)] {
            for depth in 0..depths {
                let rounds = (0..ROUNDS).filter(|round| round % depths == depth).count() as u64;
                check(&repeated(name, depth), rounds);
            }
        }
        check(&["after", "leaf"], ROUNDS);
        check(&["also", "leaf"], ROUNDS);
        assert_eq!(graph.under("compare"), ROUNDS, "two numbers need one comparison");
        // Apart from the C library's own allocations, there are no others under `main`.
        assert_eq!(graph.under("leaf"), told + ROUNDS, "{compiler} {level}");
    }
}
