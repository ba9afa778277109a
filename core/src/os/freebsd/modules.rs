//! Modules: the executable and the libraries that are loaded, with their paths, segments and build ids.
//!
//! The dynamic linker lists them under its lock. So they are listed at the program's start, and around each unloading that the program
//! reports by [`Host::unloading`](crate::platform::Host::unloading).

use super::super::unix::notes::build_id;
use super::information;
use core::ffi::{CStr, c_int, c_void};
use heapless::Vec;
use memtrack_format::{List, Module, Segment};

pub(crate) use super::super::unix::notes::MAX_BUILD_ID;
pub(crate) use super::memory::PAGE;
pub(crate) use super::stamp::stamped;

/// Copies the memory of a module from an address on; false when it cannot be read.
pub(crate) type Read<'r> = &'r dyn Fn(usize, &mut [u8]) -> bool;
/// A function that is called for each module. The second argument reads the module's memory.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&Module<'_>, Read<'_>);

/// The flag of a segment with code: `PF_X` of `sys/elf_common.h`.
const EXECUTABLE: u32 = 1;
/// The most segments of a module. Of a file with more, the first ones count.
pub(crate) const MAX_SEGMENTS: usize = 16;
/// The most note segments of a module.
const MAX_NOTES: usize = 4;
const MAX_PATH: usize = libc::PATH_MAX as usize;

/// Copies the bytes at an address; false when they cannot be read. The kernel copies them.
pub(crate) fn read_mapped(address: usize, buffer: &mut [u8]) -> bool {
    super::errno::keep_errno(|| super::calls::copy(address, buffer))
}

/// Whether `each` can list the modules: not without a lock.
pub(crate) fn is_listed() -> bool {
    false
}

/// Calls `each` for every loaded module. Returns false, without a call: the modules cannot be listed without a lock.
pub(crate) fn each(_: Each<'_>) -> bool {
    false
}

/// A number that differs after a module was loaded or unloaded. `None`: it is known under a lock alone.
pub(crate) fn fingerprint() -> Option<u64> {
    None
}

/// Calls `each` for every loaded module, the executable first, by the dynamic linker's list, whose lock it takes. Outside the hook, and
/// only at the program's start or where a library is unloaded.
pub(crate) fn each_linked(each: Each<'_>) {
    let mut each = Visitor { each, is_program: true };
    // SAFETY: `visit` has the right signature, and gets the pointer only during the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut each).cast()) };
}

/// What is called for each module. The linker begins with the program.
struct Visitor<'e> {
    each: Each<'e>,
    is_program: bool,
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, visitor: *mut c_void) -> c_int {
    // SAFETY: `visitor` is the pointer that `each_linked` passes, to a value that it borrows exclusively during the call. The linker passes
    // a valid record, whose headers are mapped. The name is null or a C string.
    let (visitor, info, headers, name) = unsafe {
        let info = &*info;
        let headers = core::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into());
        let name = if info.dlpi_name.is_null() { c"" } else { CStr::from_ptr(info.dlpi_name) };
        (&mut *visitor.cast::<Visitor<'_>>(), info, headers, name)
    };
    let bias = info.dlpi_addr;
    let (mut segments, mut notes) = (Vec::<Segment, MAX_SEGMENTS>::new(), Vec::<[u64; 3], MAX_NOTES>::new());
    for header in headers {
        let start = bias.wrapping_add(header.p_vaddr);
        match header.p_type {
            libc::PT_LOAD => {
                let executable = header.p_flags & EXECUTABLE != 0;
                let file_offset = header.p_offset;
                let _ = segments.push(Segment { start, length: header.p_memsz, file_offset, executable });
            }
            libc::PT_NOTE => {
                let _ = notes.push([start, header.p_memsz, header.p_align]);
            }
            _ => {}
        }
    }
    let is_program = core::mem::take(&mut visitor.is_program);
    let mut path = [0; MAX_PATH];
    // The linker has the name by which the program was started. The kernel knows its path.
    let own = if is_program { information::bytes(libc::KERN_PROC_PATHNAME, -1, &mut path) } else { None };
    let path = match own {
        Some(length) => &path[..length.saturating_sub(1)],
        None => name.to_bytes(),
    };
    let build_id = build_id(&notes, &read_mapped);
    let module =
        Module { path, build_id: &build_id, bias, segments: List::Items(&segments), ..Module::default() };
    (visitor.each)(&module, &read_mapped);
    0
}
