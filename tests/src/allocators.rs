//! Allocators that a test puts around a tracker or inside it.

mod audit;
mod fail_every;
mod ledger;
mod slots;

pub use audit::Audit;
pub use fail_every::FailEvery;
pub use ledger::{Account, Book, Ledger};
pub use slots::Slots;
