//! The program's own allocator, for targets without one in the C library and for programs that want another one.
//!
//! The allocator takes an alignment and does not report the sizes of blocks. So each block has a header of 16 bytes in
//! front, which holds the counted size and cell and the offset to the beginning of the allocator's own block.

#![allow(non_camel_case_types, reason = "names as C knows them")]

use crate::result::{MEMTRACK_ERROR_NULL, MEMTRACK_ERROR_TOO_LATE, MEMTRACK_OK, memtrack_result_t};
use crate::sized;
use crate::source::Source;
use crate::tracker::TRACKER;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::null_mut;
#[cfg(not(hosted))]
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::{
    AtomicU8,
    Ordering::{Acquire, Release},
};
use memtrack_core::{Heap, Token};

/// An allocator of the program: three functions and their context. Every caller that allocates calls them, also from
/// interrupts that allocate; memtrack takes no lock around them, unless a `memtrack_platform_t` has one.
///
/// Set `size` to `sizeof(memtrack_allocator_t)`: later versions append members.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct memtrack_allocator_t {
    /// `sizeof(memtrack_allocator_t)`, set by the caller.
    pub size: usize,
    /// Passed to the functions.
    pub context: *mut c_void,
    /// Returns a block of `size` bytes at a multiple of `align`, a power of two, or NULL if there is no memory. Must not
    /// be NULL.
    pub allocate:
        Option<unsafe extern "C" fn(context: *mut c_void, size: usize, align: usize) -> *mut c_void>,
    /// Frees a block. Must not be NULL.
    pub release: Option<unsafe extern "C" fn(context: *mut c_void, block: *mut c_void)>,
    /// Resizes a block, and may move it and copy its bytes. The result is aligned for every type of C. Returns NULL if
    /// that failed and the block is unchanged. May be NULL: then memtrack allocates a new block and copies the bytes.
    pub resize:
        Option<unsafe extern "C" fn(context: *mut c_void, block: *mut c_void, size: usize) -> *mut c_void>,
}

// SAFETY: the functions may be called from anywhere, as the header says, and the context is only passed to them.
unsafe impl Send for memtrack_allocator_t {}
// SAFETY: as above.
unsafe impl Sync for memtrack_allocator_t {}

/// The choice of an allocator before the first block. Nothing waits for it, because a signal may interrupt the choice.
struct Choice {
    state: AtomicU8,
    own: UnsafeCell<MaybeUninit<memtrack_allocator_t>>,
}

const OPEN: u8 = 0;
const CHOOSING: u8 = 1;
/// The program's allocator.
const OWN: u8 = 2;
/// The C library. On a target without one there is nothing else to choose, and the choice stays open.
#[cfg(hosted)]
const LIBRARY: u8 = 3;
/// The program's allocator, under the platform's lock.
#[cfg(not(hosted))]
const OWN_LOCKED: u8 = 4;

// SAFETY: the caller that made the state CHOOSING writes the allocator, once; it is read only after the state is OWN or OWN_LOCKED.
unsafe impl Sync for Choice {}

impl Choice {
    /// Changes an open choice to `state`, and returns whether it was open.
    fn become_from_open(&self, state: u8) -> bool {
        #[cfg(hosted)]
        return self.state.compare_exchange(OPEN, state, Acquire, Acquire).is_ok();
        // Not every target has compare-and-exchange. No one else chooses before interrupts and other cores begin.
        #[cfg(not(hosted))]
        {
            let is_open = self.state.load(Acquire) == OPEN;
            if is_open {
                self.state.store(state, Release);
            }
            is_open
        }
    }
}

static CHOICE: Choice = Choice { state: AtomicU8::new(OPEN), own: UnsafeCell::new(MaybeUninit::uninit()) };

/// Makes the `memtrack_malloc` family (and `__wrap_malloc` …) take its blocks from `allocator`, which is copied. On bare
/// metal nothing can be allocated before this call. On hosts blocks come from the C library unless this call comes first.
/// Call it once, before the first block is allocated and before interrupts or threads allocate.
///
/// `MEMTRACK_ERROR_NULL` if `allocator` or a required function is NULL, `MEMTRACK_ERROR_SIZE` if its `size` was not set,
/// `MEMTRACK_ERROR_TOO_LATE` if blocks were allocated already.
///
/// # Safety
/// `allocator` must be NULL or point to as many bytes as its `size` says; its functions must behave as the struct
/// describes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_set_allocator(allocator: *const memtrack_allocator_t) -> memtrack_result_t {
    // SAFETY: the caller upholds it, and the struct begins with its size.
    let allocator = match unsafe { sized::read(allocator) } {
        Ok(allocator) => allocator,
        Err(error) => return error,
    };
    if allocator.allocate.is_none() || allocator.release.is_none() {
        return MEMTRACK_ERROR_NULL;
    }
    if !CHOICE.become_from_open(CHOOSING) {
        return MEMTRACK_ERROR_TOO_LATE;
    }
    // SAFETY: only the caller that made the state CHOOSING writes, once, and nothing reads before it is OWN.
    unsafe { (*CHOICE.own.get()).write(allocator) };
    CHOICE.state.store(OWN, Release);
    #[cfg(not(hosted))]
    heed_lock();
    MEMTRACK_OK
}

/// Null while the program's allocator is called without a lock.
#[cfg(not(hosted))]
static LOCKED: AtomicPtr<&'static (dyn Source + Sync)> = AtomicPtr::new(null_mut());

/// From now on the program's allocator is `source`, which calls that of [`under_lock`]. Before the first block.
#[cfg(not(hosted))]
pub(crate) fn put_under_lock(source: &'static &'static (dyn Source + Sync)) {
    // Black box: the compiler would see that this is the only source, and call it by name, so that it were part of every program.
    LOCKED.store(core::hint::black_box(core::ptr::from_ref(source).cast_mut()), Release);
    heed_lock();
}

/// The source that takes the platform's lock, if there is one.
#[cfg(not(hosted))]
pub(crate) fn locked_source() -> Option<&'static (dyn Source + Sync)> {
    // SAFETY: it is null, or `put_under_lock` has stored it, from a reference to a static.
    unsafe { LOCKED.load(Acquire).as_ref() }.copied()
}

/// Takes the allocator from those who call it directly.
#[cfg(not(hosted))]
fn heed_lock() {
    if locked_source().is_some() && CHOICE.state.load(Acquire) == OWN {
        CHOICE.state.store(OWN_LOCKED, Release);
    }
}

/// The program's allocator, if it chose one. The first call ends the time for choosing.
#[inline]
pub(crate) fn chosen() -> Option<&'static memtrack_allocator_t> {
    match CHOICE.state.load(Acquire) {
        // SAFETY: it was written before, and never changes afterwards.
        OWN => Some(unsafe { (*CHOICE.own.get()).assume_init_ref() }),
        #[cfg(hosted)]
        OPEN if !CHOICE.become_from_open(LIBRARY) => chosen(),
        _ => None,
    }
}

/// The program's allocator, if it is under the platform's lock.
#[cfg(not(hosted))]
pub(crate) fn under_lock() -> Option<&'static memtrack_allocator_t> {
    // SAFETY: it was written before the state became this one, and never changes afterwards.
    (CHOICE.state.load(Acquire) == OWN_LOCKED).then(|| unsafe { (*CHOICE.own.get()).assume_init_ref() })
}

/// The header in front of a block.
#[repr(C)]
struct Header {
    size: usize,
    /// The cell, and a check byte above it.
    cell: u32,
    /// Bytes from the allocator's block to the program's block.
    offset: u32,
}

/// Bytes of the header. They preserve the alignment that suits every type of C.
const LEN: usize = 16;
/// That alignment.
const NATURAL: usize = 2 * size_of::<usize>();
const _: () = assert!(size_of::<Header>() <= LEN && LEN.is_multiple_of(NATURAL));
const CELL_BITS: u32 = 24;

impl Header {
    fn at(block: *mut c_void) -> *mut Header {
        block.wrapping_byte_sub(LEN).cast()
    }

    fn check(block: *mut c_void, cell: u32) -> u32 {
        let address = (block as usize as u32 >> 3).wrapping_mul(0x9E37_79B1) >> CELL_BITS;
        address ^ (cell ^ cell >> 8 ^ cell >> 16) & 0xff
    }

    /// Writes the header of a block.
    ///
    /// # Safety
    /// The `LEN` bytes in front of the block must be the caller's to write.
    unsafe fn write(block: *mut c_void, token: &Token, offset: usize) {
        let cell = Self::check(block, token.cell()) << CELL_BITS | token.cell();
        let header = Header { size: token.size(), cell, offset: offset as u32 };
        // SAFETY: the caller upholds it. Blocks are aligned for every type, and so is the address 16 bytes before one.
        unsafe { Self::at(block).write(header) }
    }

    /// The token and the offset of a block; `None` if the header was overwritten.
    ///
    /// # Safety
    /// The block must have a header.
    unsafe fn read(block: *mut c_void) -> Option<(Token, usize)> {
        // SAFETY: the caller upholds it.
        let header = unsafe { Self::at(block).read() };
        let cell = header.cell & ((1 << CELL_BITS) - 1);
        let whole = header.cell >> CELL_BITS == Self::check(block, cell);
        whole.then(|| (Token::new(cell, header.size), header.offset as usize))
    }
}

impl memtrack_allocator_t {
    /// Asks for memory; null if there is none or the struct has no such function.
    ///
    /// # Safety
    /// The functions must behave as the struct describes.
    unsafe fn ask(&self, size: usize, align: usize) -> *mut c_void {
        // SAFETY: the caller upholds it.
        self.allocate.map_or(null_mut(), |allocate| unsafe { allocate(self.context, size, align) })
    }

    /// Gives memory back.
    ///
    /// # Safety
    /// It must come from this allocator.
    unsafe fn give_back(&self, base: *mut c_void) {
        if let Some(release) = self.release {
            // SAFETY: the caller upholds it.
            unsafe { release(self.context, base) }
        }
    }

    /// Asks for a block with room for the header in front. Returns the block and its offset.
    ///
    /// # Safety
    /// As for `ask`.
    unsafe fn block(&self, align: usize, size: usize) -> Option<(*mut c_void, usize)> {
        let align = align.max(NATURAL).checked_next_power_of_two()?;
        let offset = align.max(LEN);
        u32::try_from(offset).ok()?;
        let size = size.checked_add(offset).filter(|&size| size <= isize::MAX as usize)?;
        // SAFETY: the caller upholds it.
        let base = unsafe { self.ask(size, align) };
        (!base.is_null()).then(|| (base.wrapping_byte_add(offset), offset))
    }
}

// SAFETY: blocks come from the program's allocator. A block begins `offset` bytes into a request that is `offset` bytes
// larger, and the offset is a multiple of the alignment.
unsafe impl Source for memtrack_allocator_t {
    unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void {
        // SAFETY: the program promised it when it set the allocator.
        let Some((block, offset)) = (unsafe { self.block(align, size) }) else { return self.refuse() };
        let token = TRACKER.on_alloc(Heap::WRAPPED, block as usize, size);
        // SAFETY: the request had room for the header and `size` bytes.
        unsafe {
            Header::write(block, &token, offset);
            if zeroed {
                block.cast::<u8>().write_bytes(0, size);
            }
        }
        block
    }

    unsafe fn resize(&self, block: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: the caller guarantees that the block is one of these.
        let Some((old, offset)) = (unsafe { Header::read(block) }) else { return self.refuse() };
        let old_size = old.size();
        let resized = match self.resize {
            // The header is at the beginning of the allocator's block, so it moves with the block.
            Some(resize) if offset == LEN && size <= isize::MAX as usize - LEN => {
                // SAFETY: the allocator's block begins there.
                let base = unsafe { resize(self.context, block.wrapping_byte_sub(offset), size + LEN) };
                (!base.is_null()).then(|| (base.wrapping_byte_add(LEN), LEN))
            }
            // SAFETY: the program promised it when it set the allocator.
            _ => unsafe { self.block(NATURAL, size) }.inspect(|&(new, _)| unsafe {
                // SAFETY: both blocks have that many bytes; the old block is given back once, and not used afterwards.
                new.cast::<u8>().copy_from_nonoverlapping(block.cast(), old_size.min(size));
                self.give_back(block.wrapping_byte_sub(offset));
            }),
        };
        let Some((new, offset)) = resized else { return self.refuse() };
        let token = TRACKER.on_realloc(old, Heap::WRAPPED, new as usize, size);
        // SAFETY: as in `allocate`.
        unsafe { Header::write(new, &token, offset) };
        new
    }

    unsafe fn release(&self, block: *mut c_void) {
        // SAFETY: the caller guarantees that the block is one of these.
        match unsafe { Header::read(block) } {
            Some((token, offset)) => {
                TRACKER.on_free(token, block as usize);
                // SAFETY: the allocator's block begins there.
                unsafe { self.give_back(block.wrapping_byte_sub(offset)) }
            }
            // Its beginning is no longer known. So it stays allocated, and the damage is counted.
            None => TRACKER.on_free(Token::new(u32::MAX, 0), block as usize),
        }
    }

    unsafe fn usable(&self, block: *mut c_void) -> usize {
        // SAFETY: the caller guarantees that the block is one of these.
        unsafe { Header::read(block) }.map_or(0, |(token, _)| token.size())
    }
}
