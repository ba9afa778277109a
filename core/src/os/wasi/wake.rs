//! A bell on which one thread waits and which any thread rings. Without a second thread nobody waits.

/// The bell.
pub(crate) struct Bell;

impl Bell {
    /// A bell that has never rung.
    pub(crate) const fn new() -> Self {
        Bell
    }

    /// How often the bell has rung.
    #[expect(clippy::unused_self, reason = "other systems count")]
    pub(crate) fn rung(&self) -> u32 {
        0
    }

    /// Wakes the thread that waits: there is none.
    pub(crate) fn ring(&self) {}

    /// Waits until a time of the monotonic clock. May return earlier: here at once.
    pub(crate) fn wait(&self, _: u32, _: u64) {}
}

/// Whether the system allows to wait on a bell. It does: the lack of threads is [`spawn`](super::thread::spawn)'s error.
pub(crate) fn is_allowed() -> bool {
    true
}
