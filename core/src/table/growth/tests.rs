//! Memory before use, and refusals of memory.

use super::*;
use crate::table::stacks::{StackId, StackTable};
use core::cell::{Cell, RefCell};
use core::mem::offset_of;

const NODES: usize = 4096;
const PAGE: usize = 256;
type Table = StackTable<NODES>;

std::thread_local! {
    static MAPPED: RefCell<Vec<Range<usize>>> = const { RefCell::new(Vec::new()) };
    static LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// Records mapped pages, and refuses pages beyond a limit. Panics on pages that are mapped twice. The memory itself is there.
fn map(start: usize, len: usize) -> bool {
    ASKED.set(ASKED.get() + 1);
    MAPPED.with_borrow_mut(|mapped| {
        assert!(start.is_multiple_of(PAGE) && len.is_multiple_of(PAGE) && len > 0);
        let pages = start..start + len;
        assert!(mapped.iter().all(|other| other.end <= pages.start || pages.end <= other.start));
        let total: usize = mapped.iter().map(Range::len).sum();
        let fits = total + len <= LIMIT.get();
        if fits {
            mapped.push(pages);
        }
        fits
    })
}

fn unmap(start: usize, len: usize) {
    MAPPED.with_borrow_mut(|mapped| {
        let place = mapped.iter().position(|pages| *pages == (start..start + len));
        mapped.swap_remove(place.expect("it was mapped"));
    });
}

static PLAN: Plan = Plan {
    arrays: &[
        Array { offset: offset_of!(Table, nodes), stride: Table::STRIDE },
        Array { offset: offset_of!(Table, index.links), stride: 4 },
    ],
    capacity: NODES,
};
static SPACE: Space =
    Space { page_size: || PAGE, map, unmap, map_anywhere: |_| None, find_lonely: |_, _| None };
const FIRST: usize = 100;

/// Interns addresses until the table is full. How many it took; each had memory.
fn fill(limit: usize, extent: &Extent, table: &Table) -> usize {
    LIMIT.set(limit);
    extent.begin(FIRST);
    let base = core::ptr::from_ref(table).addr();
    let space = &SpaceOf::default();
    space.set(&SPACE);
    let growth = Growth::Stepwise(Steps { extent, space, base, plan: &PLAN });
    let stacks = crate::table::stacks::Stacks { growth, ..table.by_ref() };
    let is_mapped = |array: &Array, entry: usize| {
        let (first, page) = (base + array.offset + FIRST * array.stride, |address: usize| address / PAGE);
        let place = base + array.offset + entry * array.stride;
        let last = base + array.offset + NODES * array.stride;
        let mapped = MAPPED.with_borrow(|mapped| mapped.iter().any(|pages| pages.contains(&place)));
        // The first and the last page are also those of neighbours, which have memory.
        mapped || page(place) <= page(first - 1) || page(place) == page(last)
    };
    let mut count = 0;
    while let Some(StackId(id)) = stacks.child(StackId::ROOT, 0x1000 + count) {
        count += 1;
        // The entry of an id is at id − 2, its link at id − 1.
        assert!(is_mapped(&PLAN.arrays[0], id as usize - 2) && is_mapped(&PLAN.arrays[1], id as usize - 1));
        assert_eq!(stacks.usage().0 as usize, count);
        assert!(count < 2 * NODES);
    }
    assert_eq!(stacks.usage(), (count as u32, count as u32));
    assert_eq!(stacks.nodes_from(0).count(), count);
    let asked = ASKED.get();
    assert_eq!((stacks.child(StackId::ROOT, 1), stacks.child(StackId::ROOT, 2)), (None, None));
    assert_eq!(ASKED.get(), asked, "a table that was refused memory does not ask again");
    assert_eq!(stacks.child(StackId::ROOT, 0x1000), Some(StackId(2)), "what it has is still found");
    count
}

#[test]
fn each_entry_has_memory_before_it_is_used() {
    let table = Box::new(Table::new());
    assert_eq!(fill(usize::MAX, &Extent::default(), &table), NODES - 1);
    assert!(ASKED.get() < 40, "{} calls", ASKED.get());
}

// The numbers are those of entries with words of 64 bits.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_table_that_is_refused_memory_is_full() {
    let table = Box::new(Table::new());
    let count = fill(16 << 10, &Extent::default(), &table);
    // A fifth of the limit is for links. A step that does not fit for both arrays is not taken.
    assert!((FIRST + 700..FIRST + 900).contains(&count), "{count}");
    let bytes = MAPPED.with_borrow(|mapped| mapped.iter().map(Range::len).sum::<usize>());
    assert!(bytes <= 16 << 10 && bytes >= count.saturating_sub(FIRST) * 20 - 2 * PAGE, "{bytes}");
}

#[test]
fn a_completed_table_has_memory_for_all() {
    let (table, extent) = (Box::new(Table::new()), Extent::default());
    extent.begin(FIRST);
    let space = &SpaceOf::default();
    space.set(&SPACE);
    let base = core::ptr::from_ref(&*table).addr();
    let steps = Steps { extent: &extent, space, base, plan: &PLAN };
    assert!(steps.complete() && steps.complete());
    assert_eq!((Growth::Stepwise(steps).readable(NODES), ASKED.get()), (NODES, 2));
}

/// Readers read all entries that have numbers.
#[test]
fn an_entry_that_must_not_be_used_gets_no_number() {
    let used = AtomicU32::new(0);
    let claim = |end: u32| Growth::WHOLE.claim(&used, 8, 1, |number| number < end);
    assert_eq!([3, 3, 3, 3, 3].map(claim), [Some(0), Some(1), Some(2), None, None]);
    assert_eq!(Growth::WHOLE.usage(&used, 8, 1), (3, 7));
    assert_eq!([9; 5].map(claim), [Some(3), Some(4), Some(5), Some(6), None]);
}
