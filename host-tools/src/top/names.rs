//! Names of stacks. Each is looked up once, because a node of the stack tree never changes while its program
//! runs.

use std::collections::HashMap;

use memtrack_format::Kind;

use crate::Error;
use crate::profile::Profile;
use crate::reader::Snapshot;
use crate::symbolize::{Options, hidden};

/// The most frames of a stack, innermost first. A line has no room for more.
const FRAMES: usize = 16;

/// Prefixes of function names of Rust's libraries. A line has room for few names, so it starts with the first
/// name of the program itself.
const LIBRARIES: [&str; 7] = ["alloc::", "<alloc::", "core::", "<core::", "std::", "<std::", "hashbrown::"];

/// The names of stacks, by innermost node.
#[derive(Default)]
pub(super) struct Names {
    known: HashMap<u32, Vec<String>>,
}

impl Names {
    /// The function names of a stack, innermost first.
    pub(super) fn of(&self, stack: u32) -> &[String] {
        self.known.get(&stack).map_or(&[], Vec::as_slice)
    }

    /// Looks up the wanted stacks that are not known yet.
    pub(super) fn learn(
        &mut self,
        mut snapshot: Snapshot<'_>,
        wanted: &[u32],
        options: &Options,
    ) -> Result<(), Error> {
        snapshot.cells.retain(|cell| wanted.contains(&cell.stack) && !self.known.contains_key(&cell.stack));
        snapshot.cells.sort_by_key(|cell| cell.stack);
        snapshot.cells.dedup_by_key(|cell| cell.stack);
        if snapshot.cells.is_empty() {
            return Ok(());
        }
        let stacks: Vec<u32> = snapshot.cells.iter().map(|cell| cell.stack).collect();
        let profile = Profile::new(snapshot, Kind::Program, options)?;
        for (id, sample) in stacks.into_iter().zip(&profile.samples) {
            let stack = profile.stack(sample);
            let inner = hidden(stack.frames.iter().map(|frame| frame.origin));
            let shown = stack.frames[inner..].iter().map(|frame| profile.symbols.text(frame.function));
            let library = |name: &str| LIBRARIES.iter().any(|begin| name.starts_with(begin));
            let own = shown.clone().position(|name| !library(name)).unwrap_or(0);
            self.known.insert(id, shown.skip(own).take(FRAMES).map(String::from).collect());
        }
        Ok(())
    }
}
