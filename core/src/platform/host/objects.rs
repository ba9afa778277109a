//! Where the unwind table of the code at an address is.
//!
//! On glibc ≥ 2.35 `_dl_find_object` tells: lock-free and safe in signal handlers. It is referenced weakly, so that a
//! program still starts where it is missing. It tells one segment's range of a module with gaps between its segments, and
//! little in a program that is linked statically. There, and where it is missing, a list of the modules serves, which is
//! read from `/proc` when code is met that it lacks.

use super::dump_stack::{self, Patience};
use super::image::{self, Image};
use super::{keep_errno, record};
use crate::sync::*;
use core::ffi::c_int;
use core::sync::atomic::fence;

/// The unwind table of a module: its `.eh_frame_hdr`, and the mapped range that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnwindTable {
    pub(crate) header: usize,
    start: usize,
    pub(crate) end: usize,
    /// Where the module begins.
    module: usize,
}

impl UnwindTable {
    /// What is mapped from an address in the range on.
    pub(crate) fn bytes(&self, from: usize) -> Option<&'static [u8]> {
        // SAFETY: the range is one segment, or a module without gaps, of code that is on the stack: it stays mapped.
        (self.start..self.end)
            .contains(&from)
            .then(|| unsafe { core::slice::from_raw_parts(from as *const u8, self.end - from) })
    }

    /// A table that fills a range, of a module that nobody can tell anything of.
    #[cfg(fuzzing)]
    pub(crate) fn laid(range: core::ops::Range<*const u8>) -> Self {
        static MODULE: [u8; image::PAGE] = [0; image::PAGE];
        let (start, end) = (range.start as usize, range.end as usize);
        UnwindTable { header: start, start, end, module: MODULE.as_ptr() as usize }
    }

    /// Where the module is entered; 0 when that cannot be told.
    pub(crate) fn entry(&self) -> usize {
        image::entry(self.module)
    }
}

/// A module: the range that its addresses are in, and its unwind table, with `header` 0 where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Object {
    start: usize,
    end: usize,
    table: UnwindTable,
}

/// glibc's `struct dl_find_object`.
#[repr(C)]
struct Found {
    flags: u64,
    map_start: usize,
    map_end: usize,
    link_map: usize,
    eh_frame: usize,
    reserved: [u64; 7],
}

type FindObject = unsafe extern "C" fn(pc: usize, result: *mut Found) -> c_int;

// A word that the dynamic linker fills with the function's address, or with 0 where there is none. `weak` in an
// assembly of its own, because Rust has no stable weak references.
core::arch::global_asm!(
    ".pushsection .data.rel.ro.memtrack_dl_find_object,\"aw\"",
    ".p2align 3",
    ".weak _dl_find_object",
    ".hidden memtrack_dl_find_object",
    ".globl memtrack_dl_find_object",
    "memtrack_dl_find_object:",
    ".quad _dl_find_object",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "memtrack_dl_find_object"]
    static DL_FIND_OBJECT: Option<FindObject>;
}

/// What runs at the program's start has run.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether `_dl_find_object` can be asked. Where a program is linked statically it is made ready after the first
/// allocations, and by some of them.
fn is_ready() -> bool {
    STARTED.load(Relaxed) || is_dynamic()
}

/// The kernel has started the dynamic linker for the program.
fn is_dynamic() -> bool {
    // SAFETY: the call reads what the kernel left for the program: here where it put the dynamic linker.
    unsafe { libc::getauxval(libc::AT_BASE) != 0 }
}

/// The unwind table for the code at `pc`.
pub(crate) fn find(pc: usize) -> Option<UnwindTable> {
    let table = object(pc)?.table;
    if table.header == 0 {
        return None;
    }
    record::met(table.header);
    Some(table)
}

/// The range of addresses of the module with the code at `pc`.
pub(crate) fn range(pc: usize) -> Option<(usize, usize)> {
    object(pc).map(|object| (object.start, object.end))
}

fn object(pc: usize) -> Option<Object> {
    match ask_linker(pc) {
        Answer::Object(object) => Some(object),
        // It knows all code of modules, so that nobody reads `/proc` for code that is made at run time.
        Answer::Nothing => list::find(pc, None),
        Answer::Segment { header, bias } => {
            list::find(pc, Some(header)).or_else(|| list::find_anew(pc, Some(header), Some(bias)))
        }
        Answer::Unable => list::find(pc, None).or_else(|| list::find_anew(pc, None, None)),
    }
}

/// What the dynamic linker says of the code at an address.
enum Answer {
    /// All that there is to know.
    Object(Object),
    /// A module's unwind table, 0 for none, and its bias; where the module and its table end it does not say.
    Segment { header: usize, bias: usize },
    /// No module has it.
    Nothing,
    /// It cannot be asked.
    Unable,
}

fn ask_linker(pc: usize) -> Answer {
    // SAFETY: the word is a function pointer or null and does not change once the program runs.
    let Some(find) = (unsafe { DL_FIND_OBJECT }).filter(|_| is_ready()) else { return Answer::Unable };
    let mut found = core::mem::MaybeUninit::<Found>::uninit();
    // SAFETY: the function fills the record in when it returns 0.
    if unsafe { find(pc, found.as_mut_ptr()) } != 0 {
        return Answer::Nothing;
    }
    // SAFETY: it returned 0.
    let Found { map_start, map_end, link_map, eh_frame: header, .. } = unsafe { found.assume_init() };
    // A module without a table, unless the program is linked statically: there the range is that of its code alone.
    let has_none = header == 0 && is_dynamic();
    if has_none || (map_start..map_end).contains(&header) {
        let table = UnwindTable { header, start: map_start, end: map_end, module: map_start };
        return Answer::Object(Object { start: map_start, end: map_end, table });
    }
    // SAFETY: the linker's record of a module whose code is on the stack begins with its bias.
    let bias = if link_map == 0 { 0 } else { unsafe { *(link_map as *const usize) } };
    Answer::Segment { header, bias }
}

/// At the program's start, outside the hook: lists the modules where the dynamic linker does not tell enough of them.
pub(super) fn begin() {
    STARTED.store(true, Relaxed);
    // SAFETY: the call reads what the kernel left for the program: here where it is entered.
    let program = unsafe { libc::getauxval(libc::AT_ENTRY) } as usize;
    let is_told = |pc| matches!(ask_linker(pc), Answer::Object(_));
    if !is_told(program) || !is_told(begin as *const () as usize) {
        list::refresh_outside();
    }
}

/// Something was unloaded; outside the hook.
pub(super) fn unloaded() {
    if list::is_used() {
        list::refresh_outside();
    }
}

mod list {
    use super::*;
    use crate::lock::Lock;
    use crate::table::try_lock;

    /// Modules that are listed; more have no stacks through them.
    const MAX: usize = 512;
    /// Ranges of code that one of them has.
    const CODES: usize = 4;
    /// Words of an entry: begin and end of the module, its table, begin and end of what is mapped around that, and of each
    /// range of code.
    const WORDS: usize = 5 + 2 * CODES;

    /// A module. Whoever reads an entry while it is written sees that by its version, which is odd then, and another one
    /// later.
    struct Entry {
        version: AtomicUsize,
        words: [AtomicUsize; WORDS],
    }

    static ENTRIES: [Entry; MAX] =
        [const { Entry { version: AtomicUsize::new(0), words: [const { AtomicUsize::new(0) }; WORDS] } };
            MAX];
    /// Entries that were ever used.
    static USED: AtomicUsize = AtomicUsize::new(0);
    static WRITER: Lock<()> = Lock::new(());
    /// How often code was met in vain since the list was last read to some purpose.
    static MISSED: AtomicUsize = AtomicUsize::new(0);

    impl Entry {
        fn read(&self) -> Option<[usize; WORDS]> {
            let before = self.version.load(Acquire);
            let words = self.words.each_ref().map(|word| word.load(Relaxed));
            fence(Acquire);
            (before & 1 == 0 && self.version.load(Relaxed) == before).then_some(words)
        }

        /// Under the lock.
        fn write(&self, words: [usize; WORDS]) {
            let version = self.version.load(Relaxed);
            self.version.store(version | 1, Relaxed);
            fence(Release);
            for (place, word) in self.words.iter().zip(words) {
                place.store(word, Relaxed);
            }
            self.version.store((version | 1).wrapping_add(1), Release);
        }
    }

    fn entries() -> &'static [Entry] {
        ENTRIES.get(..USED.load(Acquire)).unwrap_or(&ENTRIES)
    }

    pub(super) fn is_used() -> bool {
        USED.load(Relaxed) != 0
    }

    /// The module with the code at `pc`, and with that table when one is given.
    pub(super) fn find(pc: usize, expected: Option<usize>) -> Option<Object> {
        let words = entries().iter().filter_map(Entry::read).find(|words| {
            let (codes, _) = words.split_at(WORDS - 2 * CODES).1.as_chunks::<2>();
            codes.iter().any(|[start, end]| (*start..*end).contains(&pc))
        })?;
        let [start, end, header, table_start, table_end, ..] = words;
        let is_expected = expected.is_none_or(|expected| expected == 0 || expected == header);
        is_expected.then_some(Object {
            start,
            end,
            table: UnwindTable { header, start: table_start, end: table_end, module: start },
        })
    }

    /// Reads the list once more, for code that was not found: ever more seldom while that is in vain, as for code that is
    /// made at run time. `bias` is what the dynamic linker says of the module, where it is known.
    #[cold]
    #[inline(never)]
    pub(super) fn find_anew(pc: usize, expected: Option<usize>, bias: Option<usize>) -> Option<Object> {
        let missed = MISSED.fetch_add(1, Relaxed);
        if !missed.is_power_of_two() && missed & 0xfff != 0 {
            return None;
        }
        // The event's own stack may be a small one.
        let read = || {
            if !refresh(&mapped)
                && let Some(bias) = bias
            {
                add_alone(bias);
            }
        };
        let is_read = keep_errno(|| dump_stack::run(Patience::None, read));
        let found = find(pc, expected);
        if found.is_some() || is_read.is_none() {
            MISSED.store(0, Relaxed);
        }
        found
    }

    /// Where the system forbids to read the list: the one module, whose file begins at its bias as that of libraries does.
    fn add_alone(bias: usize) {
        let memory = super::super::maps::Memory::open();
        if let Some(image) = Image::at(bias, &|address, buffer| memory.read(address, buffer))
            && let Some(_writer) = try_lock(&WRITER)
        {
            add(&image, &mut [0; MAX / 64]);
        }
    }

    /// Outside the hook: where the kernel does not list the modules, the dynamic linker does.
    pub(super) fn refresh_outside() {
        if !refresh(&mapped) {
            refresh(&|each| {
                image::each_linked(&mut |loaded| each(loaded.image));
                true
            });
        }
    }

    fn mapped(each: Each<'_>) -> bool {
        image::each_mapped(&mut heapless::Vec::<u8, 1>::new(), &mut |loaded| {
            each(loaded.image);
            true
        })
    }

    type Each<'e> = &'e mut dyn FnMut(&Image);

    /// Brings the list up to date from a source, which says whether it told of all.
    fn refresh(source: &dyn Fn(Each<'_>) -> bool) -> bool {
        // Another thread brings it up to date.
        let Some(_writer) = try_lock(&WRITER) else { return true };
        let mut seen = [0u64; MAX / 64];
        let is_whole = source(&mut |image| add(image, &mut seen));
        if is_whole {
            for (entry, place) in entries().iter().zip(0..) {
                if !bit(&mut seen, place, false) {
                    entry.write([0; WORDS]);
                }
            }
        }
        is_whole
    }

    /// Whether the bit of an entry is set; sets it.
    fn bit(bits: &mut [u64; MAX / 64], place: usize, set: bool) -> bool {
        let Some(word) = bits.get_mut(place / 64) else { return false };
        let mask = 1 << (place % 64);
        let before = *word & mask != 0;
        if set {
            *word |= mask;
        }
        before
    }

    /// Under the lock.
    fn add(image: &Image, seen: &mut [u64; MAX / 64]) {
        let words = words(image);
        let same = |entry: &Entry| entry.read() == Some(words);
        let free = |entry: &Entry| entry.read().is_some_and(|words| words == [0; WORDS]);
        let place = entries().iter().position(same).or_else(|| {
            let place = entries().iter().position(free).unwrap_or(entries().len());
            ENTRIES.get(place)?.write(words);
            USED.store(USED.load(Relaxed).max(place + 1), Release);
            Some(place)
        });
        if let Some(place) = place {
            bit(seen, place, true);
        }
    }

    fn words(image: &Image) -> [usize; WORDS] {
        let ends = |segment: &memtrack_format::Segment| {
            [segment.start as usize, segment.start.wrapping_add(segment.length) as usize]
        };
        let [mut low, mut high] = [usize::MAX, 0];
        let mut codes = [[0; 2]; CODES];
        let mut free = codes.iter_mut();
        for segment in &image.segments {
            let [start, end] = ends(segment);
            (low, high) = (low.min(start), high.max(end));
            if segment.executable
                && let Some(code) = free.next()
            {
                *code = [start, end];
            }
        }
        let (table_start, table_end) = image.segment_of(image.unwind).unwrap_or_default();
        let head = [low, high, image.unwind, table_start, table_end];
        let mut words = head.into_iter().chain(codes.into_iter().flatten());
        [(); WORDS].map(|()| words.next().unwrap_or(0))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// An entry that no other test writes to while this one looks.
        fn with_lists(test: impl FnOnce()) {
            static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
            let _one = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            test();
        }

        const CODES_HERE: [fn() -> usize; 2] =
            [|| super::find as *const () as usize, || libc::qsort as *const () as usize];

        #[test]
        fn both_sources_list_the_same_and_what_the_dynamic_linker_tells() {
            with_lists(|| {
                let mut all = [[None; 2]; 2];
                for (found, from_kernel) in all.iter_mut().zip([true, false]) {
                    let linked = |each: Each<'_>| {
                        image::each_linked(&mut |loaded| each(loaded.image));
                        true
                    };
                    assert!(refresh(if from_kernel { &mapped } else { &linked }));
                    *found = CODES_HERE.map(|pc| find(pc(), None));
                }
                assert_eq!(all[0], all[1]);
                for (found, pc) in all[0].iter().zip(CODES_HERE) {
                    let found = found.unwrap();
                    // The table begins with its version, and lies in the module.
                    let table = found.table.bytes(found.table.header).unwrap();
                    assert_eq!(table[0], 1);
                    assert!((found.start..found.end).contains(&pc()) && found.table.start >= found.start);
                    match ask_linker(pc()) {
                        Answer::Object(told) => {
                            assert_eq!(told.table.header, found.table.header);
                            assert_eq!((told.start, told.end), (found.start, found.end));
                        }
                        // A layout with gaps.
                        Answer::Segment { header, .. } => assert_eq!(header, found.table.header),
                        // C libraries without the function.
                        Answer::Unable => {}
                        Answer::Nothing => panic!("the dynamic linker does not know this code"),
                    }
                }
                assert_eq!(find(0x10, None), None);
            });
        }

        #[test]
        fn a_module_that_is_gone_is_listed_no_more_and_its_place_is_used_again() {
            with_lists(|| {
                refresh(&mapped);
                let used = USED.load(Relaxed);
                let mut gone = [0; WORDS];
                (gone[0], gone[1], gone[WORDS - 2], gone[WORDS - 1]) = (0x10, 0x40, 0x20, 0x30);
                ENTRIES[used].write(gone);
                USED.store(used + 1, Relaxed);
                assert_eq!(find(0x20, None).map(|found| (found.start, found.end)), Some((0x10, 0x40)));
                // Between two ranges of its code there may be another module's.
                assert_eq!((find(0x10, None), find(0x30, None)), (None, None));
                // The place was another module's before.
                assert_eq!(find(0x20, Some(0x18)), None);
                refresh(&mapped);
                assert_eq!(find(0x20, None), None);
                assert_eq!(entries().len(), used + 1);
            });
        }

        #[test]
        fn an_entry_that_is_being_written_is_not_read() {
            let entry = Entry { version: AtomicUsize::new(3), words: [const { AtomicUsize::new(7) }; WORDS] };
            assert_eq!(entry.read(), None);
            entry.write([8; WORDS]);
            assert_eq!(entry.read(), Some([8; WORDS]));
        }

        #[test]
        fn code_of_no_module_is_asked_for_ever_more_seldom() {
            with_lists(|| {
                MISSED.store(0, Relaxed);
                let asked = (0..10_000)
                    .filter(|_| {
                        let missed = MISSED.load(Relaxed);
                        assert_eq!(find_anew(0x10, None, None), None);
                        missed.is_power_of_two() || missed & 0xfff == 0
                    })
                    .count();
                // A few times more when another test has the stack on which the list is read.
                assert!(asked < 200, "{asked}");
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_tell_of_this_code() {
        let here = find as *const () as usize;
        let table = find(here).unwrap();
        assert!(table.bytes(table.header).is_some() && table.bytes(table.end).is_none());
        let (start, end) = range(here).unwrap();
        assert!((start..end).contains(&here));
        assert_eq!((find(0x10), range(0x10)), (None, None));
    }
}
