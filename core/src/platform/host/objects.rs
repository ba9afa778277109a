//! Where the unwind table of the code at an address lies.
//!
//! On glibc ≥ 2.35 `_dl_find_object` tells: lock-free and safe in signal handlers. It is referenced weakly, so
//! that a program still starts where it is missing; there a list of the modules serves that is made outside the
//! hook (at start and at dumps).

use crate::sync::*;
use core::ffi::{c_int, c_void};

/// The unwind table of a module: its `.eh_frame_hdr`, and where the module's mapping ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnwindTable {
    pub(crate) header: usize,
    pub(crate) end: usize,
}

/// glibc's `struct dl_find_object`.
#[repr(C)]
struct Found {
    flags: u64,
    map_start: usize,
    map_end: usize,
    link_map: usize,
    eh_frame: usize,
    reserved: [u64; 7],
}

type FindObject = unsafe extern "C" fn(pc: usize, result: *mut Found) -> c_int;

// A word that the dynamic linker fills with the function's address, or with 0 where there is none. `weak` in an
// assembly of its own, because Rust has no stable weak references.
core::arch::global_asm!(
    ".pushsection .data.rel.ro.memtrack_dl_find_object,\"aw\"",
    ".p2align 3",
    ".weak _dl_find_object",
    ".hidden memtrack_dl_find_object",
    ".globl memtrack_dl_find_object",
    "memtrack_dl_find_object:",
    ".quad _dl_find_object",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "memtrack_dl_find_object"]
    static DL_FIND_OBJECT: Option<FindObject>;
}

/// What runs at the program's start has run.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether `_dl_find_object` can be asked. Where a program is linked statically it is made ready after the first
/// allocations, and by some of them.
fn is_ready() -> bool {
    // SAFETY: the call reads what the kernel left for the program: here where it put the dynamic linker.
    STARTED.load(Relaxed) || unsafe { libc::getauxval(libc::AT_BASE) } != 0
}

/// The unwind table for the code at `pc`.
pub(crate) fn find(pc: usize) -> Option<UnwindTable> {
    let of_linker = if is_ready() { of_linker(pc) } else { None };
    let table = of_linker.or_else(|| list::find(pc)).filter(|table| table.header != 0);
    if let Some(table) = table {
        super::record::met(table.header);
    }
    table
}

/// The range of addresses of the module with the code at `pc`.
pub(crate) fn range(pc: usize) -> Option<(usize, usize)> {
    let of_linker = if is_ready() { ask_linker(pc) } else { None };
    of_linker.map(|found| (found.map_start, found.map_end)).or_else(|| list::range(pc))
}

/// What `_dl_find_object` tells of the unwind table. Where a program is linked statically, that ends with the code, before
/// the table: then it serves as little as where it is missing.
fn of_linker(pc: usize) -> Option<UnwindTable> {
    let found = ask_linker(pc)?;
    (found.eh_frame < found.map_end).then_some(UnwindTable { header: found.eh_frame, end: found.map_end })
}

fn ask_linker(pc: usize) -> Option<Found> {
    // SAFETY: the word is a function pointer or null and does not change once the program runs.
    let find = unsafe { DL_FIND_OBJECT }?;
    let mut found = core::mem::MaybeUninit::<Found>::uninit();
    // SAFETY: the function fills the record in when it returns 0.
    if unsafe { find(pc, found.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: it returned 0.
    Some(unsafe { found.assume_init() })
}

/// Brings the list up to date where it is needed. Outside the hook.
pub(crate) fn refresh() {
    STARTED.store(true, Relaxed);
    if of_linker(refresh as *const () as usize).is_none() {
        list::refresh();
    }
}

mod list {
    use super::*;

    /// Modules that are listed; more have no stacks through them.
    const MAX: usize = 512;

    struct Entry {
        start: AtomicUsize,
        end: AtomicUsize,
        header: AtomicUsize,
    }

    static ENTRIES: [Entry; MAX] = [const {
        Entry { start: AtomicUsize::new(0), end: AtomicUsize::new(0), header: AtomicUsize::new(0) }
    }; MAX];

    pub(super) fn find(pc: usize) -> Option<UnwindTable> {
        let entry = entry(pc)?;
        Some(UnwindTable { header: entry.header.load(Relaxed), end: entry.end.load(Relaxed) })
    }

    pub(super) fn range(pc: usize) -> Option<(usize, usize)> {
        entry(pc).map(|entry| (entry.start.load(Relaxed), entry.end.load(Relaxed)))
    }

    fn entry(pc: usize) -> Option<&'static Entry> {
        let mut listed = ENTRIES.iter().take_while(|entry| entry.end.load(Acquire) != 0);
        listed.find(|entry| (entry.start.load(Relaxed)..entry.end.load(Relaxed)).contains(&pc))
    }

    pub(super) fn refresh() {
        let mut next = 0usize;
        // SAFETY: `visit` gets the pointer that is passed here, and only during the call.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut next).cast()) };
        // Behind it may be what was there when there were more.
        if let Some(entry) = ENTRIES.get(next) {
            entry.end.store(0, Release);
        }
    }

    unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, next: *mut c_void) -> c_int {
        // SAFETY: the linker passes a valid record whose headers lie in the mapped module; `next` is the caller's.
        let (info, headers, next) = unsafe {
            let info = &*info;
            let headers = core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
            (info, headers, &mut *next.cast::<usize>())
        };
        let at = |address: u64| info.dlpi_addr.wrapping_add(address) as usize;
        let loads = || headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
        let header = headers.iter().find(|header| header.p_type == libc::PT_GNU_EH_FRAME);
        if let (Some(entry), Some(header)) = (ENTRIES.get(*next), header) {
            entry.header.store(at(header.p_vaddr), Relaxed);
            entry.start.store(loads().map(|h| at(h.p_vaddr)).min().unwrap_or(0), Relaxed);
            entry.end.store(loads().map(|h| at(h.p_vaddr + h.p_memsz)).max().unwrap_or(0), Release);
            *next += 1;
        }
        0
    }

    #[cfg(test)]
    mod tests {
        use super::{ENTRIES, Relaxed};

        #[test]
        fn the_list_agrees_with_the_dynamic_linker() {
            super::refresh();
            for pc in [super::find as *const () as usize, libc::qsort as *const () as usize] {
                let (listed, found) = (super::find(pc).unwrap(), super::super::find(pc).unwrap());
                assert_eq!(listed.header, found.header);
                assert_eq!(super::range(pc), super::super::range(pc));
            }
            assert_eq!(super::find(0x10), None);
            // What was listed last when there was one module more.
            let gone = ENTRIES.iter().find(|entry| entry.end.load(Relaxed) == 0).unwrap();
            gone.start.store(0x10, Relaxed);
            gone.end.store(0x20, Relaxed);
            assert!(super::find(0x10).is_some());
            super::refresh();
            assert_eq!(super::find(0x10), None);
        }
    }
}
