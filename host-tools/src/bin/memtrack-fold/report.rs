//! The HTML report of one dump, for `-o report.html` and for `serve`.

use memtrack_host_tools::export::Format;
use memtrack_host_tools::export::html::{self, Start};
use memtrack_host_tools::{Error, select};

use crate::args::{Names, Show};
use crate::opened::Opened;

/// The page. It has all stages, and begins with the selected one.
pub fn page(opened: &mut Opened<'_>, show: &Show, names: &Names) -> Result<Vec<u8>, Error> {
    let start = Start { stage: show.stage.clone() };
    if let Some(name) = &start.stage {
        select::stage(&opened.dump, name, &show.threads)?;
    }
    opened.suppressions = show.suppressions()?;
    let whole = opened.whole(&names.options())?;
    let view = show.view(&whole.program, Format::Html)?;
    opened.tell(&whole.program, &view, names);
    let style = show.style();
    let mut page = Vec::new();
    html::write(&[(whole.run(), &view)], &start, &style, &mut page)?
        .map_err(|source| Error::Write { path: "memory".into(), source })?;
    Ok(page)
}
