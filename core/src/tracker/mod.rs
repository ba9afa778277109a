//! The methods of a [`Tracker`](crate::Tracker) that a program calls: to name its parts, to read figures, to ask for dumps.
//! None of them allocates.
//!
//! | file | methods |
//! |---|---|
//! | `stage`, `begin_end` | stages of the process, with guards and without |
//! | `scope`, `thread_stage` | figures of one thread: of a closure, of a stage |
//! | `tag`, `tagged` | tags of the calling thread and of futures |
//! | `token`, `allocator` | memory that the wrapped allocator does not see; the tracker as the allocator of one collection |
//! | `budget`, `control` | a callback for a peak; resets, pauses, slack |
//! | `stats`, `metrics` | figures, and the same for Prometheus |
//! | `dump`, `registered` | dumps and recordings; the region as the session sees it |

#[cfg(feature = "allocator-api2")]
mod allocator;
mod begin_end;
mod budget;
mod control;
#[cfg(feature = "std")]
mod dump;
mod measurement;
mod metrics;
#[cfg(feature = "std")]
mod registered;
pub(crate) mod scope;
pub(crate) mod stage;
mod stats;
pub(crate) mod tag;
pub(crate) mod tagged;
pub(crate) mod thread_stage;
#[cfg(feature = "std")]
mod thread_stage_cells;
pub(crate) mod token;
