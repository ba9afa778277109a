//! Opening files: which ones are refused, and which descriptors they get.

use super::errno::errno;
use super::{calls, ids};
use crate::Error;
use core::ffi::{CStr, c_int};

/// Who chose the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The program's code, which may name whatever the program may open: devices, links, pipes.
    ByCode,
    /// An environment variable. Somebody else may have put a link, a pipe or a file of their own in that place.
    ByVariable,
}

/// An open file's descriptor.
#[derive(Debug)]
pub(crate) struct Descriptor(c_int);

impl Descriptor {
    /// # Safety
    /// The descriptor must be the caller's own.
    pub(crate) unsafe fn from_number(number: c_int) -> Self {
        Descriptor(number)
    }

    pub(crate) fn number(&self) -> c_int {
        self.0
    }

    /// Whether the file is a plain one, neither a pipe nor a device.
    pub(crate) fn is_regular(&self) -> bool {
        self.status().is_ok_and(|status| status.st_mode & libc::S_IFMT == libc::S_IFREG)
    }

    /// What the system says of the file.
    pub(crate) fn status(&self) -> Result<libc::stat, Error> {
        calls::fstat(self.0).ok_or_else(|| Error::File(errno()))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        calls::close(self.0);
    }
}

/// Opens a file. It gets no descriptor below 3: where the program's standard streams are closed, what the program writes
/// to them would land in the file.
pub(crate) fn open(path: &CStr, flags: c_int) -> Result<Descriptor, Error> {
    let _held = StandardStreams::hold();
    open_lowest(path, flags)
}

fn open_lowest(path: &CStr, flags: c_int) -> Result<Descriptor, Error> {
    const OWNER_ONLY: libc::mode_t = 0o600;
    loop {
        let fd = calls::open(path, flags | libc::O_CLOEXEC, OWNER_ONLY);
        if fd >= 0 {
            return Ok(Descriptor(fd));
        }
        // Opening a pipe can be interrupted by a signal.
        if errno() != libc::EINTR {
            return Err(Error::File(errno()));
        }
    }
}

/// Opens or creates a file to write it.
pub(crate) fn to_write(path: &CStr, flags: c_int, named: Named) -> Result<Descriptor, Error> {
    match named {
        Named::ByCode => open(path, flags | libc::O_CREAT),
        Named::ByVariable => carefully(path, flags),
    }
}

/// Opens a file that somebody else may have put there. It is checked before anything is written or cut off.
///
/// A file with several names is refused as well: in a folder where others may write, one of them may be a hard link to
/// any file of this user.
fn carefully(path: &CStr, flags: c_int) -> Result<Descriptor, Error> {
    // A pipe without a reader is refused at once with O_NONBLOCK; a regular file ignores it.
    let flags = flags | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    // Another process may remove the file between the two calls, or create it: a few tries are enough.
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

/// Whether a file that was there before may be written.
fn check(status: &libc::stat) -> Result<(), Error> {
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

/// Holds those descriptors below 3 that are closed, so that no file gets them.
///
/// They are held by descriptors that can neither be read nor written (`O_PATH`): to another thread they are as good as
/// closed.
struct StandardStreams {
    held: [bool; 3],
}

impl StandardStreams {
    fn hold() -> Self {
        let mut held = [false; 3];
        // A descriptor that is not below 3 is given back at once.
        while (0..3).any(calls::is_closed) {
            let fd = calls::open(c"/", libc::O_PATH | libc::O_CLOEXEC, 0);
            match usize::try_from(fd).ok().and_then(|place| held.get_mut(place)) {
                Some(place) => *place = true,
                None => {
                    // No descriptor is left, or another thread has opened the stream meanwhile.
                    if fd >= 0 {
                        calls::close(fd);
                    }
                    break;
                }
            }
        }
        StandardStreams { held }
    }
}

impl Drop for StandardStreams {
    fn drop(&mut self) {
        for (fd, _) in (0..).zip(self.held).filter(|&(_, held)| held) {
            // Another thread may have put a file of its own in the descriptor's place: that one is not of this kind.
            let flags = calls::flags(fd);
            if flags >= 0 && flags & libc::O_PATH != 0 {
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
        // SAFETY: all-zero is a valid record; the call only returns a number.
        let (mut status, me): (libc::stat, _) = unsafe { (core::mem::zeroed(), libc::geteuid()) };
        (status.st_mode, status.st_nlink, status.st_uid) = (libc::S_IFREG | 0o666, 1, me);
        assert_eq!(check(&status), Ok(()));
        status.st_uid = me + 1;
        assert!(matches!(check(&status), Err(Error::Refused(_))));
    }

    #[test]
    fn no_file_gets_the_descriptor_of_a_closed_standard_stream() {
        for closed in [&[0, 1, 2][..], &[1], &[]] {
            // SAFETY: the child makes system calls alone, and ends.
            let child = unsafe { libc::fork() };
            if child == 0 {
                closed.iter().for_each(|&stream| _ = calls::close(stream));
                let is_above = open(c"/", libc::O_RDONLY).is_ok_and(|file| file.number() > 2);
                let is_as_before = (0..3).all(|stream| calls::is_closed(stream) == closed.contains(&stream));
                // SAFETY: ends the process.
                unsafe { libc::_exit(i32::from(!(is_above && is_as_before))) };
            }
            let mut status = 0;
            // SAFETY: the status is written.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0, "{closed:?}");
        }
    }
}
