//! Turns panics of format readers into errors. Readers of foreign formats may panic on a damaged or hostile
//! file.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// Calls a reader. If it panics, nothing is printed. Its state may be inconsistent then: later calls may
/// panic again or return nothing, but their answers are checked like all others.
///
/// # Errors
/// Returns an error if it panics.
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
    fn nested_panics_are_errors() {
        let outer = contained(|| {
            let inner = contained(|| [1, 2][std::hint::black_box(2)]);
            assert!(inner.is_err());
            7
        });
        assert_eq!(outer, Ok(7));
    }
}
