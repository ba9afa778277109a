//! Tags: names that a thread pushes under its stacks.

use crate::hook::Tracker;
use crate::platform::{Local, Platform};
use crate::sync::*;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::LossCause;

/// A tag on this thread's stack of tags; it is popped when this is dropped.
#[must_use = "a tag is popped when its guard is dropped: bind it with `let _tag = …`"]
pub struct TagGuard<'t> {
    /// The thread's words and its tag before this one. Not `Send`: a tag belongs to the thread that pushed it.
    pushed: Option<(&'t Local, u32)>,
    not_send: core::marker::PhantomData<*const ()>,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Pushes a tag on the calling thread: until the guard is dropped, the thread's stacks have `name` as their root. Tags
    /// nest. Drop their guards in the reverse order, because each restores the tag that was there before it.
    pub fn tag(&self, name: &str) -> TagGuard<'_> {
        self.push(|before| {
            let tag = self.region().tags().find_or_insert(before as u16, name);
            if tag.is_none() {
                self.region().head().losses.count(LossCause::TagsFull);
            }
            tag.map_or(before, u32::from)
        })
    }

    /// Replaces the calling thread's tag by `tag`, until the guard is dropped.
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
    /// Whether the table had space for the tag.
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
