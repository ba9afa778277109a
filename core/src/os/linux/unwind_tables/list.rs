//! The tracker's own list of modules, for what the dynamic linker's answers lack.
//!
//! The problem: events of all threads search the list, without waiting, while another thread brings it up to date.
//!
//! The idea: one writer at a time changes single [entries](super::entry), which can be read meanwhile.
//!
//! Where nobody reports that a library is unloaded, as on Android, another library may be at the addresses of an entry, and the
//! table of the first one is unmapped. There an entry counts only as long as the headers in memory say the same.
//!
//! - *Miss*: a search for code in vain. Each miss may cause a refresh, but ever fewer do, because code that is made at
//!   run time never gets into the list.

use super::entry::{self, CODES, Entry, WORDS};
use super::*;
use crate::limits::UNWIND_TABLES;
use crate::lock::{Lock, try_lock};

static ENTRIES: [Entry; UNWIND_TABLES] = [const { Entry::free() }; UNWIND_TABLES];
/// The number of entries that were ever used.
static USED: AtomicUsize = AtomicUsize::new(0);
static WRITER: Lock<()> = Lock::new(());
/// The misses since the last refresh that found the code.
static MISSED: AtomicUsize = AtomicUsize::new(0);

/// The entries that were ever used.
fn entries() -> &'static [Entry] {
    ENTRIES.get(..USED.load(Acquire)).unwrap_or(&ENTRIES)
}

/// Whether the list was ever used.
pub(super) fn is_used() -> bool {
    USED.load(Relaxed) != 0
}

/// The module with the code at `pc`. `None` when its table is not the expected one: then another module was there
/// before.
pub(super) fn find(pc: usize, expected: Option<usize>) -> Option<Object> {
    let (words, code) = entries().iter().filter_map(Entry::read).find_map(|words| {
        let (codes, _) = words.split_at(WORDS - 2 * CODES).1.as_chunks::<2>();
        let code = codes.iter().find(|[start, end]| (*start..*end).contains(&pc))?;
        Some((words, (code[0], code[1])))
    })?;
    #[cfg(unseen_unloading)]
    if !is_current(&words) {
        return None;
    }
    let [start, end, header, length, table_start, table_end, ..] = words;
    let is_expected = expected.is_none_or(|expected| expected == 0 || expected == header);
    is_expected.then_some(Object {
        start,
        end,
        code,
        table: UnwindTable { header, length, start: table_start, end: table_end, module: start },
    })
}

/// Whether the module of an entry is still there: the headers in memory say the same. Restores `errno`.
#[cfg(any(unseen_unloading, test))]
fn is_current(words: &[usize; WORDS]) -> bool {
    keep_errno(|| elf::mapped_at(words[0])).is_some_and(|image| entry::words(&image) == *words)
}

/// Brings the list up to date for code that is not in it, and searches again. While the code is missed, this does so
/// ever more rarely. `bias` is the module's, where the dynamic linker knows it. Restores `errno`.
#[cold]
#[inline(never)]
pub(super) fn find_after_refresh(pc: usize, expected: Option<usize>, bias: Option<usize>) -> Option<Object> {
    let missed = MISSED.fetch_add(1, Relaxed);
    if !missed.is_power_of_two() && missed & 0xfff != 0 {
        return None;
    }
    // On the stack for snapshots, because the event's stack may be small.
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

/// Adds a single module, where the mappings cannot be read. Its ELF header is at its bias, as in all libraries.
fn add_alone(bias: usize) {
    let memory = super::super::maps::Memory::open();
    if let Some(image) = Image::at(bias, &|address, buffer| memory.read(address, buffer))
        && let Some(_writer) = try_lock(&WRITER)
    {
        add(&image, &mut [0; UNWIND_TABLES / 64]);
    }
}

/// Brings the list up to date outside the hook: from the dynamic linker where the mappings cannot be read.
pub(super) fn refresh_outside() {
    if !refresh(&mapped) {
        refresh(&|each| {
            elf::each_linked(&mut |loaded| each(loaded.image));
            true
        });
    }
}

/// The source of the kernel's list. It is not complete where it lacks this very code: an emulator of a processor shows its own
/// mappings instead of the program's.
fn mapped(each: Each<'_>) -> bool {
    let here = mapped as *const () as usize;
    let mut has_this_code = false;
    let is_read = elf::each_mapped(&mut heapless::Vec::<u8, 1>::new(), &mut |loaded| {
        has_this_code |= loaded.image.segment_of(here).is_some();
        each(loaded.image);
        true
    });
    is_read && has_this_code
}

/// A function that is called for each image.
type Each<'e> = &'e mut dyn FnMut(&Image);

/// Brings the list up to date from a source, which returns whether it is complete: only then modules that it lacks are
/// removed. Returns the same.
fn refresh(source: &dyn Fn(Each<'_>) -> bool) -> bool {
    // Another thread brings the list up to date.
    let Some(_writer) = try_lock(&WRITER) else { return true };
    let mut seen = [0u64; UNWIND_TABLES / 64];
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

/// Returns whether the bit of an entry is set, and sets it if `set`.
fn bit(bits: &mut [u64; UNWIND_TABLES / 64], place: usize, set: bool) -> bool {
    let Some(word) = bits.get_mut(place / 64) else { return false };
    let mask = 1 << (place % 64);
    let before = *word & mask != 0;
    if set {
        *word |= mask;
    }
    before
}

/// Adds an image, unless it is in the list, and sets its bit in `seen`. Only the thread that has the lock `WRITER`.
fn add(image: &Image, seen: &mut [u64; UNWIND_TABLES / 64]) {
    let words = entry::words(image);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a test while no other test changes the list.
    fn with_lists(test: impl FnOnce()) {
        static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        test();
    }

    const CODES_HERE: [fn() -> usize; 2] =
        [|| super::find as *const () as usize, || libc::qsort as *const () as usize];

    #[test]
    fn both_sources_and_the_dynamic_linker_agree() {
        with_lists(|| {
            let mut all = [[None; 2]; 2];
            for (found, from_kernel) in all.iter_mut().zip([true, false]) {
                let linked = |each: Each<'_>| {
                    elf::each_linked(&mut |loaded| each(loaded.image));
                    true
                };
                assert!(refresh(if from_kernel { &mapped } else { &linked }));
                *found = CODES_HERE.map(|pc| find(pc(), None));
            }
            assert_eq!(all[0], all[1]);
            for (found, pc) in all[0].iter().zip(CODES_HERE) {
                let found = found.unwrap();
                // The table begins with its version, or has rows, and is in the module.
                #[cfg(not(ehabi))]
                assert_eq!(found.table.bytes(found.table.header).unwrap()[0], 1);
                #[cfg(ehabi)]
                assert!(found.table.rows().unwrap().len() > 100);
                assert!((found.start..found.end).contains(&pc()) && found.table.start >= found.start);
                match ask_linker(pc()) {
                    Answer::Object(linked) => {
                        assert_eq!(linked.table.header, found.table.header);
                        #[cfg(ehabi)]
                        assert_eq!(linked.table.length, found.table.length);
                        assert_eq!((linked.start, linked.end), (found.start, found.end));
                    }
                    // A module with gaps.
                    Answer::Segment { header, .. } => assert_eq!(header, found.table.header),
                    // A C library without the function.
                    Answer::Unable => {}
                    Answer::Nothing => panic!("the dynamic linker does not know this code"),
                }
            }
            assert_eq!(find(0x10, None), None);
        });
    }

    #[test]
    fn an_unloaded_module_leaves_the_list_and_its_entry_is_reused() {
        with_lists(|| {
            refresh(&mapped);
            let used = USED.load(Relaxed);
            let mut gone = [0; WORDS];
            (gone[0], gone[1], gone[WORDS - 2], gone[WORDS - 1]) = (0x10, 0x40, 0x20, 0x30);
            ENTRIES[used].write(gone);
            USED.store(used + 1, Relaxed);
            assert_eq!(find(0x20, None).map(|found| (found.start, found.end)), Some((0x10, 0x40)));
            // Code of another module may lie between two ranges.
            assert_eq!((find(0x10, None), find(0x30, None)), (None, None));
            // Another module was there before.
            assert_eq!(find(0x20, Some(0x18)), None);
            refresh(&mapped);
            assert_eq!(find(0x20, None), None);
            assert_eq!(entries().len(), used + 1);
        });
    }

    #[test]
    fn an_entry_is_current_as_long_as_the_headers_in_memory_say_the_same() {
        with_lists(|| {
            refresh(&mapped);
            let here = CODES_HERE[0]();
            let words = entries().iter().filter_map(Entry::read);
            let words = words.filter(|words| (words[0]..words[1]).contains(&here)).collect::<Vec<_>>();
            assert_eq!(words.len(), 1);
            assert!(is_current(&words[0]));
            for place in 0..WORDS {
                let mut other = words[0];
                other[place] ^= 0x10;
                assert!(!is_current(&other), "{place}");
            }
        });
    }

    #[test]
    fn code_of_no_module_causes_ever_fewer_refreshes() {
        with_lists(|| {
            MISSED.store(0, Relaxed);
            let asked = (0..10_000)
                .filter(|_| {
                    let missed = MISSED.load(Relaxed);
                    assert_eq!(find_after_refresh(0x10, None, None), None);
                    missed.is_power_of_two() || missed & 0xfff == 0
                })
                .count();
            // A few more, when another test uses the stack for snapshots.
            assert!(asked < 200, "{asked}");
        });
    }
}
