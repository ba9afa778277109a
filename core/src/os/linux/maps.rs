//! The mappings of this process, as the kernel lists them, and the memory in them. Both are read by bare system calls:
//! no lock, no allocation, and memory that is unmapped meanwhile is an error, not a fault.

use super::calls;
use core::ffi::CStr;

/// Bytes of the list that are read at a time. Small, for an event may ask, on a small stack.
const CHUNK: usize = 512;

/// One mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) readable: bool,
    pub(crate) executable: bool,
    /// Where it begins in its file.
    pub(crate) offset: usize,
    /// The file's device and number; 0 for memory that is no file's.
    pub(crate) device: usize,
    pub(crate) inode: usize,
}

impl Mapping {
    pub(crate) fn is_of_file_of(&self, other: &Mapping) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// Reads the lines of the list: `start-end rwxp offset major:minor inode   path`.
pub(crate) struct Lines<R> {
    read: R,
    chunk: [u8; CHUNK],
    next: usize,
    end: usize,
}

/// The fields of a line, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Field {
    Start,
    End,
    Permissions,
    Offset,
    Major,
    Minor,
    Inode,
    Padding,
    Path,
}

impl<R: FnMut(&mut [u8]) -> usize> Lines<R> {
    /// `read` fills a buffer and returns how much it read, 0 at the end.
    pub(crate) fn new(read: R) -> Self {
        Lines { read, chunk: [0; CHUNK], next: 0, end: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        if self.next == self.end {
            (self.next, self.end) = (0, (self.read)(&mut self.chunk).min(CHUNK));
        }
        let byte = self.chunk.get(self.next).filter(|_| self.next < self.end)?;
        self.next += 1;
        Some(*byte)
    }

    /// The next mapping. Its path replaces what is in `path` when `is_wanted` says so: as the kernel writes it, and empty
    /// when it does not fit.
    pub(crate) fn next(
        &mut self,
        path: &mut heapless::VecView<u8>,
        is_wanted: impl Fn(&Mapping) -> bool,
    ) -> Option<Mapping> {
        let (mut mapping, mut field) = (Mapping::default(), Field::Start);
        let (mut keeps, mut fits) = (false, true);
        loop {
            let byte = self.byte()?;
            if byte == b'\n' {
                if !fits {
                    path.clear();
                }
                if field >= Field::Inode {
                    return Some(mapping);
                }
                // No line of the list: the next one.
                (mapping, field) = (Mapping::default(), Field::Start);
                continue;
            }
            field = match (field, byte) {
                (Field::Start, b'-') => Field::End,
                (Field::End, b' ') => Field::Permissions,
                (Field::Permissions, b' ') => Field::Offset,
                (Field::Offset, b' ') => Field::Major,
                (Field::Major, b':') => Field::Minor,
                (Field::Minor, b' ') => Field::Inode,
                (Field::Inode, b' ') => {
                    keeps = is_wanted(&mapping);
                    if keeps {
                        path.clear();
                    }
                    Field::Padding
                }
                (Field::Padding, b' ') => Field::Padding,
                (Field::Padding | Field::Path, byte) => {
                    fits &= !keeps || path.push(byte).is_ok();
                    Field::Path
                }
                (field, byte) => {
                    mapping.take(field, byte);
                    field
                }
            };
        }
    }
}

impl Mapping {
    /// Takes one more character of a field.
    fn take(&mut self, field: Field, byte: u8) {
        let digit = (byte as char).to_digit(16).unwrap_or(0) as usize;
        let hexadecimal = |number: &mut usize| *number = *number << 4 | digit;
        match field {
            Field::Start => hexadecimal(&mut self.start),
            Field::End => hexadecimal(&mut self.end),
            Field::Permissions => {
                self.readable |= byte == b'r';
                self.executable |= byte == b'x';
            }
            Field::Offset => hexadecimal(&mut self.offset),
            Field::Major | Field::Minor => hexadecimal(&mut self.device),
            Field::Inode => self.inode = self.inode.wrapping_mul(10).wrapping_add(digit),
            Field::Padding | Field::Path => {}
        }
    }
}

/// The path of a file as the kernel wrote it into the list, as it is in the file system: a newline was written `\012`.
pub(crate) fn restore_path(path: &mut heapless::VecView<u8>, mapping: &Mapping) {
    const NEWLINE: &[u8] = br"\012";
    let mut kept = 0;
    let mut from = 0;
    while let Some(&byte) = path.get(from) {
        let is_newline = path.get(from..).is_some_and(|rest| rest.starts_with(NEWLINE));
        if let Some(place) = path.get_mut(kept) {
            *place = if is_newline { b'\n' } else { byte };
        }
        from += if is_newline { NEWLINE.len() } else { 1 };
        kept += 1;
    }
    path.truncate(kept);
    strip_deleted(path, mapping.inode);
}

/// Removes ` (deleted)`, which the kernel writes behind the path of a file that has no name any more; not where the file
/// is called so.
pub(crate) fn strip_deleted(path: &mut heapless::VecView<u8>, inode: usize) {
    const DELETED: &[u8] = b" (deleted)";
    if path.ends_with(DELETED) && !is_named(path, inode) {
        path.truncate(path.len().saturating_sub(DELETED.len()));
    }
}

/// Whether the file with this number has this path.
fn is_named(path: &mut heapless::VecView<u8>, inode: usize) -> bool {
    if path.push(0).is_err() {
        return false;
    }
    let name = CStr::from_bytes_until_nul(path).unwrap_or(c"");
    let found = calls::stat(name).is_some_and(|file| file.st_ino as usize == inode);
    path.pop();
    found
}

/// A file of `/proc` about this process. By way of the thread: the process's own entry says nothing once its first thread
/// has ended.
struct ProcFile(libc::c_int);

impl ProcFile {
    fn open(name: &CStr) -> Option<ProcFile> {
        // A number above the standard ones: the program may have closed those, and opens them again.
        let fd = calls::open(name, libc::O_RDONLY | libc::O_CLOEXEC, 0);
        if (0..3).contains(&fd) {
            let higher = calls::duplicate(fd, 3);
            calls::close(fd);
            return (higher >= 0).then_some(ProcFile(higher));
        }
        (fd >= 0).then_some(ProcFile(fd))
    }
}

impl ProcFile {
    /// Bytes read, 0 at the end.
    fn read(&self, buffer: &mut [u8]) -> usize {
        usize::try_from(calls::read(self.0, buffer)).unwrap_or(0)
    }
}

impl Drop for ProcFile {
    fn drop(&mut self) {
        calls::close(self.0);
    }
}

const LIST: &CStr = c"/proc/thread-self/maps";

/// Whether the kernel lists this process's mappings.
pub(crate) fn is_listed() -> bool {
    ProcFile::open(LIST).is_some()
}

/// The list of this process's mappings, when there is one.
pub(crate) fn lines() -> Option<Lines<impl FnMut(&mut [u8]) -> usize>> {
    let file = ProcFile::open(LIST)?;
    Some(Lines::new(move |buffer: &mut [u8]| file.read(buffer)))
}

/// This process's memory, copied by the kernel, which refuses what is not mapped.
pub(crate) struct Memory(Option<ProcFile>);

impl Memory {
    /// By `/proc`, which sandboxes leave alone that forbid the system call; by the call where there is no `/proc`.
    pub(crate) fn open() -> Memory {
        Memory(ProcFile::open(c"/proc/thread-self/mem"))
    }

    /// Fills `buffer` with what is at `address`; false when some of it cannot be read.
    pub(crate) fn read(&self, address: usize, buffer: &mut [u8]) -> bool {
        match &self.0 {
            Some(file) => usize::try_from(calls::pread(file.0, buffer, address)) == Ok(buffer.len()),
            None => calls::copy(address, buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a text in pieces of `step` bytes.
    fn list(text: &[u8], step: usize) -> Lines<impl FnMut(&mut [u8]) -> usize> {
        let mut rest = text;
        Lines::new(move |buffer: &mut [u8]| {
            let n = rest.len().min(step).min(buffer.len());
            buffer[..n].copy_from_slice(&rest[..n]);
            rest = &rest[n..];
            n
        })
    }

    fn parse(text: &[u8]) -> Vec<(Mapping, Vec<u8>)> {
        let read = |step| {
            let mut lines = list(text, step);
            let mut found = Vec::new();
            loop {
                let mut path = heapless::Vec::<u8, 64>::new();
                let Some(mapping) = lines.next(&mut path, |_| true) else { return found };
                found.push((mapping, path.to_vec()));
            }
        };
        let whole = read(usize::MAX);
        assert_eq!(whole, read(1));
        whole
    }

    #[test]
    fn lines_of_the_kernel_are_mappings() {
        let text = b"\
            55b921e5c000-55b921e5d000 r-xp 00001000 fe:10 10526756                   /tmp/a program\n\
            7fff1000-7fff3000 rw-p 00000000 00:00 0 \n\
            7fff3000-7fff4000 --xp 00000000 00:00 0                                  [vdso]\n";
        let program = Mapping {
            start: 0x55b9_21e5_c000,
            end: 0x55b9_21e5_d000,
            readable: true,
            executable: true,
            offset: 0x1000,
            device: 0xfe10,
            inode: 10_526_756,
        };
        let nobody = Mapping { start: 0x7fff_1000, end: 0x7fff_3000, readable: true, ..Mapping::default() };
        let code = Mapping { start: 0x7fff_3000, end: 0x7fff_4000, executable: true, ..Mapping::default() };
        assert_eq!(
            parse(text),
            [(program, b"/tmp/a program".to_vec()), (nobody, Vec::new()), (code, b"[vdso]".to_vec())]
        );
    }

    #[test]
    fn a_path_that_does_not_fit_is_none_and_a_line_that_is_cut_off_is_none() {
        let long =
            [b"1000-2000 r--p 0 0:0 7 /".as_slice(), &[b'x'; 80], b"\n2000-3000 r--p 0 0:0 8 /b\n"].concat();
        let found = parse(&long);
        assert_eq!(
            found.iter().map(|(_, path)| path.as_slice()).collect::<Vec<_>>(),
            [b"".as_slice(), b"/b"]
        );
        assert_eq!(parse(b"1000-2000 r--p 0 0:0 7 /cut"), []);
        assert_eq!(parse(b"nonsense\n\n1000-2000 r--p 0 0:0 7 /b\n").len(), 1);
    }

    #[test]
    fn a_path_that_nobody_wants_leaves_the_one_before() {
        let mut lines = list(b"1000-2000 r--p 0 0:0 7 /first\n2000-3000 r--p 1000 0:0 7 /second\n", 9);
        let mut path = heapless::Vec::<u8, 64>::new();
        assert!(lines.next(&mut path, |mapping| mapping.offset == 0).is_some());
        assert!(lines.next(&mut path, |mapping| mapping.offset == 0).is_some());
        assert_eq!(path, b"/first");
        assert_eq!(lines.next(&mut path, |_| true), None);
    }

    fn restored(path: &[u8], inode: usize) -> Vec<u8> {
        let mut path = heapless::Vec::<u8, 256>::from_slice(path).unwrap();
        restore_path(&mut path, &Mapping { inode, ..Mapping::default() });
        path.to_vec()
    }

    #[test]
    fn paths_are_as_in_the_file_system() {
        assert_eq!(restored(br"/a\012b\012", 1), b"/a\nb\n");
        assert_eq!(restored(b"/gone (deleted)", 1), b"/gone");
        assert_eq!(restored(b"/gone (deleted) (deleted)", 1), b"/gone (deleted)");
        assert_eq!(restored(b" (deleted)", 1), b"");
    }

    #[test]
    fn a_file_may_be_called_deleted() {
        use std::os::unix::fs::MetadataExt;
        let path = std::env::temp_dir().join(format!("memtrack {} (deleted)", std::process::id()));
        std::fs::write(&path, b"").unwrap();
        let inode = std::fs::metadata(&path).unwrap().ino() as usize;
        let name = path.to_str().unwrap().as_bytes();
        assert_eq!(restored(name, inode), name);
        assert_eq!(restored(name, inode + 1), &name[..name.len() - b" (deleted)".len()]);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn memory_that_is_not_mapped_is_an_error() {
        for memory in [Memory::open(), Memory(None)] {
            let (word, mut copy) = (core::hint::black_box(77u64), [0; 8]);
            assert!(memory.read(core::ptr::from_ref(&word) as usize, &mut copy));
            assert_eq!(u64::from_ne_bytes(copy), 77);
            assert!(!memory.read(16, &mut copy));
        }
    }

    #[test]
    fn this_code_is_in_a_mapping() {
        let here = this_code_is_in_a_mapping as *const () as usize;
        let mut lines = lines().unwrap();
        let mut path = heapless::Vec::<u8, 4096>::new();
        let found = core::iter::from_fn(|| lines.next(&mut path, |_| false))
            .find(|mapping| (mapping.start..mapping.end).contains(&here));
        assert!(found.is_some_and(|mapping| mapping.executable && mapping.inode != 0));
    }
}
