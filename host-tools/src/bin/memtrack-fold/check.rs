//! `memtrack-fold check`.

use std::path::PathBuf;

use memtrack_host_tools::exit::Exit;
use memtrack_host_tools::limits::{self, Limits};
use memtrack_host_tools::profile::suppressed;
use memtrack_host_tools::suppress::Suppressions;
use memtrack_host_tools::symbolize::Options;
use memtrack_host_tools::{Error, input, output, warnings};

use crate::args;
use crate::messages::{fail, warn};
use crate::opened::Opened;
use crate::outcome::Outcome;

pub fn run(args: &args::Check) -> Outcome {
    let flags = Limits {
        max_peak: args.max_peak,
        max_stage_peak: args.max_stage_peaks.iter().cloned().collect(),
        max_live_at_exit: args.max_live_at_exit,
        max_allocs: args.max_allocs,
    };
    let limits = match &args.limits {
        Some(path) => Limits::read(path)?.overridden(flags),
        None => flags,
    };
    if let (Some(path), true) = (&args.limits, limits == Limits::default()) {
        return Err(Error::Limits { path: path.clone(), reason: "it limits nothing".into() });
    }
    let input = input::open(&args.dump, args.reading.limit)?;
    let mut opened = Opened::open(&args.dump, &input)?;
    opened.suppressions = Suppressions::read(args.suppressions.iter().map(PathBuf::as_path))?;
    // Without suppressions no address needs a name.
    let nameless = Options { names: false, ..Options::default() };
    let options = if opened.suppressions.is_empty() { nameless } else { args.names.options() };
    let (_, profile) = opened.profile(None, &options)?;
    let verdicts = limits.judge(&profile)?;
    opened.say();
    warnings::losses(&profile).iter().for_each(|text| warn(text));
    let table = limits::table(&verdicts);
    if !opened.suppressions.is_empty() && !args.names.no_symbols {
        warnings::names(&profile).iter().for_each(|text| warn(text));
    }
    let left_out = suppressed::table(&profile.suppressed);
    output::write(args.output.as_deref(), |out| {
        Ok(write!(out, "{table}").and_then(|()| match left_out.is_empty() {
            true => Ok(()),
            false => write!(out, "\n{left_out}"),
        }))
    })?;
    let exceeded: Vec<_> = verdicts.iter().filter(|verdict| !verdict.kept()).collect();
    exceeded.iter().for_each(|verdict| fail(&verdict.reason()));
    Ok(if exceeded.is_empty() { opened.done() } else { Exit::Exceeded })
}
