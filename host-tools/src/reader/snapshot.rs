//! All records of one snapshot.

use memtrack_format as format;
use memtrack_format::{
    Cell, Config, Done, Fork, Heap, Loss, Marks, Module, NodeWithId, Process, Section, SizeClass, Stage, Tag,
    TagName, Take, Target, Thread, TimePoint,
};

/// The records of a snapshot. Names and lists are slices of the dump.
#[derive(Default)]
pub struct Snapshot<'a> {
    /// Kind, cause and time of the snapshot.
    pub about: Option<format::Snapshot>,
    /// The program and its machine.
    pub target: Option<Target<'a>>,
    /// Numbers that distinguish the process and the tracker from others.
    pub process: Option<Process>,
    /// Figures that a forked process inherited.
    pub fork: Option<Fork<'a>>,
    /// Capacity and use of the tables.
    pub config: Option<Config>,
    /// Figures of the whole program.
    pub marks: Option<Marks>,
    /// Loaded executables and libraries.
    pub modules: Vec<Module<'a>>,
    /// Threads.
    pub threads: Vec<Thread<'a>>,
    /// Stack nodes with their ids: in rising order, each id once.
    pub nodes: Vec<NodeWithId>,
    /// Cells.
    pub cells: Vec<Cell>,
    /// Stages.
    pub stages: Vec<Stage<'a>>,
    /// Names of tags.
    pub tags: Vec<TagName<'a>>,
    /// Names of heaps.
    pub heaps: Vec<Heap<'a>>,
    /// Live bytes over time.
    pub timeline: Vec<TimePoint>,
    /// Histogram of block sizes.
    pub sizes: Vec<SizeClass>,
    /// Losses.
    pub losses: Vec<Loss>,
}

impl<'a> Snapshot<'a> {
    /// Reads nodes from `nodes`, and all other records from `own`.
    pub(super) fn read<'s>(nodes: impl Iterator<Item = &'s Section<'a>>, own: &[Section<'a>]) -> Self
    where
        'a: 's,
    {
        let mut read = Snapshot::default();
        for section in nodes {
            read.nodes.extend(section.nodes().map_while(Result::ok));
        }
        // Later nodes win: the sort is stable, so the last of several equal ids comes first.
        read.nodes.reverse();
        read.nodes.sort_by_key(|&(id, _)| id);
        read.nodes.dedup_by_key(|&mut (id, _)| id);
        own.iter().filter(|section| section.tag != Tag::NODE).for_each(|section| section.give(&mut read));
        read
    }
}

/// Of records of which a snapshot has one, the last one counts.
macro_rules! one {
    ($($field:ident: $record:ty;)*) => {$(
        impl<'a> Take<$record> for Snapshot<'a> {
            fn take(&mut self, record: $record) {
                self.$field = Some(record);
            }
        }
    )*};
}

macro_rules! many {
    ($($field:ident: $record:ty;)*) => {$(
        impl<'a> Take<$record> for Snapshot<'a> {
            fn take(&mut self, record: $record) {
                self.$field.push(record);
            }
        }
    )*};
}

one! {
    about: format::Snapshot;
    target: Target<'a>;
    process: Process;
    fork: Fork<'a>;
    config: Config;
    marks: Marks;
}

many! {
    modules: Module<'a>;
    threads: Thread<'a>;
    nodes: NodeWithId;
    cells: Cell;
    stages: Stage<'a>;
    tags: TagName<'a>;
    heaps: Heap<'a>;
    timeline: TimePoint;
    sizes: SizeClass;
    losses: Loss;
}

/// The outline of a dump has read it.
impl Take<Done> for Snapshot<'_> {
    fn take(&mut self, _: Done) {}
}
