//! The images that are loaded, from two sources:
//!
//! - The kernel's list of mappings. It needs no lock, and contains the images of all namespaces of the dynamic linker.
//! - The dynamic linker's list, with its lock. It serves where the kernel's cannot be read.

use super::{Image, Read, read_mapped};
#[cfg(any(unseen_unloading, test))]
use crate::os::linux::calls::copy;
use crate::os::linux::calls::is_unreadable;
use crate::os::linux::maps::{self, Mapping, Memory};
use core::ffi::{CStr, c_int, c_void};

/// The path of the code that the kernel maps into each process.
const VDSO: &[u8] = b"[vdso]";

/// A loaded image.
pub(crate) struct Loaded<'l> {
    pub(crate) image: &'l Image,
    /// The path of its file; empty when it is unknown.
    pub(crate) path: &'l [u8],
    /// The reader for its memory.
    pub(crate) read: Read<'l>,
}

/// Calls `each` for each image in the kernel's list, until `each` returns false. Returns false when the list cannot be
/// read. `path` is the buffer for paths.
///
/// An image counts when its code is mapped where its headers say. A file that the program only maps to read it does
/// not. Headers are read only once an executable mapping of the same file is found.
pub(crate) fn each_mapped(
    path: &mut heapless::VecView<u8>,
    each: &mut dyn FnMut(&Loaded<'_>) -> bool,
) -> bool {
    let Some(mut lines) = maps::lines() else { return false };
    let memory = Memory::open();
    let read: Read<'_> = &|address, buffer| memory.read(address, buffer);
    // SAFETY: the call only reads the auxiliary vector, which the kernel wrote for the program: here the address of the
    // vdso.
    let vdso = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) } as usize;
    // Whether a mapping may contain an ELF header.
    let may_begin = |mapping: &Mapping| {
        mapping.readable && mapping.offset == 0 && (mapping.inode != 0 || mapping.start == vdso)
    };
    let mut begin: Option<Mapping> = None;
    let mut last = Image::default();
    let mut any = false;
    while let Some(mapping) = lines.next(path, may_begin) {
        any = true;
        if last.has(&mapping) {
            continue;
        }
        // A small file has code on its first page, so that page is mapped twice: the header may be in either mapping.
        let before = begin.filter(|begin| begin.is_of_file_of(&mapping) || mapping.inode == 0);
        let here = may_begin(&mapping).then_some(mapping);
        let found = [before, here].into_iter().flatten().filter(|_| mapping.executable).find_map(|begin| {
            let image = Image::at(begin.start, read)?;
            // Memory without a file has the code of an image whose pages were replaced by larger ones, or code that has
            // nothing to do with the file before it: that of the kernel, or of a compiler in the program.
            let is_its_code = match begin.is_of_file_of(&mapping) {
                true => image.has_code_in(&mapping),
                false => image.has_code_from(&mapping),
            };
            is_its_code.then_some((begin, image))
        });
        let Some((first, mut image)) = found else {
            begin = here.or(begin);
            continue;
        };
        image.forget_unmapped_table(is_unreadable);
        (last, begin) = (image, None);
        if first.inode == 0 {
            path.clear();
            // It has no path when the buffer is too small.
            let _ = path.extend_from_slice(VDSO);
        } else {
            maps::restore(path, &first);
        }
        if !each(&Loaded { image: &last, path, read }) {
            break;
        }
    }
    any
}

/// The image whose ELF header is at `start`, as it is in memory now; `None` when no header can be read there. May change `errno`.
#[cfg(any(unseen_unloading, test))]
pub(crate) fn mapped_at(start: usize) -> Option<Image> {
    let mut image = Image::at(start, &copy)?;
    image.forget_unmapped_table(is_unreadable);
    Some(image)
}

/// Calls `each` for each image in the dynamic linker's list. The executable has an empty path there. Takes the linker's
/// lock: outside the hook, and never where another thread may wait for the caller.
pub(crate) fn each_linked(each: &mut dyn FnMut(&Loaded<'_>)) {
    let mut each = each;
    // SAFETY: `visit` has the right signature, and gets the pointer only during the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut each).cast()) };
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, each: *mut c_void) -> c_int {
    // SAFETY: `each` is the pointer that `each_linked` passes, to a value that it borrows exclusively during the call.
    let each = unsafe { &mut *each.cast::<&mut dyn FnMut(&Loaded<'_>)>() };
    // SAFETY: the linker passes a valid record, which does not change during the call.
    let info = unsafe { &*info };
    let image = Image::of_headers(
        Some(super::wide(info.dlpi_addr)),
        info.dlpi_phdr as usize,
        info.dlpi_phnum,
        &read_mapped,
    );
    if let Some(image) = image {
        // SAFETY: the name is not null, so it is a C string.
        let name = if info.dlpi_name.is_null() { c"" } else { unsafe { CStr::from_ptr(info.dlpi_name) } };
        each(&Loaded { image: &image, path: name.to_bytes(), read: &read_mapped });
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::linux::elf::{PAGE, Segment};
    use std::fs::File;
    use std::os::fd::AsRawFd;

    /// Maps the first page of a file and a page of its code, as a loader does that runs the code alone. Returns 0 when the
    /// file is listed without its unwind table, which is not mapped. Makes system calls only.
    unsafe fn list_code_alone(file: c_int) -> c_int {
        const SPACE: usize = 256 << 20;
        let fixed = libc::MAP_PRIVATE | libc::MAP_FIXED;
        let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: the address space is new, and the other mappings are in it.
        let (image, mapped) = unsafe {
            let space = libc::mmap(core::ptr::null_mut(), SPACE, libc::PROT_NONE, anonymous, -1, 0);
            if space == libc::MAP_FAILED
                || libc::mmap(space, PAGE, libc::PROT_READ, fixed, file, 0) == libc::MAP_FAILED
            {
                return 2;
            }
            let Some(image) = Image::at(space.addr(), &read_mapped) else { return 3 };
            let is_code = |segment: &&Segment| segment.executable;
            let Some(code) = image.segments.iter().find(is_code).copied() else { return 4 };
            let start = space.with_addr(code.start as usize & !(PAGE - 1));
            let offset = code.file_offset as usize & !(PAGE - 1);
            let access = libc::PROT_READ | libc::PROT_EXEC;
            (image, libc::mmap(start, PAGE, access, fixed, file, offset as libc::off_t))
        };
        if mapped == libc::MAP_FAILED || image.unwind == 0 {
            return 5;
        }
        let mut listed = None;
        each_mapped(&mut heapless::Vec::<u8, 1>::new(), &mut |loaded| {
            if loaded.image.bias == image.bias {
                listed = Some(loaded.image.unwind);
            }
            true
        });
        if listed == Some(0) { 0 } else { 6 }
    }

    #[test]
    fn code_that_is_mapped_alone_has_no_unwind_table() {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        // In a child: other tests compare the lists of modules of this process.
        // SAFETY: the child only makes system calls, and ends.
        let status = unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(list_code_alone(file.as_raw_fd()));
            }
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            status
        };
        assert!(libc::WIFEXITED(status), "{status:#x}");
        assert_eq!(libc::WEXITSTATUS(status), 0);
    }
}
