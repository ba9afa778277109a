//! Tags: names that a thread pushes under its stacks.

use crate::hook::Tracker;
use crate::platform::{Local, Platform};
use crate::sync::*;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::LossCause;

/// A tag that is pushed on this thread; it is popped when this is dropped.
#[must_use = "a tag is popped when its guard is dropped: bind it with `let _tag = …`"]
pub struct TagGuard<'t> {
    /// The thread's words and the tag before. Not `Send`: a tag belongs to the thread that pushed it.
    pushed: Option<(&'t Local, u32)>,
    not_send: core::marker::PhantomData<*const ()>,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Pushes a tag on the calling thread: until the guard is dropped, its events show under `name` at the root of
    /// their flames. Tags nest: their guards are to be dropped in the reverse order, for each brings back the tag that was
    /// there before it.
    pub fn tag(&self, name: &str) -> TagGuard<'_> {
        self.push(|before| {
            let tag = self.region().tags().find_or_insert(before as u16, name);
            if tag.is_none() {
                self.region().head().losses.count(LossCause::TagsFull);
            }
            tag.map_or(before, u32::from)
        })
    }

    /// Makes `tag` the calling thread's, in place of what it has.
    pub(super) fn replace_tag(&self, tag: u32) -> TagGuard<'_> {
        self.push(|_| tag)
    }

    fn push(&self, tag: impl FnOnce(u32) -> u32) -> TagGuard<'_> {
        let pushed = self.guard_without_triggers().ok().map(|guard| {
            let before = guard.local.tag.load(Relaxed);
            guard.local.tag.store(tag(before), Relaxed);
            (guard.local, before)
        });
        TagGuard { pushed, not_send: core::marker::PhantomData }
    }
}

impl TagGuard<'_> {
    /// Whether there was room for the tag.
    pub(super) fn is_pushed(&self) -> bool {
        self.pushed.is_some_and(|(local, before)| local.tag.load(Relaxed) != before)
    }
}

impl Drop for TagGuard<'_> {
    fn drop(&mut self) {
        if let Some((local, before)) = self.pushed {
            local.tag.store(before, Relaxed);
        }
    }
}
