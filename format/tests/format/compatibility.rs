//! Promises between versions: what a newer writer adds is skipped, what an older writer lacks is zero, false or
//! empty.

use memtrack_format::{
    Cell, DamageKind, Done, Item, Loss, LossCause, Malformed, Reader, Record, Rejected, Section, Snapshot,
    Stage, Tag, TagName, Thread,
};

use crate::support::{HEADER, dump, dump_of, read, section};

fn records<'a, R: Record<'a>>(payload: &'a [u8]) -> Vec<Result<R, Malformed>> {
    Section { tag: R::TAG, offset: 0, payload }.records().collect()
}

/// The header of a snapshot of another version.
fn header_of(version: u16) -> Vec<u8> {
    let mut header = HEADER[..12].to_vec();
    header[8..10].copy_from_slice(&version.to_le_bytes());
    header.extend(memtrack_format::crc32(&header).to_le_bytes());
    header
}

#[test]
fn unknown_sections_are_passed_on_and_do_no_harm() {
    let loss = section(*b"LOSS", &[2, 0, 1]);
    let bytes =
        [&HEADER[..], &loss, &section(*b"NEWS", b"anything"), &section(*b"VOID", &[]), &loss].concat();
    let found = read(&bytes);
    let tags: Vec<_> = found.sections.iter().map(|&(tag, _)| tag).collect();
    assert_eq!(tags, [Tag::LOSS, Tag(*b"NEWS"), Tag(*b"VOID"), Tag::LOSS]);
    assert_eq!(found.damage, []);
}

#[test]
fn a_section_gives_records_of_its_own_kind_only() {
    let section = Section { tag: Tag::HEAP, offset: 0, payload: &[2, 1, 0] };
    assert_eq!(section.records::<Loss>().count(), 0);
    assert_eq!(section.nodes().count(), 0);
}

#[test]
fn unknown_trailing_fields_are_skipped() {
    let payload = [4, 0, 1, 99, 98, /* the next record */ 2, 1, 2];
    let expected =
        [Loss { cause: LossCause::Reentered, events: 1 }, Loss { cause: LossCause::NoThread, events: 2 }]
            .map(Ok);
    assert_eq!(records::<Loss>(&payload), expected);
}

#[test]
fn missing_trailing_fields_are_zero_false_or_empty() {
    assert_eq!(
        records::<Loss>(&[1, 4, 0]),
        [
            Ok(Loss { cause: LossCause::StacksFull, events: 0 }),
            Ok(Loss { cause: LossCause::Reentered, events: 0 }),
        ]
    );
    assert_eq!(records::<TagName<'_>>(&[1, 7]), [Ok(TagName { id: 7, parent: 0, name: b"" })]);
    assert_eq!(records::<Stage<'_>>(&[2, 1, b'a']), [Ok(Stage { name: b"a", ..Stage::default() })]);
    assert_eq!(records::<Thread<'_>>(&[1, 3]), [Ok(Thread { id: 3, ..Thread::default() })]);
    assert_eq!(
        records::<Cell>(&[6, 1, 2, 3, 4, 5, 1]),
        [Ok(Cell { id: 1, thread: 2, tag: 3, heap: 4, stack: 5, cut: true, ..Cell::default() })]
    );
}

/// Groups inside a record have no length of their own: half a group is damage, not an older version.
#[test]
fn a_group_is_there_or_not() {
    assert_eq!(records::<Cell>(&[9, 1, 2, 3, 4, 5, 1, 10, 20, 30]), [Err(Malformed)]);
}

#[test]
fn a_malformed_record_ends_its_section() {
    for payload in [
        &[9, 0, 1][..],                                                       // longer than the section
        &[1, 0x80],                                                           // a varint that is cut off
        &[3, 0x80, 0x02, 1],                                                  // a code above 255
        &[11, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], // more than 64 bits
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],        // a length of 2^63
    ] {
        let payload = [&[2, 0, 1], payload, &[2, 0, 1]].concat();
        let expected = [Ok(Loss { cause: LossCause::Reentered, events: 1 }), Err(Malformed)];
        assert_eq!(records::<Loss>(&payload), expected, "{payload:?}");
    }
    assert_eq!(records::<Cell>(&[6, 1, 2, 3, 4, 5, 2]), [Err(Malformed)], "neither false nor true");
    assert_eq!(records::<Cell>(&[5, 0x80, 0x80, 0x80, 0x80, 0x10]), [Err(Malformed)], "an id above 32 bits");
}

#[test]
fn padded_varints_are_read() {
    assert_eq!(records::<Done>(&[3, 0x81, 0x80, 0x00]), [Ok(Done { sections: 1 })]);
}

#[test]
fn a_malformed_node_ends_its_section() {
    for (payload, why) in [
        (&[2, 0, 0][..], "its own parent"),
        (&[2, 3, 0], "a parent before the outside"),
        (&[1, 1, 0], "an id of the outside"),
        (&[0x80, 0x80, 0x80, 0x80, 0x10, 1, 0], "an id above 32 bits"),
        (&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0], "an id that has no successor"),
        (&[2, 2], "a missing address"),
        (&[2, 2, 0x80], "an address that is cut off"),
    ] {
        let nodes: Vec<_> = Section { tag: Tag::NODE, offset: 0, payload }.nodes().collect();
        assert_eq!(nodes, [Err(Malformed)], "{why}");
    }
    let nodes: Vec<_> =
        Section { tag: Tag::NODE, offset: 0, payload: &[5, 5, 2, 0, 0, 1, 0] }.nodes().collect();
    assert!(matches!(nodes[..], [Ok((5, _)), Err(Malformed)]), "{nodes:?}");
}

#[test]
fn lists_with_huge_counts_cost_nothing() {
    // Ends in a list whose count is 2^63: two items are there, and none.
    let huge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    for items in [&[][..], &[1, 2, 3, 4]] {
        let fields = [&[0; 16][..], &huge, items].concat();
        let payload = [&[fields.len() as u8][..], &fields].concat();
        assert_eq!(records::<Stage<'_>>(&payload), [Err(Malformed)]);
    }
}

#[test]
fn several_snapshots_in_a_file() {
    let first = dump_of(&Snapshot { sequence: 0, ..Snapshot::default() });
    let second = dump(|_| ());
    let found = [first, second].concat();
    let found = read(&found);
    assert_eq!(found.snapshots, 2);
    assert_eq!(
        found.sections.iter().map(|&(tag, _)| tag).collect::<Vec<_>>(),
        [Tag::SNAPSHOT, Tag::DONE, Tag::DONE]
    );
    assert_eq!(found.damage, []);
}

#[test]
fn what_is_not_a_dump_or_of_another_version_is_rejected() {
    assert_eq!(Reader::new(b"").unwrap_err(), Rejected::NotADump);
    assert_eq!(Reader::new(&HEADER[..7]).unwrap_err(), Rejected::NotADump);
    assert_eq!(Reader::new(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0").unwrap_err(), Rejected::NotADump);
    assert_eq!(Reader::new(&header_of(2)).unwrap_err(), Rejected::TooNew(2));
    assert_eq!(Reader::new(&header_of(0)).unwrap_err(), Rejected::TooOld(0));
    assert!(Reader::new(&HEADER).is_ok());
    // A header that does not check is damage, whatever version it seems to be of.
    let mut damaged = header_of(2);
    damaged[15] ^= 1;
    assert!(Reader::new(&damaged).is_ok());
}

#[test]
fn a_snapshot_of_another_version_is_stepped_over() {
    let ours = dump_of(&Loss::default());
    let theirs = [header_of(9), section(*b"LOSS", &[2, 0, 1])].concat();
    let bytes = [&ours[..], &theirs, &ours].concat();
    let found = read(&bytes);
    assert_eq!((found.snapshots, found.sections.len()), (2, 4));
    let damage = &found.damage[..];
    assert!(
        matches!(damage, [damage] if damage.kind == DamageKind::Version(9) && damage.length == theirs.len())
    );
}

/// The header's flags are reserved: a reader takes no notice.
#[test]
fn flags_are_ignored() {
    let mut header = HEADER[..12].to_vec();
    header[10] = 1;
    header.extend(memtrack_format::crc32(&header).to_le_bytes());
    assert!(matches!(Reader::new(&header).unwrap().next(), Some(Item::Snapshot { offset: 0, version: 1 })));
}
