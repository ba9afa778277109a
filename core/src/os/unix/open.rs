//! Opening files.
//!
//! The problem: a path from an environment variable may lead to a file that another user planted, and a program may
//! have closed its standard streams, so that a new file gets descriptor 1 or 2.
//!
//! The idea: each path says who chose it, and a path from a variable may only name a regular file of this user with a
//! single name. While a file is opened, the closed descriptors below 3 are occupied.

use super::calls::Status;
use super::errno::errno;
use super::{calls, ids};
use crate::Error;
use core::ffi::{CStr, c_int};

/// The origin of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The program's code. It may name all that the program may open: devices, links, pipes.
    ByCode,
    /// An environment variable. Another user may have put a link, a pipe or a file in that place.
    ByVariable,
}

/// The descriptor of an open file, which is closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Descriptor(c_int);

impl Descriptor {
    /// A recording keeps the number of its file.
    ///
    /// # Safety
    /// The descriptor must be open and the caller's own: dropping the result closes it.
    #[cfg(file_backed)]
    pub(crate) unsafe fn from_number(number: c_int) -> Self {
        Descriptor(number)
    }

    pub(crate) fn number(&self) -> c_int {
        self.0
    }

    /// Whether the file is a regular one, and not a pipe, a device or a folder. False when that is unknown.
    pub(crate) fn is_regular(&self) -> bool {
        self.status().is_ok_and(|status| status.st_mode & libc::S_IFMT == libc::S_IFREG)
    }

    /// The kernel's record about the file: type, owner, size.
    pub(crate) fn status(&self) -> Result<Status, Error> {
        calls::fstat(self.0).ok_or_else(|| Error::File(errno()))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        calls::close(self.0);
    }
}

/// Opens a file, with a descriptor above 2: in a program that has closed its standard streams, output to a stream would
/// otherwise land in the file.
pub(crate) fn open(path: &CStr, flags: c_int) -> Result<Descriptor, Error> {
    let _occupied = StandardStreams::occupy();
    open_lowest(path, flags)
}

fn open_lowest(path: &CStr, flags: c_int) -> Result<Descriptor, Error> {
    const OWNER_ONLY: libc::mode_t = 0o600;
    loop {
        let fd = calls::open(path, flags | libc::O_CLOEXEC, OWNER_ONLY);
        if fd >= 0 {
            return Ok(Descriptor(fd));
        }
        // A signal can interrupt the opening of a pipe.
        if errno() != libc::EINTR {
            return Err(Error::File(errno()));
        }
    }
}

/// Opens a file for writing, and creates it where there is none. [`Error::Refused`] says why a path from a variable is
/// not used.
pub(crate) fn to_write(path: &CStr, flags: c_int, named: Named) -> Result<Descriptor, Error> {
    match named {
        Named::ByCode => open(path, flags | libc::O_CREAT),
        Named::ByVariable => open_checked(path, flags),
    }
}

/// Opens a file that another user may have put there, and checks it before its content changes.
///
/// A file with several names is refused: in a folder where others may write, this name may be a hard link to any file
/// of this user.
fn open_checked(path: &CStr, flags: c_int) -> Result<Descriptor, Error> {
    // With O_NONBLOCK the opening of a pipe without a reader fails at once. A regular file ignores the flag.
    let flags = flags | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    // Another process may create or remove the file between the two calls. A few tries are enough.
    const TRIES: usize = 4;
    for _ in 0..TRIES {
        match open(path, flags | libc::O_CREAT | libc::O_EXCL) {
            Err(Error::File(libc::EEXIST)) => {}
            created => return created,
        }
        match open(path, flags) {
            Err(Error::File(libc::ENOENT)) => {}
            Err(Error::File(libc::ELOOP)) => {
                return Err(Error::Refused("it is a symbolic link: give the name of the file itself"));
            }
            Err(Error::File(libc::ENXIO)) => return Err(NOT_REGULAR),
            opened => {
                let file = opened?;
                check(&file.status()?)?;
                return Ok(file);
            }
        }
    }
    Err(Error::File(libc::EEXIST))
}

const NOT_REGULAR: Error =
    Error::Refused("it is not a regular file: give the name of one, or of one that does not exist");

/// Checks that a file that existed before may be written.
fn check(status: &Status) -> Result<(), Error> {
    if status.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Err(NOT_REGULAR);
    }
    if status.st_uid != ids::user() {
        return Err(Error::Refused("it belongs to another user: give another name"));
    }
    if status.st_nlink > 1 {
        return Err(Error::Refused("it has other names (hard links): remove this one, or give another"));
    }
    Ok(())
}

/// Occupies the closed descriptors below 3, so that no file gets them. Frees them when it is dropped.
///
/// They are occupied by descriptors that can neither be read nor written: another thread sees no difference to closed
/// ones.
struct StandardStreams {
    occupied: [bool; 3],
}

impl StandardStreams {
    fn occupy() -> Self {
        let mut occupied = [false; 3];
        while (0..3).any(calls::is_closed) {
            let fd = calls::open_placeholder();
            match usize::try_from(fd).ok().and_then(|place| occupied.get_mut(place)) {
                Some(place) => *place = true,
                None => {
                    // The process has no descriptor left, or another thread has opened the stream meanwhile.
                    if fd >= 0 {
                        calls::close(fd);
                    }
                    break;
                }
            }
        }
        StandardStreams { occupied }
    }
}

impl Drop for StandardStreams {
    fn drop(&mut self) {
        for (fd, _) in (0..).zip(self.occupied).filter(|&(_, occupied)| occupied) {
            // Another thread may have replaced the descriptor by one of its own, which is not of this kind.
            if calls::is_placeholder(fd) {
                calls::close(fd);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("memtrack-open-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    fn name_of(path: &std::path::Path) -> CString {
        CString::new(path.as_os_str().as_bytes()).unwrap()
    }

    #[test]
    fn variables_name_regular_files_of_one_name() {
        let folder = folder("variables");
        let at = |name: &str| folder.join(name);
        std::fs::write(at("own"), "before").unwrap();
        std::fs::write(at("target"), "kept").unwrap();
        symlink(at("target"), at("link")).unwrap();
        symlink(at("nothing"), at("dangling")).unwrap();
        std::fs::write(at("one"), "kept").unwrap();
        std::fs::hard_link(at("one"), at("other")).unwrap();
        // SAFETY: the path is a C string.
        assert_eq!(unsafe { libc::mkfifo(name_of(&at("pipe")).as_ptr(), 0o600) }, 0);
        let open = |name: &str, named| {
            to_write(&name_of(&at(name)), libc::O_WRONLY, named).map(|file| file.status().unwrap())
        };
        for name in ["link", "dangling", "other", "pipe"] {
            let result = open(name, Named::ByVariable).map(drop);
            assert!(matches!(result, Err(Error::Refused(_))), "{name}: {result:?}");
        }
        assert!(matches!(open("", Named::ByVariable), Err(Error::File(libc::EISDIR))));
        assert!(!at("nothing").exists() && at("pipe").symlink_metadata().unwrap().file_type().is_fifo());
        for kept in ["target", "one"] {
            assert_eq!(std::fs::read(at(kept)).unwrap(), b"kept");
        }
        assert_eq!(open("own", Named::ByVariable).unwrap().st_size, 6, "nothing is cut off yet");
        assert_eq!(open("new", Named::ByVariable).unwrap().st_mode & 0o777, 0o600);
        assert_eq!(open("link", Named::ByCode).unwrap().st_ino, at("target").metadata().unwrap().ino());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn another_users_file_is_not_written() {
        // SAFETY: all-zero is a valid record. The call only returns a number.
        let (mut status, me): (Status, _) = unsafe { (core::mem::zeroed(), libc::geteuid()) };
        (status.st_mode, status.st_nlink, status.st_uid) = (libc::S_IFREG | 0o666, 1, me);
        assert_eq!(check(&status), Ok(()));
        status.st_uid = me + 1;
        assert!(matches!(check(&status), Err(Error::Refused(_))));
    }

    #[test]
    fn no_file_gets_the_descriptor_of_a_closed_standard_stream() {
        for closed in [&[0, 1, 2][..], &[1], &[]] {
            // SAFETY: the child makes only system calls, and ends.
            let child = unsafe { libc::fork() };
            if child == 0 {
                closed.iter().for_each(|&stream| _ = calls::close(stream));
                let is_above = open(c"/", libc::O_RDONLY).is_ok_and(|file| file.number() > 2);
                let is_as_before = (0..3).all(|stream| calls::is_closed(stream) == closed.contains(&stream));
                // SAFETY: ends the process.
                unsafe { libc::_exit(i32::from(!(is_above && is_as_before))) };
            }
            let mut status = 0;
            // SAFETY: the call writes the status.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0, "{closed:?}");
        }
    }
}
