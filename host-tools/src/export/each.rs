//! JSON lists that make up most of a file.

use serde::{Serialize, Serializer};

/// A list whose values are computed one by one while they are written. All values at once would take many times the
/// memory of their source.
pub(super) struct Each<F>(pub(super) F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq((self.0)())
    }
}
