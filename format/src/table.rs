//! The table of records: a row for each kind. The tags, the records of each section, their checks and the list of records that
//! a reader must take come from it.
//!
//! To add a record, write its fields in `record/`, a row here, and its table in `docs/wire-format.md`. Each reader then fails
//! to compile until it [takes](Take) the record.

use crate::field::Malformed;
use crate::record::{
    Cell, Config, Done, Fork, Heap, Loss, Marks, Module, Node, Process, Record, SizeClass, Snapshot, Stage,
    TagName, Target, Thread, TimePoint,
};
use crate::section::Section;
use crate::tag::Tag;

/// Takes the records of one kind.
pub trait Take<R> {
    /// Takes a record.
    fn take(&mut self, record: R);
}

/// A stack node and its id.
pub type NodeWithId = (u32, Node);

macro_rules! table {
    ($($(#[$doc:meta])* $tag:ident = $letters:literal, $layout:ident of $record:ty;)*) => {
        impl Tag {
            $($(#[$doc])* pub const $tag: Tag = Tag(*$letters);)*

            /// Every tag of the current version.
            pub const ALL: &'static [Tag] = &[$(Tag::$tag),*];
        }

        $(table!(@record $layout $tag $record);)*

        /// Takes every record of a dump.
        pub trait TakeAll<'a>: $(Take<$record> +)* {}

        impl<'a, T: $(Take<$record> +)*> TakeAll<'a> for T {}

        impl<'a> Section<'a> {
            /// Gives its records to a reader, as far as they are sound. A section of an unknown tag has none.
            pub fn give(&self, to: &mut impl TakeAll<'a>) {
                match self.tag {
                    $(Tag::$tag => table!(@all $layout self $record).map_while(Result::ok).for_each(|record| to.take(record)),)*
                    _ => {}
                }
            }

            /// Whether every record of it can be read.
            ///
            /// # Errors
            /// [`Malformed`] when one cannot.
            pub fn check(&self) -> Result<(), Malformed> {
                match self.tag {
                    $(Tag::$tag => table!(@all $layout self $record).try_for_each(|record| record.map(drop)),)*
                    _ => Ok(()),
                }
            }
        }
    };
    (@record fields $tag:ident $record:ty) => {
        impl<'a> Record<'a> for $record {
            const TAG: Tag = Tag::$tag;
        }
    };
    (@record nodes $tag:ident $record:ty) => {};
    (@all fields $section:ident $record:ty) => { $section.records::<$record>() };
    (@all nodes $section:ident $record:ty) => { $section.nodes() };
}

table! {
    /// Which snapshot this is and why it was taken: [`Snapshot`].
    SNAPSHOT = b"SNAP", fields of Snapshot;
    /// The program and machine: [`Target`].
    TARGET = b"TARG", fields of Target<'a>;
    /// What tells the process and the tracker from others: [`Process`].
    PROCESS = b"PROC", fields of Process;
    /// What a forked process has from its parent: [`Fork`].
    FORK = b"FORK", fields of Fork<'a>;
    /// Capacities and how much of them was used: [`Config`].
    CONFIG = b"CONF", fields of Config;
    /// Loaded executables and libraries: [`Module`].
    MODULE = b"MODU", fields of Module<'a>;
    /// Threads, tasks or cores: [`Thread`].
    THREAD = b"THRD", fields of Thread<'a>;
    /// Stack nodes, delta-coded: [`Node`].
    NODE = b"NODE", nodes of NodeWithId;
    /// Cells: [`Cell`].
    CELL = b"CELL", fields of Cell;
    /// Figures of the whole program and its peak: [`Marks`].
    MARKS = b"MARK", fields of Marks;
    /// Stages, finished and running: [`Stage`].
    STAGE = b"STAG", fields of Stage<'a>;
    /// Names of tags: [`TagName`].
    TAG = b"TAGN", fields of TagName<'a>;
    /// Names of heaps: [`Heap`].
    HEAP = b"HEAP", fields of Heap<'a>;
    /// Live bytes over time: [`TimePoint`].
    TIMELINE = b"TIME", fields of TimePoint;
    /// Histogram of block sizes: [`SizeClass`].
    SIZES = b"SIZE", fields of SizeClass;
    /// Losses by cause: [`Loss`].
    LOSS = b"LOSS", fields of Loss;
    /// The end of a complete snapshot: [`Done`].
    DONE = b"DONE", fields of Done;
}
