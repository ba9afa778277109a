//! Stacks and cells of all dumps, with the ids of the merged dump.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};
use memtrack_format::{Cell, Figures, Node};

use super::layout::{Layout, Places};
use super::who::Ids;
use crate::reader::Snapshot;

/// The stacks of all dumps.
#[derive(Default)]
pub(super) struct Tree {
    /// Caller and address of each node. A node's id is its index + [`Node::FIRST`].
    nodes: IndexSet<(u32, u64)>,
}

impl Tree {
    /// Adds the nodes of a snapshot, and returns the new id of each old one.
    pub(super) fn add(
        &mut self,
        snapshot: &Snapshot<'_>,
        places: &Places,
        layout: &Layout,
    ) -> HashMap<u32, u32> {
        let mut ids: HashMap<u32, u32> = HashMap::new();
        for (id, node) in &snapshot.nodes {
            let caller = caller(node.parent, &ids);
            let (index, _) = self.nodes.insert_full((caller, places.address(node.address, layout)));
            ids.insert(*id, index as u32 + Node::FIRST);
        }
        ids
    }

    /// The nodes with their ids, callers first.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (u32, Node)> {
        (Node::FIRST..).zip(&self.nodes).map(|(id, &(parent, address))| (id, Node { parent, address }))
    }
}

/// The new id of a caller. Outer frames are missing if the dump has no node with the old id.
fn caller(parent: u32, ids: &HashMap<u32, u32>) -> u32 {
    if parent < Node::FIRST { parent } else { ids.get(&parent).copied().unwrap_or(Node::CUT) }
}

/// The key of a cell: thread, tag, heap, stack, and whether inner frames are missing.
type Key = (u32, u32, u32, u32, bool);

/// Cells, one for each key.
#[derive(Default)]
pub(super) struct Cells {
    sums: IndexMap<Key, Figures>,
    unattributed: Option<Figures>,
}

impl Cells {
    /// Adds the cells of a snapshot.
    pub(super) fn add(&mut self, snapshot: &Snapshot<'_>, nodes: &HashMap<u32, u32>, ids: &Ids) {
        for cell in &snapshot.cells {
            let sum = if cell.id == 0 {
                self.unattributed.get_or_insert_default()
            } else {
                let stack = caller(cell.stack, nodes);
                let key = (ids.thread(cell.thread), ids.tag(cell.tag), ids.heap(cell.heap), stack, cell.cut);
                self.sums.entry(key).or_default()
            };
            *sum = sum.plus(cell.figures);
        }
    }

    /// The cells with their ids.
    pub(super) fn all(&self) -> impl Iterator<Item = Cell> {
        let unattributed = self.unattributed.map(|figures| Cell { figures, ..Cell::default() });
        let others = (1..).zip(&self.sums).map(|(id, (&(thread, tag, heap, stack, cut), &figures))| Cell {
            id,
            thread,
            tag,
            heap,
            stack,
            cut,
            figures,
        });
        unattributed.into_iter().chain(others)
    }
}
