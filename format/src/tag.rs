//! The four-letter names of sections.

/// What a section holds. Unknown tags are skipped by readers: a newer writer may add sections.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub [u8; 4]);

impl Tag {
    /// Which snapshot this is and why it was taken: [`Snapshot`](crate::Snapshot).
    pub const SNAPSHOT: Tag = Tag(*b"SNAP");
    /// The program and machine: [`Target`](crate::Target).
    pub const TARGET: Tag = Tag(*b"TARG");
    /// What tells the process and the tracker from others: [`Process`](crate::Process).
    pub const PROCESS: Tag = Tag(*b"PROC");
    /// What a forked process has from its parent: [`Fork`](crate::Fork).
    pub const FORK: Tag = Tag(*b"FORK");
    /// Capacities and how much of them was used: [`Config`](crate::Config).
    pub const CONFIG: Tag = Tag(*b"CONF");
    /// Loaded executables and libraries: [`Module`](crate::Module).
    pub const MODULE: Tag = Tag(*b"MODU");
    /// Threads, tasks or cores: [`Thread`](crate::Thread).
    pub const THREAD: Tag = Tag(*b"THRD");
    /// Stack nodes, delta-coded: [`Node`](crate::Node).
    pub const NODE: Tag = Tag(*b"NODE");
    /// Cells: [`Cell`](crate::Cell).
    pub const CELL: Tag = Tag(*b"CELL");
    /// Figures of the whole program and its peak: [`Marks`](crate::Marks).
    pub const MARKS: Tag = Tag(*b"MARK");
    /// Stages, finished and running: [`Stage`](crate::Stage).
    pub const STAGE: Tag = Tag(*b"STAG");
    /// Names of tags: [`TagName`](crate::TagName).
    pub const TAG: Tag = Tag(*b"TAGN");
    /// Names of heaps: [`Heap`](crate::Heap).
    pub const HEAP: Tag = Tag(*b"HEAP");
    /// Live bytes over time: [`TimePoint`](crate::TimePoint).
    pub const TIMELINE: Tag = Tag(*b"TIME");
    /// Histogram of block sizes: [`SizeClass`](crate::SizeClass).
    pub const SIZES: Tag = Tag(*b"SIZE");
    /// Losses by cause: [`Loss`](crate::Loss).
    pub const LOSS: Tag = Tag(*b"LOSS");
    /// The end of a complete snapshot: [`Done`](crate::Done).
    pub const DONE: Tag = Tag(*b"DONE");

    /// Every tag of the current version.
    pub const ALL: [Tag; 17] = [
        Tag::SNAPSHOT,
        Tag::TARGET,
        Tag::PROCESS,
        Tag::FORK,
        Tag::CONFIG,
        Tag::MODULE,
        Tag::THREAD,
        Tag::NODE,
        Tag::CELL,
        Tag::MARKS,
        Tag::STAGE,
        Tag::TAG,
        Tag::HEAP,
        Tag::TIMELINE,
        Tag::SIZES,
        Tag::LOSS,
        Tag::DONE,
    ];
}

impl core::fmt::Debug for Tag {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|&byte| write!(f, "{}", core::ascii::escape_default(byte)))
    }
}
