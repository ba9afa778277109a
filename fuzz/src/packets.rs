//! Mutates packets, and keeps their checksums valid.

use libfuzzer_sys::fuzzer_mutate;
use memtrack_format::{MAX_PACKET, Packet};

use crate::dumps::{changed, put};

/// Mutates the packets in `data[..size]`, and returns the new size.
///
/// `seed` selects the mutation: it changes offset or data of one packet, and corrects its checksum; or it
/// changes any bytes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let (action, place) = (seed % 4, seed as usize / 4);
    let bytes = &data[..size];
    let parts: Vec<&[u8]> = bytes.split(|&byte| byte == 0).collect();
    let part = parts[place % parts.len()];
    let mut body = [0; MAX_PACKET];
    let packet = if action == 0 { None } else { Packet::decode(part, &mut body) };
    let Some(packet) = packet else { return fuzzer_mutate(data, size, max_size) };
    let content = [&packet.offset.to_le_bytes(), packet.data].concat();
    let content = changed(&content, max_size.saturating_sub(size).min(MAX_PACKET));
    let Some((offset, data_of_packet)) = content.split_first_chunk() else { return size };
    let mut out = [0; MAX_PACKET];
    let (length, _) = Packet { offset: u32::from_le_bytes(*offset), data: data_of_packet }.encode(&mut out);
    // Strip the zeros around the packet: the input already has them.
    let start = part.as_ptr() as usize - bytes.as_ptr() as usize;
    let new = [&bytes[..start], &out[1..length - 1], &bytes[start + part.len()..]].concat();
    put(&new, data, max_size)
}
