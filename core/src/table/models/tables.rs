//! Publication and claims of entries: threads intern stacks and cells at the same moment.

use super::{models, together};
use crate::sync::checked::Fault;
use crate::sync::*;
use crate::table::account::Account;
use crate::table::cells::{Cells, Key};
use crate::table::growth::Growth;
use crate::table::index::IndexRef;
use crate::table::stacks::{Node, StackId, Stacks};
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

/// Stacks and cells. Their indexes have one bucket, so that all keys share a chain, or a few levels.
#[derive(Default)]
struct Table {
    used: AtomicU32,
    heads: Vec<AtomicU32>,
    links: Vec<AtomicU32>,
    nodes: Vec<Node>,
    cells: Vec<Account>,
    threads: Vec<AtomicU16>,
    /// The ids that the threads got.
    found: [AtomicU32; 2],
}

const ENTRIES: usize = 32;

/// Heads of an index with one level.
const ONE_LEVEL: usize = 1;
/// Heads of an index with levels of one, two and four.
const THREE_LEVELS: usize = 7;

impl Table {
    fn of_stacks(heads: usize) -> Arc<Self> {
        let (heads, links, nodes) = (array(heads), array(ENTRIES), array(ENTRIES));
        Arc::new(Table { heads, links, nodes, ..Table::default() })
    }

    fn of_cells() -> Arc<Self> {
        let (heads, links) = (array(ONE_LEVEL), array(ENTRIES));
        Arc::new(Table { heads, links, cells: array(ENTRIES), threads: array(ENTRIES), ..Table::default() })
    }

    fn index(&self) -> IndexRef<'_> {
        IndexRef { heads: &self.heads, links: &self.links, growth: Growth::WHOLE }
    }

    fn stacks(&self) -> Stacks<'_> {
        Stacks { used: &self.used, nodes: &self.nodes, index: self.index(), growth: Growth::WHOLE }
    }

    fn cells(&self) -> Cells<'_> {
        Cells {
            used: &self.used,
            cells: &self.cells,
            index: self.index(),
            threads: &self.threads,
            growth: Growth::WHOLE,
        }
    }

    fn found(&self) -> [u32; 2] {
        [0, 1].map(|thread| self.found[thread].load(Relaxed))
    }
}

fn array<T: Default>(len: usize) -> Vec<T> {
    (0..len).map(|_| T::default()).collect()
}

/// Two threads intern frames below the root; a frame of round `r` is the thread's `frame(thread, r)`.
fn intern(rounds: usize, frame: fn(usize, usize) -> usize) -> Arc<Table> {
    let table = Table::of_stacks(ONE_LEVEL);
    together([0, 1].map(|thread| -> Box<dyn FnOnce() + Send> {
        let table = table.clone();
        Box::new(move || {
            for round in 0..rounds {
                let stack = table.stacks().child(StackId::ROOT, frame(thread, round)).expect("room");
                table.found[thread].store(stack.0, Relaxed);
            }
        })
    }));
    table
}

fn equal_stacks(rounds: usize) {
    let [a, b] = intern(rounds, |_, round| 100 + round).found();
    assert_eq!(a, b, "an equal stack has one id");
}

fn unequal_stacks(rounds: usize) {
    let table = intern(rounds, |thread, round| 100 * (thread + 1) + round);
    let [a, b] = table.found();
    assert_ne!(a, b, "unequal stacks have two ids");
    let addresses: Vec<u64> = table.stacks().nodes_from(0).map(|(_, node)| node.address).collect();
    assert_eq!(addresses.len(), 2 * rounds, "each is in the table once");
}

/// Two threads intern the same frames in opposite orders, while the index grows from its first level to its third.
fn levels(rounds: usize) {
    const FRAMES: usize = 3;
    let table = Table::of_stacks(THREE_LEVELS);
    let ids = Arc::new([const { [const { AtomicU32::new(0) }; FRAMES] }; 2]);
    for round in 0..rounds {
        let frame = move |number: usize| 100 * (round + 1) + number;
        together([0, 1].map(|thread| -> Box<dyn FnOnce() + Send> {
            let (table, ids) = (table.clone(), ids.clone());
            Box::new(move || {
                for step in 0..FRAMES {
                    let number = if thread == 0 { step } else { FRAMES - 1 - step };
                    let stack = table.stacks().child(StackId::ROOT, frame(number)).expect("room");
                    ids[thread][number].store(stack.0, Relaxed);
                }
            })
        }));
        for number in 0..FRAMES {
            let [a, b] = [0, 1].map(|thread| ids[thread][number].load(Relaxed));
            assert_eq!(a, b, "an equal stack has one id on every level");
            assert_eq!(table.stacks().child(StackId::ROOT, frame(number)), Some(StackId(a)), "and keeps it");
        }
    }
}

/// A dump is written while a stack of two frames is interned.
fn reader(rounds: usize) {
    let table = Table::of_stacks(ONE_LEVEL);
    let (writing, reading) = (table.clone(), table.clone());
    together([
        Box::new(move || {
            for round in 0..rounds {
                writing.stacks().intern(StackId::CUT, &[200 + round, 100 + round]);
            }
        }),
        Box::new(move || {
            for (id, node) in reading.stacks().nodes_from(0) {
                let inner = node.address >= 200;
                assert!(node.address >= 100, "a node is seen with its address");
                assert_eq!(node.parent, if inner { id - 1 } else { StackId::CUT.0 }, "and with its parent");
            }
        }),
    ]);
}

fn key(stack: u32) -> Key {
    Key { thread: 7, tag: 1, heap: 0, stack: StackId(stack), cut: false }
}

/// A wrong claim gives a key a foreign cell, or uses the table up.
const FITS: &str = "a key has one cell, a cell one key, so there is room";

/// Two threads ask for cells: for one of the same key, then for one of their own.
fn cells(rounds: usize) {
    let table = Table::of_cells();
    together([0, 1].map(|thread| -> Box<dyn FnOnce() + Send> {
        let table = table.clone();
        Box::new(move || {
            for round in 0..rounds as u32 {
                let same = table.cells().find_or_insert(key(50 + round)).expect(FITS);
                table.found[thread].fetch_add(same, Relaxed);
                let own = table.cells().find_or_insert(key(2 + 20 * thread as u32 + round)).expect(FITS);
                assert_eq!(
                    table.cells[own as usize].sublabel(),
                    2 + 20 * thread as u32 + round,
                    "a key has one cell, a cell one key"
                );
            }
        })
    }));
    let [a, b] = table.found();
    assert_eq!(a, b, "a key has one cell, a cell one key");
}

models!(equal_stacks, unequal_stacks, levels, reader, cells);

#[test]
#[should_panic(expected = "an equal stack has one id")]
fn an_index_that_publishes_nothing_is_found() {
    super::loom(Fault::Relaxed, equal_stacks);
}

#[test]
#[should_panic(expected = "and with its parent")]
fn a_node_that_is_not_published_is_found() {
    super::loom(Fault::Relaxed, reader);
}

#[test]
#[should_panic(expected = "a key has one cell, a cell one key")]
fn a_claim_in_two_steps_is_found() {
    super::loom(Fault::Torn, cells);
}
