//! A tree of sequences: those that begin alike share nodes.

use std::hash::Hash;

use crate::Error;
use crate::hash::Map;

/// The most nodes in a tree. A real profile has far fewer; a hostile dump may have more than fit into memory.
pub(super) const MAX_NODES: usize = 1 << 25;

/// A tree of sequences. Each node is the sequence of its parent and one more key. Node 0 is the empty sequence, and a node has
/// a higher number than its parent.
pub(super) struct Prefixes<K> {
    /// Parent and last key of each node but the root.
    nodes: Vec<(u32, K)>,
    ids: Map<(u32, K), u32>,
}

/// The children of all nodes.
pub(super) struct Children {
    /// Where the children of each node begin in `sorted`, and the end of the last.
    pub(super) starts: Vec<u32>,
    pub(super) sorted: Vec<u32>,
}

impl<K: Copy + Eq + Hash> Prefixes<K> {
    /// An empty tree. It has room for `nodes` in the index before that has to grow.
    pub(super) fn new(nodes: usize) -> Self {
        let mut ids = Map::default();
        ids.reserve(nodes.min(MAX_NODES));
        Prefixes { nodes: Vec::new(), ids }
    }

    /// The node of a sequence that has one key more than `at`.
    pub(super) fn grow(&mut self, at: u32, key: K) -> u32 {
        let nodes = &mut self.nodes;
        *self.ids.entry((at, key)).or_insert_with(|| {
            nodes.push((at, key));
            narrow(nodes.len())
        })
    }

    /// Checks the size. Between two checks, the tree may grow by one path.
    ///
    /// # Errors
    /// Returns an error if the tree has grown beyond [`MAX_NODES`].
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.nodes.len() >= MAX_NODES { Err(Error::TooManyFrames) } else { Ok(()) }
    }

    /// Ends the growth: the index takes most of the memory.
    pub(super) fn close(&mut self) {
        self.ids = Map::default();
    }

    /// The number of nodes with the root.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() + 1
    }

    /// Parent and last key of each node but the root, from node 1.
    pub(super) fn nodes(&self) -> &[(u32, K)] {
        &self.nodes
    }

    /// The nodes from one to the root, without the root.
    pub(super) fn up(&self, node: u32) -> impl Iterator<Item = u32> {
        let above = |&node: &u32| Some(self.nodes[node as usize - 1].0).filter(|&parent| parent > 0);
        std::iter::successors(Some(node).filter(|&node| node > 0), above)
    }

    /// The last key of a node other than the root.
    pub(super) fn key(&self, node: u32) -> K {
        self.nodes[node as usize - 1].1
    }

    /// The children of all nodes, siblings in the order of `rank`.
    pub(super) fn children<R: Ord>(&self, rank: impl Fn(K) -> R) -> Children {
        let mut starts = vec![0u32; self.len() + 1];
        for &(parent, _) in &self.nodes {
            starts[parent as usize + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut ends = starts.clone();
        let mut sorted = vec![0u32; self.nodes.len()];
        for (index, &(parent, _)) in self.nodes.iter().enumerate() {
            let end = &mut ends[parent as usize];
            sorted[*end as usize] = narrow(index + 1);
            *end += 1;
        }
        for bounds in starts.windows(2) {
            let siblings = &mut sorted[bounds[0] as usize..bounds[1] as usize];
            if siblings.len() > 1 {
                siblings.sort_by_key(|&node| rank(self.nodes[node as usize - 1].1));
            }
        }
        Children { starts, sorted }
    }

    /// The place of each node in the order of sequences: key by key, a sequence before those that it begins.
    pub(super) fn order<R: Ord>(&self, rank: impl Fn(K) -> R) -> Vec<u32> {
        let Children { starts, sorted } = self.children(rank);
        let of = |node: u32| &sorted[starts[node as usize] as usize..starts[node as usize + 1] as usize];
        let mut places = vec![0u32; self.len()];
        let mut next = 0;
        let mut ahead = vec![0u32];
        while let Some(node) = ahead.pop() {
            places[node as usize] = next;
            next += 1;
            ahead.extend(of(node).iter().rev());
        }
        places
    }
}

/// The number of a node. There are little more than [`MAX_NODES`].
pub(super) fn narrow(index: usize) -> u32 {
    debug_assert!(index <= 2 * MAX_NODES);
    index as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(words: &[&str]) -> (Prefixes<char>, Vec<u32>) {
        let mut tree = Prefixes::new(0);
        let nodes = words.iter().map(|word| word.chars().fold(0, |at, key| tree.grow(at, key))).collect();
        (tree, nodes)
    }

    #[test]
    fn equal_beginnings_share_nodes() {
        let (tree, nodes) = tree(&["abc", "abd", "ab", "", "abc"]);
        assert_eq!((tree.len(), nodes), (5, vec![3, 4, 2, 0, 3]));
        assert_eq!(tree.up(4).map(|node| tree.key(node)).collect::<String>(), "dba");
        assert_eq!(tree.up(0).count(), 0);
    }

    #[test]
    fn the_order_is_that_of_the_sequences() {
        let mut words = ["b", "ab", "", "bca", "a", "bb", "abz", "c"];
        let (tree, nodes) = tree(&words);
        let places = tree.order(|key| key);
        let mut by_place: Vec<_> = nodes.iter().map(|&node| places[node as usize]).zip(words).collect();
        by_place.sort_unstable();
        words.sort_unstable();
        assert_eq!(by_place.iter().map(|&(_, word)| word).collect::<Vec<_>>(), words);
    }
}
