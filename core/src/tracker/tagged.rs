//! Futures under a tag: work that moves between threads keeps its name.

use crate::hook::Tracker;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use core::pin::Pin;
use core::task::{Context, Poll};

/// A future whose every poll runs under a tag, whichever thread polls it: [`Tracker::tagged`].
#[must_use = "futures do nothing unless they are polled"]
pub struct Tagged<'t, F, A, U: Unwind, P: Platform, R: Tables> {
    tracker: &'t Tracker<A, U, P, R>,
    /// `None` when the calling thread's tag could not be read: then the future runs under the tag of the thread that polls
    /// it.
    tag: Option<u32>,
    future: F,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// A future that runs under the calling thread's current tag, whichever threads poll it: its allocations show under
    /// that tag.
    ///
    /// ```
    /// # use memtrack::Tracker;
    /// # use std::alloc::System;
    /// # static HEAP: Tracker<System> = Tracker::new(System);
    /// async fn answer(number: u32) -> String {
    ///     number.to_string()
    /// }
    /// let _request = HEAP.tag("request");
    /// let task = HEAP.tagged(answer(42));
    /// # drop(task);
    /// ```
    pub fn tagged<F: Future>(&self, future: F) -> Tagged<'_, F, A, U, P, R> {
        let tag = self.guard_without_triggers().ok().map(|guard| guard.local.tag.load(Relaxed));
        Tagged { tracker: self, tag, future }
    }

    /// A future that runs under the tag `name`, pushed on the calling thread's current tag. It does the same as
    /// [`tag`](Self::tag) and [`tagged`](Self::tagged).
    pub fn tagged_as<F: Future>(&self, name: &str, future: F) -> Tagged<'_, F, A, U, P, R> {
        let _tag = self.tag(name);
        self.tagged(future)
    }
}

impl<F: Future, A, U: Unwind, P: Platform, R: Tables> Future for Tagged<'_, F, A, U, P, R> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _tag = self.tag.map(|tag| self.tracker.replace_tag(tag));
        // SAFETY: the future is pinned with `self`: it is never moved out of it, and `Tagged` has no `Drop` and is
        // `Unpin` only when the future is.
        unsafe { self.map_unchecked_mut(|tagged| &mut tagged.future) }.poll(context)
    }
}
