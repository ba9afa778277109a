//! The unwind table for the code at an address.
//!
//! The problem: an unwinder needs the table of each module on a stack, in an event or a signal handler, where it cannot
//! wait for the dynamic linker's lock.
//!
//! The idea: ask `_dl_find_object`, which glibc has from 2.35 on. It takes no lock and is safe in signal handlers. The
//! reference to it is weak, so that a program starts where it is missing. Its answer is incomplete in two cases: for a
//! module with gaps between its segments it has the range of one segment, and in a program that is linked statically it
//! has little. There, and where it is missing, the tracker has a list of the modules of its own. It reads the list from
//! `/proc` when it finds code that is not in it.
//!
//! Android's linker has no such function, so there the list serves alone.
//!
//! - *Table*: `.eh_frame_hdr` of a module, the index of its unwind table; on ARM `.ARM.exidx`.
//! - *Object*: a module as far as an unwinder needs it: its address range and its table.

mod entry;
mod list;

use super::elf::{self, Image};
use super::errno::keep_errno;
use crate::os::dump_stack;
use crate::os::patience::Patience;
use crate::sync::*;
use core::ffi::c_int;

/// The unwind table of a module: its index, and the mapped range that contains both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnwindTable {
    /// The address of the index.
    pub(crate) header: usize,
    /// Bytes of the index; 0 when it says itself how long it is.
    length: usize,
    /// The start of the mapped range.
    start: usize,
    /// The end of the mapped range.
    pub(crate) end: usize,
    /// The address of the module's first byte.
    module: usize,
}

impl UnwindTable {
    /// The mapped bytes from the address `from` to the end of the range; `None` when `from` is outside. They may be
    /// read as long as the module is loaded: while a frame of it is on the stack.
    pub(crate) fn bytes(&self, from: usize) -> Option<&'static [u8]> {
        // SAFETY: the range is one segment, or a module without gaps. Code of the module is on the stack, so it stays
        // mapped.
        (self.start..self.end)
            .contains(&from)
            .then(|| unsafe { core::slice::from_raw_parts(from as *const u8, self.end - from) })
    }

    /// A table that fills a range, of a module about which nothing else is known.
    #[cfg(fuzzing)]
    pub(crate) fn in_range(range: core::ops::Range<*const u8>) -> Self {
        static MODULE: [u8; elf::PAGE] = [0; elf::PAGE];
        let (start, end) = (range.start as usize, range.end as usize);
        UnwindTable { header: start, length: 0, start, end, module: MODULE.as_ptr() as usize }
    }

    /// The rows of an index on ARM: a function and its unwind instructions each.
    #[cfg(ehabi)]
    pub(crate) fn rows(&self) -> Option<&'static [[u32; 2]]> {
        let index = self.bytes(self.header)?.get(..self.length)?;
        // SAFETY: any bytes are numbers.
        let (before, rows, _) = unsafe { index.align_to() };
        before.is_empty().then_some(rows)
    }

    /// The address of the module's first instruction; 0 when it is unknown.
    pub(crate) fn entry(&self) -> usize {
        elf::entry(self.module)
    }
}

/// A module: its address range, the range of its code that was asked about, and its unwind table, whose `header` is 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Object {
    start: usize,
    end: usize,
    code: (usize, usize),
    table: UnwindTable,
}

/// glibc's `struct dl_find_object`.
#[repr(C)]
struct Found {
    flags: u64,
    map_start: usize,
    map_end: usize,
    link_map: usize,
    eh_frame: usize,
    /// How many rows there are.
    #[cfg(target_arch = "arm")]
    count: c_int,
    reserved: [u64; 7],
}

type FindObject = unsafe extern "C" fn(pc: usize, result: *mut Found) -> c_int;

// A word that the dynamic linker fills with the function's address, or with 0 where there is none. `weak` in an
// assembly of its own, because Rust has no stable weak references.
core::arch::global_asm!(
    ".pushsection .data.rel.ro.memtrack_dl_find_object,\"aw\"",
    ".balign 8",
    ".weak _dl_find_object",
    ".hidden memtrack_dl_find_object",
    ".globl memtrack_dl_find_object",
    "memtrack_dl_find_object:",
    ".dc.a _dl_find_object",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "memtrack_dl_find_object"]
    static DL_FIND_OBJECT: Option<FindObject>;
}

/// Whether `begin` has run.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether `_dl_find_object` can be called. In a program that is linked statically, its preparation comes after the
/// first allocations, and allocates.
fn is_ready() -> bool {
    STARTED.load(Relaxed) || is_dynamic()
}

/// Whether the program is linked dynamically.
fn is_dynamic() -> bool {
    // SAFETY: the call only reads the auxiliary vector, which the kernel wrote for the program: here the address of the
    // dynamic linker.
    unsafe { libc::getauxval(libc::AT_BASE) != 0 }
}

/// The unwind table for the code at `pc`, which must be on the stack: so its module stays loaded. `None` for code
/// without a table, or of no known module. Can run in an event and in a signal handler. Restores `errno`.
pub(crate) fn find(pc: usize) -> Option<UnwindTable> {
    let table = object(pc)?.table;
    (table.header != 0).then_some(table)
}

/// The address range of the module with the code at `pc`, under the same conditions as [`find`].
pub(crate) fn range(pc: usize) -> Option<(usize, usize)> {
    object(pc).map(|object| (object.start, object.end))
}

/// A range with the code at `pc`, under the same conditions as [`find`]. All of it is the module's.
pub(crate) fn code(pc: usize) -> Option<(usize, usize)> {
    object(pc).map(|object| object.code)
}

/// The module with the code at `pc`.
fn object(pc: usize) -> Option<Object> {
    match ask_linker(pc) {
        Answer::Object(object) => Some(object),
        // The linker knows all modules. So this is code that was made at run time, and `/proc` need not be read again.
        Answer::Nothing => list::find(pc, None),
        Answer::Segment { header, bias } => {
            list::find(pc, Some(header)).or_else(|| list::find_after_refresh(pc, Some(header), Some(bias)))
        }
        Answer::Unable => list::find(pc, None).or_else(|| list::find_after_refresh(pc, None, None)),
    }
}

/// The dynamic linker's answer about the code at an address.
enum Answer {
    /// The whole module.
    Object(Object),
    /// A module's unwind table (0 for none) and its bias, without the ends of the module and of its table.
    Segment { header: usize, bias: usize },
    /// The code is in no module.
    Nothing,
    /// The linker cannot be asked.
    Unable,
}

/// Asks the dynamic linker about the code at `pc`.
fn ask_linker(pc: usize) -> Answer {
    // SAFETY: the linker has set the word to the function or null, before the program runs.
    let Some(find) = (unsafe { DL_FIND_OBJECT }).filter(|_| is_ready()) else { return Answer::Unable };
    let mut found = core::mem::MaybeUninit::<Found>::uninit();
    // SAFETY: the record is valid for the call. The function takes no lock, and `is_ready` says that it can be called.
    if unsafe { find(pc, found.as_mut_ptr()) } != 0 {
        return Answer::Nothing;
    }
    // SAFETY: the function returned 0, so it has filled the record in.
    let found = unsafe { found.assume_init() };
    let Found { map_start, map_end, link_map, eh_frame: header, .. } = found;
    #[cfg(target_arch = "arm")]
    let length = found.count as usize * size_of::<[u32; 2]>();
    #[cfg(not(target_arch = "arm"))]
    let length = 0;
    // In a program that is linked statically, a missing table says nothing: the range is that of the code alone.
    let has_none = header == 0 && is_dynamic();
    if has_none || (map_start..map_end).contains(&header) {
        let table = UnwindTable { header, length, start: map_start, end: map_end, module: map_start };
        let range = (map_start, map_end);
        return Answer::Object(Object { start: map_start, end: map_end, code: range, table });
    }
    // SAFETY: the module's code is on the stack, so its record in the linker exists. The record begins with the bias.
    let bias = if link_map == 0 { 0 } else { unsafe { *(link_map as *const usize) } };
    Answer::Segment { header, bias }
}

/// At the program's start, outside the hook: lists the modules, if the dynamic linker's answers are incomplete.
pub(crate) fn begin() {
    STARTED.store(true, Relaxed);
    // SAFETY: the call only reads the auxiliary vector, which the kernel wrote for the program: here the program's
    // entry.
    let program = unsafe { libc::getauxval(libc::AT_ENTRY) } as usize;
    let is_complete = |pc| matches!(ask_linker(pc), Answer::Object(_));
    if !is_complete(program) || !is_complete(begin as *const () as usize) {
        list::refresh_outside();
    }
}

/// Removes modules that were unloaded from the list. Outside the hook, after each unloading.
pub(crate) fn unloaded() {
    if list::is_used() {
        list::refresh_outside();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_code_has_a_table_and_a_range() {
        let here = find as *const () as usize;
        let table = find(here).unwrap();
        assert!(table.bytes(table.header).is_some() && table.bytes(table.end).is_none());
        let (start, end) = range(here).unwrap();
        assert!((start..end).contains(&here));
        let (start, end) = code(here).unwrap();
        assert!((start..end).contains(&here));
        assert_eq!((find(0x10), range(0x10), code(0x10)), (None, None, None));
    }
}
