//! Allocators to put around a tracker and inside of it.

mod audit;
mod fail_every;
mod ledger;
mod slots;

pub use audit::Audit;
pub use fail_every::FailEvery;
pub use ledger::{Account, Book, Ledger};
pub use slots::Slots;
