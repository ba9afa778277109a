//! `memtrack-fold info`.

use memtrack_host_tools::info::{Info, json, text};
use memtrack_host_tools::{input, output, warnings};

use crate::args;
use crate::opened::Opened;
use crate::outcome::Outcome;

pub fn run(args: &args::Info) -> Outcome {
    let input = input::open(&args.dump, args.reading.limit)?;
    let mut opened = Opened::of_tracker(&args.dump, &input, args.tracker)?;
    let (selected, profile) = opened.profile(None, &args.names.options())?;
    let mut warnings = std::mem::take(&mut opened.warnings);
    // Losses have lines of their own.
    let names = warnings::names(&profile);
    warnings.extend(names.into_iter().filter(|_| !args.names.no_symbols));
    let info = Info { dump: &opened.dump, selected, profile: &profile, warnings };
    output::write(args.output.as_deref(), |out| {
        Ok(if args.json { writeln!(out, "{:#}", json::value(&info)) } else { text::write(&info, out) })
    })?;
    Ok(opened.done())
}
