//! Selects the snapshots of a dump to show.

use std::collections::{BTreeMap, HashSet};

use memtrack_format::Kind;

use crate::Error;
use crate::clean::clean_bytes;
use crate::reader::{Dump, Entry, Snapshot, StageHead, Tracker};
use crate::units::bytes;

/// The selected snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its index among [`Dump::entries`].
    pub index: usize,
    /// The snapshots of other trackers of the process, which are shown with it.
    pub beside: Vec<usize>,
    /// Whether it shows the program or a stage.
    pub kind: Kind,
    /// A remark for the user about the selection.
    pub note: Option<String>,
}

impl Selected {
    fn alone(index: usize, kind: Kind, note: Option<String>) -> Self {
        Selected { index, beside: Vec::new(), kind, note }
    }

    /// Reads the selected snapshots.
    #[must_use]
    pub fn read<'a>(&self, dump: &Dump<'a>) -> Snapshot<'a> {
        let mut all = vec![self.index];
        all.extend(&self.beside);
        // The ids of a later tracker are higher.
        all.sort_by_key(|&index| dump.entries()[index].tracker().number());
        dump.together(&all)
    }
}

/// Selects the whole program: its last complete snapshot, with those of other trackers in the same process. Without a
/// complete one, it selects the last partial one, and without that the last stage.
#[must_use]
pub fn program(dump: &Dump<'_>) -> Selected {
    let entries = dump.entries();
    let last =
        |complete: bool| entries.iter().rposition(|entry| !entry.is_stage() && (entry.complete || !complete));
    if let Some(index) = last(true) {
        let (index, beside) = without_preloaded(dump, index, beside(dump, index));
        let note = (!beside.is_empty()).then(|| {
            format!(
                "{} trackers were in the process: their figures are added up, and the peak is the sum of their peaks; \
                 --tracker shows one of them",
                beside.len() + 1
            )
        });
        return Selected { index, beside, kind: Kind::Program, note };
    }
    if let Some(index) = last(false) {
        let note = "the snapshot is incomplete: some figures and stacks are missing";
        return Selected::alone(index, Kind::Program, Some(note.into()));
    }
    let index = entries.iter().rposition(|entry| entry.complete).unwrap_or(entries.len() - 1);
    let note = "the dump has no snapshot of the whole program: showing its last stage";
    Selected::alone(index, Kind::Stage, Some(note.into()))
}

/// Leaves out the snapshot of the preloaded library beside those of other trackers. It counts the memory that these take
/// from the C library's `malloc`, and they count it themselves.
fn without_preloaded(dump: &Dump<'_>, index: usize, beside: Vec<usize>) -> (usize, Vec<usize>) {
    if beside.is_empty() {
        return (index, beside);
    }
    let all = [index].into_iter().chain(beside.iter().copied());
    let mut others: Vec<usize> = all.filter(|&index| !is_preloaded(&dump.snapshot(index))).collect();
    others.sort_unstable();
    match others.pop() {
        Some(last) => (last, others),
        None => (index, beside),
    }
}

fn is_preloaded(snapshot: &Snapshot<'_>) -> bool {
    let tracker = snapshot.process.map_or(0, |process| process.tracker);
    let holds = |segment: memtrack_format::Segment| {
        tracker.checked_sub(segment.start).is_some_and(|offset| offset < segment.length)
    };
    snapshot
        .modules
        .iter()
        .any(|module| module.path.ends_with(b"/libmemtrack.so") && module.segments.iter().any(holds))
}

/// The last complete snapshots of the program by other trackers in the process of snapshot `index`.
fn beside(dump: &Dump<'_>, index: usize) -> Vec<usize> {
    let entries = dump.entries();
    let own = entries[index].tracker();
    let others = dump.trackers().iter().filter(|other| **other != own && other.is_beside(&own));
    let last = |tracker: &Tracker| {
        let theirs = |entry: &Entry<'_>| entry.tracker() == *tracker && !entry.is_stage() && entry.complete;
        entries.iter().rposition(theirs)
    };
    others.filter_map(last).collect()
}

/// Selects the run of a stage with the highest peak: among the stages of `threads` (names or ids) if these have one of that
/// name, else among all.
///
/// # Errors
/// Returns an error if no stage has that name, or if the dump has only its figures.
pub fn stage(dump: &Dump<'_>, name: &str, threads: &[String]) -> Result<Selected, Error> {
    let scopes = scopes_of(dump, threads);
    let of_threads = highest(dump, |head| called(head, name) && scopes.contains(&head.scope));
    let is_picked = of_threads.is_some();
    let Some(index) = of_threads.or_else(|| highest(dump, |head| called(head, name))) else {
        let names = names(dump);
        if names.iter().any(|known| known == name) {
            return Err(Error::StageWithoutCells { name: name.into() });
        }
        return Err(Error::unknown("stage", name, names.iter().map(String::as_str)));
    };
    let entry = &dump.entries()[index];
    let note = match entry.stage {
        _ if !entry.complete => Some("the stage's snapshot is incomplete: some cells are missing".into()),
        Some(head) if is_picked || !has_namesakes(dump, name) => higher_peak(dump, name, &head),
        Some(head) => Some(match head.scope.checked_sub(1) {
            None => format!(
                "stages of threads are called {name}, too: this is that of the process; --thread shows a thread's"
            ),
            Some(thread) => format!(
                "several stages are called {name}: this is that of thread {thread}, whose peak was the highest; \
                 --thread shows another's"
            ),
        }),
        None => None,
    };
    Ok(Selected::alone(index, Kind::Stage, note))
}

/// Selects for each name of a stage the complete snapshot with the highest peak, in the order of the names. Beyond the number
/// of stages that a report can show, those with lower peaks are left out.
#[must_use]
pub fn stages(dump: &Dump<'_>) -> Vec<Selected> {
    const MOST: usize = 100;
    let mut best: Vec<_> = best_by(dump, |head| clean_bytes(head.name)).into_iter().collect();
    best.sort_by_key(|&(_, (_, peak, _))| std::cmp::Reverse(peak));
    best.truncate(MOST);
    best.sort();
    best.into_iter().map(|(_, (_, _, index))| of_stage(index)).collect()
}

/// Selects the same for each stage of the process and of each thread, without a limit.
#[must_use]
pub fn stages_of_threads(dump: &Dump<'_>) -> Vec<Selected> {
    let best = best_by(dump, |head| (clean_bytes(head.name), head.scope));
    best.into_values().map(|(_, _, index)| of_stage(index)).collect()
}

fn of_stage(index: usize) -> Selected {
    Selected::alone(index, Kind::Stage, None)
}

/// For each key the stage's snapshot with the highest peak, if a complete one exists. The values are: whether it is complete,
/// its peak, its index.
fn best_by<K: Ord>(dump: &Dump<'_>, key: impl Fn(&StageHead<'_>) -> K) -> BTreeMap<K, (bool, u64, usize)> {
    let mut best = BTreeMap::new();
    for (index, entry) in dump.entries().iter().enumerate().filter(|(_, entry)| entry.is_stage()) {
        let Some(head) = &entry.stage else { continue };
        let this = (entry.complete, head.peak, index);
        let known = best.entry(key(head)).or_insert(this);
        *known = (*known).max(this);
    }
    best.retain(|_, (complete, ..)| *complete);
    best
}

fn called(head: &StageHead<'_>, name: &str) -> bool {
    clean_bytes(head.name) == name
}

/// The snapshot with the highest peak among those of some stages. A complete one wins.
fn highest(dump: &Dump<'_>, is_wanted: impl Fn(&StageHead<'_>) -> bool) -> Option<usize> {
    let entries = dump.entries().iter().enumerate().filter(|(_, entry)| entry.is_stage());
    let meant = entries.filter_map(|(index, entry)| {
        let head = entry.stage.filter(&is_wanted)?;
        Some((entry.complete, head.peak, index))
    });
    meant.max().map(|(_, _, index)| index)
}

/// The scopes of these threads' stages.
fn scopes_of(dump: &Dump<'_>, threads: &[String]) -> HashSet<u32> {
    if threads.is_empty() {
        return HashSet::new();
    }
    let program = program(dump).read(dump);
    let meant = program.threads.iter().filter(|thread| {
        let (name, id) = (clean_bytes(thread.name), thread.id.to_string());
        // Threads of one name are shown with their ids.
        let label = format!("{name} #{id}");
        threads.iter().any(|thread| *thread == name || *thread == id || *thread == label)
    });
    meant.map(|thread| thread.id.saturating_add(1)).collect()
}

/// Whether stages with cells of different threads, or of a thread and the process, have this name.
fn has_namesakes(dump: &Dump<'_>, name: &str) -> bool {
    let heads = dump.entries().iter().filter(|entry| entry.is_stage()).filter_map(|entry| entry.stage);
    let mut scopes = heads.filter(|head| called(head, name)).map(|head| head.scope);
    let first = scopes.next();
    scopes.any(|scope| Some(scope) != first)
}

/// Selects complete snapshots of the program other than that of [`program`]: as many as a report can show, spread over the
/// time.
#[must_use]
pub fn moments(dump: &Dump<'_>) -> Vec<Selected> {
    /// With more, the report would be large, and its marks would touch.
    const MOST: usize = 16;
    /// The limit of their bytes in the dump together: in a browser they take several times as much memory.
    const BYTES: usize = 16 << 20;
    let Selected { index: shown, beside, .. } = program(dump);
    if !beside.is_empty() {
        // A snapshot is of one tracker only, so it is not a moment of the whole process.
        return Vec::new();
    }
    let entries = dump.entries().iter().enumerate();
    let others: Vec<usize> = entries
        .filter(|(index, entry)| entry.complete && !entry.is_stage() && *index != shown)
        .map(|(index, _)| index)
        .collect();
    let largest = others.iter().map(|&index| dump.entries()[index].bytes()).max().unwrap_or(0);
    let chosen = others.len().min(MOST).min(BYTES / largest.max(1));
    let spread = (0..chosen).map(|place| others[(place + 1) * others.len() / chosen - 1]);
    spread.map(|index| Selected::alone(index, Kind::Program, None)).collect()
}

/// The remark if no snapshot of the stage has its highest peak.
fn higher_peak(dump: &Dump<'_>, name: &str, shown: &StageHead<'_>) -> Option<String> {
    let whole = program(dump).read(dump);
    let same =
        whole.stages.iter().filter(|stage| stage.scope == shown.scope && clean_bytes(stage.name) == name);
    let highest = same.map(|stage| stage.peak).max().filter(|&peak| peak > shown.peak)?;
    Some(format!(
        "the stage's highest peak was {}, but the dump has cells only of a run with {}",
        bytes(highest),
        bytes(shown.peak)
    ))
}

/// The names of all stages, with and without cells of their own.
#[must_use]
pub fn names(dump: &Dump<'_>) -> Vec<String> {
    let whole = program(dump).read(dump);
    let own = dump.entries().iter().filter_map(|entry| entry.stage.map(|head| head.name));
    let mut names: Vec<_> = whole.stages.iter().map(|stage| stage.name).chain(own).map(clean_bytes).collect();
    names.sort_unstable();
    names.dedup();
    names
}
