//! JSON lists that are longer than what else a file has.

use serde::{Serialize, Serializer};

/// A list whose values are made one by one, as they are written: all of them at once would take many times the memory of
/// what they are made from.
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
