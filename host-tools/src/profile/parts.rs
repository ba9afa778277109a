//! The program, its threads and its stages.

use memtrack_format as format;
use memtrack_format::{Arch, Figures, Os, ThreadState};

use super::sizes::Size;

/// The program that was tracked.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its short name.
    pub name: String,
    /// Its command line.
    pub command: String,
    /// Process id; 0 if there is none.
    pub pid: u32,
    /// Parent's process id.
    pub parent_pid: u32,
    /// When the tracker started, in nanoseconds since 1970.
    pub start_unix_ns: u64,
    /// Instruction set.
    pub arch: Arch,
    /// Operating system.
    pub os: Os,
    /// Bytes of a pointer.
    pub pointer_width: u8,
    /// Byte order of the target.
    pub big_endian: bool,
    /// The name of the unwinder that captured the stacks.
    pub unwinder: String,
}

/// A thread, task or core.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its id in the dump.
    pub id: u32,
    /// Its label in every graph: its name, made unique.
    pub label: String,
    /// Its own name; empty if it has none.
    pub name: String,
    /// The id that the operating system gave it; 0 if unknown.
    pub os_id: u64,
    /// Whether it runs, has ended, or is shared.
    pub state: ThreadState,
    /// The number of threads of that name that share this entry.
    pub count: u32,
    /// Sums over its cells.
    pub figures: Figures,
    /// Its own high-water mark of live bytes.
    pub own_peak: u64,
    /// Its live blocks at that moment.
    pub own_peak_blocks: u64,
    /// Sizes of its blocks.
    pub sizes: Vec<Size>,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// The threads with the highest peaks during this stage.
    pub threads: Vec<format::ThreadPeak>,
    /// Its figures. Name and threads are empty here: they are the fields above.
    pub figures: format::Stage<'static>,
}
