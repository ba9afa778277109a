//! A region as the session sees it, whichever tracker has it: threads end, the process forks or exits, dumps are due.

use crate::dump;
use crate::error::Error;
use crate::os::file::File;
use crate::platform::{Host, Platform};
use crate::session::recording::annex::FragmentWriter;
use crate::session::registry;
use crate::table::fork::{self, Copied};
use crate::table::peak::Mark;
use crate::table::region::{HeadCopy, Tables};
use crate::table::threads::FIRST;
use crate::totals::{elapsed, totals};
use memtrack_format::{Cause, LossCause};

impl<R: Tables> registry::Registered for R {
    fn thread_ended(&self, slot: u16, name: [u8; 16]) {
        // The slots that threads share never end.
        if slot >= FIRST {
            self.threads().get(slot).exit(name);
        }
    }

    fn forked(&self, slot: Option<u16>, copied: Copied) {
        super::thread_stage_cells::forked(self, slot);
        let process = Host.process();
        fork::fork(self, process.parent, elapsed(self, &Host), copied);
    }

    fn is_claimed(&self) -> bool {
        self.head().pending.is_claimed()
    }

    fn claim(&self) {
        self.head().pending.claim();
    }

    fn unlock_after_fork(&self) {
        self.head().marks.credit.unlock_after_fork();
    }

    fn dump_above(&self, bytes: usize) {
        self.head().pending.dump_above(bytes);
    }

    fn request_dump(&self) {
        self.head().pending.raise(crate::table::pending::DUMP);
    }

    fn is_unlocked(&self) -> bool {
        !self.stages().is_locked() && !self.timeline().is_locked()
    }

    fn expect_threads(&self) {
        self.head().marks.credit.open(self.threads(), || _ = Host.barrier());
    }

    fn module_seen(&self) {
        self.head().pending.raise(crate::table::pending::MODULE);
    }

    fn code_unloaded(&self) {
        self.head().marks.epochs.begin_epoch();
    }

    #[cfg(not(recorded_from_start))]
    fn pages(&self) -> Result<crate::os::pages::Pages, Error> {
        use crate::table::region::Head;

        // A recording's file replaces all of the region, so all of it must have memory.
        if self.complete() {
            crate::os::pages::Pages::of(self, Head::private()).ok_or(Error::RecordingPages)
        } else {
            Err(Error::NoMemory)
        }
    }

    fn events(&self) -> u64 {
        let figures = totals(self, Mark::Program);
        figures.allocs.wrapping_mul(2).wrapping_sub(figures.live_blocks.min(figures.allocs))
    }

    fn head_copy(&self) -> HeadCopy {
        self.head().copy()
    }

    fn restore_head(&self, copy: &HeadCopy) {
        self.head().restore(copy);
        // Threads remember stacks that the tables have lost. So events from here on are counted as unattributed.
        self.head().pending.raise(crate::table::pending::PAUSED);
    }

    fn count_lost_recording(&self) {
        self.head().losses.count(LossCause::RecordingLost);
    }

    fn threads_used(&self) -> u32 {
        self.threads().usage().0
    }

    fn update_names(&self) {
        for (id, slot) in self.threads().iter() {
            let name = Host.thread_name(slot.os_id());
            // The system has no name for a thread that ended unnoticed.
            if id >= FIRST && !slot.has_exited() && name[0] != 0 {
                slot.set_name(name);
            }
        }
    }

    fn write_annex(&self, to: &mut FragmentWriter<'_>, modules: bool) -> Result<(), Error> {
        dump::annex(self, &Host, &self.head().image.unwinder(), modules, to)
    }

    fn dump(&self, to: &mut File, cause: Cause) -> Result<(), Error> {
        dump::program(self, &Host, &self.head().image.unwinder(), cause, to)
    }
}

#[cfg(all(test, not(models)))]
mod tests {
    use crate::Region;
    use crate::session::registry::Registered;
    use crate::table::region::Parts;

    /// The fast path asks for the epoch alone: threads forget what they remember of the code when it changes.
    #[test]
    fn unloaded_code_begins_an_epoch() {
        static REGION: Region<64, 64, 4, 2, 2, 8> = Region::new();
        let epochs = &REGION.head().marks.epochs;
        let before = epochs.epoch().number();
        REGION.code_unloaded();
        assert_ne!(epochs.epoch().number(), before);
    }
}
