//! The data of a report. Only the script of the same version reads it.

use memtrack_format::Kind;
use serde::Serialize;
use serde_json::{Value, json};

use super::cells::{Cells, Names};
use super::run::{Run, Start};
use crate::Error;
use crate::export::style::Style;
use crate::info::json as info;
use crate::profile::{Metric, Profile, View, suppressed};
use crate::{loss, warnings};

/// The whole data.
#[derive(Serialize)]
pub(super) struct Document {
    #[serde(flatten)]
    facts: Value,
    runs: Vec<RunData>,
}

/// The data of one dump. The cells make up most of a report, so they stay a list of numbers.
#[derive(Serialize)]
struct RunData {
    #[serde(flatten)]
    facts: Value,
    cells: Vec<u64>,
    moments: Vec<MomentData>,
}

/// A snapshot other than that of the whole program.
#[derive(Serialize)]
struct MomentData {
    #[serde(flatten)]
    facts: Value,
    cells: Vec<u64>,
}

impl Document {
    /// Collects the names of all runs, and the facts and cells of each run.
    pub(super) fn new(runs: &[(Run<'_>, &View)], start: &Start, style: &Style) -> Result<Self, Error> {
        let mut names = Names::default();
        let described =
            runs.iter().map(|(run, view)| RunData::new(run, view, &mut names)).collect::<Result<_, _>>()?;
        let facts = json!({
            "tool": concat!("memtrack-fold ", env!("CARGO_PKG_VERSION")),
            "title": style.title.as_deref().map(crate::clean::clean),
            "metrics": Metric::ALL.map(|metric| json!({
                "name": metric.name(),
                "title": metric.title(),
                "unit": metric.unit(),
            })),
            "start": runs.last().map(|(_, view)| json!({
                "metric": view.metric.name(),
                "stage": start.stage,
                "group": if view.per_thread { "thread" } else { "none" },
                "inverted": view.reverse,
            })),
            "names": names.all(),
            "of": names.of(),
            "packages": names.packages(),
        });
        Ok(Document { facts, runs: described })
    }
}

impl RunData {
    fn new(run: &Run<'_>, view: &View, names: &mut Names) -> Result<Self, Error> {
        let profile = run.profile;
        let attribution = profile.attribution();
        let mut cells = Cells::default();
        let program = cells.add(profile, view, names)?;
        let mut moments = Vec::new();
        for moment in run.moments {
            moments.extend(MomentData::new(moment, cells.add(moment, view, names)?));
        }
        let facts = json!({
            "program": info::program(&profile.program),
            "shows": if profile.kind == Kind::Stage { "stage" } else { "program" },
            "time_ns": profile.time_ns,
            "notes": notes(run, view),
            "losses": losses(profile),
            "attribution": {
                "full": attribution.full,
                "part": attribution.part,
                "none": attribution.none,
            },
            "totals": info::totals(profile),
            "threads": info::threads(profile),
            "stages": profile.stages.iter().map(info::stage).collect::<Vec<_>>(),
            "tags": info::tags(profile),
            "timeline": info::timeline(profile),
            "sizes": info::sizes(&profile.sizes),
            "nodes": cells.nodes(),
            "sites": cells.sites(),
        });
        Ok(RunData { facts, cells: program, moments })
    }
}

impl MomentData {
    /// The peak is that of the stage, or that of the program until then. `None` if the snapshot has neither.
    fn new(profile: &Profile, cells: Vec<u64>) -> Option<Self> {
        let stage = profile.stages.first().filter(|_| profile.kind == Kind::Stage);
        let (peak, peak_time_ns) = match (stage, &profile.marks) {
            (Some(stage), _) => (stage.figures.peak, stage.figures.peak_time_ns),
            (None, Some(marks)) => (marks.figures.peak, marks.peak_time_ns),
            (None, None) => return None,
        };
        let facts = json!({
            "stage": stage.map(|stage| &stage.name),
            "time_ns": profile.time_ns,
            "peak": peak,
            "peak_time_ns": peak_time_ns,
        });
        Some(MomentData { facts, cells })
    }
}

fn losses(profile: &Profile) -> Vec<Value> {
    let losses = profile.losses.iter().filter(|loss| loss.events > 0);
    losses
        .map(|lost| json!({ "text": loss::text(lost), "remedy": loss::remedy(lost.cause, profile.is_preloaded()) }))
        .collect()
}

/// Remarks for the reader, without losses, which have a place of their own.
fn notes(run: &Run<'_>, view: &View) -> Vec<String> {
    let names = warnings::names(run.profile);
    let suppressed = suppressed::summary(&run.profile.suppressed);
    view.narrowed().into_iter().chain(suppressed).chain(run.warnings.iter().cloned()).chain(names).collect()
}
