//! The table of formats, as documentation shows it.

use super::facts::MetricOption;
use super::format::Format;
use crate::profile::stacks::Split;

impl Format {
    /// The table of all formats in Markdown.
    #[must_use]
    pub fn markdown() -> String {
        let mut table = String::from(
            "| format | file | opened with | `-m` | by thread | over time | names | contents |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        let yes = |is: bool| if is { "yes" } else { "no" };
        for row in Format::ALL.map(Format::row) {
            let files: Vec<_> = row.endings.iter().map(|ending| format!("`{ending}`")).collect();
            let cells = [
                format!("`{}`", row.name),
                files.join(", "),
                row.viewers.into(),
                row.metric.words().into(),
                yes(row.split == Split::ByThread).into(),
                yes(row.timeline).into(),
                yes(row.names).into(),
                row.holds.into(),
            ];
            table.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        table
    }
}

impl MetricOption {
    fn words(self) -> &'static str {
        match self {
            MetricOption::Only => "this metric alone",
            MetricOption::First => "all, this one first",
            MetricOption::Moment => "the end, or the peak",
            MetricOption::Ignored => "no effect",
        }
    }
}
