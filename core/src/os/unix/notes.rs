//! Notes in files of the ELF format.

use super::memory::PAGE;
use heapless::Vec;

/// Copies memory from an address on; false when it cannot be read.
type Read<'r> = &'r dyn Fn(usize, &mut [u8]) -> bool;

/// The most bytes of a build id. A longer one counts as none.
pub(crate) const MAX_BUILD_ID: usize = 64;

/// The GNU build id among notes, each range with its address, its length and its alignment; empty when there is none. A note has the size of its name, the size of its
/// descriptor, its type, its name and its descriptor; the last two are padded.
pub(in crate::os) fn build_id(notes: &[[u64; 3]], read: Read<'_>) -> Vec<u8, MAX_BUILD_ID> {
    const GNU_BUILD_ID: u32 = 3;
    for &[start, length, align] in notes {
        let pad = if align == 8 { 8 } else { 4 };
        let end = start.saturating_add(length.min(PAGE as u64));
        let mut at = start;
        while at < end {
            let mut head = [0; 16];
            if !read(at as usize, &mut head) {
                break;
            }
            let [name, descriptor, kind, owner] = words(head);
            let begin = at + u64::from(name).saturating_add(12).next_multiple_of(pad);
            let next = begin.saturating_add(u64::from(descriptor).next_multiple_of(pad));
            if (kind, name, owner) == (GNU_BUILD_ID, 4, u32::from_ne_bytes(*b"GNU\0")) {
                let mut id = Vec::new();
                let fits = next <= end && id.resize(descriptor as usize, 0).is_ok();
                return if fits && read(begin as usize, &mut id) { id } else { Vec::new() };
            }
            at = next;
        }
    }
    Vec::new()
}

/// Four words in the byte order of this machine.
fn words(bytes: [u8; 16]) -> [u32; 4] {
    let (words, _) = bytes.as_chunks::<4>();
    let mut words = words.iter().map(|word| u32::from_ne_bytes(*word));
    [(); 4].map(|()| words.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_id_is_found_behind_other_notes() {
        let mut notes = std::vec::Vec::new();
        for (kind, name, descriptor) in [(1u32, &b"GNU\0"[..], &[9u8; 16][..]), (3, b"GNU\0", &[7; 20])] {
            notes.extend((name.len() as u32).to_ne_bytes());
            notes.extend((descriptor.len() as u32).to_ne_bytes());
            notes.extend(kind.to_ne_bytes());
            notes.extend(name);
            notes.extend(descriptor);
        }
        let start = notes.as_ptr() as usize;
        let read: Read<'_> = &|address, buffer| {
            let bytes = notes.get(address - start..).and_then(|rest| rest.get(..buffer.len()));
            bytes.is_some_and(|bytes| {
                buffer.copy_from_slice(bytes);
                true
            })
        };
        let found = |length: usize| build_id(&[[start as u64, length as u64, 4]], read);
        assert_eq!(found(notes.len()), [7u8; 20]);
        assert_eq!(found(notes.len() - 1), []);
    }
}
