//! Allocators to put around a tracker and inside of it.

mod audit;
mod fail_every;
mod slots;

pub use audit::Audit;
pub use fail_every::FailEvery;
pub use slots::Slots;
