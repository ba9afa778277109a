//! Size and modification time of a module's file.
//!
//! A reader of a dump looks for a module's symbols in its file. Where the module has no build id, the reader compares
//! size and time to see whether the file is still the one that was loaded.

use super::calls;
use core::ffi::CStr;

use memtrack_format::Module;

/// The size of the longest path that is looked up, with its NUL. Small, because the stack for snapshots is small.
const MAX_PATH: usize = 1024;

/// `module` with the size and the time of the file at its path; unchanged when the file is not found. May change
/// `errno`.
pub(crate) fn stamped<'m>(module: &Module<'m>) -> Module<'m> {
    match of(module.path) {
        Some((file_size, file_modified_unix_ns)) => Module { file_size, file_modified_unix_ns, ..*module },
        None => *module,
    }
}

/// Size in bytes, and nanoseconds since 1970, of the file at a path.
fn of(path: &[u8]) -> Option<(u64, u64)> {
    let mut buffer = [0u8; MAX_PATH];
    // The last byte stays for the NUL. A name without a folder is not a file: it is the kernel's vdso.
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
