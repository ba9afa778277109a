//! The stack tree of a snapshot, as far as its cells use it.

use memtrack_format as format;

use crate::reader::Snapshot;
use crate::symbolize::Symbols;

/// A node of the stack tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Its caller's index.
    pub(super) parent: u32,
    /// Index of its address in [`Symbols::locations`].
    pub(super) location: u32,
}

/// Converts nodes by id to nodes by index. If a parent is missing, outer frames are missing.
pub(super) fn tree(snapshot: &Snapshot<'_>, symbols: &Symbols) -> Vec<Node> {
    let outside = Node { parent: 0, location: 0 };
    let node = |&(_, node): &(u32, format::Node)| Node {
        parent: index_of(snapshot, node.parent),
        location: symbols.index_of(node.address).and_then(|i| u32::try_from(i).ok()).unwrap_or(0),
    };
    [outside, outside].into_iter().chain(snapshot.nodes.iter().map(node)).collect()
}

/// The addresses on the stacks of a snapshot's cells.
pub(super) fn addresses(snapshot: &Snapshot<'_>) -> Vec<u64> {
    let used = used(snapshot);
    snapshot.nodes.iter().zip(used).filter(|&(_, used)| used).map(|((_, node), _)| node.address).collect()
}

/// The index of the node `id`.
pub(super) fn index_of(snapshot: &Snapshot<'_>, id: u32) -> u32 {
    if id < format::Node::FIRST {
        return id;
    }
    match snapshot.nodes.binary_search_by_key(&id, |&(id, _)| id) {
        Ok(index) => u32::try_from(index).unwrap_or(0) + format::Node::FIRST,
        Err(_) => format::Node::CUT,
    }
}

/// Which nodes are on the stack of some cell. A stage's snapshot may follow many nodes that its cells do not
/// use.
fn used(snapshot: &Snapshot<'_>) -> Vec<bool> {
    let mut used = vec![false; snapshot.nodes.len()];
    let mut mark = |id: u32| {
        if let Ok(index) = snapshot.nodes.binary_search_by_key(&id, |&(id, _)| id) {
            used[index] = true;
        }
    };
    snapshot.cells.iter().for_each(|cell| mark(cell.stack));
    for index in (0..snapshot.nodes.len()).rev() {
        if used[index]
            && let Ok(parent) =
                snapshot.nodes.binary_search_by_key(&snapshot.nodes[index].1.parent, |&(id, _)| id)
        {
            used[parent] = true;
        }
    }
    used
}
