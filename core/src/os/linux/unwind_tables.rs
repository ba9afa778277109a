//! Where the unwind table of the code at an address is.
//!
//! On glibc ≥ 2.35 `_dl_find_object` tells: lock-free and safe in signal handlers. It is referenced weakly, so that a
//! program still starts where it is missing. It tells one segment's range of a module with gaps between its segments, and
//! little in a program that is linked statically. There, and where it is missing, a list of the modules serves, which is
//! read from `/proc` when code is met that it lacks.

mod list;

use super::dump_stack;
use super::elf::{self, Image};
use super::errno::keep_errno;
use crate::os::patience::Patience;
use crate::sync::*;
use core::ffi::c_int;
use core::sync::atomic::fence;

/// The unwind table of a module: its `.eh_frame_hdr`, and the mapped range that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnwindTable {
    pub(crate) header: usize,
    start: usize,
    pub(crate) end: usize,
    /// Where the module begins.
    module: usize,
}

impl UnwindTable {
    /// What is mapped from an address in the range on.
    pub(crate) fn bytes(&self, from: usize) -> Option<&'static [u8]> {
        // SAFETY: the range is one segment, or a module without gaps, of code that is on the stack: it stays mapped.
        (self.start..self.end)
            .contains(&from)
            .then(|| unsafe { core::slice::from_raw_parts(from as *const u8, self.end - from) })
    }

    /// A table that fills a range, of a module that nobody can tell anything of.
    #[cfg(fuzzing)]
    pub(crate) fn laid(range: core::ops::Range<*const u8>) -> Self {
        static MODULE: [u8; elf::PAGE] = [0; elf::PAGE];
        let (start, end) = (range.start as usize, range.end as usize);
        UnwindTable { header: start, start, end, module: MODULE.as_ptr() as usize }
    }

    /// Where the module is entered; 0 when that cannot be told.
    pub(crate) fn entry(&self) -> usize {
        elf::entry(self.module)
    }
}

/// A module: the range that its addresses are in, and its unwind table, with `header` 0 where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Object {
    start: usize,
    end: usize,
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
    STARTED.load(Relaxed) || is_dynamic()
}

/// The kernel has started the dynamic linker for the program.
fn is_dynamic() -> bool {
    // SAFETY: the call reads what the kernel left for the program: here where it put the dynamic linker.
    unsafe { libc::getauxval(libc::AT_BASE) != 0 }
}

/// The unwind table for the code at `pc`.
pub(crate) fn find(pc: usize) -> Option<UnwindTable> {
    let table = object(pc)?.table;
    (table.header != 0).then_some(table)
}

/// The range of addresses of the module with the code at `pc`.
pub(crate) fn range(pc: usize) -> Option<(usize, usize)> {
    object(pc).map(|object| (object.start, object.end))
}

fn object(pc: usize) -> Option<Object> {
    match ask_linker(pc) {
        Answer::Object(object) => Some(object),
        // It knows all code of modules, so that nobody reads `/proc` for code that is made at run time.
        Answer::Nothing => list::find(pc, None),
        Answer::Segment { header, bias } => {
            list::find(pc, Some(header)).or_else(|| list::find_anew(pc, Some(header), Some(bias)))
        }
        Answer::Unable => list::find(pc, None).or_else(|| list::find_anew(pc, None, None)),
    }
}

/// What the dynamic linker says of the code at an address.
enum Answer {
    /// All that there is to know.
    Object(Object),
    /// A module's unwind table, 0 for none, and its bias; where the module and its table end it does not say.
    Segment { header: usize, bias: usize },
    /// No module has it.
    Nothing,
    /// It cannot be asked.
    Unable,
}

fn ask_linker(pc: usize) -> Answer {
    // SAFETY: the word is a function pointer or null and does not change once the program runs.
    let Some(find) = (unsafe { DL_FIND_OBJECT }).filter(|_| is_ready()) else { return Answer::Unable };
    let mut found = core::mem::MaybeUninit::<Found>::uninit();
    // SAFETY: the function fills the record in when it returns 0.
    if unsafe { find(pc, found.as_mut_ptr()) } != 0 {
        return Answer::Nothing;
    }
    // SAFETY: it returned 0.
    let Found { map_start, map_end, link_map, eh_frame: header, .. } = unsafe { found.assume_init() };
    // A module without a table, unless the program is linked statically: there the range is that of its code alone.
    let has_none = header == 0 && is_dynamic();
    if has_none || (map_start..map_end).contains(&header) {
        let table = UnwindTable { header, start: map_start, end: map_end, module: map_start };
        return Answer::Object(Object { start: map_start, end: map_end, table });
    }
    // SAFETY: the linker's record of a module whose code is on the stack begins with its bias.
    let bias = if link_map == 0 { 0 } else { unsafe { *(link_map as *const usize) } };
    Answer::Segment { header, bias }
}

/// At the program's start, outside the hook: lists the modules where the dynamic linker does not tell enough of them.
pub(crate) fn begin() {
    STARTED.store(true, Relaxed);
    // SAFETY: the call reads what the kernel left for the program: here where it is entered.
    let program = unsafe { libc::getauxval(libc::AT_ENTRY) } as usize;
    let is_told = |pc| matches!(ask_linker(pc), Answer::Object(_));
    if !is_told(program) || !is_told(begin as *const () as usize) {
        list::refresh_outside();
    }
}

/// Something was unloaded; outside the hook.
pub(crate) fn unloaded() {
    if list::is_used() {
        list::refresh_outside();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_tell_of_this_code() {
        let here = find as *const () as usize;
        let table = find(here).unwrap();
        assert!(table.bytes(table.header).is_some() && table.bytes(table.end).is_none());
        let (start, end) = range(here).unwrap();
        assert!((start..end).contains(&here));
        assert_eq!((find(0x10), range(0x10)), (None, None));
    }
}
