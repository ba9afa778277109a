//! Memory of each thread's own.

/// Declares a function that returns memory of the running thread's own: `$initial` at first, at the same place as long as
/// the thread runs, and `None` where the thread has none. `$initial` is a constant, and the type has no destructor: so the
/// first access neither allocates nor fails. A program declares one such function.
macro_rules! thread_memory {
    ($(#[$attribute:meta])* fn $name:ident() -> $type:ty = $initial:expr) => {
        $(#[$attribute])*
        #[inline(always)]
        fn $name() -> Option<&'static $type> {
            std::thread_local! {
                static MEMORY: $type = const { $initial };
            }
            // SAFETY: the memory lives as long as the thread, and only this thread gets the reference.
            MEMORY.try_with(|memory| unsafe { &*core::ptr::from_ref(memory) }).ok()
        }
    };
}
pub(crate) use thread_memory;
