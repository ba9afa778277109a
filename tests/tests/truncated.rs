//! A dump of the real tracker, cut at every byte: the reader yields the part before the cut, and the host tool writes
//! it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::LazyLock;

use memtrack::{DefaultPlatform, DefaultUnwind, Region, Tracker};
use memtrack_format::{DamageKind, HEADER_LEN, Item, OVERHEAD, Reader, Tag};
use memtrack_tests::program::{folder, of_workspace, output};

type Small = Region<256, 64, 16, 4, 4, 32>;

static REGION: Small = Region::new();
static HEAP: Tracker<System, DefaultUnwind, DefaultPlatform, Small> = Tracker::with_region(System, &REGION);

/// A dump of a few blocks under a stage and a tag.
static DUMP: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let _stage = HEAP.stage("stage");
    let _tag = HEAP.tag("tag");
    for size in 1..9 {
        // SAFETY: the size of the layout is not zero. The block is never freed.
        assert!(!unsafe { HEAP.alloc(Layout::from_size_align(size * 100, 8).unwrap()) }.is_null());
    }
    let mut bytes = Vec::new();
    HEAP.dump(&mut bytes).unwrap();
    bytes
});

/// The pieces that a reader finds, as text, the end of the last complete piece, and the damage.
fn read(bytes: &[u8]) -> (Vec<String>, usize, Option<DamageKind>) {
    let (mut found, mut end, mut damage) = (Vec::new(), 0, None);
    for item in Reader::damaged(bytes) {
        assert!(damage.is_none(), "no item follows the cut");
        match item {
            Item::Snapshot { offset, version } => {
                found.push(format!("{version}"));
                end = offset + HEADER_LEN;
            }
            Item::Section(section) => {
                found.push(format!("{section:?}"));
                // Tag and length precede the payload, the checksum follows it.
                end = section.offset - 8 + OVERHEAD + section.payload.len();
            }
            Item::Damage(cut) => damage = Some(cut.kind),
        }
    }
    (found, end, damage)
}

#[test]
fn every_prefix_yields_the_part_before_the_cut() {
    let bytes = &*DUMP;
    let (whole, end, damage) = read(bytes);
    assert_eq!((end, damage), (bytes.len(), None));
    assert!(whole.len() > 10, "{} pieces", whole.len());
    for cut in 0..bytes.len() {
        let (found, end, damage) = read(&bytes[..cut]);
        assert_eq!(found, whole[..found.len()], "cut at {cut}");
        assert_eq!(damage, (end < cut).then_some(DamageKind::Truncated), "cut at {cut}");
        // Every complete piece is found: the next one is cut.
        assert!(found.len() < whole.len());
        let (_, next, _) = read(&bytes[end..]);
        assert!(next == 0 || end + first_length(&bytes[end..]) > cut, "cut at {cut}");
    }
}

/// The length of the first piece.
fn first_length(bytes: &[u8]) -> usize {
    match Reader::damaged(bytes).next() {
        Some(Item::Section(section)) => OVERHEAD + section.payload.len(),
        Some(Item::Snapshot { .. }) => HEADER_LEN,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_host_tool_writes_the_rest_and_warns() {
    let bytes = &*DUMP;
    let folder = folder("truncated");
    let tool = of_workspace("memtrack-fold");
    // After the section of cells there is something to show: cut there, in the middle of the rest, and near the end.
    let cells = Reader::damaged(bytes).find_map(|item| match item {
        Item::Section(section) if section.tag == Tag::CELL => {
            Some(section.offset + section.payload.len() + 4)
        }
        _ => None,
    });
    let cells = cells.expect("a section of cells");
    for cut in [cells, cells + 1, (cells + bytes.len()) / 2, bytes.len() - 1] {
        let path = folder.join(cut.to_string());
        fs::write(&path, &bytes[..cut]).unwrap();
        let output = output(&tool, &[path.to_str().unwrap(), "--no-symbols"], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "cut at {cut} of {}: {said}", bytes.len());
        assert!(said.contains("warning:") && said.contains("snapshot"), "{said}");
        let text = String::from_utf8(output.stdout).unwrap();
        let counts = text.lines().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
        assert!(counts.sum::<u64>() >= 3600, "{text}");
        assert!(text.contains("tag tag"), "{text}");
    }
    // A dump that is cut before its first section ends has nothing to show, and is refused.
    let path = folder.join("head");
    fs::write(&path, &bytes[..HEADER_LEN + 3]).unwrap();
    let output = output(&tool, &[path.to_str().unwrap()], &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
}
