//! Reads the snapshots of a dump.
//!
//! A dump may be large and hold many snapshots. So one pass notes only where the sections of each snapshot
//! lie, and which parts are damaged. The records of a snapshot are read when it is selected.

mod snapshot;
mod tracker;

use std::path::Path;

use memtrack_format::{
    Damage, Done, Item, Kind, Malformed, Process, Reader, Record, Rejected, Section, Stage, Tag, Target,
};

pub use snapshot::Snapshot;
pub use tracker::Tracker;
pub(crate) use tracker::add_loss;

use crate::Error;

/// A dump: its snapshots in the order in which they were written.
pub struct Dump<'a> {
    entries: Vec<Entry<'a>>,
    /// The trackers that wrote the snapshots, each once.
    trackers: Vec<Tracker>,
    damage: Vec<Damage>,
    malformed: usize,
}

/// The outline of a snapshot.
#[derive(Default)]
pub struct Entry<'a> {
    /// Its kind and cause; `None` if that record is missing.
    pub about: Option<memtrack_format::Snapshot>,
    tracker: Tracker,
    /// The stage, for a snapshot of [`Kind::Stage`].
    pub stage: Option<StageHead<'a>>,
    /// Whether the snapshot is complete and undamaged.
    pub complete: bool,
    /// Whether a part before its end is damaged.
    damaged: bool,
    /// Whether its last section has been read.
    ended: bool,
    sections: Vec<Section<'a>>,
}

/// Name and peak of a snapshot's stage.
#[derive(Clone, Copy)]
pub struct StageHead<'a> {
    /// Its name, byte by byte as in the dump.
    pub name: &'a [u8],
    /// Thread id + 1 for a stage of one thread; 0 for one of the whole process.
    pub scope: u32,
    /// Its highest live bytes.
    pub peak: u64,
}

impl Entry<'_> {
    /// The size of its records in the dump.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.sections.iter().map(|section| section.payload.len()).sum()
    }

    /// The tracker that wrote it.
    #[must_use]
    pub fn tracker(&self) -> Tracker {
        self.tracker
    }

    /// Whether this is only the mark that a process writes when it opens a file.
    fn is_mark(&self) -> bool {
        let of_mark = |section: &Section<'_>| matches!(section.tag, Tag::TARGET | Tag::PROCESS | Tag::DONE);
        self.ended && !self.damaged && self.sections.iter().all(of_mark)
    }

    /// Whether it shows the whole program. A snapshot whose first record is missing counts as one.
    #[must_use]
    pub fn is_program(&self) -> bool {
        !self.is_stage()
    }

    /// Whether it shows a finished stage.
    #[must_use]
    pub fn is_stage(&self) -> bool {
        self.about.is_some_and(|about| about.kind == Kind::Stage)
    }
}

impl<'a> Dump<'a> {
    /// Reads the outline of a dump.
    ///
    /// # Errors
    /// Returns an error if the bytes are no dump, have an unsupported version, or hold no snapshot.
    pub fn open(path: &Path, bytes: &'a [u8]) -> Result<Self, Error> {
        let reader = match Reader::new(bytes) {
            Ok(reader) => reader,
            Err(Rejected::TooNew(version) | Rejected::TooOld(version)) => {
                return Err(Error::Version { path: path.into(), version });
            }
            // The start may be missing, as after a late connection to a serial line.
            Err(Rejected::NotADump) if has_snapshot(bytes) => Reader::damaged(bytes),
            Err(Rejected::NotADump) => {
                return Err(Error::NotADump { path: path.into(), reason: describe(bytes) });
            }
        };
        let mut dump = Dump { entries: Vec::new(), trackers: Vec::new(), damage: Vec::new(), malformed: 0 };
        reader.for_each(|item| dump.add(item));
        dump.entries.retain(|entry| !entry.sections.is_empty());
        let begun = dump.entries.first().filter(|entry| entry.is_mark()).map(|mark| mark.tracker.pid);
        dump.entries.retain(|entry| !entry.is_mark());
        if dump.entries.is_empty() {
            return Err(Error::NoSnapshot { path: path.into(), begun });
        }
        dump.trackers = tracker::number(dump.entries.iter_mut().map(|entry| &mut entry.tracker));
        for entry in &mut dump.entries {
            entry.stage =
                entry.stage.map(|head| StageHead { scope: entry.tracker.scope(head.scope), ..head });
        }
        Ok(dump)
    }

    /// The trackers that wrote the snapshots, in the order of their first ones.
    #[must_use]
    pub fn trackers(&self) -> &[Tracker] {
        &self.trackers
    }

    /// Removes all snapshots but those of one tracker, which is given by its number from 1.
    ///
    /// # Errors
    /// Returns an error if there is no such tracker.
    pub fn keep_tracker(&mut self, number: usize) -> Result<(), Error> {
        let known = self.trackers.len();
        let wanted = number.checked_sub(1).and_then(|place| self.trackers.get(place)).copied();
        let wanted = wanted.ok_or(Error::NoTracker { number, known })?;
        self.entries.retain(|entry| entry.tracker == wanted);
        self.trackers = vec![wanted];
        Ok(())
    }

    /// The snapshots.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The damaged places.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The number of sections with malformed records.
    #[must_use]
    pub fn malformed(&self) -> usize {
        self.malformed
    }

    /// Whether the dump is complete and undamaged.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty() && self.malformed == 0 && self.entries.iter().all(|entry| entry.complete)
    }

    /// Reads all of one snapshot. The nodes of a stage include those that the tracker wrote into earlier
    /// snapshots.
    #[must_use]
    pub fn snapshot(&self, index: usize) -> Snapshot<'a> {
        let entry = &self.entries[index];
        let first = if entry.is_stage() { 0 } else { index };
        let same = self.entries[first..=index].iter().filter(|other| other.tracker == entry.tracker);
        let mut snapshot = Snapshot::read(same.flat_map(|entry| &entry.sections), &entry.sections);
        entry.tracker.renumber(&mut snapshot);
        snapshot
    }

    /// Reads the snapshots of several trackers of one process, and adds them up to one.
    #[must_use]
    pub fn together(&self, indexes: &[usize]) -> Snapshot<'a> {
        let all = indexes.iter().map(|&index| self.snapshot(index));
        all.reduce(tracker::sum).unwrap_or_default()
    }

    fn add(&mut self, item: Item<'a>) {
        match item {
            Item::Snapshot { .. } => self.begin(),
            Item::Damage(damage) => {
                self.damage.push(damage);
                if let Some(entry) = self.entries.last_mut() {
                    entry.damaged = true;
                }
            }
            Item::Section(section) => {
                // A damaged header hides the start of a snapshot. Its other sections reveal it.
                let repeated = |entry: &Entry<'_>| section.tag == Tag::SNAPSHOT && entry.about.is_some();
                if self.entries.last().is_none_or(|entry| entry.ended || repeated(entry)) {
                    self.begin();
                }
                if let Some(entry) = self.entries.last_mut()
                    && entry.add(section).is_err()
                {
                    self.malformed += 1;
                    entry.damaged = true;
                }
            }
        }
    }

    fn begin(&mut self) {
        let tracker = self.entries.last().map_or(Tracker::default(), |before| before.tracker);
        self.entries.push(Entry { tracker, ..Entry::default() });
    }
}

impl<'a> Entry<'a> {
    /// Adds a section, and reads the parts of it that the outline needs.
    fn add(&mut self, section: Section<'a>) -> Result<(), Malformed> {
        let before = self.sections.len() as u64;
        self.sections.push(section);
        match section.tag {
            Tag::SNAPSHOT => self.about = first(&section)?,
            Tag::TARGET => {
                if let Some(target) = first::<Target<'_>>(&section)? {
                    self.tracker = Tracker::of(&target);
                }
            }
            Tag::PROCESS => {
                if let Some(process) = first::<Process>(&section)? {
                    self.tracker.process = process;
                }
            }
            Tag::STAGE => {
                if let Some(stage) = first::<Stage<'_>>(&section)? {
                    self.stage = Some(StageHead { name: stage.name, scope: stage.scope, peak: stage.peak });
                }
            }
            Tag::DONE => {
                self.ended = true;
                let whole = first::<Done>(&section)?.is_some_and(|done| done.sections == before);
                self.complete = whole && self.about.is_some() && !self.damaged;
            }
            _ => {}
        }
        section.check()
    }
}

fn first<'a, R: Record<'a>>(section: &Section<'a>) -> Result<Option<R>, Malformed> {
    section.records().next().transpose()
}

fn has_snapshot(bytes: &[u8]) -> bool {
    // The cheap test comes first: the search for undamaged sections takes several passes over the file.
    let magic = memtrack_format::MAGIC;
    bytes.windows(magic.len()).any(|window| window == magic)
        && Reader::damaged(bytes).any(|item| matches!(item, Item::Snapshot { .. }))
}

/// Describes a file that is no dump.
fn describe(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "it is empty",
        [0x7f, b'E', b'L', b'F', ..] => "it is an ELF binary",
        [0x89, b'M', b'T', b'K', ..] | [b'M', b'T', b'K', ..] => "it was changed by a transfer in text mode",
        _ if memtrack_format::MAGIC.starts_with(bytes) => "it ends within its first bytes",
        _ if bytes.iter().take(512).all(|&byte| byte >= 0x20 || byte.is_ascii_whitespace()) => {
            "it is a text file"
        }
        _ => "its first bytes are not those of a dump",
    }
}
