//! Merges several dumps of one program into one: many runs, or the processes of one family.
//!
//! Counters are added. A peak is not a counter, because each process reached its own at its own time:
//!
//! - **Peak of the program**: the sum of the peaks. The processes never held more than that together. Its
//!   stacks are those of each process at its own peak.
//! - **Peak of a stage**: that of the dump where it is highest. Several runs of a stage within one dump
//!   follow the same rule.
//! - **Threads**: those of one name become one thread, with the highest of their own peaks.
//! - **Times**: they count from the start of each process. There is no timeline, because points of different
//!   clocks have no order.
//! - **Forked processes**: figures that a process inherits from its parent are counted once, in the parent.

mod cells;
mod inherited;
mod layout;
mod part;
mod stages;
mod who;
mod whole;
mod write;

use memtrack_format::Kind;

use crate::Error;
use crate::modules::Module;
use crate::reader::Snapshot;
use crate::select;
use crate::units::hex;
use cells::{Cells, Tree};
use layout::Layout;
pub use part::Part;
use stages::Stages;
use who::Who;
use write::Whole;

/// Merges dumps into the bytes of a new one. `force` merges dumps of different programs, too.
///
/// # Errors
/// Returns an error if the dumps are of different programs, or if one has no figures of the whole program.
pub fn merge(parts: &[Part<'_>], force: bool) -> Result<Vec<u8>, Error> {
    let mut programs = Vec::new();
    for part in parts {
        let selected = select::program(part.dump);
        if selected.kind == Kind::Stage {
            return Err(Error::NoFigures.of(part.path));
        }
        programs.push(selected.read(part.dump));
    }
    if !force {
        alike(parts, &programs)?;
    }
    inherited::count_once(&mut programs);
    let mut who = Who::default();
    let ids: Vec<_> = programs.iter().map(|snapshot| who.add(snapshot)).collect();
    let stages = Stages::highest(parts, &ids);
    let mut layout = Layout::default();
    let mut places = |snapshot: &Snapshot<'_>| layout.add(&snapshot.modules);
    let of_programs: Vec<_> = programs.iter().map(&mut places).collect();
    let of_stages: Vec<_> = stages.snapshots().iter().map(|(_, snapshot)| places(snapshot)).collect();

    let mut tree = Tree::default();
    let mut cells = Cells::default();
    for ((snapshot, places), ids) in programs.iter().zip(&of_programs).zip(&ids) {
        let nodes = tree.add(snapshot, places, &layout);
        cells.add(snapshot, &nodes, ids);
    }
    let stage_cells = stages.snapshots().iter().zip(&of_stages).map(|((part, snapshot), places)| {
        let nodes = tree.add(snapshot, places, &layout);
        let mut cells = Cells::default();
        cells.add(snapshot, &nodes, &ids[*part]);
        cells
    });
    let stage_cells: Vec<Cells> = stage_cells.collect();
    let whole = Whole {
        programs: &programs,
        layout: &layout,
        who: &who,
        ids: &ids,
        tree: &tree,
        cells: &cells,
        stages: &stages,
        stage_cells: &stage_cells,
    };
    Ok(whole.encode())
}

/// Checks that all dumps are of one program: by build id if they have one, else by name and architecture.
fn alike(parts: &[Part<'_>], programs: &[Snapshot<'_>]) -> Result<(), Error> {
    let identity = |snapshot: &Snapshot<'_>| {
        let target = snapshot.target.unwrap_or_default();
        let main = snapshot.modules.first().map(|module| Module {
            path: module.path.into(),
            build_id: module.build_id.into(),
            ..Module::default()
        });
        match main {
            Some(module) if !module.build_id.is_empty() => {
                format!("{} with build id {}", module.name(), hex(&module.build_id))
            }
            Some(module) => format!("{} for {}", module.name(), target.arch.as_str()),
            None => format!("a program for {}", target.arch.as_str()),
        }
    };
    let first = &programs[0];
    for (part, snapshot) in parts.iter().zip(programs).skip(1) {
        let (one, other) = (identity(first), identity(snapshot));
        // A program under another name is the same if its build id is the same.
        let same = one == other || (!build_id(first).is_empty() && build_id(first) == build_id(snapshot));
        if !same {
            return Err(Error::OtherProgram { path: part.path.into(), found: other, wanted: one });
        }
    }
    Ok(())
}

/// The build id of the program itself; empty if it has none.
fn build_id<'d>(snapshot: &Snapshot<'d>) -> &'d [u8] {
    snapshot.modules.first().map_or(&[], |module| module.build_id)
}
