//! Recovery of a guard that an abandoned event still has.
//!
//! **Problem.** A signal interrupts the hook, and its handler leaves by `siglongjmp`. The event never ends, so its thread
//! would stay in the hook for ever, and all its later events would be lost.
//!
//! **Idea.** The guard stores the stack pointer of its event. The thread's next event asks the platform whether that frame
//! is gone. If so, it repairs the figures that may be half-written, takes the guard over, and is counted in full. The
//! abandoned event is counted as a loss.
//!
//! **Limit.** An event much deeper on the stack may be one of a handler that interrupted the hook, so it is lost. In a build
//! without optimisation the frames of an allocation and of a free differ by much: then the first event after the jump may be
//! lost too, and the next one of the abandoned kind recovers.

use super::Tracker;
use super::guard::Guard;
use crate::platform::{Local, Platform};
use crate::sync::*;
use crate::table::cells;
use crate::table::region::Tables;
use crate::table::slot::ThreadSlot;
use crate::unwind::Unwind;
use memtrack_format::LossCause;

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The guard of a thread whose last event has it still; `None` when that event may go on.
    #[cold]
    #[inline(never)]
    pub(super) fn recover_abandoned<'l>(
        &self,
        local: &'l Local,
        slot: &'static ThreadSlot,
        sp: usize,
    ) -> Option<Guard<'l>> {
        if !self.platform.has_left(local, slot.share.entered_at(), sp) {
            return None;
        }
        // From here on, an event of a signal handler finds this event in the hook.
        slot.share.enter_again(sp);
        let guard = Guard::own(local, slot);
        let head = self.region().head();
        head.losses.count(LossCause::Abandoned);
        local.last_cell.store(cells::UNATTRIBUTED, Relaxed);
        let memory = local.memory.load(Relaxed);
        if !memory.is_null() {
            // SAFETY: the platform gave that many bytes, for this thread alone; nothing else has a reference, because the
            // frame that had one is gone. All-zero is the memo's start.
            unsafe { memory.write_bytes(0, size_of::<U::Memo>()) };
        }
        let own = self.region().cells().of_thread(guard.thread()).map(|(_, cell)| cell);
        slot.repair(own);
        let threads = self.region().threads();
        head.marks.settle(threads.live_bytes(), &slot.share, threads);
        Some(guard)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::table::account::Account;
    use crate::table::peak::Mark;
    use crate::table::region::Parts;
    use crate::tracker::token::Heap;
    use crate::{NoUnwind, Region};

    type Small = Region<64, 64, 4, 2, 2, 8>;
    static REGION: Small = Region::new();
    static TRACKER: Tracker<(), NoUnwind, crate::Host, Small> =
        Tracker::with((), NoUnwind, crate::Host, &REGION);

    /// Runs something as far down the stack as a signal handler.
    #[inline(never)]
    pub(crate) fn below<T>(f: impl FnOnce() -> T) -> T {
        let frame = core::hint::black_box([0u8; 2048]);
        let result = f();
        core::hint::black_box(frame);
        result
    }

    /// The changes of an event until it is abandoned, on its cell and its thread.
    type Half<'h> = &'h dyn Fn(&Account, &ThreadSlot);

    /// Allocations, bytes, live bytes and blocks of all of them.
    fn sum<'a>(accounts: impl Iterator<Item = &'a Account>) -> [u64; 4] {
        let figures = accounts.map(|account| account.figures(&REGION.head().marks.epochs, Mark::Program));
        figures.fold([0; 4], |sum, more| {
            let more = [more.allocs, more.bytes, more.live, more.live_blocks];
            core::array::from_fn(|i| sum[i] + more[i])
        })
    }

    /// The equation holds: cells, threads, sizes and peaks say the same.
    fn check(point: &str) {
        let cells = sum(REGION.cells().iter().map(|(_, _, cell)| cell));
        let threads = REGION.threads();
        assert_eq!(cells, sum(threads.iter().map(|(_, slot)| &slot.account)), "{point}: cells and threads");
        let sizes = threads.iter().flat_map(|(_, slot)| slot.sizes.iter());
        let sizes = sizes.fold([0; 2], |sum, class| [sum[0] + class.1, sum[1] + class.2]);
        assert_eq!(sizes, cells[..2], "{point}: sizes");
        let marks = &REGION.head().marks;
        marks.rebase_stage(threads, threads.own(2).map(|slot| &slot.share));
        assert_eq!(
            marks.peak(Mark::Stage, || threads.live_bytes()) as u64,
            cells[2],
            "{point}: credit is conserved"
        );
    }

    #[test]
    fn an_event_that_a_jump_left_anywhere_costs_one_loss_and_no_figure() {
        let abandoned =
            || TRACKER.losses().find(|loss| loss.0 == LossCause::Abandoned).map_or(0, |loss| loss.1);
        let kept = TRACKER.on_alloc(Heap::WRAPPED, 0, 1000);
        let points: [(&str, Half<'_>); 6] = [
            ("nothing", &|_, _| ()),
            ("an allocation of the cell", &|cell, _| cell.add(300)),
            ("of the cell and the thread", &|cell, slot| {
                cell.add(300);
                slot.account.add(300);
            }),
            ("all but the share", &|cell, slot| {
                cell.add(300);
                slot.add(1, 300);
            }),
            ("a free of the cell", &|cell, _| cell.subtract(300)),
            ("all of a free but the share", &|cell, slot| {
                cell.subtract(300);
                slot.subtract(0, 300);
            }),
        ];
        for (count, (point, half)) in (1..).zip(points) {
            let slot = below(|| {
                let Ok(guard) = TRACKER.guard_without_triggers() else { panic!("{point}: it was outside") };
                let slot = guard.slot;
                half(REGION.cells().get(kept.cell()).unwrap(), slot);
                core::mem::forget(guard);
                slot
            });
            let before = slot.account.allocated().0;
            let token = TRACKER.on_alloc(Heap::WRAPPED, 0, 50);
            assert!(
                !slot.share.is_inside() && slot.account.allocated().0 > before,
                "{point}: counted in full"
            );
            assert_eq!(TRACKER.losses().map(|loss| loss.1).sum::<u64>(), count, "{point}");
            assert_eq!(abandoned(), count, "{point}");
            check(point);
            TRACKER.on_free(token, 0);
            check(point);
        }
    }
}
