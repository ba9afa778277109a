//! An allocator that records every block, as simply as possible: one map under one lock. It sits *under* a tracker,
//! sees the tracker's requests, and shares no code with it.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// Bytes that a tracker adds to a block whose size is a multiple of four.
const TRAILER: u64 = 4;

/// The figures of the program or of a thread, since the ledger began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Allocations, reallocations included.
    pub allocs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Live bytes.
    pub live: u64,
    /// Live blocks.
    pub live_blocks: u64,
    /// Highest live bytes since [`Ledger::reset_peak`].
    pub peak: u64,
    /// Live blocks at that moment.
    pub peak_blocks: u64,
    /// Reallocations.
    pub reallocs: u64,
    /// Blocks that were freed by the thread that allocated them, as its next event.
    pub temporary: u64,
}

impl Account {
    fn add(&mut self, size: u64) {
        self.allocs += 1;
        self.bytes += size;
        self.live += size;
        self.live_blocks += 1;
    }

    fn remove(&mut self, size: u64) {
        self.live -= size;
        self.live_blocks -= 1;
    }

    fn raise(&mut self) {
        if self.live > self.peak {
            (self.peak, self.peak_blocks) = (self.live, self.live_blocks);
        }
    }
}

/// All records of a ledger.
#[derive(Debug, Default)]
pub struct Book {
    /// Size and thread of each block.
    blocks: BTreeMap<usize, (u64, u32)>,
    /// The account of the program.
    pub whole: Account,
    /// The account of each thread, by its number in [`Ledger::enter`]: the blocks that it allocated.
    pub threads: BTreeMap<u32, Account>,
    /// The block that a thread's last event allocated.
    last: BTreeMap<u32, usize>,
    /// The size of the largest block so far.
    pub largest: u64,
}

impl Book {
    fn allocated(&mut self, block: usize, size: u64, thread: u32) {
        assert!(self.blocks.insert(block, (size, thread)).is_none(), "a block is allocated twice");
        self.whole.add(size);
        self.thread(thread).add(size);
        self.last.insert(thread, block);
        self.largest = self.largest.max(size);
    }

    fn freed(&mut self, block: usize) -> (u64, u32) {
        let (size, owner) = self.blocks.remove(&block).expect("a freed block was allocated");
        self.whole.remove(size);
        self.thread(owner).remove(size);
        (size, owner)
    }

    fn thread(&mut self, thread: u32) -> &mut Account {
        self.threads.entry(thread).or_default()
    }

    fn raise(&mut self, thread: u32) {
        self.whole.raise();
        self.thread(thread).raise();
    }
}

/// `A` with records.
pub struct Ledger<A> {
    inner: A,
    book: Mutex<Book>,
}

thread_local! {
    static THREAD: Cell<u32> = const { Cell::new(0) };
}

impl<A> Ledger<A> {
    /// Wraps `inner`, without records.
    pub const fn new(inner: A) -> Self {
        let book = Book {
            blocks: BTreeMap::new(),
            whole: Account {
                allocs: 0,
                bytes: 0,
                live: 0,
                live_blocks: 0,
                peak: 0,
                peak_blocks: 0,
                reallocs: 0,
                temporary: 0,
            },
            threads: BTreeMap::new(),
            last: BTreeMap::new(),
            largest: 0,
        };
        Ledger { inner, book: Mutex::new(book) }
    }

    /// Numbers the calling thread. No other thread may have this number.
    pub fn enter(&self, thread: u32) {
        THREAD.set(thread);
    }

    /// The records. Nothing can be allocated or freed while they are locked.
    ///
    /// # Panics
    /// When a thread panicked while it held the lock.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no thread panics while it holds the lock")
    }

    /// Sets all peaks to the live bytes.
    pub fn reset_peak(&self) {
        let mut book = self.book();
        let book = &mut *book;
        for account in book.threads.values_mut().chain([&mut book.whole]) {
            (account.peak, account.peak_blocks) = (account.live, account.live_blocks);
        }
    }

    fn note(&self, block: *mut u8, size: usize) -> *mut u8 {
        if !block.is_null() {
            let (mut book, thread) = (self.book(), THREAD.get());
            book.allocated(block as usize, size as u64 - TRAILER, thread);
            book.raise(thread);
        }
        block
    }
}

// SAFETY: every call goes unchanged to the inner allocator.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Ledger<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the inner allocator's.
        self.note(unsafe { self.inner.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        self.note(unsafe { self.inner.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        {
            let (mut book, thread) = (self.book(), THREAD.get());
            let (size, owner) = book.freed(block as usize);
            assert_eq!(size + TRAILER, layout.size() as u64, "a block is freed with its size");
            if book.last.remove(&thread) == Some(block as usize) && owner == thread {
                book.whole.temporary += 1;
                book.thread(thread).temporary += 1;
            }
        }
        // SAFETY: as above.
        unsafe { self.inner.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // One lock spans both steps: another thread may get the old address at once.
        let (mut book, thread) = (self.book(), THREAD.get());
        // SAFETY: as above.
        let new = unsafe { self.inner.realloc(block, layout, new_size) };
        if !new.is_null() {
            book.freed(block as usize);
            book.allocated(new as usize, new_size as u64 - TRAILER, thread);
            book.whole.reallocs += 1;
            book.thread(thread).reallocs += 1;
            book.raise(thread);
        }
        new
    }
}
