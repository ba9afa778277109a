//! Packets against literal bytes, and against damage.

use memtrack_format::{MAX_PACKET, PACKET_DATA, Packet, crc32};
use proptest::prelude::*;

fn encode(offset: u32, data: &[u8]) -> Vec<u8> {
    let mut out = [0xaa; MAX_PACKET];
    let (length, taken) = Packet { offset, data }.encode(&mut out);
    assert_eq!(taken, data.len().min(PACKET_DATA));
    out[..length].to_vec()
}

fn decode(packet: &[u8]) -> Option<(u32, Vec<u8>)> {
    let mut body = [0; MAX_PACKET];
    let packet = Packet::decode(packet.strip_prefix(&[0])?.strip_suffix(&[0])?, &mut body)?;
    Some((packet.offset, packet.data.to_vec()))
}

#[test]
fn the_bytes_are_those_of_the_specification() {
    // Of the body `02 01 00 00 | 61 00 62 | crc` the crc has no zero.
    let crc = crc32(&[2, 1, 0, 0, b'a', 0, b'b']).to_le_bytes();
    assert!(!crc.contains(&0));
    let packet = [&[0, 3, 2, 1, 1, 2, b'a', 6, b'b'][..], &crc, &[0]].concat();
    assert_eq!(encode(0x102, b"a\0b"), packet);
    assert_eq!(decode(&packet), Some((0x102, b"a\0b".to_vec())));
}

#[test]
fn what_is_longer_than_a_packet_is_taken_in_part() {
    let data: Vec<u8> = (0..400u32).map(|i| (i % 7) as u8).collect();
    let packet = encode(7, &data);
    assert!(packet.len() <= MAX_PACKET);
    assert_eq!(decode(&packet), Some((7, data[..PACKET_DATA].to_vec())));
    let ones = vec![1; PACKET_DATA];
    assert_eq!(encode(u32::MAX, &ones).len(), MAX_PACKET);
    assert_eq!(decode(&encode(u32::MAX, &ones)), Some((u32::MAX, ones)));
}

proptest! {
    #[test]
    fn a_packet_has_no_zero_inside_and_comes_back(
        offset: u32, data in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..=PACKET_DATA),
    ) {
        let packet = encode(offset, &data);
        prop_assert!(!packet[1..packet.len() - 1].contains(&0));
        prop_assert_eq!(decode(&packet), Some((offset, data)));
    }

    #[test]
    fn a_changed_or_dropped_byte_makes_it_none(
        offset: u32, data in prop::collection::vec(any::<u8>(), 0..=PACKET_DATA), at: prop::sample::Index, by in 1u8..,
    ) {
        let packet = encode(offset, &data);
        let at = 1 + at.index(packet.len() - 2);
        let mut changed = packet.clone();
        changed[at] ^= by;
        prop_assert_eq!(decode(&changed), None);
        changed.remove(at);
        prop_assert_eq!(decode(&changed), None);
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..600)) {
        let mut body = [0; MAX_PACKET];
        prop_assert_eq!(Packet::decode(&bytes, &mut body), None);
    }
}
