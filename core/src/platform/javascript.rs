//! The platform of a program of WebAssembly in a JavaScript engine: one thread, and the engine's clocks.

use super::{Local, Platform, Process};
use crate::sync::*;

#[link(wasm_import_module = "memtrack")]
unsafe extern "C" {
    /// Milliseconds since any fixed moment: `performance.now()`.
    fn now() -> f64;
    /// Milliseconds since 1970: `Date.now()`.
    fn date() -> f64;
}

/// A program of WebAssembly with one thread in a JavaScript engine: a page in a browser, or a program of Node.js. The page
/// provides the imports `memtrack.now` and `memtrack.date`: `examples/browser/memtrack.js` does.
///
/// It is not there where workers share the memory (the target feature `atomics`): implement [`Platform`] for those.
#[derive(Debug, Default, Clone, Copy)]
pub struct JavaScript;

static LOCAL: Local = Local::new();
static TRACKERS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the program has one thread, and nothing interrupts it, so one `Local` serves. The clocks are functions of the
// engine, which neither allocate in the program's memory nor call the program. All memory below its size is readable.
unsafe impl Platform for JavaScript {
    #[inline]
    fn local(&self, tracker: usize) -> Option<&Local> {
        (tracker == 0).then_some(&LOCAL)
    }

    fn reserve(&self) -> Option<usize> {
        (TRACKERS.fetch_add(1, Relaxed) == 0).then_some(0)
    }

    fn now_ns(&self) -> u64 {
        // SAFETY: the function takes nothing and returns a number.
        nanoseconds(unsafe { now() })
    }

    fn thread_id(&self) -> u64 {
        1
    }

    fn thread_name(&self, _: u64) -> [u8; 16] {
        *b"main\0\0\0\0\0\0\0\0\0\0\0\0"
    }

    #[inline]
    fn stack(&self, _: &Local, _: usize) -> Option<(usize, usize)> {
        const WASM_PAGE: usize = 64 << 10;
        Some((0, core::arch::wasm32::memory_size::<0>().saturating_mul(WASM_PAGE)))
    }

    fn process(&self) -> Process {
        // SAFETY: the function takes nothing and returns a number.
        Process { unix_ns: nanoseconds(unsafe { date() }), ..Process::default() }
    }
}

fn nanoseconds(milliseconds: f64) -> u64 {
    (milliseconds * 1e6) as u64
}
