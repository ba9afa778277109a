//! Warnings beside the figures: damage, losses, missing names. One line each.

use memtrack_format::{DamageKind, Kind};

use crate::clean::clean;
use crate::loss;
use crate::modules::Module;
use crate::profile::{Metric, Moment, Profile};
use crate::reader::Dump;
use crate::symbolize::{Doubt, Missing, Source};
use crate::units::{count, hex, things};

/// Damage of the dump.
#[must_use]
pub fn damage(dump: &Dump<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(first) = dump.damage().first() {
        let bytes = dump.damage().iter().map(|damage| damage.length as u64).sum();
        let what = match first.kind {
            DamageKind::Truncated => "cut off",
            DamageKind::Corrupt => "damaged",
            DamageKind::Version(_) => "of an unsupported version",
            DamageKind::GivenUp => "damaged beyond repair",
        };
        let more = match dump.damage().len() - 1 {
            0 => String::new(),
            places => format!(" and at {} more", count(places as u64)),
        };
        lines.push(format!(
            "the dump is {what} at byte {}{more}: {} could not be read, the rest is shown",
            count(first.offset as u64),
            things(bytes, "byte")
        ));
    }
    if dump.malformed() > 0 {
        let sections = count(dump.malformed() as u64);
        lines.push(format!("{sections} sections of the dump have malformed records, which are left out"));
    }
    let partial = dump.entries().iter().filter(|entry| !entry.complete).count();
    if partial > 0 && lines.is_empty() {
        let all = dump.entries().len();
        lines.push(format!(
            "{partial} of {all} snapshots of the dump are incomplete: their writer was interrupted"
        ));
    }
    lines
}

/// Figures that contradict each other, on one line.
#[must_use]
pub fn equations(wrong: &[String]) -> Option<String> {
    (!wrong.is_empty()).then(|| {
        format!(
            "figures do not add up, which can happen if threads run while the dump is taken: {}",
            wrong.join("; ")
        )
    })
}

/// Losses, on one line.
#[must_use]
pub fn losses(profile: &Profile) -> Vec<String> {
    loss::summary(&profile.losses, usize::MAX).into_iter().collect()
}

/// A warning if the C library is loaded more than once. Each copy has its own heap, and the preloaded library
/// replaces the functions of only one copy.
#[must_use]
pub fn namespaces(profile: &Profile) -> Option<String> {
    let count = |name: &str| {
        let loaded = profile.modules.all().iter().filter(|module| !module.unloaded);
        loaded.filter(|module| module.name().starts_with(name)).count()
    };
    let copies = count("libc.so.6");
    (copies > 1 && count("libmemtrack.so") > 0).then(|| {
        format!(
            "libc.so.6 is loaded {copies} times (dlmopen): blocks of libraries in another namespace than the program's are \
             not tracked"
        )
    })
}

/// A warning if the metric of a stage's snapshot is not the stage's own. Only its peak is.
#[must_use]
pub fn stage_metric(profile: &Profile, metric: Metric) -> Option<String> {
    let own = profile.kind == Kind::Program || metric.moment() == Moment::Peak;
    (!own).then(|| {
        format!(
            "{} are those of the program up to the end of the stage: use --metric peak for the stage's own",
            metric.title()
        )
    })
}

/// Warnings about missing names, with the reasons.
#[must_use]
pub fn names(profile: &Profile) -> Vec<String> {
    let modules = profile.symbols.sources().iter().zip(profile.modules.all());
    let mut lines: Vec<String> = modules.filter_map(|(source, module)| other_build(source, module)).collect();
    lines.extend(unnamed(profile));
    lines
}

fn other_build(source: &Source, module: &Module) -> Option<String> {
    let shown = |path: &std::path::Path| clean(&path.to_string_lossy());
    let path = source.path.as_deref().map_or_else(String::new, shown);
    let wanted = hex(&module.build_id);
    if source.forced {
        return Some(format!(
            "{path} is of another build than {} in the dump: names may be wrong (--force)",
            module.name()
        ));
    }
    if let (Some(doubt), Some(_)) = (source.doubt, &source.path) {
        let why = match doubt {
            Doubt::IdInFileOnly => {
                format!("{path} has a build id, the dump has none: it may not be the file that ran")
            }
            Doubt::IdInDumpOnly => {
                format!("{path} has no build id, the dump has one: it may not be the file that ran")
            }
            Doubt::NoIds => {
                format!("neither {path} nor the dump has a build id: it may not be the file that ran")
            }
            Doubt::Changed => {
                format!("{path} has changed since the program ran, and has no build id to compare")
            }
        };
        return Some(format!("{why}, and names may be wrong; link with -Wl,--build-id to be sure"));
    }
    let advice = "its names are not used; give the binary that ran with --binary, or use --force";
    match &source.missing {
        Some(Missing::OtherBuild(path, found)) if found.is_empty() => Some(format!(
            "{} is not the build that ran (it has no build id, the dump has {wanted}): {advice}",
            shown(path)
        )),
        Some(Missing::OtherBuild(path, found)) => Some(format!(
            "{} is not the build that ran (its build id is {found}, the dump's {wanted}): {advice}",
            shown(path)
        )),
        Some(Missing::Changed(path)) => {
            Some(format!("{} has changed since the program ran: {advice}", shown(path)))
        }
        _ => None,
    }
}

fn unnamed(profile: &Profile) -> Option<String> {
    let modules = profile.symbols.sources().iter().zip(profile.modules.all());
    let mut total = profile.symbols.outside;
    let mut reasons = Vec::new();
    for (source, module) in modules.filter(|(source, _)| source.unnamed > 0) {
        total += source.unnamed;
        let server = source.server.iter().map(|reason| format!("; {}", clean(reason))).collect::<String>();
        let why = reason(source);
        reasons.push(format!("{}: {why}{server} ({})", module.name(), count(source.unnamed as u64)));
    }
    if profile.symbols.outside > 0 {
        reasons.push(format!("outside of all modules ({})", count(profile.symbols.outside as u64)));
    }
    (total > 0).then(|| {
        format!(
            "{} without a name, shown as module+0xoffset: {}; use --binary, --debug-dir or --sysroot to say where \
             the names are",
            things(total as u64, "address"),
            reasons.join(", ")
        )
    })
}

/// The reason why addresses of a module have no name.
#[must_use]
pub fn reason(source: &Source) -> String {
    let shown = |path: &std::path::Path| clean(&path.to_string_lossy());
    match &source.missing {
        Some(Missing::File(path)) => format!("no file at {}", shown(path)),
        Some(Missing::Unusable(path, reason)) => format!("{}: {}", shown(path), clean(reason)),
        Some(Missing::OtherBuild(..)) => "only another build found".into(),
        Some(Missing::Changed(..)) => "the file has changed since the program ran".into(),
        Some(Missing::Virtual) => "not a file".into(),
        Some(Missing::Stripped(path)) => format!("{} has neither debug information nor symbols", shown(path)),
        None if source.debug_info => "the debug information has no name there".into(),
        None => "no debug information, and no symbol there".into(),
    }
}
