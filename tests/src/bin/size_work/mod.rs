//! The work of both size programs: [`size_plain`](../size_plain.rs) without the tracker, and
//! [`size_tracked`](../size_tracked.rs) under it.

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

/// Resident kilobytes of this process.
pub fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
