//! The program without a command: turns a dump into a graph or a report.

use memtrack_host_tools::export::{self, Format, Style};
use memtrack_host_tools::info::lists;
use memtrack_host_tools::symbolize::Options;
use memtrack_host_tools::{Error, input, output, warnings};

use crate::args::{Fold, List};
use crate::messages::warn;
use crate::opened::Opened;
use crate::outcome::Outcome;
use crate::report;

pub fn run(args: &Fold) -> Outcome {
    let format = format(args)?;
    let input = input::open(args.dump(), args.reading.limit)?;
    let mut opened = Opened::of_tracker(args.dump(), &input, args.show.tracker)?;
    opened.suppressions = args.show.suppressions()?;
    opened.say();
    if let Some(asked) = args.list() {
        return list(asked, args, &mut opened);
    }
    if format == Format::Html {
        let page = report::page(&mut opened, &args.show, &args.names)?;
        output::write(args.output.as_deref(), |out| Ok(out.write_all(&page)))?;
        return Ok(opened.done());
    }
    let (_, profile) = opened.profile(Some(&args.show), &args.names.options())?;
    let view = args.show.view(&profile, format)?;
    opened.tell(&profile, &view, &args.names);
    let style =
        Style { palette: args.color, top: Some(args.top), peek: args.peek.clone(), ..args.show.style() };
    output::write(args.output.as_deref(), |out| export::write(format, &profile, &view, &style, out))?;
    Ok(opened.done())
}

/// Lists threads, stages or sizes. No address needs a name for that.
fn list(list: List, args: &Fold, opened: &mut Opened<'_>) -> Outcome {
    let nameless = Options { names: false, ..Options::default() };
    let (_, profile) = opened.profile(Some(&args.show), &nameless)?;
    opened.say();
    warnings::losses(&profile).iter().for_each(|text| warn(text));
    let table = match list {
        List::Threads => lists::threads(&profile),
        List::Stages => lists::stages(&profile, &opened.dump),
        List::Sizes => lists::sizes(&profile),
    };
    output::write(args.output.as_deref(), |out| Ok(write!(out, "{table}")))?;
    Ok(opened.done())
}

/// The format that was asked for, that of the file's extension, or folded.
fn format(args: &Fold) -> Result<Format, Error> {
    match (args.format, &args.output) {
        (Some(format), _) => Ok(format),
        _ if args.peek.is_some() => Ok(Format::Text),
        (None, Some(path)) if path.as_os_str() != "-" && args.list().is_none() => Format::of(path),
        _ => Ok(Format::Folded),
    }
}
