//! The stack table: a prefix tree of return addresses, so that common outer frames are stored once.
//!
//! A node is (caller's node, address); a stack is its innermost node. Looking up and inserting are lock-free
//! ([`super::index`]); a published node never changes.

use super::backing::prepare;
use super::growth::Growth;
use super::image::assert_layout;
use super::index::{Index, IndexRef, hash};
use crate::sync::*;
use core::mem::offset_of;
use memtrack_format::Node as Record;
use memtrack_format::image::{key, records};

/// A node of the tree.
#[repr(C)]
#[derive(Default)]
pub(super) struct Node {
    address: AtomicUsize,
    parent: AtomicU32,
}

assert_layout!(records::Node as Node; offset_of!(Node, address), offset_of!(Node, parent));

/// `N` nodes. All-zero is the empty tree.
#[repr(C)]
pub(crate) struct StackTable<const N: usize> {
    pub(super) used: AtomicU32,
    pub(super) nodes: [Node; N],
    pub(super) index: Index<N>,
}

impl<const N: usize> StackTable<N> {
    /// Bytes from one node to the next.
    pub(super) const STRIDE: usize = size_of::<Node>();

    const SIZE: () = assert!(N <= 1 << key::STACK_BITS, "a cell's key can name at most 2^24 nodes");

    pub(crate) const fn new() -> Self {
        const { Self::SIZE };
        StackTable {
            used: AtomicU32::new(0),
            nodes: [const { Node { address: AtomicUsize::new(0), parent: AtomicU32::new(0) } }; N],
            index: Index::new(),
        }
    }

    #[inline]
    pub(crate) fn by_ref(&self) -> Stacks<'_> {
        Stacks { used: &self.used, nodes: &self.nodes, index: self.index.by_ref(), growth: Growth::WHOLE }
    }
}

/// A stack, by its innermost node. [`StackId::ROOT`] is the empty stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackId(pub(crate) u32);

impl StackId {
    /// The parent of the outermost frame of a complete stack.
    pub const ROOT: StackId = StackId(Record::ROOT);
    /// The parent of the outermost frame of a stack whose further frames are not known.
    pub const CUT: StackId = StackId(Record::CUT);
}

/// The stack table as unwinders see it.
#[derive(Clone, Copy)]
pub struct Stacks<'t> {
    pub(super) used: &'t AtomicU32,
    pub(super) nodes: &'t [Node],
    pub(super) index: IndexRef<'t>,
    pub(super) growth: Growth<'t>,
}

/// A stack that was interned as far as the table had room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interned {
    /// The stack, or its deepest known ancestor.
    pub stack: StackId,
    /// Whether inner frames are missing because the table is full.
    pub cut: bool,
}

impl Stacks<'_> {
    /// The node of `address` called from `parent`; `None` when the table is full. One function on a host, where several places intern.
    #[cfg_attr(feature = "std", inline(never))]
    #[cfg_attr(not(feature = "std"), inline)]
    pub fn child(&self, parent: StackId, address: usize) -> Option<StackId> {
        // Ids 0 and 1 are the two roots: the node of an id is at id − 2, so that the index may use ids from 1.
        let node = |id: u32| &self.nodes[(id - 1) as usize];
        let entry = self.index.find_or_insert(
            self.used.load(Relaxed),
            hash(address as u64, u64::from(parent.0)),
            |id| node(id).address.load(Relaxed) == address && node(id).parent.load(Relaxed) == parent.0,
            || {
                let prepare = |number| prepare(node(number + 1)) && self.index.prepare(number + 1);
                let id = self.growth.claim(self.used, self.nodes.len(), 1, prepare)? + 1;
                node(id).parent.store(parent.0, Relaxed);
                node(id).address.store(address, Release);
                Some(id)
            },
        );
        entry.map(|id| StackId(id + 1)).ok()
    }

    /// Interns a stack given innermost frame first, below `base`.
    #[inline]
    pub fn intern(&self, base: StackId, frames: &[usize]) -> Interned {
        let mut stack = base;
        for &address in frames.iter().rev() {
            match self.child(stack, address) {
                Some(child) => stack = child,
                None => return Interned { stack, cut: true },
            }
        }
        Interned { stack, cut: false }
    }

    /// The address and the caller of a stack's innermost frame; `None` for the roots.
    #[inline]
    pub fn node(&self, stack: StackId) -> Option<(usize, StackId)> {
        // Acquire is not needed: a thread that has the id has seen the node.
        let node = self.nodes.get(stack.0.wrapping_sub(Record::FIRST) as usize)?;
        Some((node.address.load(Relaxed), StackId(node.parent.load(Relaxed))))
    }

    /// How many nodes are used, and how many fit.
    pub(crate) fn usage(&self) -> (u32, u32) {
        self.growth.usage(self.used, self.nodes.len(), 1)
    }

    /// All nodes from the id `first` on, parents before children.
    pub(crate) fn nodes_from(self, first: u32) -> impl Iterator<Item = (u32, Record)> {
        let end = Record::FIRST + self.usage().0;
        (first.max(Record::FIRST)..end).filter_map(move |id| {
            let node = &self.nodes[(id - Record::FIRST) as usize];
            let (address, parent) = (node.address.load(Acquire) as u64, node.parent.load(Relaxed));
            // A caller has a smaller id, unless another process has damaged the table.
            (address != 0 && parent < id).then_some((id, Record { parent, address }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_outer_frames_are_stored_once() {
        let table = Box::new(StackTable::<16>::new());
        let stacks = table.by_ref();
        let a = stacks.intern(StackId::ROOT, &[30, 20, 10]);
        let b = stacks.intern(StackId::ROOT, &[31, 20, 10]);
        assert_eq!(stacks.intern(StackId::ROOT, &[30, 20, 10]), a);
        assert_ne!(a.stack, b.stack);
        assert_eq!(stacks.usage(), (4, 15));
        let nodes: Vec<_> = stacks.nodes_from(0).collect();
        assert_eq!(nodes.iter().map(|n| n.1.address).collect::<Vec<_>>(), [10, 20, 30, 31]);
        assert!(nodes.iter().all(|(id, node)| node.parent < *id));
        assert_eq!((nodes[0].0, nodes[0].1.parent), (2, 0));
        assert_eq!((nodes[3].0, nodes[3].1.parent), (5, 3));
    }

    #[test]
    fn a_full_table_gives_the_deepest_known_ancestor() {
        let table = Box::new(StackTable::<4>::new());
        let stacks = table.by_ref();
        let full = stacks.intern(StackId::ROOT, &[5, 4, 3, 2, 1]);
        assert!(full.cut);
        assert_eq!(full.stack, stacks.intern(StackId::ROOT, &[3, 2, 1]).stack);
        assert_eq!(stacks.usage(), (3, 3));
    }

    #[test]
    fn nodes_that_are_not_written_or_damaged_are_left_out() {
        let table = Box::new(StackTable::<8>::new());
        let stacks = table.by_ref();
        stacks.intern(StackId::ROOT, &[5, 4, 3, 2, 1]);
        let ids = |first| stacks.nodes_from(first).map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!((ids(0), ids(5), ids(7)), (vec![2, 3, 4, 5, 6], vec![5, 6], vec![]));
        // Another thread has taken the id, and has not written the node yet.
        table.nodes[1].address.store(0, Relaxed);
        // A caller cannot have a higher id than its callee, nor its own.
        table.nodes[2].parent.store(4, Relaxed);
        table.nodes[3].parent.store(9, Relaxed);
        assert_eq!(ids(0), [2, 6]);
    }

    #[test]
    fn a_node_is_told_apart_by_its_address_and_by_its_caller() {
        let table = Box::new(StackTable::<8>::new());
        let stacks = table.by_ref();
        let whole = stacks.child(StackId::ROOT, 9).unwrap();
        let cut = stacks.child(StackId::CUT, 9).unwrap();
        assert_ne!(whole, cut);
        assert_eq!(
            (stacks.node(whole), stacks.node(cut)),
            (Some((9, StackId::ROOT)), Some((9, StackId::CUT)))
        );
        assert_eq!(
            (stacks.node(StackId::ROOT), stacks.node(StackId::CUT), stacks.node(StackId(10))),
            (None, None, None)
        );
    }
}
