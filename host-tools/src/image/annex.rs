//! The data that a recording has behind its tables: the program and its modules.
//!
//! The annex is a row of dump fragments. A later fragment replaces the earlier ones.

use memtrack_format::{Fork, Item, Module, Process, Reader, Record, Section, Tag, Target};

#[derive(Default)]
pub(super) struct Annex<'i> {
    pub(super) target: Option<Target<'i>>,
    pub(super) process: Option<Process>,
    pub(super) fork: Option<Fork<'i>>,
    pub(super) modules: Vec<Module<'i>>,
    /// Whether part of the annex could not be read.
    pub(super) damaged: bool,
}

impl<'i> Annex<'i> {
    /// Reads the annex. An image that a debugger saved has none, and yields an empty one.
    pub(super) fn read(bytes: &'i [u8]) -> Annex<'i> {
        let mut annex = Annex::default();
        let mut fragment = Annex::default();
        for item in Reader::damaged(bytes) {
            match item {
                Item::Snapshot { .. } => fragment = Annex::default(),
                // The complete fragments before a damaged one stay valid.
                Item::Damage(_) => annex.damaged = true,
                Item::Section(section) => match section.tag {
                    Tag::TARGET => fragment.target = all(&section).last(),
                    Tag::PROCESS => fragment.process = all(&section).last(),
                    Tag::FORK => fragment.fork = all(&section).last(),
                    Tag::MODULE => fragment.modules.extend(all::<Module<'_>>(&section)),
                    Tag::DONE => annex.take(std::mem::take(&mut fragment)),
                    _ => {}
                },
            }
        }
        annex
    }

    fn take(&mut self, fragment: Annex<'i>) {
        self.target = fragment.target.or(self.target);
        self.process = fragment.process.or(self.process);
        self.fork = fragment.fork.or(self.fork);
        // A fragment without modules means that the modules have not changed.
        if !fragment.modules.is_empty() {
            self.modules = fragment.modules;
        }
    }
}

fn all<'i, R: Record<'i>>(section: &Section<'i>) -> impl Iterator<Item = R> {
    section.records().map_while(Result::ok)
}
