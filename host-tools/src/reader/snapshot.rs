//! All records of one snapshot.

use memtrack_format as format;
use memtrack_format::{
    Cell, Config, Fork, Heap, Loss, Malformed, Marks, Module, Node, Process, Record, Section, SizeClass,
    Stage, Tag, TagName, Target, Thread, TimePoint,
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
    pub nodes: Vec<(u32, Node)>,
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
        own.iter().for_each(|section| read.add(section));
        read
    }

    fn add(&mut self, section: &Section<'a>) {
        match section.tag {
            Tag::SNAPSHOT => self.about = section.records().map_while(Result::ok).last(),
            Tag::TARGET => self.target = section.records().map_while(Result::ok).last(),
            Tag::PROCESS => self.process = section.records().map_while(Result::ok).last(),
            Tag::FORK => self.fork = section.records().map_while(Result::ok).last(),
            Tag::CONFIG => self.config = section.records().map_while(Result::ok).last(),
            Tag::MARKS => self.marks = section.records().map_while(Result::ok).last(),
            Tag::MODULE => collect(section, &mut self.modules),
            Tag::THREAD => collect(section, &mut self.threads),
            Tag::CELL => collect(section, &mut self.cells),
            Tag::STAGE => collect(section, &mut self.stages),
            Tag::TAG => collect(section, &mut self.tags),
            Tag::HEAP => collect(section, &mut self.heaps),
            Tag::TIMELINE => collect(section, &mut self.timeline),
            Tag::SIZES => collect(section, &mut self.sizes),
            Tag::LOSS => collect(section, &mut self.losses),
            _ => {}
        }
    }
}

fn collect<'a, R: Record<'a>>(section: &Section<'a>, into: &mut Vec<R>) {
    into.extend(section.records().map_while(Result::ok).take(most::<R>(section)));
}

/// The most records that are read from a section. A real record writes all of its fields. A forged section of
/// empty records would need hundreds of times its length in memory.
fn most<R>(section: &Section<'_>) -> usize {
    /// Bytes of memory per byte of the dump.
    const EXPANSION: usize = 32;
    /// The number of records that every section may have.
    const LEAST: usize = 16;
    LEAST + section.payload.len() * EXPANSION / size_of::<R>()
}

/// Checks that every record of a section can be read.
pub(super) fn check(section: &Section<'_>) -> Result<(), Malformed> {
    fn all<'a, R: Record<'a>>(section: &Section<'a>) -> Result<(), Malformed> {
        let count = section.records::<R>().try_fold(0usize, |count, record| record.map(|_| count + 1))?;
        if count > most::<R>(section) { Err(Malformed) } else { Ok(()) }
    }
    match section.tag {
        Tag::NODE => section.nodes().try_for_each(|node| node.map(drop)),
        Tag::PROCESS => all::<Process>(section),
        Tag::FORK => all::<Fork<'_>>(section),
        Tag::CONFIG => all::<Config>(section),
        Tag::MARKS => all::<Marks>(section),
        Tag::MODULE => all::<Module<'_>>(section),
        Tag::THREAD => all::<Thread<'_>>(section),
        Tag::CELL => all::<Cell>(section),
        Tag::STAGE => all::<Stage<'_>>(section),
        Tag::TAG => all::<TagName<'_>>(section),
        Tag::HEAP => all::<Heap<'_>>(section),
        Tag::TIMELINE => all::<TimePoint>(section),
        Tag::SIZES => all::<SizeClass>(section),
        Tag::LOSS => all::<Loss>(section),
        _ => Ok(()),
    }
}
