//! What suppressions took out of the live figures.

use crate::table::Table;
use crate::units::{bytes, count, things};

/// What one suppression left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// Its name: the first line of valgrind's, `leak:PATTERN`.
    pub name: String,
    /// Bytes that are alive.
    pub bytes: u64,
    /// Their blocks.
    pub blocks: u64,
}

/// What was left out, in one line; `None` when nothing was.
#[must_use]
pub fn summary(suppressed: &[Suppressed]) -> Option<String> {
    let sum = |of: fn(&Suppressed) -> u64| suppressed.iter().map(of).fold(0, u64::saturating_add);
    let (held, blocks) = (sum(|one| one.bytes), sum(|one| one.blocks));
    (!suppressed.is_empty()).then(|| {
        let by = things(suppressed.len() as u64, "suppression");
        format!("left out of live: {} in {} by {by}", bytes(held), things(blocks, "block"))
    })
}

/// What was left out by which suppression, the most first.
#[must_use]
pub fn table(suppressed: &[Suppressed]) -> Table {
    let mut sorted: Vec<&Suppressed> = suppressed.iter().collect();
    sorted.sort_by_key(|one| (std::cmp::Reverse((one.bytes, one.blocks)), &one.name));
    let mut table = Table::new(&[">suppressed", ">blocks", "by"]);
    for one in sorted {
        table.row([bytes(one.bytes), count(one.blocks), one.name.clone()]);
    }
    table
}
