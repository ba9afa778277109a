//! Memory of each thread's own: of the one thread's.

/// Declares a function that returns memory of the running thread's own: `$initial` at first, at the same place as long as
/// the thread runs. `$initial` is a constant, and the type has no destructor. A program declares one such function.
macro_rules! thread_memory {
    ($(#[$attribute:meta])* fn $name:ident() -> $type:ty = $initial:expr) => {
        $(#[$attribute])*
        #[inline(always)]
        fn $name() -> Option<&'static $type> {
            static MEMORY: $type = $initial;
            Some(&MEMORY)
        }
    };
}
pub(crate) use thread_memory;
