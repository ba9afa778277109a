//! The images that are loaded.

use super::{Image, Read, read_mapped};
use crate::os::linux::maps::{self, Mapping, Memory};
use core::ffi::{CStr, c_int, c_void};

/// The path behind a mapping that is of no file.
const VDSO: &[u8] = b"[vdso]";

/// An image that is loaded.
pub(crate) struct Loaded<'l> {
    pub(crate) image: &'l Image,
    /// The path of its file, empty when it is not known.
    pub(crate) path: &'l [u8],
    pub(crate) read: Read<'l>,
}

/// Calls `each` for the executables and libraries among the mappings of this process until it returns false: whatever the
/// dynamic linker knows of them, in all its namespaces. False when the list cannot be read. `path` is where paths are put
/// together.
///
/// A file that is only looked at is not among them: code of it is mapped, where its headers say. Nothing of a mapping is
/// read before.
pub(crate) fn each_mapped(
    path: &mut heapless::VecView<u8>,
    each: &mut dyn FnMut(&Loaded<'_>) -> bool,
) -> bool {
    let Some(mut lines) = maps::lines() else { return false };
    let memory = Memory::open();
    let read: Read<'_> = &|address, buffer| memory.read(address, buffer);
    // SAFETY: the call reads what the kernel left for the program: here where it put its own library.
    let vdso = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) } as usize;
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
        // A small file's code is on its first page too, and mapped from there once more.
        let before = begin.filter(|begin| begin.is_of_file_of(&mapping) || mapping.inode == 0);
        let here = may_begin(&mapping).then_some(mapping);
        let found = [before, here].into_iter().flatten().filter(|_| mapping.executable).find_map(|begin| {
            let image = Image::at(begin.start, read)?;
            image.has_code_in(&mapping).then_some((begin, image))
        });
        let Some((first, image)) = found else {
            begin = here.or(begin);
            continue;
        };
        (last, begin) = (image, None);
        if first.inode == 0 {
            path.clear();
            // Without a path where it does not fit.
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

/// The same for what the dynamic linker lists, with its lock: never in the hook, and never where another thread may wait
/// for the caller. The program has no path there.
pub(crate) fn each_linked(each: &mut dyn FnMut(&Loaded<'_>)) {
    let mut each = each;
    // SAFETY: `visit` gets the pointer that is passed here, and only during the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut each).cast()) };
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, each: *mut c_void) -> c_int {
    // SAFETY: `each` is what was handed to `dl_iterate_phdr`, exclusively borrowed for its duration.
    let each = unsafe { &mut *each.cast::<&mut dyn FnMut(&Loaded<'_>)>() };
    // SAFETY: the linker passes a valid record.
    let info = unsafe { &*info };
    let image =
        Image::of_headers(Some(info.dlpi_addr), info.dlpi_phdr as usize, info.dlpi_phnum, &read_mapped);
    if let Some(image) = image {
        // SAFETY: the name is a C string, or null.
        let name = if info.dlpi_name.is_null() { c"" } else { unsafe { CStr::from_ptr(info.dlpi_name) } };
        each(&Loaded { image: &image, path: name.to_bytes(), read: &read_mapped });
    }
    0
}
