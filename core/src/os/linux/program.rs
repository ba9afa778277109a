//! The executable of this process: its program headers, and the path of its file.

use super::elf::{FileHeader, ProgramHeader};
use super::{calls, maps};
use core::ffi::CStr;
use heapless::VecView;

/// The address of the program headers and their number. Where the dynamic linker was started with the program as its
/// argument, the linker has set both to the program's.
pub(crate) fn headers() -> (usize, u16) {
    // SAFETY: the calls only read the auxiliary vector, which the kernel wrote for the program.
    let (table, count) = unsafe { (libc::getauxval(libc::AT_PHDR), libc::getauxval(libc::AT_PHNUM)) };
    (table as usize, count as u16)
}

/// Replaces `path` by the path of the program's file; empty when it is unknown.
///
/// Two names are tried. `/proc/thread-self/exe` is the dynamic linker where that was started with the program as its
/// argument. The name by which the program was started may be that of a script. So a name counts only when the headers
/// in its file are those of the program in memory.
pub(crate) fn path(path: &mut VecView<u8>) {
    const LINK: &CStr = c"/proc/thread-self/exe";
    path.clear();
    if let Some(inode) = inode_if_program(LINK) {
        read_link(LINK, path);
        maps::strip_deleted(path, inode);
        return;
    }
    // SAFETY: the word is 0 or the address of a C string, which the kernel wrote and nobody frees.
    let started_as = unsafe {
        let name = libc::getauxval(libc::AT_EXECFN) as *const core::ffi::c_char;
        if name.is_null() { c"" } else { CStr::from_ptr(name) }
    };
    if inode_if_program(started_as).is_some() {
        let name = started_as.to_bytes();
        if !name.starts_with(b"/") {
            current_folder(path);
        }
        if path.extend_from_slice(name).is_err() {
            path.clear();
        }
    }
}

fn read_link(link: &CStr, path: &mut VecView<u8>) {
    let _ = path.resize(path.capacity(), 0);
    let n = calls::readlink(link, path);
    path.truncate(usize::try_from(n).unwrap_or(0));
}

/// Replaces `path` by the current folder with a `/` at its end; empty when it is unknown.
fn current_folder(path: &mut VecView<u8>) {
    let _ = path.resize(path.capacity(), 0);
    let n = calls::getcwd(path);
    // The length includes the NUL.
    path.truncate(usize::try_from(n).unwrap_or(0).saturating_sub(1));
    if !path.is_empty() && !path.ends_with(b"/") {
        let _ = path.push(b'/');
    }
}

/// The inode of the file with that name, if its headers are the program's.
fn inode_if_program(name: &CStr) -> Option<usize> {
    // Without waiting: the name may be a pipe or a device by now.
    let file = calls::open(name, libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY, 0);
    if file < 0 {
        return None;
    }
    let about = calls::fstat(file).filter(|_| has_headers(file));
    calls::close(file);
    about.map(|about| about.st_ino as usize)
}

/// Whether a file has the program headers that the program has in memory.
fn has_headers(file: libc::c_int) -> bool {
    /// Bytes that are compared at a time.
    const CHUNK: usize = 512;
    let read = |buffer: &mut [u8], offset: usize| {
        usize::try_from(calls::pread(file, buffer, offset)) == Ok(buffer.len())
    };
    let (table, count) = headers();
    let mut offset = [0; size_of::<usize>()];
    if table == 0 || count == 0 || !read(&mut offset, core::mem::offset_of!(FileHeader, e_phoff)) {
        return false;
    }
    let offset = usize::from_ne_bytes(offset);
    let length = usize::from(count) * size_of::<ProgramHeader>();
    // SAFETY: the kernel, or the dynamic linker, has put `count` headers at `table`, where they stay mapped.
    let loaded = unsafe { core::slice::from_raw_parts(table as *const u8, length) };
    loaded.chunks(CHUNK).zip((0..length).step_by(CHUNK)).all(|(loaded, at)| {
        let mut there = [0; CHUNK];
        let there = &mut there[..loaded.len()];
        read(there, offset.wrapping_add(at)) && there == loaded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_that_of_the_file_with_the_programs_headers() {
        let program = std::env::current_exe().unwrap();
        let mut found = heapless::Vec::<u8, 4096>::new();
        path(&mut found);
        assert_eq!(found, program.to_str().unwrap().as_bytes());
        let name = std::ffi::CString::new(program.to_str().unwrap()).unwrap();
        assert!(inode_if_program(&name).is_some());
        for other in [c"/bin/sh", c"/dev/null", c"/", c"/nowhere"] {
            assert_eq!(inode_if_program(other), None);
        }
    }
}
