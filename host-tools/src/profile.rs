//! The one aggregated model that every exporter reads: stacks × threads × tags × heaps × metrics, of the whole
//! program or of one stage.

mod attribution;
pub mod check;
mod flame;
mod labels;
mod metric;
mod names;
mod nodes;
mod paths;
mod sizes;
pub mod stacks;
pub mod view;

use std::collections::HashMap;
use std::sync::Arc;

use memtrack_format as format;
use memtrack_format::{Arch, Config, Figures, Kind, Loss, Marks, Os, ThreadState};

use crate::Error;
use crate::clean::clean_bytes;
use crate::modules::Modules;
use crate::reader::Snapshot;
use crate::suppress::Suppressed;
use crate::symbolize::{Frame, Options, Symbols};

pub use attribution::Attribution;
pub use flame::{Around, Flame, FlameNode};
pub use metric::Metric;
pub use paths::Step;
pub use sizes::Size;
pub use stacks::Stacks;
pub use view::View;

use nodes::Node;

/// Most addresses of one stack that are read, innermost first. Trackers capture far fewer; a damaged dump may
/// pretend more.
pub const MAX_DEPTH: usize = 1024;
/// Most tags around one sample that are shown.
const MAX_TAGS: usize = 64;

/// A snapshot with names.
pub struct Profile {
    /// Whether this is the whole program or one stage.
    pub kind: Kind,
    /// The program.
    pub program: Program,
    /// Threads, in the order of the dump.
    pub threads: Vec<Thread>,
    /// Stages: all of them, or the one that this profile shows.
    pub stages: Vec<Stage>,
    /// Names of tags: id to parent and name.
    pub tags: HashMap<u32, (u32, String)>,
    /// Names of heaps.
    pub heaps: HashMap<u32, String>,
    /// Figures of the whole program.
    pub marks: Option<Marks>,
    /// Capacities and their use.
    pub config: Option<Config>,
    /// Losses.
    pub losses: Vec<Loss>,
    /// Live bytes over time.
    pub timeline: Vec<format::TimePoint>,
    /// Sizes of blocks.
    pub sizes: Vec<Size>,
    /// When the snapshot was taken, in nanoseconds since the tracker started.
    pub time_ns: u64,
    /// Modules.
    pub modules: Modules,
    /// Names of all addresses: those of several snapshots of one run may be shared.
    pub symbols: Arc<Symbols>,
    /// The stack tree; 0 and 1 are [`format::Node::ROOT`] and [`format::Node::CUT`].
    nodes: Vec<Node>,
    /// What was counted, per stack, thread, tag and heap.
    pub samples: Vec<Sample>,
    /// The process that this one was forked from, when its tracker ran there already.
    pub forked_from: Option<u32>,
    /// What suppressions took out of the samples' live figures.
    pub suppressed: Vec<Suppressed>,
}

/// The program that was tracked.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its short name.
    pub name: String,
    /// Its command line.
    pub command: String,
    /// Process id, 0 when there is none.
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
    /// What captured the stacks.
    pub unwinder: String,
}

/// A thread, task or core.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its id in the dump.
    pub id: u32,
    /// Its name as every graph shows it: unique.
    pub label: String,
    /// Its own name, empty when it has none.
    pub name: String,
    /// The operating system's id of it, 0 when unknown.
    pub os_id: u64,
    /// What became of it.
    pub state: ThreadState,
    /// How many threads of one name share this entry.
    pub count: u32,
    /// Sums over its cells.
    pub figures: Figures,
    /// Its own high-water mark of live bytes.
    pub own_peak: u64,
    /// Blocks alive at that moment.
    pub own_peak_blocks: u64,
    /// Sizes of its blocks.
    pub sizes: Vec<Size>,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// The threads with the highest peaks in it.
    pub threads: Vec<format::ThreadPeak>,
    /// Its figures. Name and threads are those above.
    pub figures: format::Stage<'static>,
}

/// The counters of one (thread, tag, heap, stack).
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Thread id.
    pub thread: u32,
    /// Tag id, 0 for none.
    pub tag: u32,
    /// Heap id, 0 for the wrapped allocator.
    pub heap: u32,
    /// Neither thread nor stack is known.
    pub unattributed: bool,
    /// Inner frames are missing.
    pub cut: bool,
    /// The innermost node.
    node: u32,
    /// What was counted.
    pub figures: Figures,
}

/// Where a frame stands: what was inlined at one address has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Index of the address in [`Symbols::locations`].
    pub location: u32,
    /// Index in [`crate::symbolize::Location::frames`].
    pub inlined: u32,
}

/// A sample's frames.
pub struct Stack {
    /// The frames, innermost first.
    pub frames: Vec<Frame>,
    /// Where each of them stands.
    pub places: Vec<At>,
    /// Outer frames are missing.
    pub truncated: bool,
}

impl Profile {
    /// Names everything in a snapshot.
    ///
    /// # Errors
    /// When a binary that the user gave can't be used.
    pub fn new(snapshot: Snapshot<'_>, kind: Kind, options: &Options) -> Result<Self, Error> {
        let modules = modules(&snapshot, options);
        let symbols = Arc::new(Symbols::new(nodes::addresses(&snapshot), &modules, options)?);
        Ok(Self::named(snapshot, kind, modules, symbols))
    }

    /// Names several snapshots of one run. What they have in common is looked up once.
    ///
    /// # Errors
    /// When a binary that the user gave can't be used.
    pub fn several(snapshots: Vec<(Snapshot<'_>, Kind)>, options: &Options) -> Result<Vec<Self>, Error> {
        let modules: Vec<Modules> =
            snapshots.iter().map(|(snapshot, _)| modules(snapshot, options)).collect();
        let Some(common) = modules.first() else { return Ok(Vec::new()) };
        let alike: Vec<bool> = modules.iter().map(|modules| modules.all() == common.all()).collect();
        let shared = snapshots.iter().zip(&alike).filter(|(_, alike)| **alike);
        let shared = shared.flat_map(|((snapshot, _), _)| nodes::addresses(snapshot)).collect();
        let symbols = Arc::new(Symbols::new(shared, common, options)?);
        let parts = snapshots.into_iter().zip(modules).zip(alike);
        let named = parts.map(|(((snapshot, kind), modules), alike)| match alike {
            true => Ok(Self::named(snapshot, kind, modules, Arc::clone(&symbols))),
            false => Self::new(snapshot, kind, options),
        });
        named.collect()
    }

    /// What is read of the snapshot is let go of as it is read: one may have millions of stacks.
    fn named(mut snapshot: Snapshot<'_>, kind: Kind, modules: Modules, symbols: Arc<Symbols>) -> Self {
        let mut profile = Profile {
            kind,
            program: names::program(&snapshot),
            threads: names::threads(&snapshot),
            stages: snapshot.stages.iter().map(names::stage).collect(),
            tags: snapshot.tags.iter().map(|tag| (tag.id, (tag.parent, clean_bytes(tag.name)))).collect(),
            heaps: snapshot.heaps.iter().map(|heap| (heap.id, clean_bytes(heap.name))).collect(),
            marks: snapshot.marks,
            config: snapshot.config,
            losses: std::mem::take(&mut snapshot.losses),
            timeline: std::mem::take(&mut snapshot.timeline),
            sizes: sizes::whole(&snapshot.sizes),
            time_ns: snapshot.about.map_or(0, |about| about.time_ns),
            modules,
            symbols,
            nodes: Vec::new(),
            samples: Vec::new(),
            forked_from: snapshot.fork.map(|fork| fork.parent),
            suppressed: Vec::new(),
        };
        profile.nodes = nodes::tree(&snapshot, &profile.symbols);
        // In the place of the cells.
        profile.samples = std::mem::take(&mut snapshot.cells)
            .into_iter()
            .map(|cell| Sample {
                thread: cell.thread,
                tag: cell.tag,
                heap: cell.heap,
                unattributed: cell.id == 0 || (cell.thread == 0 && cell.stack == 0),
                cut: cell.cut,
                node: nodes::index_of(&snapshot, cell.stack),
                figures: cell.figures,
            })
            .collect();
        profile
    }

    /// Adds the stages that another snapshot tells of.
    pub fn add_stages(&mut self, snapshot: &Snapshot<'_>) {
        self.stages.extend(snapshot.stages.iter().map(names::stage));
    }

    /// What a forked process has from its parent: sums over the threads that it inherited.
    #[must_use]
    pub fn inherited(&self) -> Figures {
        let threads = self.threads.iter().filter(|thread| thread.state == ThreadState::Inherited);
        threads.fold(Figures::default(), |mut sum, thread| {
            stacks::add(&mut sum, &thread.figures);
            sum
        })
    }

    /// The figures of some samples, added up.
    pub fn sum(&self, which: impl Fn(&Sample) -> bool) -> Figures {
        let mut sum = Figures::default();
        let some = self.samples.iter().filter(|sample| which(sample));
        some.for_each(|sample| stacks::add(&mut sum, &sample.figures));
        sum
    }

    /// A sample's frames, as they stand in the dump: nothing hidden.
    #[must_use]
    pub fn stack(&self, sample: &Sample) -> Stack {
        let mut frames = Vec::new();
        let mut places = Vec::new();
        let mut at = sample.node;
        for _ in 0..MAX_DEPTH {
            if at < format::Node::FIRST {
                break;
            }
            let node = self.nodes[at as usize];
            let here = &self.symbols.locations()[node.location as usize].frames;
            frames.extend_from_slice(here);
            places.extend((0..).take(here.len()).map(|inlined| At { location: node.location, inlined }));
            at = node.parent;
        }
        Stack { frames, places, truncated: at != format::Node::ROOT }
    }

    /// A tag and those that it was pushed under, outermost first.
    #[must_use]
    pub fn tag_path(&self, tag: u32) -> Vec<u32> {
        let mut path = Vec::new();
        let mut at = tag;
        // A damaged dump may hold a circle.
        while at != 0 && !path.contains(&at) && path.len() < MAX_TAGS {
            path.push(at);
            at = self.tags.get(&at).map_or(0, |tag| tag.0);
        }
        path.reverse();
        path
    }
}

fn modules(snapshot: &Snapshot<'_>, options: &Options) -> Modules {
    Modules::new(&snapshot.modules, if options.names { options.search.bare_module() } else { None })
}
