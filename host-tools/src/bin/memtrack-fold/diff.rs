//! `memtrack-fold diff`.

use std::io::{self, Write};
use std::path::Path;

use memtrack_host_tools::exit::Exit;
use memtrack_host_tools::export::html::{self, Start};
use memtrack_host_tools::export::{Difference, Format, Style};
use memtrack_host_tools::profile::Flame;
use memtrack_host_tools::{Error, diff, input, output, select};

use crate::args;
use crate::opened::Opened;
use crate::outcome::Outcome;

pub fn run(args: &args::Diff) -> Outcome {
    let format = format(args)?;
    match format.difference()? {
        Difference::Html => report(args),
        Difference::Folded => compare(args, format, |it, out| it.diff.folded(out)),
        Difference::Svg => {
            compare(args, format, |it, out| it.diff.svg(&it.title, it.subtitle.clone(), &it.style, out))
        }
        Difference::Text => {
            compare(args, format, |it, out| it.diff.text(&it.title, it.subtitle.as_deref(), &it.style, out))
        }
    }
}

/// Two dumps by function.
struct Compared {
    diff: diff::Diff,
    title: String,
    subtitle: Option<String>,
    style: Style,
}

/// Compares the dumps and writes the result.
fn compare(
    args: &args::Diff,
    format: Format,
    write: fn(&Compared, &mut dyn Write) -> io::Result<()>,
) -> Outcome {
    let (before, old) = side(args, &args.old)?;
    let (after, new) = side(args, &args.new)?;
    let metric = args.show.metric(format);
    let diff = diff::Diff::new(metric, &before.flame, &after.flame);
    let style = args.show.style();
    let (from, to) = (metric.human(diff.total.before), metric.human(diff.total.after));
    let title = format!("{}: {}, {from} → {to}", after.program, metric.title());
    let subtitle = match (&before.subtitle, &after.subtitle) {
        (Some(old), Some(new)) if old == new => Some(new.clone()),
        (old, new) => {
            let parts = [("before", old), ("after", new)];
            let texts: Vec<_> =
                parts.iter().filter_map(|(when, text)| Some(format!("{when}: {}", text.as_ref()?))).collect();
            (!texts.is_empty()).then(|| texts.join(" · "))
        }
    };
    let compared = Compared { diff, title, subtitle: style.subtitle(subtitle), style };
    output::write(args.output.as_deref(), |out| Ok(write(&compared, out)))?;
    Ok(if matches!((old, new), (Exit::Done, Exit::Done)) { Exit::Done } else { Exit::Damaged })
}

/// Writes the report of both dumps.
fn report(args: &args::Diff) -> Outcome {
    let limit = args.reading.limit;
    let inputs = [input::open(&args.old, limit)?, input::open(&args.new, limit)?];
    let mut old = Opened::one_of_several(&args.old, &inputs[0], args.show.tracker)?;
    let mut new = Opened::one_of_several(&args.new, &inputs[1], args.show.tracker)?;
    let (in_old, in_new) = (|error: Error| error.of(&args.old), |error: Error| error.of(&args.new));
    let start = Start { stage: args.show.stage.clone() };
    if let Some(name) = &start.stage {
        select::stage(&new.dump, name, &args.show.threads).map_err(in_new)?;
    }
    (old.suppressions, new.suppressions) = (args.show.suppressions()?, args.show.suppressions()?);
    let options = args.names.options();
    let wholes = [old.whole(&options).map_err(in_old)?, new.whole(&options).map_err(in_new)?];
    let views = [
        args.show.view(&wholes[0].program, Format::Html).map_err(in_old)?,
        args.show.view(&wholes[1].program, Format::Html).map_err(in_new)?,
    ];
    old.tell(&wholes[0].program, &views[0], &args.names);
    new.tell(&wholes[1].program, &views[1], &args.names);
    let style = args.show.style();
    let sides = [(wholes[0].run(), &views[0]), (wholes[1].run(), &views[1])];
    output::write(args.output.as_deref(), |out| html::write(&sides, &start, &style, out))?;
    Ok(if old.whole && new.whole { Exit::Done } else { Exit::Damaged })
}

/// One of the two dumps.
struct Side {
    flame: Flame,
    program: String,
    subtitle: Option<String>,
}

fn side(args: &args::Diff, path: &Path) -> Result<(Side, Exit), Error> {
    let input = input::open(path, args.reading.limit)?;
    let mut opened = Opened::one_of_several(path, &input, args.show.tracker)?;
    opened.suppressions = args.show.suppressions()?;
    let here = |error: Error| error.of(path);
    let (_, profile) = opened.profile(Some(&args.show), &args.names.options()).map_err(here)?;
    let view = args.show.view(&profile, Format::Folded).map_err(here)?;
    opened.tell(&profile, &view, &args.names);
    let flame = view.flame(&profile).map_err(here)?;
    let subtitle = view.subtitle(&profile);
    Ok((Side { flame, program: profile.program.name, subtitle }, opened.done()))
}

/// The format that was asked for, that of the file's extension, or folded.
fn format(args: &args::Diff) -> Result<Format, Error> {
    match (args.format, &args.output) {
        (Some(format), _) => Ok(format),
        (None, Some(path)) if path.as_os_str() != "-" => Format::of(path),
        _ => Ok(Format::Folded),
    }
}
