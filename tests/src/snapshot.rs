//! The records of a snapshot, in lists, and the equation that they must satisfy: cells, threads and the whole program
//! add up to the same sums, and the allocations attributed to nobody are those counted as lost.

use std::path::Path;

use memtrack_format::{
    Cause, Cell, Config, Done, Figures, Fork, Heap, Item, Kind, Loss, LossCause, Marks, Module, NodeWithId,
    Process, Reader, Section, SizeClass, Stage, Tag, TagName, Take, Target, Thread, ThreadState, TimePoint,
};

/// One snapshot.
#[derive(Default)]
pub struct Snapshot<'a> {
    /// Its kind, and the cause of it.
    pub about: memtrack_format::Snapshot,
    /// The program.
    pub target: Target<'a>,
    /// The identity of its process and its tracker.
    pub process: Process,
    /// The account that a forked process inherited.
    pub fork: Option<Fork<'a>>,
    /// Its figures.
    pub marks: Marks,
    /// Its modules.
    pub modules: Vec<Module<'a>>,
    /// Its threads.
    pub threads: Vec<Thread<'a>>,
    /// Its stages.
    pub stages: Vec<Stage<'a>>,
    /// Its tags.
    pub tags: Vec<TagName<'a>>,
    /// Its stack nodes.
    pub nodes: Vec<NodeWithId>,
    /// Its cells.
    pub cells: Vec<Cell>,
    /// Live bytes over time.
    pub timeline: Vec<TimePoint>,
    /// Blocks by class of size.
    pub sizes: Vec<SizeClass>,
    /// Events that were lost, by cause.
    pub losses: Vec<Loss>,
}

/// All snapshots of a complete dump.
///
/// # Panics
/// When anything is damaged or missing.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Snapshot<'_>> {
    let mut snapshots: Vec<Snapshot<'_>> = Vec::new();
    let mut done = true;
    for item in Reader::new(bytes).expect("a dump") {
        match item {
            Item::Snapshot { .. } => {
                assert!(done, "snapshot {} ends early", snapshots.len());
                done = false;
                snapshots.push(Snapshot::default());
            }
            Item::Section(section) => {
                done |= section.tag == Tag::DONE;
                let last = snapshots.last_mut().expect("a snapshot's header comes first");
                last.add(&section);
                if section.tag == Tag::DONE && last.is_mark() {
                    snapshots.pop();
                }
            }
            Item::Damage(damage) => panic!("{damage:?}"),
        }
    }
    assert!(done, "the last snapshot ends early");
    snapshots
}

/// The complete snapshots of a dump. The last one may be cut off.
///
/// # Panics
/// When anything before the last snapshot is damaged.
#[must_use]
pub fn complete(bytes: &[u8]) -> Vec<Snapshot<'_>> {
    let mut snapshots: Vec<Snapshot<'_>> = Vec::new();
    let mut complete = 0;
    for item in Reader::new(bytes).expect("a dump") {
        match item {
            Item::Snapshot { .. } => snapshots.push(Snapshot::default()),
            Item::Section(section) => {
                let last = snapshots.last_mut().expect("a snapshot's header comes first");
                last.add(&section);
                if section.tag == Tag::DONE {
                    if last.is_mark() {
                        snapshots.pop();
                    }
                    complete = snapshots.len();
                }
            }
            Item::Damage(damage) => assert_eq!(complete, snapshots.len() - 1, "{damage:?}"),
        }
    }
    snapshots.truncate(complete);
    snapshots
}

/// The bytes of a dump.
///
/// # Panics
/// When the file cannot be read.
#[must_use]
pub fn file(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The last snapshot of the whole program in a dump.
///
/// # Panics
/// When there is none, or something is damaged.
#[must_use]
pub fn last(bytes: &[u8]) -> Snapshot<'_> {
    let program = |snapshot: &Snapshot<'_>| snapshot.about.kind == Kind::Program;
    read(bytes).into_iter().rfind(program).expect("a snapshot of the whole program")
}

impl<'a> Snapshot<'a> {
    fn add(&mut self, section: &Section<'a>) {
        section.check().expect("records that can be read");
        section.give(self);
    }

    /// Whether it is the process mark that begins a file.
    fn is_mark(&self) -> bool {
        // On bare metal there are neither processes nor marks.
        self.target.pid != 0 && self.process.tracker == 0
    }

    /// Events lost to `cause`.
    #[must_use]
    pub fn lost(&self, cause: LossCause) -> u64 {
        self.losses.iter().filter(|loss| loss.cause == cause).map(|loss| loss.events).sum()
    }

    /// The threads called `name`.
    pub fn threads_called<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Thread<'a>> {
        self.threads.iter().filter(move |thread| thread.name == name.as_bytes())
    }

    /// The sum of the figures of the cells that `which` chooses.
    #[must_use]
    pub fn cells(&self, which: impl Fn(&Cell) -> bool) -> Figures {
        self.cells.iter().filter(|cell| which(cell)).map(|cell| cell.figures).sum()
    }

    /// The live bytes of the tag called `name`.
    #[must_use]
    pub fn live_of_tag(&self, name: &str) -> u64 {
        let tag = self.tags.iter().find(|tag| tag.name == name.as_bytes()).map(|tag| tag.id);
        self.cells(|cell| Some(cell.tag) == tag).live
    }

    /// Checks the equation, unless the tracker's own thread wrote the snapshot at an interval. Then the program's threads
    /// ran on, and an event in progress may be in one part and not in another.
    ///
    /// # Panics
    /// When it does not hold.
    pub fn assert_adds_up_at_rest(&self) {
        if self.about.cause != Cause::Interval {
            self.assert_adds_up();
        }
    }

    /// Checks the equation.
    ///
    /// # Panics
    /// When it does not hold.
    pub fn assert_adds_up(&self) {
        let cells = self.cells(|_| true);
        let threads: Figures = self.threads.iter().map(|thread| thread.figures).sum();
        assert_eq!(cells, threads, "the sum of all cells and the sum of all threads");
        let whole = Figures { peak: cells.peak, ..self.marks.figures };
        assert_eq!(cells, whole, "the sum of all cells and the figures of the program");
        assert_eq!(
            cells.peak.abs_diff(self.marks.figures.peak),
            self.marks.mark_error,
            "the error of the mark"
        );
        assert_eq!(
            self.marks.frees,
            cells.allocs - cells.live_blocks,
            "frees are allocations that are not live"
        );
        for thread in &self.threads {
            let own = self.cells(|cell| cell.thread == thread.id);
            assert_eq!(own, thread.figures, "the sum of the cells of thread {} and its figures", thread.id);
        }
        self.assert_losses();
    }

    fn assert_losses(&self) {
        const NOBODY: [LossCause; 4] =
            [LossCause::Reentered, LossCause::NoThread, LossCause::Paused, LossCause::CellsFull];
        let unattributed = self.cells(|cell| cell.id == 0).allocs;
        let lost: u64 = NOBODY.iter().map(|&cause| self.lost(cause)).sum();
        assert_eq!(unattributed, lost, "unattributed allocations and losses: {:?}", self.losses);
        let overflow = self.threads.iter().filter(|thread| thread.state == ThreadState::Overflow);
        let overflow: u64 = overflow.map(|thread| thread.figures.allocs).sum();
        // An allocation that found no cell either is counted on nobody's account.
        let without_slot = overflow..=overflow + self.lost(LossCause::CellsFull);
        let lost = self.lost(LossCause::ThreadsFull);
        assert!(without_slot.contains(&lost), "{overflow} allocations without a slot: {:?}", self.losses);
        let cut = self.cells(|cell| cell.cut).allocs;
        assert!(
            cut <= self.lost(LossCause::StacksFull),
            "{cut} allocations with a cut stack: {:?}",
            self.losses
        );
    }
}

macro_rules! takes {
    ($($field:ident $with:tt $record:ty;)*) => {$(
        impl<'a> Take<$record> for Snapshot<'a> {
            fn take(&mut self, record: $record) {
                takes!(@ $with self $field record);
            }
        }
    )*};
    (@ = $snapshot:ident $field:ident $record:ident) => { $snapshot.$field = $record };
    (@ + $snapshot:ident $field:ident $record:ident) => { $snapshot.$field.extend([$record]) };
}

takes! {
    about = memtrack_format::Snapshot;
    target = Target<'a>;
    process = Process;
    marks = Marks;
    modules + Module<'a>;
    threads + Thread<'a>;
    stages + Stage<'a>;
    tags + TagName<'a>;
    nodes + NodeWithId;
    cells + Cell;
    timeline + TimePoint;
    sizes + SizeClass;
    losses + Loss;
}

impl<'a> Take<Fork<'a>> for Snapshot<'a> {
    fn take(&mut self, fork: Fork<'a>) {
        self.fork = Some(fork);
    }
}

/// No suite asks for them.
macro_rules! leaves {
    ($($record:ty),*) => {$(
        impl<'a> Take<$record> for Snapshot<'a> {
            fn take(&mut self, _: $record) {}
        }
    )*};
}
leaves!(Config, Heap<'a>, Done);
