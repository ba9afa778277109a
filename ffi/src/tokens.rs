//! Tokens and heaps, for memory that does not come from a function of the C library: the program reports it by hand.
//!
//! A token is one word, so that a program can store it beside the block. It holds the block's cell and its size: 38 bits of
//! bytes, or of pages if the block is larger. The counted size is the one that the token can return, so that nothing remains
//! of a block when its token comes back.

#![allow(non_camel_case_types, reason = "names as C knows them")]

use crate::result::{MEMTRACK_ERROR_INVALID, MEMTRACK_OK, memtrack_result_t};
use crate::text::text;
use crate::tracker::TRACKER;
use core::ffi::{c_char, c_void};
use memtrack_core::{Heap, Token};

/// Identifies a block that was reported. Store it with the block, and give it back once.
pub type memtrack_token_t = u64;

/// No block: the functions below return it if they counted nothing. Giving it back does nothing.
pub const MEMTRACK_TOKEN_NONE: u64 = 0;

/// A named heap.
pub type memtrack_heap_t = u32;

/// The heap without a name: its blocks show beside those of `malloc`.
pub const MEMTRACK_HEAP_DEFAULT: u32 = 0;

/// The heap called `name`, which is made if it is new. Its blocks show under that name at the root of the flame graph. The
/// name is copied (up to 47 bytes of it). `MEMTRACK_HEAP_DEFAULT` if `name` is NULL or there is no room for another heap (32
/// on hosts, 4 on bare metal). Thread-safe. The call searches all names, so call it once and store the heap.
///
/// # Safety
/// `name` must be NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_heap(name: *const c_char) -> memtrack_heap_t {
    // SAFETY: the caller upholds it.
    let heap = unsafe { text(name) }.ok().and_then(|name| TRACKER.heap(name).ok());
    heap.map_or(MEMTRACK_HEAP_DEFAULT, |heap| heap.id().into())
}

/// Reports that a block of `size` bytes was handed out at `ptr` (an address, or any handle that is not NULL), by the
/// calling thread and stack, in `MEMTRACK_HEAP_DEFAULT`. `MEMTRACK_TOKEN_NONE` if `ptr` is NULL: then nothing was handed
/// out. Thread-safe; safe in interrupts.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_on_alloc(ptr: *const c_void, size: usize) -> memtrack_token_t {
    on_alloc(Heap::WRAPPED, ptr, size)
}

/// Like `memtrack_on_alloc`, in a heap of `memtrack_heap`. `MEMTRACK_TOKEN_NONE` if there is no such heap.
/// Thread-safe; safe in interrupts.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_heap_on_alloc(
    heap: memtrack_heap_t,
    ptr: *const c_void,
    size: usize,
) -> memtrack_token_t {
    match TRACKER.heap_by_id(heap) {
        Some(heap) => on_alloc(heap, ptr, size),
        None => MEMTRACK_TOKEN_NONE,
    }
}

/// Reports that a block was resized, and perhaps moved to `ptr`. This is one event. Afterwards the block belongs to the
/// calling thread and stack, in the same heap as before. Returns the new token; the old one must not be used again. If
/// `ptr` is NULL, the resizing failed: then the function returns `token`, which stays valid. `MEMTRACK_TOKEN_NONE`, or a token
/// that `memtrack_on_free` refuses, counts as a block that was not reported yet. Thread-safe; safe in interrupts.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_on_realloc(
    token: memtrack_token_t,
    ptr: *const c_void,
    size: usize,
) -> memtrack_token_t {
    if ptr.is_null() {
        return token;
    }
    let size = bookable(size);
    match unpack(token) {
        Some((old, heap)) if TRACKER.may_be_alive(&old) => {
            pack(TRACKER.on_realloc(old, heap, ptr as usize, size))
        }
        _ => on_alloc(Heap::WRAPPED, ptr, size),
    }
}

/// Reports that a block is freed. The token must not be used again. Call this before the memory can be handed out again.
/// Thread-safe; safe in interrupts.
///
/// `MEMTRACK_ERROR_INVALID` if `token` was never handed out, or if that thread already gave back all blocks of the token's
/// thread and stack. So a token that is given back twice is detected if it was the last one. `MEMTRACK_TOKEN_NONE` is no
/// error.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_on_free(token: memtrack_token_t) -> memtrack_result_t {
    if token == MEMTRACK_TOKEN_NONE {
        return MEMTRACK_OK;
    }
    match unpack(token) {
        Some((block, _)) if TRACKER.may_be_alive(&block) => {
            TRACKER.on_free(block, 0);
            MEMTRACK_OK
        }
        _ => MEMTRACK_ERROR_INVALID,
    }
}

fn on_alloc(heap: Heap, ptr: *const c_void, size: usize) -> memtrack_token_t {
    if ptr.is_null() {
        return MEMTRACK_TOKEN_NONE;
    }
    pack(TRACKER.on_alloc(heap, ptr as usize, bookable(size)))
}

/// Set in every token, so that no token is 0.
const VALID: u64 = 1 << 63;
/// The size is in pages.
const PAGES: u64 = 1 << 62;
const CELL_SHIFT: u32 = 38;
const CELL: u64 = (1 << 24) - 1;
const SIZE: u64 = (1 << CELL_SHIFT) - 1;
const PAGE_SHIFT: u32 = 12;

/// The size that a token can hold: the exact size up to 256 GiB, whole pages beyond.
fn bookable(size: usize) -> usize {
    let bytes = size as u64;
    if bytes <= SIZE { size } else { ((bytes >> PAGE_SHIFT).min(SIZE) << PAGE_SHIFT) as usize }
}

/// The word of a token whose size is [`bookable`].
fn pack(token: Token) -> memtrack_token_t {
    let size = token.size() as u64;
    let size = if size <= SIZE { size } else { PAGES | size >> PAGE_SHIFT };
    VALID | u64::from(token.cell()) << CELL_SHIFT | size
}

/// The token of a word and the heap of its block; `None` if the word is not a token.
fn unpack(word: memtrack_token_t) -> Option<(Token, Heap)> {
    let size = if word & PAGES == 0 { word & SIZE } else { (word & SIZE) << PAGE_SHIFT };
    let token = Token::new((word >> CELL_SHIFT & CELL) as u32, usize::try_from(size).ok()?);
    let heap = TRACKER.heap_of(&token)?;
    (word & VALID != 0).then_some((token, heap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_back_what_was_booked() {
        // Makes the first cell, which the tokens below name.
        assert_eq!(memtrack_on_free(memtrack_on_alloc(16 as *const _, 1)), MEMTRACK_OK);
        for size in [0, 1, 4095, (1 << 38) - 1, 1 << 38, (1 << 40) + 1, usize::MAX] {
            let booked = bookable(size);
            assert!(booked <= size && (size < 1 << 38) == (booked == size) || size % 4096 == 0, "{size}");
            let (token, _) = unpack(pack(Token::new(0, booked))).unwrap();
            assert_eq!((token.cell(), token.size()), (0, booked), "{size}");
        }
    }

    #[test]
    fn made_up_tokens_are_refused() {
        for word in [1, SIZE, VALID | CELL << CELL_SHIFT, !VALID] {
            assert_eq!(memtrack_on_free(word), MEMTRACK_ERROR_INVALID, "{word:x}");
        }
        assert_eq!(memtrack_on_free(MEMTRACK_TOKEN_NONE), MEMTRACK_OK);
        assert_eq!(memtrack_on_alloc(core::ptr::null(), 10), MEMTRACK_TOKEN_NONE);
        assert_eq!(memtrack_heap_on_alloc(99, 16 as *const _, 10), MEMTRACK_TOKEN_NONE);
        let token = memtrack_on_alloc(16 as *const _, 10);
        assert_eq!(memtrack_on_realloc(token, core::ptr::null(), 20), token);
        assert_eq!(memtrack_on_free(token), MEMTRACK_OK);
        assert_eq!(memtrack_on_free(token), MEMTRACK_ERROR_INVALID, "it was given back");
    }
}
