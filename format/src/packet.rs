//! Packets: a dump in pieces, for a line that drops or changes bytes.
//!
//! A packet needs no other one: it says which bytes of the dump it holds, and has a CRC-32. Text between packets is allowed.
//!
//! The body of a packet is between two zero bytes, in Cheshire and Baker's consistent overhead byte stuffing (COBS): each zero
//! of the body is replaced by the distance to the next one. So the next packet begins behind the next zero, whatever came
//! before.

use crate::crc32;

/// The most bytes of a dump in a packet. With offset and CRC-32 they are one block of COBS: less than 255 bytes.
pub const PACKET_DATA: usize = 244;
/// Bytes of the longest packet.
pub const MAX_PACKET: usize = PACKET_DATA + AROUND + 3;
/// The offset before the data, and the CRC-32 behind it.
const AROUND: usize = 8;

const _: () = assert!(PACKET_DATA + AROUND < 255, "a body is one block of COBS");

/// Some bytes of a dump, and their offset in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The bytes of the dump that were sent before.
    pub offset: u32,
    /// The bytes.
    pub data: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Writes the packet with the zeros around it into `out`, with up to [`PACKET_DATA`] bytes. Returns its length, and how
    /// many bytes of the data are in it.
    pub fn encode(&self, out: &mut [u8; MAX_PACKET]) -> (usize, usize) {
        // A zero, COBS's first code, the body, a zero.
        const BODY: usize = 2;
        let data = &self.data[..self.data.len().min(PACKET_DATA)];
        let crc = BODY + 4 + data.len();
        let end = crc + 4;
        out[BODY..BODY + 4].copy_from_slice(&self.offset.to_le_bytes());
        out[BODY + 4..crc].copy_from_slice(data);
        let sum = crc32(&out[BODY..crc]);
        out[crc..end].copy_from_slice(&sum.to_le_bytes());
        out[0] = 0;
        out[end] = 0;
        let mut next = end;
        for at in (1..end).rev() {
            // The place of the first code counts as a zero.
            if at == 1 || out[at] == 0 {
                out[at] = (next - at) as u8;
                next = at;
            }
        }
        (end + 1, data.len())
    }

    /// Reads the packet whose bytes, without the zeros around it, are `stuffed`. `None` when the bytes are no packet, or were
    /// changed.
    pub fn decode(stuffed: &[u8], body: &'a mut [u8; MAX_PACKET]) -> Option<Self> {
        let body = unstuff(stuffed, body)?;
        let (checked, crc) = body.split_last_chunk::<4>()?;
        let (offset, data) = checked.split_first_chunk::<4>()?;
        let intact = crc32(checked) == u32::from_le_bytes(*crc);
        intact.then_some(Packet { offset: u32::from_le_bytes(*offset), data })
    }
}

/// Reads one block of COBS.
fn unstuff<'a>(stuffed: &[u8], body: &'a mut [u8; MAX_PACKET]) -> Option<&'a [u8]> {
    let (&first, rest) = stuffed.split_first()?;
    let body = body.get_mut(..rest.len())?;
    body.copy_from_slice(rest);
    let mut zero = usize::from(first);
    while zero <= body.len() {
        let code = body.get_mut(zero.checked_sub(1)?)?;
        if *code == 0 {
            return None;
        }
        zero += usize::from(core::mem::take(code));
    }
    // The last code leads to the zero behind the packet.
    (zero == body.len() + 1).then_some(body)
}
