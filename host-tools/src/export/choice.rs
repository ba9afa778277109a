//! How a format is chosen: by the extension of the output file.

use std::path::Path;

use super::facts::{Difference, Facts};
use super::format::Format;
use crate::Error;

impl Format {
    /// The format that the end of a file's name selects. The longest end wins: `.dhat.json` is not `.json`.
    ///
    /// # Errors
    /// Returns an error if no format has that end.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let length = |format: &Format| {
            let ends = format.row().endings.iter().filter(|ending| name.ends_with(*ending));
            ends.map(|ending| ending.len()).max()
        };
        let format = Format::ALL.into_iter().max_by_key(length).filter(|format| length(format).is_some());
        format.ok_or_else(|| Error::UnknownFormat { path: path.into(), endings: Format::endings(|_| true) })
    }

    /// The usual ends of the names of files in some formats: `.folded, .svg`.
    #[must_use]
    pub fn endings(which: impl Fn(&Facts) -> bool) -> String {
        let rows = Format::ALL.into_iter().map(Format::row).filter(|row| which(row));
        rows.filter_map(|row| row.endings.first().copied()).collect::<Vec<_>>().join(", ")
    }

    /// How `diff` writes it.
    ///
    /// # Errors
    /// Returns an error that names the formats in which `diff` writes.
    pub fn difference(self) -> Result<Difference, Error> {
        let formats = || Format::ALL.into_iter().filter(|format| format.row().difference.is_some());
        self.row()
            .difference
            .ok_or_else(|| Error::NotForDiff { formats: formats().map(Format::name).collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_end_of_a_name_selects_the_format() {
        for (name, format) in [
            ("a.folded", Format::Folded),
            ("dir.svg/a.b.svg", Format::Svg),
            ("a.json", Format::Json),
            ("a.speedscope.json", Format::Speedscope),
            ("a.dhat.json", Format::Dhat),
            ("a.pb.gz", Format::Pprof),
            ("massif.out", Format::Massif),
        ] {
            assert_eq!(Format::of(Path::new(name)).ok(), Some(format), "{name}");
        }
        for name in ["a", "svg", "a.svg/b", "a.docx", "a.gz"] {
            assert_eq!(Format::of(Path::new(name)).ok(), None, "{name}");
        }
    }

    #[test]
    fn names_and_endings_are_unique() {
        let names: BTreeSet<_> = Format::ALL.iter().map(|format| format.name()).collect();
        assert_eq!(names.len(), Format::ALL.len());
        let endings: Vec<_> = Format::ALL.iter().flat_map(|format| format.row().endings).collect();
        assert_eq!(endings.iter().collect::<BTreeSet<_>>().len(), endings.len());
        assert!(Format::ALL.iter().all(|format| !format.row().endings.is_empty()));
    }
}
