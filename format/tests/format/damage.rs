//! Damage: whatever happens to the bytes, the reader does not panic, reads all that is whole, reports the rest,
//! and does not take long.

use memtrack_format::{Damage, DamageKind, MAX_PAYLOAD, Reader, Tag};

use crate::support::{HEADER, frame_ends, read, section, small_dump};

#[test]
fn a_dump_cut_at_any_byte_yields_what_came_before() {
    let bytes = small_dump();
    let whole = read(&bytes);
    let ends = frame_ends(&bytes);
    for cut in 0..bytes.len() {
        let found = read(&bytes[..cut]);
        let frames = ends.iter().filter(|&&end| end <= cut).count();
        assert_eq!(found.sections, whole.sections[..frames.saturating_sub(1)], "cut at {cut}");
        assert_eq!(found.snapshots, frames.min(1), "cut at {cut}");
        let begin = if frames == 0 { 0 } else { ends[frames - 1] };
        let missing = Damage { offset: begin, length: cut - begin, kind: DamageKind::Truncated };
        assert_eq!(found.damage, if cut == begin { vec![] } else { vec![missing] }, "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_costs_its_own_frame_only() {
    let bytes = small_dump();
    let whole = read(&bytes);
    let ends = frame_ends(&bytes);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let found = read(&damaged);
        let hit = ends.iter().filter(|&&end| end <= bit / 8).count();
        let (left, right) = whole.sections.split_at(hit.saturating_sub(1));
        let others = [left, if hit == 0 { right } else { &right[1..] }].concat();
        assert_eq!((found.snapshots, found.sections), (usize::from(hit != 0), others), "bit {bit}");
        let begin = if hit == 0 { 0 } else { ends[hit - 1] };
        let [damage] = found.damage[..] else { panic!("bit {bit}: {:?}", found.damage) };
        assert_eq!((damage.offset, damage.length), (begin, ends[hit] - begin), "bit {bit}");
    }
}

#[test]
fn garbage_between_sections_is_skipped() {
    let bytes = small_dump();
    let whole = read(&bytes);
    let garbage =
        [&b"\x89MT some text NODE\xff\0\0\0 CELL \x89MTK\r\n\x1a\n and "[..], &[0; 50], &[0xff; 50]].concat();
    for at in frame_ends(&bytes) {
        let damaged = [&bytes[..at], &garbage, &bytes[at..]].concat();
        let found = read(&damaged);
        assert_eq!((found.snapshots, &found.sections), (1, &whole.sections), "garbage at {at}");
        let kind = DamageKind::Corrupt;
        assert_eq!(found.damage, [Damage { offset: at, length: garbage.len(), kind }]);
    }
}

#[test]
fn a_dump_without_its_beginning_is_read_from_the_first_whole_section() {
    let bytes = small_dump();
    let whole = read(&bytes);
    let ends = frame_ends(&bytes);
    for start in 1..=ends[4] {
        let found = read(&bytes[start..]);
        let lost = ends.iter().filter(|&&end| end < start).count();
        assert_eq!(found.sections, whole.sections[lost..], "from {start}");
    }
}

#[test]
fn a_snapshot_after_a_cut_one_is_read() {
    let bytes = small_dump();
    let sections = read(&bytes).sections.len();
    for cut in 0..bytes.len() {
        let file = [&bytes[..cut], &bytes].concat();
        let found = read(&file);
        assert_eq!(found.snapshots, if cut < HEADER.len() { 1 } else { 2 }, "cut at {cut}");
        assert!(found.sections.len() >= sections, "cut at {cut}");
    }
}

#[test]
fn a_section_longer_than_the_limit_is_damage() {
    let longest = section(*b"NEWS", &vec![0; MAX_PAYLOAD]);
    let longer = section(*b"NEWS", &vec![0; MAX_PAYLOAD + 1]);
    let bytes = [&HEADER[..], &longest, &longer, &longest[..], &section(*b"DONE", &[1, 1])].concat();
    let found = read(&bytes);
    assert_eq!(found.sections.iter().map(|&(tag, _)| tag).collect::<Vec<_>>(), [Tag(*b"NEWS"), Tag::DONE]);
    assert_eq!(found.damage.len(), 1);
}

/// Beginnings of long sections, each of which asks for a CRC-32 over a megabyte. The reader may give up; it may
/// not compute them all. (Without the bound these files take hours, with it a moment.)
#[test]
fn a_hostile_file_is_given_up() {
    let long = (MAX_PAYLOAD as u32).to_le_bytes();
    let known = [&b"CELL"[..], &long].concat();
    // Looks like the beginning of a header at each step.
    let magic = [&b"\x89MTK"[..], &long].concat();
    // A whole section after each bad one: the search succeeds at once, and the next bad one is met in sequence.
    let whole = [&b"NEWS"[..], &long, &section(*b"LOSS", &[2, 0, 1])].concat();
    let empty = [&b"NEWS"[..], &long, &section(*b"LOSS", &[])].concat();
    for pattern in [known, whole, empty] {
        let bytes = pattern.repeat(4 * MAX_PAYLOAD / pattern.len());
        let found = read(&bytes);
        let last = found.damage.last().expect("damage");
        assert_eq!(last.kind, DamageKind::GivenUp, "{pattern:?}");
        assert_eq!(last.offset + last.length, bytes.len());
    }
    let bytes = magic.repeat(4 * MAX_PAYLOAD / magic.len());
    let found = read(&bytes);
    assert_eq!((found.sections.len(), found.damage.len()), (0, 1));
}

/// The bound is far above the length of a small file: each beginning in it may ask for a CRC-32 over half of the file.
#[test]
fn a_small_file_is_never_given_up() {
    let bytes = small_dump();
    let whole = read(&bytes);
    let beginning = [&b"CELL"[..], &(bytes.len() as u32).to_le_bytes()].concat();
    let garbage = beginning.repeat(100);
    let damaged = [&garbage[..], &bytes].concat();
    let found = read(&damaged);
    assert_eq!(found.damage, [Damage { offset: 0, length: garbage.len(), kind: DamageKind::Corrupt }]);
    assert_eq!((found.snapshots, found.sections), (1, whole.sections));
}

/// A damaged file that was not made on purpose is never given up: the bound is far above what chance needs.
#[test]
fn a_badly_damaged_file_is_read_to_its_end() {
    let mut bytes = small_dump().repeat(300);
    let sections = read(&bytes).sections.len();
    for at in (0..bytes.len()).step_by(97) {
        bytes[at] ^= 0x10;
    }
    let found = read(&bytes);
    assert!(found.damage.iter().all(|damage| damage.kind != DamageKind::GivenUp));
    assert!(found.sections.len() > sections / 4, "{} of {sections}", found.sections.len());
}

#[test]
fn garbage_alone_is_no_dump_and_no_harm() {
    for garbage in [vec![0; 4096], vec![0xff; 4096], b"NODE".repeat(1024), HEADER[..15].to_vec()] {
        assert_eq!(read(&garbage).sections, []);
        assert!(Reader::new(&garbage).is_err() || garbage.starts_with(&HEADER[..8]));
    }
}
