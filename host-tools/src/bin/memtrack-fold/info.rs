//! `memtrack-fold info`.

use memtrack_host_tools::info::{Info, json, text};
use memtrack_host_tools::{input, output, warnings};

use crate::session::Session;
use crate::{Outcome, args};

pub fn run(args: &args::Info) -> Outcome {
    let input = input::open(&args.dump)?;
    let mut session = Session::open(&args.dump, &input)?;
    let (selected, profile) = session.profile(None, &args.names.options())?;
    let mut warnings = std::mem::take(&mut session.warnings);
    // Losses have lines of their own.
    let names = warnings::names(&profile);
    warnings.extend(names.into_iter().filter(|_| !args.names.no_symbols));
    let info = Info { dump: &session.dump, selected, profile: &profile, warnings };
    output::write(args.output.as_deref(), |out| {
        Ok(if args.json { writeln!(out, "{:#}", json::value(&info)) } else { text::write(&info, out) })
    })?;
    Ok(session.whole)
}
