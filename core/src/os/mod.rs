//! The operating system.

pub(crate) mod linux;
