//! The program itself: its headers, and the path of its file.

use super::{calls, maps};
use core::ffi::CStr;
use heapless::VecView;

/// Where the program's headers are in memory, and how many. The dynamic linker corrects both when it was started itself, with
/// the program as its argument.
pub(crate) fn headers() -> (usize, u16) {
    // SAFETY: the calls read what the kernel left for the program.
    let (table, count) = unsafe { (libc::getauxval(libc::AT_PHDR), libc::getauxval(libc::AT_PHNUM)) };
    (table as usize, count as u16)
}

/// Puts the path of the program's file into `path`: empty when it is not known. What the kernel says is the dynamic linker's
/// file when that was started; what the program was started as is a script's, perhaps. So a file is taken only when its
/// headers are the program's.
pub(crate) fn path(path: &mut VecView<u8>) {
    const LINK: &CStr = c"/proc/thread-self/exe";
    path.clear();
    if let Some(inode) = number_of_programs(LINK) {
        read_link(LINK, path);
        maps::strip_deleted(path, inode);
        return;
    }
    // SAFETY: the word is 0 or the address of a string that stays.
    let started_as = unsafe {
        let name = libc::getauxval(libc::AT_EXECFN) as *const core::ffi::c_char;
        if name.is_null() { c"" } else { CStr::from_ptr(name) }
    };
    if number_of_programs(started_as).is_some() {
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

/// The folder with a `/` behind it; nothing when it is not known.
fn current_folder(path: &mut VecView<u8>) {
    let _ = path.resize(path.capacity(), 0);
    let n = calls::getcwd(path);
    // With the zero behind it.
    path.truncate(usize::try_from(n).unwrap_or(0).saturating_sub(1));
    if !path.is_empty() && !path.ends_with(b"/") {
        let _ = path.push(b'/');
    }
}

/// The number of that file, when its headers are the program's.
fn number_of_programs(name: &CStr) -> Option<usize> {
    // Not waiting, for it may be anything by now.
    let file = calls::open(name, libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY, 0);
    if file < 0 {
        return None;
    }
    let about = calls::fstat(file).filter(|_| has_headers(file));
    calls::close(file);
    about.map(|about| about.st_ino as usize)
}

fn has_headers(file: libc::c_int) -> bool {
    const ROW: usize = size_of::<libc::Elf64_Phdr>();
    let read = |buffer: &mut [u8], offset: usize| {
        usize::try_from(calls::pread(file, buffer, offset)) == Ok(buffer.len())
    };
    let (table, count) = headers();
    let mut offset = [0; 8];
    table != 0
        && count != 0
        && read(&mut offset, core::mem::offset_of!(libc::Elf64_Ehdr, e_phoff))
        && (0..usize::from(count)).all(|row| {
            let mut header = [0; ROW];
            // SAFETY: the kernel, or the dynamic linker, says that as many headers are there.
            let loaded = unsafe { core::slice::from_raw_parts((table + row * ROW) as *const u8, ROW) };
            read(&mut header, usize::from_ne_bytes(offset).wrapping_add(row * ROW)) && header == loaded
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
        assert!(number_of_programs(&name).is_some());
        for other in [c"/bin/sh", c"/dev/null", c"/", c"/nowhere"] {
            assert_eq!(number_of_programs(other), None);
        }
    }
}
