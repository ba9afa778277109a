//! The unwind table for the code at an address: `.pdata` of its module.
//!
//! The system's own look-up may wait for the loader's lock. Here the list of the process's pages leads to the module: it
//! needs no lock, and the module's headers lead to the table.

use super::errno::keep_errno;
use super::memory::pages;
use super::pe::Headers;
use super::system::MEM_IMAGE;
use core::ptr::with_exposed_provenance;

/// A function in the table. The numbers are offsets in the module.
#[cfg(cfi)]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) begin: u32,
    pub(crate) end: u32,
    /// The function's unwind codes.
    pub(crate) codes: u32,
}

/// The unwind table of a module.
#[cfg(cfi)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnwindTable {
    /// The address of the module.
    pub(crate) module: usize,
    size: usize,
    /// The functions, by address.
    pub(crate) functions: &'static [Function],
}

#[cfg(cfi)]
impl UnwindTable {
    /// A table of a module that a test has made.
    #[cfg(test)]
    pub(crate) fn of_parts(module: &'static [u8], functions: &'static [Function]) -> UnwindTable {
        UnwindTable { module: module.as_ptr().expose_provenance(), size: module.len(), functions }
    }

    /// The bytes of the module from an offset to its end; `None` when the offset is outside. They may be read as far as
    /// the module's tables reach, and as long as it is loaded: while a frame of it is on the stack.
    pub(crate) fn bytes(&self, offset: usize) -> Option<&'static [u8]> {
        let length = self.size.checked_sub(offset)?;
        // SAFETY: the module has this size, and code of it is on the stack, so it stays mapped. Nobody changes its tables.
        Some(unsafe { core::slice::from_raw_parts(with_exposed_provenance(self.module + offset), length) })
    }
}

/// The address and the headers of the module with the code at `pc`, which must be on the stack.
fn module(pc: usize) -> Option<(usize, Headers)> {
    let pages = keep_errno(|| pages(pc)).filter(|pages| pages.kind == MEM_IMAGE)?;
    let read = |address: usize, to: &mut [u8]| {
        // SAFETY: the first page of a module has its headers, and is mapped as long as its code is.
        let from = unsafe { core::slice::from_raw_parts(with_exposed_provenance(address), to.len()) };
        to.copy_from_slice(from);
        true
    };
    let start = pages.allocation_base;
    Some((start, Headers::read(start, &read)?))
}

/// The unwind table for the code at `pc`, which must be on the stack: so its module stays loaded. `None` for code of no
/// module. Can run in an event. Restores the error number.
#[cfg(cfi)]
pub(crate) fn find(pc: usize) -> Option<UnwindTable> {
    let (start, headers) = module(pc)?;
    let (offset, length) = headers.functions;
    let is_inside = offset.checked_add(length).is_some_and(|end| end <= headers.size);
    let count = if is_inside { length / size_of::<Function>() } else { 0 };
    // SAFETY: the table is within the module, which stays mapped, and begins at a multiple of four.
    let functions = unsafe {
        let first: *const Function = with_exposed_provenance(start + offset / 4 * 4);
        core::slice::from_raw_parts(first, count)
    };
    Some(UnwindTable { module: start, size: headers.size, functions })
}

/// The address range of the module with the code at `pc`, under the same conditions as [`find`].
pub(crate) fn range(pc: usize) -> Option<(usize, usize)> {
    module(pc).map(|(start, headers)| (start, start + headers.size))
}

/// Forgets modules that were unloaded. Here nothing is remembered.
pub(crate) fn unloaded() {}
