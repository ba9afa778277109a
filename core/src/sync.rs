//! The atomics that everything here is built on: the processor's own, or portable-atomic's where it lacks some.

#[cfg(all(target_pointer_width = "64", not(feature = "portable-atomic")))]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(not(feature = "portable-atomic"))]
pub(crate) use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
#[cfg(all(target_pointer_width = "64", feature = "portable-atomic"))]
pub(crate) use portable_atomic::AtomicU64;
#[cfg(feature = "portable-atomic")]
pub(crate) use portable_atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
