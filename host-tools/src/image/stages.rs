//! Stages and the timeline: the fields of their records.

use super::header::Header;
use super::memory::Fields;
use super::records::{measure, with_length};

/// A high-water mark and its time.
#[derive(Clone, Copy, Default)]
pub(super) struct Peak {
    pub(super) bytes: u64,
    pub(super) blocks: u64,
    pub(super) time_ns: u64,
}

impl Peak {
    pub(super) fn read(from: &mut Fields<'_>) -> Peak {
        Peak { bytes: from.word(), blocks: from.word(), time_ns: from.long() }
    }
}

/// A finished stage, or a running one at the time of the image.
pub(super) struct Stage {
    pub(super) name: Vec<u8>,
    pub(super) scope: u32,
    pub(super) depth: u32,
    pub(super) running: bool,
    pub(super) runs: u64,
    pub(super) duration_ns: u64,
    pub(super) begin_ns: u64,
    pub(super) end_ns: u64,
    pub(super) allocs: u64,
    pub(super) bytes: u64,
    pub(super) lost: u64,
    pub(super) live_before: u64,
    pub(super) live_after: u64,
    pub(super) peak: Peak,
    /// Thread ids, each with the peak of its live bytes.
    pub(super) threads: Vec<(u32, u64)>,
}

impl Stage {
    pub(super) fn read(header: &Header, from: &mut Fields<'_>) -> Stage {
        let long = header.rule.long.max(header.rule.pointer);
        let name = with_length(&from.bytes::<48>());
        let (scope, depth, running) = (from.u32(), from.u32(), from.u8() != 0);
        let [runs, duration_ns, begin_ns, end_ns, allocs, bytes, lost] = [(); 7].map(|()| from.long());
        let (live_before, live_after) = (from.word(), from.word());
        from.align(long);
        let peak = Peak::read(from);
        let used = from.u32() as usize;
        from.align(header.rule.pointer);
        let mut threads = Vec::new();
        for place in 0..header.top_threads {
            let thread = (u32::from(from.u16()), from.word());
            threads.extend((place < used).then_some(thread));
        }
        Stage {
            name,
            scope,
            depth,
            running,
            runs,
            duration_ns,
            begin_ns,
            end_ns,
            allocs,
            bytes,
            lost,
            live_before,
            live_after,
            peak,
            threads,
        }
    }

    pub(super) fn align(header: &Header) -> usize {
        header.rule.long.max(header.rule.pointer)
    }

    pub(super) fn size(header: &Header) -> usize {
        measure(header, Self::align(header), |from| _ = Self::read(header, from))
    }
}

/// A running stage.
pub(super) struct Active {
    pub(super) name: Vec<u8>,
    pub(super) depth: u32,
    pub(super) begin_ns: u64,
    pub(super) allocs: u64,
    pub(super) bytes: u64,
    pub(super) live: u64,
    pub(super) lost: u64,
    pub(super) peak: Peak,
    /// The peak of each thread slot.
    pub(super) threads: Vec<u64>,
}

impl Active {
    pub(super) fn read(header: &Header, from: &mut Fields<'_>) -> Active {
        let mut active = Active::without_threads(header, from);
        active.threads = (0..header.threads.capacity).map(|_| from.word()).collect();
        active
    }

    fn without_threads(header: &Header, from: &mut Fields<'_>) -> Active {
        let align = Stage::align(header);
        // Its serial number.
        from.long();
        let (name, depth) = (with_length(&from.bytes::<48>()), from.u32());
        from.align(align);
        let (begin_ns, allocs, bytes, live) = (from.long(), from.long(), from.long(), from.word());
        let lost = from.long();
        from.align(align);
        let peak = Peak::read(from);
        from.align(align);
        Active { name, depth, begin_ns, allocs, bytes, live, lost, peak, threads: Vec::new() }
    }

    pub(super) fn size(header: &Header) -> usize {
        // Nobody has checked the number of threads yet: multiply it with care, and don't read them.
        let rest = measure(header, 1, |from| _ = Self::without_threads(header, from));
        let threads = header.threads.capacity.saturating_mul(header.rule.pointer);
        rest.saturating_add(threads).checked_next_multiple_of(Stage::align(header)).unwrap_or(usize::MAX)
    }
}

/// A point of the timeline.
pub(super) struct Point {
    pub(super) time_ns: u64,
    pub(super) high: u64,
    pub(super) live: u64,
}

impl Point {
    pub(super) fn read(from: &mut Fields<'_>) -> Point {
        Point { time_ns: from.long(), high: from.word(), live: from.word() }
    }

    pub(super) fn size(header: &Header) -> usize {
        measure(header, Stage::align(header), |from| _ = Self::read(from))
    }
}
