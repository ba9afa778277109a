//! The lines of the list: `start-end rwxp offset major:minor inode   path`.

use super::Mapping;

/// The bytes of the list that are read at a time. Few, because an event may read the list on a small stack.
const CHUNK: usize = 512;

/// The lines that are left.
pub(crate) struct Lines<R> {
    read: R,
    chunk: [u8; CHUNK],
    next: usize,
    end: usize,
}

/// The fields of a line, in order.
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
    /// `read` fills a buffer and returns the number of bytes that it read, 0 at the end.
    pub(crate) fn new(read: R) -> Self {
        Lines { read, chunk: [0; CHUNK], next: 0, end: 0 }
    }

    /// The next byte; `None` at the end.
    fn byte(&mut self) -> Option<u8> {
        if self.next == self.end {
            (self.next, self.end) = (0, (self.read)(&mut self.chunk).min(CHUNK));
        }
        let byte = self.chunk.get(self.next).filter(|_| self.next < self.end)?;
        self.next += 1;
        Some(*byte)
    }

    /// The next mapping; `None` at the end. When `is_wanted` returns true for it, `path` becomes its path as the kernel
    /// writes it, or empty when it does not fit. Otherwise `path` does not change.
    pub(crate) fn next(
        &mut self,
        path: &mut heapless::VecView<u8>,
        is_wanted: impl Fn(&Mapping) -> bool,
    ) -> Option<Mapping> {
        let (mut mapping, mut field) = (Mapping::default(), Field::Start);
        let (mut wanted, mut fits) = (false, true);
        loop {
            let byte = self.byte()?;
            if byte == b'\n' {
                if !fits {
                    path.clear();
                }
                if field >= Field::Inode {
                    return Some(mapping);
                }
                // The line is not a mapping: skip it.
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
                    wanted = is_wanted(&mapping);
                    if wanted {
                        path.clear();
                    }
                    Field::Padding
                }
                (Field::Padding, b' ') => Field::Padding,
                (Field::Padding | Field::Path, byte) => {
                    fits &= !wanted || path.push(byte).is_ok();
                    Field::Path
                }
                (field, byte) => {
                    mapping.append(field, byte);
                    field
                }
            };
        }
    }
}

impl Mapping {
    /// Appends a character to a field.
    fn append(&mut self, field: Field, byte: u8) {
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

// The addresses of the tests have more than 32 bits.
#[cfg(all(test, target_pointer_width = "64"))]
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
    fn a_path_that_is_not_wanted_leaves_the_one_before() {
        let mut lines = list(b"1000-2000 r--p 0 0:0 7 /first\n2000-3000 r--p 1000 0:0 7 /second\n", 9);
        let mut path = heapless::Vec::<u8, 64>::new();
        assert!(lines.next(&mut path, |mapping| mapping.offset == 0).is_some());
        assert!(lines.next(&mut path, |mapping| mapping.offset == 0).is_some());
        assert_eq!(path, b"/first");
        assert_eq!(lines.next(&mut path, |_| true), None);
    }
}
