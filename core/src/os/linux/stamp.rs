//! Size and time of a module's file: by them a reader tells whether the file is still the one that was loaded, where there
//! is no build id to compare.

use super::calls;
use core::ffi::CStr;

use memtrack_format::Module;

/// The longest path that is asked for, with its end: writers of dumps have little stack.
const MAX_PATH: usize = 1024;

/// A module with the size and time of the file at its path; as it was when the file cannot be asked for.
pub(crate) fn stamped<'m>(module: &Module<'m>) -> Module<'m> {
    match of(module.path) {
        Some((file_size, file_modified_unix_ns)) => Module { file_size, file_modified_unix_ns, ..*module },
        None => *module,
    }
}

fn of(path: &[u8]) -> Option<(u64, u64)> {
    let mut buffer = [0u8; MAX_PATH];
    // One byte less: the last is the end. A name without directory is no file's: the kernel's vdso.
    let (_, room) = buffer.split_last_mut().filter(|_| path.starts_with(b"/"))?;
    room.get_mut(..path.len())?.copy_from_slice(path);
    let file = calls::stat(CStr::from_bytes_until_nul(&buffer).ok()?)?;
    let seconds = u64::try_from(file.st_mtime).unwrap_or(0);
    let time = seconds.wrapping_mul(1_000_000_000).wrapping_add(file.st_mtime_nsec as u64);
    Some((u64::try_from(file.st_size).unwrap_or(0), time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_size_and_time() {
        use std::os::unix::ffi::OsStrExt;
        let path = std::env::current_exe().unwrap();
        let file = path.metadata().unwrap();
        let time = file.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        let module = Module { path: path.as_os_str().as_bytes(), bias: 7, ..Module::default() };
        let expected =
            Module { file_size: file.len(), file_modified_unix_ns: time.as_nanos() as u64, ..module };
        assert_eq!(stamped(&module), expected);
        for path in [&b"linux-vdso.so.1"[..], b"", b"/no/such/file", &[b'/'; MAX_PATH]] {
            let module = Module { path, ..Module::default() };
            assert_eq!(stamped(&module), module);
        }
    }
}
