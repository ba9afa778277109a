//! The live figures that suppressions removed.

use crate::table::Table;
use crate::units::{bytes, count, things};

/// The figures that one suppression removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// Its name: the first line of valgrind's, or `leak:PATTERN`.
    pub name: String,
    /// Live bytes.
    pub bytes: u64,
    /// Live blocks.
    pub blocks: u64,
}

/// A summary on one line; `None` if nothing was removed.
#[must_use]
pub fn summary(suppressed: &[Suppressed]) -> Option<String> {
    let sum = |of: fn(&Suppressed) -> u64| suppressed.iter().map(of).fold(0, u64::saturating_add);
    let (held, blocks) = (sum(|one| one.bytes), sum(|one| one.blocks));
    (!suppressed.is_empty()).then(|| {
        let by = things(suppressed.len() as u64, "suppression");
        format!("left out of live: {} in {} by {by}", bytes(held), things(blocks, "block"))
    })
}

/// One row for each suppression, the largest first.
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
