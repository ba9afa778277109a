//! The C library as the source of blocks.
//!
//! A block's token is in its tail: the last bytes of the memory that the allocator gave for it ([`tail`]).
//! `malloc_usable_size` finds them again. There is no header, so a block begins where the allocator put it. It keeps its
//! alignment, and the program may free it directly, or get one from the allocator directly (`strdup` under `--wrap`, blocks
//! from before this library was loaded).
//!
//! *Foreign*: a block without a tail. Its free is not counted, because its allocation was not.

#[cfg(preloading)]
mod by_name;
mod early;
#[cfg(preloading)]
mod next;
#[cfg(preloading)]
mod objects;
mod tail;
#[cfg(interposing)]
mod zones;

pub(crate) use next::Way;
#[cfg(preloading)]
pub(crate) use next::{is_beside_next, is_shared, tells_sizes};
#[cfg(preloading)]
pub(crate) use objects::{first, is_another, next_after};
#[cfg(interposing)]
pub(crate) use zones::Zone;

use crate::source::Source;
use crate::tracker::TRACKER;
use core::ffi::{CStr, c_void};
use memtrack_core::{Heap, Token};
use next::Functions;
#[cfg(interposing)]
use zones as next;

/// The source of blocks that are counted.
pub(crate) struct Tracked(pub(crate) Way);
/// The source of blocks that are not counted.
pub(crate) struct Plain(pub(crate) Way);

/// The value of an environment variable; `Err` if the C library is not initialised yet.
pub(crate) fn environment(name: &[u8]) -> Result<Option<&'static [u8]>, ()> {
    let mut at = next::variables();
    if at.is_null() {
        return Err(());
    }
    // SAFETY: the C library's list of strings ends in null. It is read at a program's start, before the program changes it.
    unsafe {
        while !(*at).is_null() {
            let entry = CStr::from_ptr(*at).to_bytes();
            if let Some(value) = entry.strip_prefix(name).and_then(|rest| rest.strip_prefix(b"=")) {
                return Ok(Some(value));
            }
            at = at.add(1);
        }
    }
    Ok(None)
}

/// The size to ask the allocator for. A size that is too large stays too large.
#[inline]
fn padded(size: usize) -> usize {
    size.saturating_add(tail::LEN)
}

/// Books a new block and writes its tail. A block without room for a tail stays foreign.
///
/// # Safety
/// `block` must be the caller's, and requested with [`padded`] bytes.
#[inline]
unsafe fn book(next: &Functions, block: *mut c_void, size: usize, token: impl FnOnce() -> Token) {
    // SAFETY: the caller upholds it.
    unsafe {
        let usable = next.usable(block);
        if usable >= padded(size) {
            tail::write(block.cast(), usable, &token());
        }
    }
}

// SAFETY: blocks come from the C library with room for their tails, and go back to it.
unsafe impl Source for Tracked {
    #[inline]
    unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void {
        let Some(next) = next::functions(&self.0) else { return early::allocate(align, size) };
        // SAFETY: as the trait says.
        unsafe {
            let block = next.allocate(align, padded(size), zeroed);
            if block.is_null() {
                TRACKER.on_failure();
            } else {
                book(next, block, size, || TRACKER.on_alloc(Heap::WRAPPED, block as usize, size));
            }
            block
        }
    }

    unsafe fn resize(&self, block: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: as the trait says. The tail is erased before the allocator may give the memory to another block, and is
        // restored if the block is unchanged.
        unsafe {
            let Some(next) = next::functions(&self.0).filter(|_| !early::owns(block)) else {
                return early::resize(self, block, size);
            };
            let usable = next.usable(block);
            let old = tail::take(block.cast(), usable);
            if size == 0 {
                return self.resize_to_nothing(next, block, old);
            }
            let new = next.realloc(block, padded(size));
            if new.is_null() {
                if let Some(old) = old {
                    tail::write(block.cast(), usable, &old);
                }
                TRACKER.on_failure();
                return new;
            }
            book(next, new, size, || match old {
                Some(old) => TRACKER.on_realloc(old, Heap::WRAPPED, new as usize, size),
                None => TRACKER.on_alloc(Heap::WRAPPED, new as usize, size),
            });
            new
        }
    }

    #[inline]
    unsafe fn release(&self, block: *mut c_void) {
        // SAFETY: as the trait says.
        unsafe {
            let Some(next) = next::functions(&self.0).filter(|_| !early::owns(block)) else { return };
            if let Some(token) = tail::take(block.cast(), next.usable(block)) {
                TRACKER.on_free(token, block as usize);
            }
            next.free(block);
        }
    }

    unsafe fn usable(&self, block: *mut c_void) -> usize {
        // SAFETY: as the trait says.
        unsafe {
            let Some(next) = next::functions(&self.0).filter(|_| !early::owns(block)) else {
                return early::size(block);
            };
            let usable = next.usable(block);
            // The program may use all of a block except its tail.
            if tail::is_there(block.cast(), usable) { usable - tail::LEN } else { usable }
        }
    }
}

impl Tracked {
    /// `realloc` to 0 bytes: some C libraries free the block, others return a block of 0 bytes.
    ///
    /// # Safety
    /// As for `resize`; `old` must have been taken from the block.
    #[cold]
    unsafe fn resize_to_nothing(
        &self,
        next: &Functions,
        block: *mut c_void,
        old: Option<Token>,
    ) -> *mut c_void {
        if let Some(old) = old {
            TRACKER.on_free(old, block as usize);
        }
        // SAFETY: the caller upholds it.
        unsafe {
            let new = next.realloc(block, 0);
            if !new.is_null() {
                book(next, new, 0, || TRACKER.on_alloc(Heap::WRAPPED, new as usize, 0));
            }
            new
        }
    }
}

// SAFETY: blocks come from the C library and go back to it.
unsafe impl Source for Plain {
    unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void {
        match next::functions(&self.0) {
            // SAFETY: as the trait says.
            Some(next) => unsafe { next.allocate(align, size, zeroed) },
            None => early::allocate(align, size),
        }
    }

    unsafe fn resize(&self, block: *mut c_void, size: usize) -> *mut c_void {
        match next::functions(&self.0).filter(|_| !early::owns(block)) {
            // SAFETY: as the trait says.
            Some(next) => unsafe { next.realloc(block, size) },
            // SAFETY: as the trait says.
            None => unsafe { early::resize(self, block, size) },
        }
    }

    unsafe fn release(&self, block: *mut c_void) {
        if let Some(next) = next::functions(&self.0).filter(|_| !early::owns(block)) {
            // SAFETY: as the trait says.
            unsafe { next.free(block) };
        }
    }

    unsafe fn usable(&self, block: *mut c_void) -> usize {
        match next::functions(&self.0).filter(|_| !early::owns(block)) {
            // SAFETY: as the trait says.
            Some(next) => unsafe { next.usable(block) },
            // SAFETY: the block is an early one.
            None => unsafe { early::size(block) },
        }
    }
}
