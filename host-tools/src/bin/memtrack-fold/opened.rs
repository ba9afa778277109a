//! The first steps of all commands: open a dump, choose a snapshot, name its addresses, and report its damage.

use std::path::Path;

use memtrack_format::Kind;
use memtrack_host_tools::clean::clean;
use memtrack_host_tools::exit::Exit;
use memtrack_host_tools::export::html::Run;
use memtrack_host_tools::input::Input;
use memtrack_host_tools::profile::{Profile, View, check};
use memtrack_host_tools::reader::Dump;
use memtrack_host_tools::select::{self, Selected};
use memtrack_host_tools::suppress::Suppressions;
use memtrack_host_tools::symbolize::Options;
use memtrack_host_tools::{Error, warnings};

use crate::args::{Names, Show};
use crate::messages::warn;
use crate::progress;

/// An opened dump.
pub struct Opened<'i> {
    pub dump: Dump<'i>,
    /// Whether all of it was readable.
    pub whole: bool,
    /// Warnings that have not been printed yet.
    pub warnings: Vec<String>,
    /// Known leaks, which do not count as live.
    pub suppressions: Suppressions,
    /// Warnings that have been printed.
    said: Vec<String>,
    /// The name of the dump, if it is one of several.
    name: Option<String>,
}

/// The content of a report about one dump.
pub struct Whole {
    pub program: Profile,
    /// The other snapshots with cells: of stages, and of the program at other moments.
    pub moments: Vec<Profile>,
    warnings: Vec<String>,
}

impl Whole {
    /// The content, for the library.
    pub fn run(&self) -> Run<'_> {
        Run { profile: &self.program, moments: &self.moments, warnings: &self.warnings }
    }
}

impl<'i> Opened<'i> {
    /// Opens a dump.
    pub fn open(path: &Path, input: &'i Input) -> Result<Self, Error> {
        Self::of_tracker(path, input, None)
    }

    /// Opens a dump with the snapshots of one tracker only.
    pub fn of_tracker(path: &Path, input: &'i Input, tracker: Option<usize>) -> Result<Self, Error> {
        let mut dump = Dump::open(path, &input.bytes)?;
        tracker.map_or(Ok(()), |number| dump.keep_tracker(number))?;
        let mut found: Vec<String> = input
            .unpacking
            .iter()
            .map(|reason| format!("the compressed dump ends early: {reason}"))
            .collect();
        found.extend(input.notes.iter().cloned());
        found.extend(warnings::damage(&dump));
        let whole = dump.is_whole() && input.unpacking.is_none() && !input.damaged;
        let suppressions = Suppressions::default();
        Ok(Opened { dump, whole, warnings: found, suppressions, said: Vec::new(), name: None })
    }

    /// Opens one of several dumps: its name is in all messages about it.
    pub fn one_of_several(path: &Path, input: &'i Input, tracker: Option<usize>) -> Result<Self, Error> {
        let name = Some(clean(&path.to_string_lossy()));
        Ok(Opened { name, ..Self::of_tracker(path, input, tracker)? })
    }

    /// The profile of the whole program, or of the selected stage.
    pub fn profile(&mut self, show: Option<&Show>, options: &Options) -> Result<(Selected, Profile), Error> {
        let stage = show.and_then(|show| Some((show.stage.as_ref()?, &show.threads)));
        let mut selected = match stage {
            Some((name, threads)) => select::stage(&self.dump, name, threads)?,
            None => select::program(&self.dump),
        };
        self.warnings.extend(selected.note.take());
        let snapshot = selected.read(&self.dump);
        if self.dump.entries()[selected.index].complete {
            let wrong = check::equations(&snapshot, selected.kind);
            self.warnings.extend(warnings::equations(&wrong));
        }
        let _watch = progress::watch(&options.progress);
        let mut profile = Profile::new(snapshot, selected.kind, options)?;
        if stage.is_none() && selected.kind == Kind::Stage {
            // A killed program leaves no snapshot with all stages: each stage is in a snapshot of its own.
            let others = select::stages_of_threads(&self.dump).into_iter();
            others
                .filter(|other| other.index != selected.index)
                .for_each(|other| profile.add_stages(&self.dump.snapshot(other.index)));
        }
        self.suppressions.apply(&mut profile);
        self.warnings.extend(warnings::namespaces(&profile));
        Ok((selected, profile))
    }

    /// The profiles of the whole program, of each stage with cells, and of the program at other moments.
    pub fn whole(&mut self, options: &Options) -> Result<Whole, Error> {
        let mut selected = select::program(&self.dump);
        self.warnings.extend(selected.note.take());
        let mut snapshots = vec![(selected.read(&self.dump), selected.kind)];
        if self.dump.entries()[selected.index].complete {
            self.warnings.extend(warnings::equations(&check::equations(&snapshots[0].0, selected.kind)));
        }
        if selected.kind == Kind::Program {
            let others = select::stages(&self.dump).into_iter().chain(select::moments(&self.dump));
            snapshots.extend(others.map(|other| (self.dump.snapshot(other.index), other.kind)));
        }
        let _watch = progress::watch(&options.progress);
        let mut profiles = Profile::several(snapshots, options)?;
        profiles.iter_mut().for_each(|profile| self.suppressions.apply(profile));
        let mut profiles = profiles.into_iter();
        let program = profiles.next().ok_or(Error::NoFigures)?;
        self.warnings.extend(warnings::namespaces(&program));
        Ok(Whole {
            program,
            moments: profiles.collect(),
            warnings: [&self.said[..], &self.warnings].concat(),
        })
    }

    /// Prints the warnings about the dump.
    pub fn say(&mut self) {
        self.warnings.iter().for_each(|text| self.warn(text));
        self.said.append(&mut self.warnings);
    }

    /// Prints the warnings about the dump and about the view of it.
    pub fn tell(&mut self, profile: &Profile, view: &View, names: &Names) {
        self.say();
        warnings::losses(profile).iter().for_each(|text| self.warn(text));
        warnings::stage_metric(profile, view.metric).iter().for_each(|text| self.warn(text));
        if !names.no_symbols {
            warnings::names(profile).iter().for_each(|text| self.warn(text));
        }
    }

    fn warn(&self, text: &str) {
        match &self.name {
            Some(name) => warn(&format!("{name}: {text}")),
            None => warn(text),
        }
    }

    /// The exit code.
    pub fn done(&self) -> Exit {
        if self.whole { Exit::Done } else { Exit::Damaged }
    }
}
