//! A program without the tracker, to compare the size of `tracked.rs` with.

use std::collections::BTreeMap;

fn main() {
    let words = std::env::args().map(|word| (word.len(), word)).collect::<BTreeMap<_, _>>();
    println!("{words:?}");
}
