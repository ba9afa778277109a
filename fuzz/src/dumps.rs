//! Mutates dumps, and keeps their checksums valid.

use std::ops::Range;

use libfuzzer_sys::fuzzer_mutate;
use memtrack_format::{HEADER_LEN, MAGIC, OVERHEAD, crc32};

/// A header or section.
struct Frame {
    whole: Range<usize>,
    /// The frame without tag, length and checksum.
    content: Range<usize>,
}

const CRC: usize = 4;
/// Tag and length of a section.
const HEAD: usize = OVERHEAD - CRC;

/// Mutates the dump `data[..size]`, and returns its new size.
///
/// `seed` selects the mutation: it changes the content of one header or section, and corrects its length and
/// checksum; or it removes or repeats one; or it changes any bytes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let frames = frames(&data[..size]);
    let (action, place) = (seed % 16, seed as usize / 16);
    let Some(Frame { whole, content }) = (!frames.is_empty()).then(|| &frames[place % frames.len()]) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let bytes = &data[..size];
    let changed = match action {
        0 | 1 => return fuzzer_mutate(data, size, max_size),
        2 | 3 => [&bytes[..whole.start], &bytes[whole.end..]].concat(),
        4 => [&bytes[..whole.end], &bytes[whole.start..]].concat(),
        _ => {
            let is_header = bytes[whole.clone()].starts_with(&MAGIC);
            let room = if is_header { 0 } else { max_size.saturating_sub(size) };
            let content = changed(&bytes[content.clone()], room);
            let mut frame = bytes[whole.start..whole.start + HEAD].to_vec();
            if !is_header {
                frame[4..].copy_from_slice(&(content.len() as u32).to_le_bytes());
            }
            frame.extend(content);
            frame.extend(crc32(&frame).to_le_bytes());
            [&bytes[..whole.start], &frame, &bytes[whole.end..]].concat()
        }
    };
    put(&changed, data, max_size)
}

/// Mutates some bytes. The result is up to `room` bytes longer.
pub(crate) fn changed(bytes: &[u8], room: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed.resize(bytes.len() + room, 0);
    if !changed.is_empty() {
        let most = changed.len();
        let size = fuzzer_mutate(&mut changed, bytes.len(), most);
        changed.truncate(size);
    }
    changed
}

/// Replaces the input by as many of `bytes` as fit, and returns their number.
pub(crate) fn put(bytes: &[u8], data: &mut [u8], max_size: usize) -> usize {
    let size = bytes.len().min(max_size);
    data[..size].copy_from_slice(&bytes[..size]);
    size
}

/// The frames of a dump, up to the first bytes that are no frame.
fn frames(dump: &[u8]) -> Vec<Frame> {
    const _: () = assert!(HEADER_LEN == MAGIC.len() + 4 + CRC && HEAD == MAGIC.len());
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some(head) = dump.get(at..at + HEAD) {
        let length = match head == MAGIC {
            true => HEADER_LEN - HEAD - CRC,
            false => u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize,
        };
        let content = at + HEAD..(at + HEAD).saturating_add(length);
        let whole = at..content.end.saturating_add(CRC);
        if whole.end > dump.len() {
            break;
        }
        at = whole.end;
        frames.push(Frame { whole, content });
    }
    frames
}
