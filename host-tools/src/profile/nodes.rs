//! The stack tree of a snapshot, as far as its cells use it.

use memtrack_format as format;

use crate::hash::Map;
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
    let locations: Map<u64, u32> =
        symbols.locations().iter().map(|location| location.address).zip(0..).collect();
    let node = |&(_, node): &(u32, format::Node)| Node {
        parent: index_of(snapshot, node.parent),
        location: locations.get(&node.address).copied().unwrap_or(0),
    };
    [outside, outside].into_iter().chain(snapshot.nodes.iter().map(node)).collect()
}

/// The addresses on the stacks of a snapshot's cells, each once.
pub(super) fn addresses(snapshot: &Snapshot<'_>) -> Vec<u64> {
    let used = used(snapshot);
    let used = snapshot.nodes.iter().zip(used).filter(|&(_, used)| used);
    let addresses: Map<u64, ()> = used.map(|((_, node), _)| (node.address, ())).collect();
    addresses.into_keys().collect()
}

/// The index of the node `id`.
pub(super) fn index_of(snapshot: &Snapshot<'_>, id: u32) -> u32 {
    if id < format::Node::FIRST {
        return id;
    }
    match find(snapshot, id) {
        Some(index) => u32::try_from(index).unwrap_or(0) + format::Node::FIRST,
        None => format::Node::CUT,
    }
}

/// The place of the node `id` in the snapshot's list.
fn find(snapshot: &Snapshot<'_>, id: u32) -> Option<usize> {
    let nodes = &snapshot.nodes;
    // Trackers number their nodes without gaps.
    let expected = id.checked_sub(nodes.first()?.0)? as usize;
    match nodes.get(expected) {
        Some(&(found, _)) if found == id => Some(expected),
        _ => nodes.binary_search_by_key(&id, |&(id, _)| id).ok(),
    }
}

/// Which nodes are on the stack of some cell. A stage's snapshot may follow many nodes that its cells do not
/// use.
fn used(snapshot: &Snapshot<'_>) -> Vec<bool> {
    let mut used = vec![false; snapshot.nodes.len()];
    let mut mark = |id: u32| {
        if let Some(index) = find(snapshot, id) {
            used[index] = true;
        }
    };
    snapshot.cells.iter().for_each(|cell| mark(cell.stack));
    for index in (0..snapshot.nodes.len()).rev() {
        if used[index]
            && let Some(parent) = find(snapshot, snapshot.nodes[index].1.parent)
        {
            used[parent] = true;
        }
    }
    used
}
