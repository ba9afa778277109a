//! The atomic integers of this crate: the processor's, or those of portable-atomic where the processor has none. Under
//! `cargo xtask models`, the tables have those of a model checker, which tries every order of the threads' steps.

#[cfg(models)]
pub(crate) mod checked;

#[cfg(models)]
pub(crate) use checked::{AtomicU16, AtomicU32, AtomicU64, AtomicUsize, light_barrier, spin_loop};
#[cfg(all(
    any(target_pointer_width = "64", feature = "std"),
    not(feature = "portable-atomic"),
    not(models)
))]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(not(feature = "portable-atomic"))]
pub(crate) use core::sync::atomic::{
    AtomicBool, AtomicPtr,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
};
#[cfg(not(any(feature = "portable-atomic", models)))]
pub(crate) use core::sync::atomic::{AtomicU16, AtomicU32, AtomicUsize};
#[cfg(all(any(target_pointer_width = "64", feature = "std"), feature = "portable-atomic"))]
pub(crate) use portable_atomic::AtomicU64;
#[cfg(feature = "portable-atomic")]
pub(crate) use portable_atomic::{
    AtomicBool, AtomicPtr, AtomicU16, AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
};

/// The word of a lock. It is never the model checker's: the checker does not see the values that locks guard.
#[cfg(not(feature = "portable-atomic"))]
pub(crate) use core::sync::atomic::AtomicU32 as Word;
#[cfg(feature = "portable-atomic")]
pub(crate) use portable_atomic::AtomicU32 as Word;

#[cfg(not(models))]
pub(crate) use core::hint::spin_loop;

/// The cheap side of an asymmetric barrier: it orders the compiler only. The other side orders the processors, by a barrier on
/// every running thread. A model checker has no such barrier: there, both sides are full fences.
#[cfg(not(models))]
#[inline(always)]
pub(crate) fn light_barrier() {
    core::sync::atomic::compiler_fence(SeqCst);
}
