//! The stacks of a run as a tree of callers, and the cells of its snapshots. All snapshots of a run share the tree.

use indexmap::{IndexMap, IndexSet};
use serde_json::{Value, json};

use super::package::Package;
use crate::Error;
use crate::hash::{Map, Numbers};
use crate::modules::Module;
use crate::profile::stacks::{Shown, Split};
use crate::profile::{Metric, Profile, Stacks, View};

/// The count of numbers in a cell before its values.
const KEY: usize = 5;

/// All names with their packages. Each name has one number.
#[derive(Default)]
pub(super) struct Names {
    names: IndexMap<String, usize>,
    packages: IndexSet<Package>,
}

impl Names {
    fn frame(&mut self, frame: &Shown<'_>, modules: &[Module]) -> usize {
        let module = frame.location.and_then(|location| location.place).map(|place| &modules[place.module]);
        self.number(frame.name, || Package::of(frame.name, module))
    }

    fn file(&mut self, name: &str) -> usize {
        self.number(name, || Package::of("", None))
    }

    fn number(&mut self, name: &str, package: impl FnOnce() -> Package) -> usize {
        if let Some(number) = self.names.get_index_of(name) {
            return number;
        }
        let package = self.packages.insert_full(package()).0;
        self.names.insert_full(name.into(), package).0
    }

    fn is_foundation(&self, name: usize) -> bool {
        self.packages[self.names[name]].foundation
    }

    pub(super) fn all(&self) -> Vec<&str> {
        self.names.keys().map(String::as_str).collect()
    }

    /// The package of each name, by number.
    pub(super) fn of(&self) -> Vec<usize> {
        self.names.values().copied().collect()
    }

    pub(super) fn packages(&self) -> Vec<Value> {
        let packages = self.packages.iter();
        packages.map(|of| json!({ "name": of.name, "foundation": of.foundation })).collect()
    }
}

/// What is known of a place in the stacks of a snapshot.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Its node; 0 if it has none yet.
    node: usize,
    /// The number of its name.
    name: usize,
    /// The innermost place here or outside that is not in the standard library or the system; 0 if there is none.
    above: u32,
}

/// The tree and the sites of one run.
#[derive(Default)]
pub(super) struct Cells {
    /// The caller and the name of each node. A node's number is its index + 1; the root has 0.
    nodes: Vec<(usize, usize)>,
    ids: Map<(usize, usize), usize>,
    /// Places in the source: the names of function and file, and the line.
    sites: IndexSet<(usize, Option<usize>, u32), Numbers>,
}

impl Cells {
    /// Adds the stacks of a snapshot, and returns its cells in one list. Each cell has the node, the place of the innermost
    /// frame, the place of the innermost frame outside of the standard library and the system, the thread, the tag, and a
    /// value for each metric.
    pub(super) fn add(
        &mut self,
        profile: &Profile,
        view: &View,
        names: &mut Names,
    ) -> Result<Vec<u64>, Error> {
        let view = View { bare_paths: true, reverse: false, ..view.clone() };
        let stacks = Stacks::new(profile, &view, Split::ByThread)?;
        let modules = profile.modules.all();
        let mut known: Vec<Known> = vec![Known::default(); stacks.end()];
        let mut named: Vec<Option<usize>> = vec![None; stacks.labels()];
        let mut new: Vec<u32> = Vec::new();
        let mut cells: IndexMap<[u64; KEY], [u64; Metric::ALL.len()], Numbers> = IndexMap::default();
        for row in stacks.rows() {
            new.clear();
            new.extend(stacks.places(row.path).take_while(|&place| known[place as usize].node == 0));
            let start = stacks.places(row.path).nth(new.len()).map_or(0, |place| place as usize);
            let mut last = known[start];
            for &place in new.iter().rev() {
                let step = stacks.step(place);
                let name = *named[step.label as usize]
                    .get_or_insert_with(|| names.frame(&stacks.show(step), modules));
                let node = self.node(last.node, name);
                let above = if names.is_foundation(name) { last.above } else { place };
                last = Known { node, name, above };
                known[place as usize] = last;
            }
            let mut site = |place: u32| match place {
                0 => None,
                _ => Some(self.site(&stacks.show(stacks.step(place)), known[place as usize].name, names)),
            };
            let innermost = site(row.path).unwrap_or(0);
            let above = site(last.above).unwrap_or(innermost);
            let key = [last.node as u64, innermost as u64, above as u64, row.thread.into(), row.tag.into()];
            let values = cells.entry(key).or_default();
            for (value, metric) in values.iter_mut().zip(Metric::ALL) {
                *value += metric.of(&row.figures);
            }
        }
        Ok(cells.iter().flat_map(|(key, values)| key.iter().chain(values)).copied().collect())
    }

    fn node(&mut self, caller: usize, name: usize) -> usize {
        *self.ids.entry((caller, name)).or_insert_with(|| {
            self.nodes.push((caller, name));
            self.nodes.len()
        })
    }

    fn site(&mut self, frame: &Shown<'_>, name: usize, names: &mut Names) -> usize {
        let file = frame.file.map(|file| names.file(file));
        self.sites.insert_full((name, file, frame.line)).0
    }

    pub(super) fn nodes(&self) -> Value {
        let (callers, names): (Vec<usize>, Vec<usize>) = self.nodes.iter().copied().unzip();
        json!({ "callers": callers, "names": names })
    }

    pub(super) fn sites(&self) -> Vec<Value> {
        self.sites.iter().map(|&(name, file, line)| json!([name, file, line])).collect()
    }
}
