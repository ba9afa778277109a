//! The encoder where its buffer or its sink comes to an end.

use memtrack_format::{EncodeError, Encoder, Heap, Item, Node, OVERHEAD, Reader, Section, Sink, Tag};

use crate::support::{Memory, read};

type Smallest = Encoder<Memory, 128>;

fn sections(bytes: &[u8]) -> Vec<Section<'_>> {
    let items = Reader::new(bytes).unwrap();
    items.filter_map(|item| if let Item::Section(section) = item { Some(section) } else { None }).collect()
}

#[test]
fn records_of_a_kind_share_a_section_until_it_is_full() {
    let mut out = Smallest::new(Memory::default()).unwrap();
    let heaps: Vec<_> = (1..=40).map(|id| Heap { id, name: &b"0123456789"[..id as usize % 11] }).collect();
    heaps.iter().for_each(|heap| out.record(heap).unwrap());
    let bytes = out.finish().unwrap().0;
    let sections = sections(&bytes);
    let read: Vec<_> = sections.iter().flat_map(Section::records::<Heap<'_>>).map(Result::unwrap).collect();
    assert_eq!(read, heaps);
    let (done, full) = sections.split_last().unwrap();
    assert_eq!(done.tag, Tag::DONE);
    assert_eq!(done.payload, [1, full.len() as u8]);
    assert!(full.len() > 1 && full.iter().all(|section| section.payload.len() <= 128 - OVERHEAD));
}

#[test]
fn nodes_share_a_section_until_it_is_full() {
    let mut out = Smallest::new(Memory::default()).unwrap();
    // Each address is as far from the last as can be: the longest encoding.
    let nodes: Vec<_> =
        (2..200).map(|id| (id, Node { parent: id / 2, address: u64::from(id % 2) << 63 })).collect();
    nodes.iter().for_each(|&(id, node)| out.node(id, node).unwrap());
    let bytes = out.finish().unwrap().0;
    let read: Vec<_> = sections(&bytes).iter().flat_map(Section::nodes).map(Result::unwrap).collect();
    assert_eq!(read, nodes);
}

#[test]
fn the_highest_ids_and_addresses_are_written() {
    let mut out = Smallest::new(Memory::default()).unwrap();
    let nodes = [
        (u32::MAX - 2, Node { parent: Node::ROOT, address: u64::MAX }),
        (u32::MAX - 1, Node { parent: u32::MAX - 2, address: 0 }),
    ];
    nodes.iter().for_each(|&(id, node)| out.node(id, node).unwrap());
    let bytes = out.finish().unwrap().0;
    let read: Vec<_> = sections(&bytes).iter().flat_map(Section::nodes).map(Result::unwrap).collect();
    assert_eq!(read, nodes);
}

#[test]
fn a_record_fits_to_the_last_byte_or_is_left_out() {
    // 116 bytes of payload: record length 1, id 1, name length 1.
    let room = 128 - OVERHEAD - 3;
    let mut out = Smallest::new(Memory::default()).unwrap();
    out.record(&Heap { id: 1, name: b"small" }).unwrap();
    assert_eq!(out.record(&Heap { id: 2, name: &vec![b'x'; room + 1] }), Err(EncodeError::RecordTooLarge));
    out.record(&Heap { id: 3, name: &vec![b'x'; room] }).unwrap();
    assert_eq!(out.record(&Heap { id: 4, name: &[b'x'; 10_000] }), Err(EncodeError::RecordTooLarge));
    out.record(&Heap { id: 5, name: b"" }).unwrap();
    let bytes = out.finish().unwrap().0;
    let sections = sections(&bytes);
    let ids: Vec<_> =
        sections.iter().flat_map(Section::records::<Heap<'_>>).map(|heap| heap.unwrap().id).collect();
    assert_eq!(ids, [1, 3, 5]);
    assert_eq!(sections.last().unwrap().payload, [1, 3]);
    assert_eq!(read(&bytes).damage, []);
}

/// A length of two bytes moves the record that was written behind a length of one.
#[test]
fn a_long_record_has_a_long_length() {
    for length in [124, 125, 126, 127, 128, 300] {
        let name = vec![b'n'; length];
        let mut out = Encoder::<Memory, 1000>::new(Memory::default()).unwrap();
        out.record(&Heap { id: 1, name: &name }).unwrap();
        let bytes = out.finish().unwrap().0;
        let heap = sections(&bytes)[0].records::<Heap<'_>>().next().unwrap().unwrap();
        assert_eq!(heap, Heap { id: 1, name: &name });
    }
}

#[test]
fn a_failing_sink_is_told_and_what_it_took_is_readable() {
    struct Full {
        taken: Vec<u8>,
        room: usize,
    }
    #[derive(Debug, PartialEq)]
    struct NoSpace;
    impl Sink for &mut Full {
        type Error = NoSpace;
        fn write(&mut self, bytes: &[u8]) -> Result<(), NoSpace> {
            let fits = bytes.len().min(self.room - self.taken.len());
            self.taken.extend_from_slice(&bytes[..fits]);
            if fits == bytes.len() { Ok(()) } else { Err(NoSpace) }
        }
    }

    let mut disk = Full { taken: Vec::new(), room: 8 };
    assert_eq!(Encoder::<_, 128>::new(&mut disk).err(), Some(NoSpace));

    let mut disk = Full { taken: Vec::new(), room: 16 + 3 * (4 + OVERHEAD) - 1 };
    let mut out = Encoder::<_, 128>::new(&mut disk).unwrap();
    let mut results = Vec::new();
    for id in 2..6 {
        // Every second id: each node is a section of its own.
        results.push(out.node(id * 2, Node { parent: 0, address: 0x1000 }));
    }
    assert_eq!(results, [Ok(()), Ok(()), Ok(()), Err(EncodeError::Sink(NoSpace))]);
    assert_eq!(read(&disk.taken).sections.len(), 2);
}
