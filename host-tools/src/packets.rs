//! Reassembles a dump that was sent over a serial line in packets.
//!
//! Text between packets is skipped, and so are packets that the line changed. Each packet has its offset in
//! the dump, so the gaps are the missing bytes.

use memtrack_format::{MAGIC, MAX_PACKET, Packet};

use crate::units::{count, things};

/// The received part of a dump, or of several.
pub struct Arrived {
    /// The received bytes, in order.
    pub dump: Vec<u8>,
    /// The missing parts, on one line.
    pub missing: Option<String>,
}

/// Reads the packets of a line; `None` if there are none, or if the bytes are a plain dump.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Arrived> {
    if bytes.starts_with(&MAGIC) {
        return None;
    }
    let mut body = [0; MAX_PACKET];
    let mut line = Line::default();
    // Zeros separate packets from each other and from other text.
    let whole = bytes.split(|&byte| byte == 0).filter(|part| (1..=MAX_PACKET).contains(&part.len()));
    for part in whole {
        if let Some(packet) = Packet::decode(part, &mut body) {
            line.take(&packet);
        }
    }
    (line.packets > 0).then(|| Arrived { missing: line.missing(), dump: line.dump })
}

#[derive(Default)]
struct Line {
    dump: Vec<u8>,
    packets: usize,
    /// The offset of the next packet if none is lost.
    next: u64,
    lost: u64,
    /// The number of gaps.
    places: u64,
    first: Option<u64>,
}

impl Line {
    fn take(&mut self, packet: &Packet<'_>) {
        let offset = u64::from(packet.offset);
        if offset < self.next {
            // This is another dump. Its first packets may be lost.
            self.next = 0;
        }
        if offset > self.next {
            self.lost += offset - self.next;
            self.places += 1;
            self.first.get_or_insert(self.next);
        }
        self.next = offset + packet.data.len() as u64;
        self.dump.extend_from_slice(packet.data);
        self.packets += 1;
    }

    fn missing(&self) -> Option<String> {
        let first = count(self.first?);
        let more = match self.places - 1 {
            0 => String::new(),
            places => format!(" and at {} more", things(places, "place")),
        };
        let lost = things(self.lost, "byte");
        Some(format!("the line lost {lost} of the dump, at byte {first}{more}: the rest is shown"))
    }
}

#[cfg(test)]
mod tests {
    use memtrack_format::PACKET_DATA;
    use proptest::prelude::*;

    use super::*;

    /// Splits a dump into packets.
    fn sent(mut data: &[u8]) -> Vec<Vec<u8>> {
        let (mut packets, mut offset) = (Vec::new(), 0);
        while !data.is_empty() {
            let mut out = [0; MAX_PACKET];
            let (length, taken) = Packet { offset, data }.encode(&mut out);
            packets.push(out[..length].to_vec());
            (offset, data) = (offset + taken as u32, &data[taken..]);
        }
        packets
    }

    #[test]
    fn missing_bytes_are_reported() {
        let data: Vec<u8> = (0..2440u32).map(|i| (i % 251) as u8).collect();
        let mut packets = sent(&data);
        assert_eq!(packets.len(), 10);
        assert!(read(&packets.concat()).is_some_and(|all| all.dump == data && all.missing.is_none()));
        packets[6].clear();
        packets[7][20] ^= 1;
        let arrived = read(&packets.concat()).expect("packets");
        assert_eq!(arrived.dump, [&data[..6 * 244], &data[8 * 244..]].concat());
        assert_eq!(
            arrived.missing.as_deref(),
            Some("the line lost 488 bytes of the dump, at byte 1 464: the rest is shown")
        );
        packets[0].remove(5);
        let missing = read(&packets.concat()).and_then(|arrived| arrived.missing);
        assert_eq!(
            missing.as_deref(),
            Some("the line lost 732 bytes of the dump, at byte 0 and at 1 place more: the rest is shown")
        );
    }

    #[test]
    fn one_line_may_carry_several_dumps() {
        let (one, other) = (vec![1; 700], vec![2; 500]);
        let mut packets = [sent(&one), sent(&other)].concat();
        let arrived = read(&packets.concat()).expect("packets");
        assert_eq!((arrived.dump, arrived.missing), ([one, other].concat(), None));
        // Lose the first packet of the second dump.
        packets.remove(3);
        let missing = read(&packets.concat()).and_then(|arrived| arrived.missing);
        assert!(missing.is_some_and(|missing| missing.contains("lost 244 bytes of the dump, at byte 0:")));
    }

    #[test]
    fn other_files_are_not_packets() {
        assert!(read(b"").is_none());
        assert!(read(b"\0\0boot\0ready\0").is_none());
        assert!(read(&[&MAGIC[..], &sent(b"within a dump").concat()].concat()).is_none());
    }

    proptest! {
        /// A bad line drops, changes and inserts bytes. Every unharmed packet arrives, nothing arrives that was
        /// not sent, and the number of missing bytes before the last received packet is exact.
        #[test]
        fn a_bad_line_costs_only_damaged_packets(
            seed: u8,
            packets in 1..20usize,
            faults in prop::collection::vec((any::<prop::sample::Index>(), 0..3, 1u8..), 0..12),
        ) {
            // Each packet's data begins with its number.
            let data: Vec<u8> = (0..packets * PACKET_DATA)
                .map(|i| if i % PACKET_DATA == 0 { (i / PACKET_DATA) as u8 } else { (i as u8).wrapping_mul(seed) })
                .collect();
            let mut line: Vec<(usize, u8)> = (0..)
                .zip(sent(&data))
                .flat_map(|(number, packet)| packet.into_iter().map(move |byte| (number, byte)))
                .collect();
            let mut hit = vec![false; packets];
            for (at, kind, by) in faults {
                let at = at.index(line.len());
                let (number, _) = line[at];
                hit[number] = true;
                match kind {
                    0 => drop(line.remove(at)),
                    1 => line[at].1 ^= by,
                    _ => line.insert(at, (number, by)),
                }
            }
            let bytes: Vec<u8> = line.iter().map(|&(_, byte)| byte).collect();
            let (dump, missing) = read(&bytes).map_or((Vec::new(), None), |all| (all.dump, all.missing));

            let arrived: Vec<_> = dump.chunks(PACKET_DATA).map(|part| usize::from(part[0])).collect();
            for (part, &number) in dump.chunks(PACKET_DATA).zip(&arrived) {
                prop_assert_eq!(part, data.chunks(PACKET_DATA).nth(number).unwrap_or_default());
            }
            prop_assert!(arrived.is_sorted_by(|one, next| one < next));
            prop_assert!((0..packets).all(|number| hit[number] || arrived.contains(&number)));
            let lost = arrived.last().map_or(0, |last| last + 1 - arrived.len()) * PACKET_DATA;
            prop_assert_eq!(missing.is_some(), lost > 0);
            let expected = format!("lost {} of", things(lost as u64, "byte"));
            prop_assert!(missing.is_none_or(|missing| missing.contains(&expected)));
        }
    }
}
