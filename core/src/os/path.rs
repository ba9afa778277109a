//! Paths of files, without allocating.

use super::errno::INVALID;
use super::names;
use crate::Error;
use core::ffi::CStr;

pub(crate) use super::names::MOST;

/// A path with a NUL at its end, as the system takes it. All functions fail with [`Error::PathTooLong`] for a longer
/// path than the system takes.
pub(crate) struct Path {
    bytes: heapless::Vec<u8, MOST>,
}

impl Path {
    /// `template` with `%p` replaced by the process id, `%t` by `seconds` (since 1970), and `%%` by `%`. Any other `%`
    /// stays.
    pub(crate) fn expand(template: &[u8], pid: u32, seconds: u64) -> Result<Path, Error> {
        let mut path = Path { bytes: heapless::Vec::new() };
        let mut rest = template.iter();
        while let Some(&byte) = rest.next() {
            match (byte, rest.as_slice().first()) {
                (b'%', Some(b'p')) => path.number(u64::from(pid))?,
                (b'%', Some(b't')) => path.number(seconds)?,
                (b'%', Some(b'%')) => path.push(b'%')?,
                _ => {
                    path.push(byte)?;
                    continue;
                }
            }
            rest.next();
        }
        path.end()
    }

    /// `path` unchanged. An error when it contains a NUL.
    pub(crate) fn new(path: &std::path::Path) -> Result<Path, Error> {
        Self::of_bytes(path.as_os_str().as_encoded_bytes())
    }

    /// The path with these bytes. An error when they contain a NUL.
    pub(crate) fn of_bytes(path: &[u8]) -> Result<Path, Error> {
        if path.contains(&0) {
            return Err(Error::File(INVALID));
        }
        let bytes = heapless::Vec::from_slice(path).map_err(|_| Error::PathTooLong)?;
        Path { bytes }.end()
    }

    /// The path from the root of the file system: it stays valid when the program changes its folder. Unchanged when
    /// the current folder is unknown, or when the result is too long.
    pub(crate) fn absolute(self) -> Path {
        let mut folder = [0; MOST];
        let folder = match names::current_folder(&mut folder) {
            Some(length) if !names::is_absolute(&self.bytes) => &folder[..length],
            _ => return self,
        };
        let mut path = Path { bytes: heapless::Vec::new() };
        let joined =
            folder.iter().chain(names::SEPARATOR).chain(&self.bytes).try_for_each(|&byte| path.push(byte));
        if joined.is_ok() { path } else { self }
    }

    /// A copy of `template`, for [`expand`](Self::expand), from the root of the file system: it stays valid when the
    /// program changes its folder or its environment. A relative copy when the current folder is unknown.
    pub(crate) fn template(template: &[u8]) -> Result<Path, Error> {
        let mut folder = Path { bytes: heapless::Vec::new() };
        if !names::is_absolute(template) {
            folder.push(b'.')?;
            folder = folder.end()?.absolute();
            folder.bytes.pop();
            folder.bytes.pop();
        }
        let mut path = Path { bytes: heapless::Vec::new() };
        for &byte in &folder.bytes {
            path.push(byte)?;
            if byte == b'%' {
                path.push(byte)?;
            }
        }
        template.iter().try_for_each(|&byte| path.push(byte))?;
        path.end()
    }

    /// The path with a dot and `pid` appended.
    pub(crate) fn with_pid(&self, pid: u32) -> Result<Path, Error> {
        let mut path = Path { bytes: self.bytes.clone() };
        path.bytes.pop();
        path.push(b'.')?;
        path.number(u64::from(pid))?;
        path.end()
    }

    /// The path as a C string.
    pub(crate) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }

    fn push(&mut self, byte: u8) -> Result<(), Error> {
        self.bytes.push(byte).map_err(|_| Error::PathTooLong)
    }

    fn number(&mut self, number: u64) -> Result<(), Error> {
        let mut digits = heapless::String::<20>::new();
        let _ = core::fmt::write(&mut digits, format_args!("{number}"));
        digits.bytes().try_for_each(|digit| self.push(digit))
    }

    fn end(mut self) -> Result<Path, Error> {
        self.push(0)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_expanded() {
        let expand =
            |template: &[u8]| Path::expand(template, 42, 1_700_000_000).unwrap().as_c_str().to_owned();
        assert_eq!(expand(b"run.%p.%t.memtrack"), c"run.42.1700000000.memtrack".to_owned());
        assert_eq!(expand(b"100%% %x %"), c"100% %x %".to_owned());
        assert_eq!(Path::expand(&[b'a'; 5000], 1, 1).err(), Some(Error::PathTooLong));
    }
}
