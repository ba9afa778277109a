//! Loaded executables and libraries, from the dynamic linker's list. Only outside the hook: the list is locked.

use core::ffi::{CStr, c_int, c_void};
use memtrack_format::{List, Module, Segment};

/// Loaded ranges of one module that are written.
pub(super) const MAX_SEGMENTS: usize = 16;

/// Calls `each` for every module that is loaded.
pub(super) fn each(each: &mut dyn FnMut(&Module<'_>)) {
    let mut each = each;
    // SAFETY: `visit` gets the pointer that is passed here, and only during the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut each).cast()) };
}

/// Counts modules that were loaded and unloaded.
pub(super) fn changes() -> u64 {
    let mut changes = 0u64;
    // SAFETY: `count` gets the pointer that is passed here, and only during the call.
    unsafe { libc::dl_iterate_phdr(Some(count), (&raw mut changes).cast()) };
    changes
}

unsafe extern "C" fn count(info: *mut libc::dl_phdr_info, _: usize, changes: *mut c_void) -> c_int {
    // SAFETY: the linker passes a valid record; `changes` is the caller's.
    unsafe { *changes.cast::<u64>() = (*info).dlpi_adds + (*info).dlpi_subs };
    // The first module says it for all.
    1
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, each: *mut c_void) -> c_int {
    // SAFETY: `each` is what was handed to `dl_iterate_phdr`, exclusively borrowed for its duration.
    let each = unsafe { &mut *each.cast::<&mut dyn FnMut(&Module<'_>)>() };
    // SAFETY: the linker passes a valid record whose headers lie in the mapped module.
    let (info, headers) = unsafe {
        let info = &*info;
        (info, core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)))
    };
    let mut segments = heapless::Vec::<Segment, MAX_SEGMENTS>::new();
    let mut build_id: &[u8] = &[];
    for header in headers {
        let start = info.dlpi_addr.wrapping_add(header.p_vaddr);
        match header.p_type {
            libc::PT_LOAD => {
                // A module of more segments than are written keeps its first ones.
                let _ = segments.push(Segment {
                    start,
                    length: header.p_memsz,
                    file_offset: header.p_offset,
                    executable: header.p_flags & libc::PF_X != 0,
                });
            }
            libc::PT_NOTE => {
                // SAFETY: a note segment of a loaded module is mapped and readable.
                let notes =
                    unsafe { core::slice::from_raw_parts(start as *const u8, header.p_memsz as usize) };
                build_id = build_id_of(notes, header.p_align as usize).unwrap_or(build_id);
            }
            _ => {}
        }
    }
    // SAFETY: the name is a C string, or null.
    let name = if info.dlpi_name.is_null() { c"" } else { unsafe { CStr::from_ptr(info.dlpi_name) } };
    let mut buffer = [0; libc::PATH_MAX as usize];
    let path = if name.is_empty() { executable(&mut buffer) } else { name.to_bytes() };
    let segments = List::Items(&segments);
    each(&Module { path, build_id, bias: info.dlpi_addr, segments, ..Module::default() });
    0
}

/// The path of the running program: the linker's name for it is empty.
fn executable(buffer: &mut [u8]) -> &[u8] {
    // SAFETY: the buffer is valid for its length.
    let n = unsafe { libc::readlink(c"/proc/self/exe".as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    &buffer[..usize::try_from(n).unwrap_or(0)]
}

/// Finds the GNU build id among ELF notes: name size, descriptor size, type, name, descriptor, each padded.
fn build_id_of(mut notes: &[u8], align: usize) -> Option<&[u8]> {
    const GNU_BUILD_ID: u32 = 3;
    let pad = |n: usize| n.checked_next_multiple_of(if align == 8 { 8 } else { 4 });
    let word = |bytes: &[u8], at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    loop {
        let (name, descriptor, kind) = (word(notes, 0)? as usize, word(notes, 4)? as usize, word(notes, 8)?);
        let begin = pad(12usize.checked_add(name)?)?;
        let end = begin.checked_add(descriptor)?;
        if kind == GNU_BUILD_ID && notes.get(12..12 + name)? == b"GNU\0" {
            return notes.get(begin..end);
        }
        notes = notes.get(pad(end)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_and_its_libraries_are_listed() {
        let mut found = Vec::new();
        each(&mut |module| {
            let inside = module.segments.iter().any(|s| {
                let here = build_id_of as *const () as u64;
                s.executable && here >= s.start && here - s.start < s.length
            });
            found.push((String::from_utf8_lossy(module.path).into_owned(), module.build_id.len(), inside));
        });
        let program = std::env::current_exe().unwrap();
        assert!(found.iter().any(|(path, _, inside)| *inside && std::path::Path::new(path) == program));
        assert!(found.iter().any(|(path, id, _)| path.contains("libc.so") && *id == 20));
    }

    #[test]
    fn the_build_id_is_found_behind_other_notes() {
        let mut notes = Vec::new();
        for (kind, name, descriptor) in [(1u32, &b"GNU\0"[..], &[9u8; 16][..]), (3, b"GNU\0", &[7; 20])] {
            notes.extend((name.len() as u32).to_ne_bytes());
            notes.extend((descriptor.len() as u32).to_ne_bytes());
            notes.extend(kind.to_ne_bytes());
            notes.extend(name);
            notes.extend(descriptor);
        }
        assert_eq!(build_id_of(&notes, 4), Some(&[7u8; 20][..]));
        assert_eq!(build_id_of(&notes[..notes.len() - 1], 4), None);
    }
}
