//! The hook: what runs at every allocation and free.

#[cfg(feature = "std")]
mod abandoned;
pub(crate) mod alloc;
pub(crate) mod attend;
mod cell;
pub(crate) mod guard;
mod quick;
pub(crate) mod realloc;
pub(crate) mod region_pointer;
#[cfg(feature = "std")]
pub(crate) mod stage_cells;
