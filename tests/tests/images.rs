//! Images of a region: those of every target read the same, those of another version are refused, and damaged ones are read as
//! far as possible.

use memtrack_format::{Figures, TimePoint};
use memtrack_host_tools::extents::Extents;
use memtrack_host_tools::image;
use memtrack_tests::{image_builder, snapshot};

/// If the records of a table have another stride than in this version, the image is another version's.
#[test]
fn an_image_with_another_stride_is_refused() {
    let target = image_builder::Target { pointer: 8, long: 8, big_endian: false };
    let image = image_builder::image(target);
    assert!(image::read(&image, &Extents::default(), None).is_ok());
    // From the 12th word on, the header has the offset, the stride and the capacity of each table.
    for table in 0..8 {
        let at = 4 * (12 + 3 * table + 1);
        let stride = u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
        for other in [stride - 8, stride - 1, 1] {
            let mut image = image.clone();
            image[at..at + 4].copy_from_slice(&other.to_le_bytes());
            let error = image::read(&image, &Extents::default(), None)
                .err()
                .unwrap_or_else(|| panic!("table {table}: {other}"));
            assert!(error.to_string().contains("another layout"), "table {table}: {error}");
        }
    }
}

/// The same tables on 32 and 64 bits, in either byte order.
#[test]
fn images_of_all_targets_read_the_same() {
    let targets = [(4, 4), (4, 8), (8, 8)].into_iter().flat_map(|(pointer, long)| {
        [false, true].map(|big_endian| image_builder::Target { pointer, long, big_endian })
    });
    for target in targets {
        let read = image::read(&image_builder::image(target), &Extents::default(), None);
        let read = read.unwrap_or_else(|error| panic!("{target:?}: {error}"));
        assert!(read.notes.is_empty() && !read.damaged && read.pid.is_none(), "{:?}", read.notes);
        let says = snapshot::last(&read.dump);
        assert_eq!(usize::from(says.target.pointer_width), target.pointer);
        assert_eq!((says.target.big_endian, says.target.unwinder), (target.big_endian, &b"by hand"[..]));
        assert_eq!((says.target.start_unix_ns, says.about.time_ns), (1_700_000_000_000_000_000, 7_000));
        assert_eq!(
            says.nodes.iter().map(|(id, node)| (*id, node.parent)).collect::<Vec<_>>(),
            [(2, 0), (3, 2)]
        );
        let [cell] = &says.cells[..] else { panic!("{:?}", says.cells) };
        assert_eq!((cell.id, cell.thread, cell.tag, cell.stack, cell.cut), (1, 2, 1, 3, false));
        let [thread] = &says.threads[..] else { panic!("{:?}", says.threads) };
        let figures = Figures {
            allocs: 10,
            bytes: 1000 + (5 << 32),
            live: 800,
            live_blocks: 8,
            peak: 600,
            peak_blocks: 6,
            temporary: 1,
            reallocs: 0,
        };
        assert_eq!((cell.figures, thread.figures), (figures, figures));
        assert_eq!((thread.id, thread.name, thread.os_id, thread.own_peak), (2, &b"main"[..], 4711, 950));
        let marks = says.marks;
        assert_eq!((marks.figures.peak, marks.peak_error, marks.mark_error), (950, 13, 350));
        assert_eq!((marks.failed_allocs, marks.peak_time_ns), (11, 5_000));
        assert_eq!(says.losses.iter().map(|loss| loss.events).collect::<Vec<_>>(), [2, 4]);
        let stages: Vec<_> = says.stages.iter().map(|of| (of.name, of.running, of.peak, of.runs)).collect();
        assert_eq!(stages, [(&b"load"[..], false, 400, 2), (b"serve", true, 901, 1)]);
        assert_eq!(
            says.stages[0].threads.iter().map(|of| (of.thread, of.peak)).collect::<Vec<_>>(),
            [(2, 333)]
        );
        // The 850 bytes of the stage's current mark exceed the recorded peak of 5.
        assert_eq!(
            says.stages[1].threads.iter().map(|of| (of.thread, of.peak)).collect::<Vec<_>>(),
            [(2, 850)]
        );
        assert_eq!((says.stages[1].allocs, says.stages[1].lost, says.stages[1].live_after), (6, 5, 800));
        assert_eq!(says.timeline[0], TimePoint { time_ns: 7_000, high: 900, live: 800 });
        assert_eq!((says.sizes.len(), says.sizes[0].class, says.sizes[0].allocs), (1, 1, 10));
        assert_eq!(says.tags[0].name, b"job");
    }
}

/// A complete image that is small enough to be damaged in many ways.
fn small_image() -> Vec<u8> {
    use memtrack::{NoUnwind, Region, Tracker};
    use std::alloc::{GlobalAlloc, Layout, System};
    type Small = Region<16, 16, 8, 4, 4, 8>;
    static REGION: Small = Region::new();
    static HEAP: Tracker<System, NoUnwind, memtrack::Host, Small> =
        Tracker::with(System, NoUnwind, memtrack::Host, &REGION);
    let layout = Layout::new::<[u8; 100]>();
    // SAFETY: the size of the layout is not zero, and each block is freed once with it.
    let event = || unsafe { HEAP.dealloc(HEAP.alloc(layout), layout) };
    HEAP.in_stage("done", event);
    let _running = HEAP.stage("running");
    let _tag = HEAP.tag("tag");
    event();
    let start = (&raw const REGION).cast::<u8>();
    // SAFETY: the region has this size, and no event changes it any more.
    unsafe { std::slice::from_raw_parts(start, size_of::<Small>()) }.to_vec()
}

#[test]
fn damaged_images_are_read_as_far_as_possible() {
    let whole = small_image();
    let read = image::read(&whole, &Extents::default(), None).expect("an image");
    assert_eq!(snapshot::last(&read.dump).stages.len(), 2);
    let mut said = 0;
    for length in (0..whole.len()).step_by(97) {
        if let Ok(cut) = image::read(&whole[..length], &Extents::default(), None) {
            assert!(cut.damaged && cut.notes[0].starts_with("the image is cut off"), "{:?}", cut.notes);
            assert!(!snapshot::read(&cut.dump).is_empty());
            said += 1;
        }
    }
    assert!(said > 100);
    let mut random = 0x9E37_79B9_u32;
    let mut damaged = whole.clone();
    for round in 0..4_000 {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        // The header is a thousandth of the image, and its bits cause most failures.
        let place = random as usize % if round % 2 == 0 { 256 } else { whole.len() };
        damaged[place] ^= 1 << (random >> 29);
        if let Ok(read) = image::read(&damaged, &Extents::default(), None) {
            assert!(!snapshot::read(&read.dump).is_empty());
            assert!(read.dump.len() < 64 * whole.len(), "{} bytes", read.dump.len());
        }
        if round % 8 == 7 {
            damaged.copy_from_slice(&whole);
        }
    }
    let hostile = [&whole[..256], &[0xff; 4096]].concat();
    assert!(image::read(&hostile, &Extents::default(), None).is_ok_and(|read| read.damaged));
    // A region that no tracker has claimed is no image.
    assert!(!image::is_image(&[0; 4096]) && image::read(&[0; 4096], &Extents::default(), None).is_err());
}
