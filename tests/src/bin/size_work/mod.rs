//! The same small program, in [`size_plain`](../size_plain.rs) on the plain allocator and in
//! [`size_tracked`](../size_tracked.rs) under the tracker.

use std::collections::BTreeMap;

/// Counts the words of its arguments.
pub fn run() {
    let mut words = BTreeMap::<String, usize>::new();
    for word in std::env::args().skip(1) {
        *words.entry(word).or_default() += 1;
    }
    for (word, count) in &words {
        println!("{word} {count}");
    }
}

/// Kilobytes of this process that are in memory.
pub fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
