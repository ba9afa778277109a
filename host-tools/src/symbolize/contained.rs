//! Readers of foreign formats may panic at what a damaged or hostile file holds. Such a panic is an error of that file.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// Asks a reader. Nothing is printed when it panics, and what it holds is not trusted afterwards: it may panic again, or
/// say nothing, but its answers are checked like all others.
///
/// # Errors
/// When it panics.
pub(super) fn contained<T>(ask: impl FnOnce() -> T) -> Result<T, String> {
    static ONCE: Once = Once::new();
    thread_local! {
        static ASKING: Cell<u32> = const { Cell::new(0) };
    }
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if ASKING.get() == 0 {
                before(about);
            }
        }));
    });
    ASKING.set(ASKING.get() + 1);
    let answer = panic::catch_unwind(AssertUnwindSafe(ask));
    ASKING.set(ASKING.get() - 1);
    answer.map_err(|_| "it is damaged: its reader failed".into())
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_panic_is_an_error_also_within_another_question() {
        let outer = contained(|| {
            let inner = contained(|| [1, 2][std::hint::black_box(2)]);
            assert!(inner.is_err());
            7
        });
        assert_eq!(outer, Ok(7));
    }
}
