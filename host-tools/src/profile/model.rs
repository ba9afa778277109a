//! A snapshot with names.

use std::collections::HashMap;
use std::sync::Arc;

use memtrack_format as format;
use memtrack_format::{Config, Figures, Kind, Loss, Marks, ThreadState};

use super::names;
use super::nodes::{self, Node};
use super::parts::{Program, Stage, Thread};
use super::sample::{At, Sample, Stack};
use super::sizes::{self, Size};
use super::suppressed::Suppressed;
use crate::Error;
use crate::clean::clean_bytes;
use crate::modules::Modules;
use crate::reader::Snapshot;
use crate::symbolize::{Options, Symbols};

/// The most addresses that are read from one stack, innermost first. Trackers capture far fewer; a damaged
/// dump may claim more.
pub const MAX_DEPTH: usize = 1024;
/// The most tags that are shown around one sample.
const MAX_TAGS: usize = 64;

/// A snapshot with names.
pub struct Profile {
    /// Whether this is the whole program or one stage.
    pub kind: Kind,
    /// The program that was tracked.
    pub program: Program,
    /// Threads, in the order of the dump.
    pub threads: Vec<Thread>,
    /// All stages, or the one that this profile shows.
    pub stages: Vec<Stage>,
    /// Parent's id and name of each tag.
    pub tags: HashMap<u32, (u32, String)>,
    /// Names of heaps, by id.
    pub heaps: HashMap<u32, String>,
    /// Figures of the whole program.
    pub marks: Option<Marks>,
    /// Capacity and use of the tables.
    pub config: Option<Config>,
    /// Losses.
    pub losses: Vec<Loss>,
    /// Live bytes over time.
    pub timeline: Vec<format::TimePoint>,
    /// Sizes of the blocks of the whole program.
    pub sizes: Vec<Size>,
    /// When the snapshot was taken, in nanoseconds since the tracker started.
    pub time_ns: u64,
    /// Modules.
    pub modules: Modules,
    /// Names of all addresses. Several snapshots of one run may share them.
    pub symbols: Arc<Symbols>,
    /// The stack tree; 0 and 1 are [`format::Node::ROOT`] and [`format::Node::CUT`].
    pub(super) nodes: Vec<Node>,
    /// Samples, one for each combination of stack, thread, tag and heap.
    pub samples: Vec<Sample>,
    /// The parent's process id, if the process was forked while the tracker ran.
    pub forked_from: Option<u32>,
    /// The live figures that suppressions removed from the samples.
    pub suppressed: Vec<Suppressed>,
}

impl Profile {
    /// Names the content of a snapshot.
    ///
    /// # Errors
    /// Returns an error if a binary that the user gave can't be used.
    pub fn new(snapshot: Snapshot<'_>, kind: Kind, options: &Options) -> Result<Self, Error> {
        let modules = modules(&snapshot, options);
        let symbols = Arc::new(Symbols::new(nodes::addresses(&snapshot), &modules, options)?);
        Ok(Self::named(snapshot, kind, modules, symbols))
    }

    /// Names several snapshots of one run. Addresses that they have in common are looked up once.
    ///
    /// # Errors
    /// Returns an error if a binary that the user gave can't be used.
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

    /// Builds the profile. Lists move out of the snapshot, because one may have millions of stacks.
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
        // The samples reuse the memory of the cells.
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

    /// Whether the program ran under the preloaded library.
    #[must_use]
    pub fn is_preloaded(&self) -> bool {
        const LIBRARIES: [&str; 2] = ["libmemtrack.so", "libmemtrack.dylib"];
        let is_library = |name: &str| LIBRARIES.iter().any(|library| name.starts_with(library));
        self.modules.all().iter().any(|module| is_library(&module.name()))
    }

    /// Adds the stages of another snapshot.
    pub fn add_stages(&mut self, snapshot: &Snapshot<'_>) {
        self.stages.extend(snapshot.stages.iter().map(names::stage));
    }

    /// The figures that a forked process has from its parent: the sums over its inherited threads.
    #[must_use]
    pub fn inherited(&self) -> Figures {
        let threads = self.threads.iter().filter(|thread| thread.state == ThreadState::Inherited);
        threads.map(|thread| thread.figures).sum()
    }

    /// The sum of the figures of the samples that `which` accepts.
    pub fn sum(&self, which: impl Fn(&Sample) -> bool) -> Figures {
        let some = self.samples.iter().filter(|sample| which(sample));
        some.map(|sample| sample.figures).sum()
    }

    /// The frames of a sample, without hiding any.
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

    /// A tag and the tags around it, outermost first.
    #[must_use]
    pub fn tag_path(&self, tag: u32) -> Vec<u32> {
        let mut path = Vec::new();
        let mut at = tag;
        // Tags of a damaged dump may form a cycle.
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
