//! The reference model: the figures that a tracker must report for a [script](crate::script), computed the simple
//! way. Every block is remembered with its place of allocation; the blocks live at a peak are copied at the peak.

mod stages;

use std::collections::BTreeMap;

use memtrack_format::Figures;

use crate::script::{Event, Step, THREADS};
pub use stages::Stage;
use stages::Stages;

/// The place that a block was allocated from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Tracking was paused: nobody's.
    #[default]
    Nobody,
    /// A thread, its tags, the depth of its calls, and one of three functions.
    Stack {
        /// The thread.
        thread: u8,
        /// Its tags, outermost first.
        tags: Vec<u8>,
        /// The depth of calls.
        depth: u8,
        /// The function: one of three.
        function: u8,
    },
}

impl Place {
    fn thread(&self) -> Option<usize> {
        match self {
            Place::Nobody => None,
            Place::Stack { thread, .. } => Some(usize::from(*thread)),
        }
    }
}

#[derive(Clone, Debug)]
struct Block {
    number: u64,
    size: usize,
    place: Place,
}

/// A high-water mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// Bytes.
    pub bytes: u64,
    /// Blocks live at that moment.
    pub blocks: u64,
}

impl Peak {
    fn rise(&mut self, live: Peak) {
        if live.bytes > self.bytes {
            *self = live;
        }
    }
}

/// A thread.
#[derive(Default)]
pub struct Thread {
    /// Its own high-water mark.
    pub peak: Peak,
    tags: Vec<u8>,
    spans: Stages,
    /// The block that its last event allocated.
    last: Option<u64>,
}

/// The reference model.
#[derive(Default)]
pub struct Model {
    blocks: Vec<Block>,
    next: u64,
    cells: BTreeMap<Place, Figures>,
    /// The blocks of each cell at the peak. They are copied when live falls from the peak.
    at_peak: Option<BTreeMap<Place, Peak>>,
    /// The program's high-water mark.
    pub peak: Peak,
    /// Its threads.
    pub threads: [Thread; THREADS],
    stages: Stages,
    /// Allocations that failed.
    pub failed: u64,
    /// Events that allocated a block while tracking was paused.
    pub lost: u64,
    paused: bool,
    fail_every: usize,
    calls: usize,
}

impl Model {
    /// Applies a step.
    pub fn step(&mut self, event: Event) {
        let thread = usize::from(event.thread);
        match event.step {
            Step::Alloc { depth, size } => self.alloc(self.place(thread, depth, 0), thread, size),
            Step::Zeroed { depth, size } => self.alloc(self.place(thread, depth, 1), thread, size),
            Step::Realloc { depth, block, size } => {
                self.realloc(self.place(thread, depth, 2), thread, block, size);
            }
            Step::Huge { .. } => self.failed += 1,
            Step::Free { block } => self.free(thread, block),
            Step::FailEvery { every } => (self.fail_every, self.calls) = (every, 0),
            Step::ResetPeak => {
                (self.peak, self.at_peak) = (self.live(), None);
                for thread in 0..THREADS {
                    self.threads[thread].peak = self.live_of(thread);
                }
            }
            Step::BeginStage { name } => self.stages.begin(name, self.now(), self.lives()),
            Step::EndStage { stage } => self.stages.end(stage, self.now()),
            Step::ResetThreadPeak => self.threads[thread].peak = self.live_of(thread),
            Step::BeginSpan { name } => {
                let now = self.now_of(thread);
                self.threads[thread].spans.begin(name, now, Default::default());
            }
            Step::EndSpan => {
                let now = self.now_of(thread);
                self.threads[thread].spans.end_last(now);
            }
            Step::PushTag { name } => self.threads[thread].tags.push(name),
            Step::PopTag => drop(self.threads[thread].tags.pop()),
            Step::Pause => self.paused = true,
            Step::Resume => self.paused = false,
        }
    }

    fn place(&self, thread: usize, depth: u8, function: u8) -> Place {
        if self.paused {
            return Place::Nobody;
        }
        let tags = self.threads[thread].tags.clone();
        Place::Stack { thread: thread as u8, tags, depth, function }
    }

    fn refuses(&mut self) -> bool {
        self.calls += usize::from(self.fail_every > 0);
        let refuses = self.fail_every > 0 && self.calls.is_multiple_of(self.fail_every);
        self.failed += u64::from(refuses);
        refuses
    }

    fn alloc(&mut self, place: Place, thread: usize, size: usize) {
        if self.refuses() {
            return;
        }
        let block = self.block(place, thread, size);
        self.blocks.push(block);
        self.rise();
    }

    /// A new block, added to its cell.
    fn block(&mut self, place: Place, thread: usize, size: usize) -> Block {
        self.next += 1;
        let cell = self.cells.entry(place.clone()).or_default();
        cell.allocs += 1;
        cell.bytes += size as u64;
        cell.live += size as u64;
        cell.live_blocks += 1;
        match self.paused {
            true => self.lost += 1,
            false => self.threads[thread].last = Some(self.next),
        }
        Block { number: self.next, size, place }
    }

    fn realloc(&mut self, place: Place, thread: usize, block: usize, size: usize) {
        if self.blocks.is_empty() || self.refuses() {
            return;
        }
        let index = block % self.blocks.len();
        let old = self.blocks[index].clone();
        if size < old.size {
            self.fall();
        }
        self.unbook(&old);
        let new = self.block(place, thread, size);
        self.cells.entry(new.place.clone()).or_default().reallocs += 1;
        self.blocks[index] = new;
        self.rise();
    }

    fn free(&mut self, thread: usize, block: usize) {
        if self.blocks.is_empty() {
            return;
        }
        let block = self.blocks.swap_remove(block % self.blocks.len());
        self.fall();
        self.unbook(&block);
        if !self.paused && self.threads[thread].last.take() == Some(block.number) {
            self.cells.entry(block.place).or_default().temporary += 1;
        }
    }

    fn unbook(&mut self, block: &Block) {
        let cell = self.cells.entry(block.place.clone()).or_default();
        cell.live -= block.size as u64;
        cell.live_blocks -= 1;
    }

    /// Called before live falls: copies what is alive, unless it was copied already.
    fn fall(&mut self) {
        if self.at_peak.is_none() {
            let held = |cell: &Figures| Peak { bytes: cell.live, blocks: cell.live_blocks };
            self.at_peak = Some(self.cells.iter().map(|(place, cell)| (place.clone(), held(cell))).collect());
        }
    }

    /// Called after an event that allocated a block.
    fn rise(&mut self) {
        let live = self.live();
        if live.bytes > self.peak.bytes {
            (self.peak, self.at_peak) = (live, None);
        }
        let lives = self.lives();
        for (thread, live) in self.threads.iter_mut().zip(lives) {
            thread.peak.rise(live);
            thread.spans.rise(live, Default::default());
        }
        self.stages.rise(live, lives);
    }

    /// The figures of every place, including those at the peak.
    #[must_use]
    pub fn cells(&self) -> Vec<(&Place, Figures)> {
        let figures = |(place, cell): (_, &Figures)| {
            let held = match &self.at_peak {
                None => Peak { bytes: cell.live, blocks: cell.live_blocks },
                Some(copy) => copy.get(place).copied().unwrap_or_default(),
            };
            (place, Figures { peak: held.bytes, peak_blocks: held.blocks, ..*cell })
        };
        self.cells.iter().map(figures).collect()
    }

    /// The sum of the figures of the places that `which` chooses.
    #[must_use]
    pub fn sum(&self, which: impl Fn(&Place) -> bool) -> Figures {
        let chosen = self.cells().into_iter().filter(|(place, _)| which(place));
        chosen.map(|(_, figures)| figures).sum()
    }

    /// The figures of a thread.
    #[must_use]
    pub fn thread(&self, thread: usize) -> Figures {
        self.sum(|place| place.thread() == Some(thread))
    }

    /// Finished stages, all runs of one name together, followed by those that are running.
    #[must_use]
    pub fn stages(&self) -> Vec<Stage> {
        self.stages.all(self.now())
    }

    /// The finished stages of a thread.
    #[must_use]
    pub fn spans(&self, thread: usize) -> Vec<Stage> {
        let all = self.threads[thread].spans.all(self.now_of(thread)).into_iter();
        all.filter(|stage| !stage.running).collect()
    }

    fn live(&self) -> Peak {
        let bytes = self.blocks.iter().map(|block| block.size as u64).sum();
        Peak { bytes, blocks: self.blocks.len() as u64 }
    }

    fn live_of(&self, thread: usize) -> Peak {
        let own = || self.blocks.iter().filter(|block| block.place.thread() == Some(thread));
        Peak { bytes: own().map(|block| block.size as u64).sum(), blocks: own().count() as u64 }
    }

    fn lives(&self) -> [Peak; THREADS] {
        std::array::from_fn(|thread| self.live_of(thread))
    }

    fn now_of(&self, thread: usize) -> stages::Moment {
        let Figures { allocs, bytes, .. } = self.thread(thread);
        stages::Moment { allocs, bytes, live: self.live_of(thread) }
    }

    fn now(&self) -> stages::Moment {
        let cells = self.cells.values();
        let (allocs, bytes) = cells.fold((0, 0), |sum, cell| (sum.0 + cell.allocs, sum.1 + cell.bytes));
        stages::Moment { allocs, bytes, live: self.live() }
    }
}
