//! The dumps that the viewers show: one with known totals, and one of a real program.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use memtrack_host_tools::export::{self, Format, Style};
use memtrack_host_tools::profile::{Metric, Profile, View};
use memtrack_host_tools::reader::Dump;
use memtrack_host_tools::select;
use memtrack_host_tools::symbolize::Options;

use crate::dumps;
use crate::program::Place;

/// A profile, and a directory for the files that are made of it.
pub struct Subject {
    pub place: Place,
    pub profile: Profile,
    /// The program that was tracked. For the dump with known totals, it is any program.
    pub program: PathBuf,
}

/// Both dumps.
pub fn both() -> [Subject; 2] {
    [known(), real()]
}

/// The dump with known totals, [`dumps::cells`].
fn known() -> Subject {
    let subject = Subject::of(&dumps::full(), word_index());
    let sum = dumps::sum(dumps::cells().iter().map(|cell| cell.figures));
    Metric::ALL.iter().for_each(|metric| assert_eq!(subject.total(*metric), metric.of(&sum)));
    subject
}

/// The dump of `examples/word-index`, run over the sources of two of our crates.
fn real() -> Subject {
    static DUMP: OnceLock<Vec<u8>> = OnceLock::new();
    let program = word_index();
    let dump = DUMP.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let package = |name: &str| {
            let manifest = root.join(name).join("Cargo.toml");
            serde_json::json!({ "name": name, "version": "0.0.0", "source": "here", "manifest_path": manifest })
        };
        let metadata = serde_json::json!({ "packages": [package("format"), package("xtask")] });
        std::fs::write(folder.path().join("metadata.json"), metadata.to_string()).unwrap();
        let mut command = Command::new(&program);
        command.current_dir(folder.path()).args(["--metadata", "metadata.json", "--dump", "dump.bin", "-o", "answer"]);
        let output = command.env_remove("MEMTRACK_DUMP").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(folder.path().join("dump.bin")).unwrap()
    });
    let subject = Subject::of(dump, program);
    assert!(Metric::ALL.iter().all(|&metric| subject.total(metric) > 0), "it allocates, holds and frees");
    subject
}

/// The program's path. `cargo xtask test` builds it before this suite.
fn word_index() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_memtrack-fold")).with_file_name("word-index");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --workspace` in this profile",
        program.display()
    );
    program
}

impl Subject {
    fn of(dump: &[u8], program: PathBuf) -> Self {
        let place = Place::with(dump);
        let outline = Dump::open("dump.bin".as_ref(), dump).unwrap();
        let selected = select::program(&outline);
        let snapshot = outline.snapshot(selected.index);
        let profile = Profile::new(snapshot, selected.kind, &Options::default()).unwrap();
        Subject { place, profile, program }
    }

    /// Writes the profile for a viewer.
    pub fn write(&self, name: &str, metric: Metric) -> PathBuf {
        let path = self.place.path(name);
        let (format, mut out) = (Format::of(&path).unwrap(), File::create(&path).unwrap());
        let view = View::new(metric);
        export::write(format, &self.profile, &view, &Style::default(), &mut out).unwrap().unwrap();
        path
    }

    /// Whether its addresses have names.
    pub fn is_named(&self) -> bool {
        self.profile.symbols.locations().iter().any(|location| location.named)
    }

    /// Our own total over all stacks.
    pub fn total(&self, metric: Metric) -> u64 {
        View::new(metric).flame(&self.profile).unwrap().root().total
    }

    /// The function with the highest value, including its callees, and that value.
    pub fn largest(&self, metric: Metric) -> (String, u64) {
        let flame = View::new(metric).flame(&self.profile).unwrap();
        let functions = flame.functions();
        let (name, _, total) = functions.iter().max_by_key(|&&(name, _, total)| (total, name)).unwrap();
        ((*name).into(), *total)
    }
}

/// A number with thousands separators: `45,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

/// Whether `text`, a rounded number with a unit (`1.23M`, `11.0KB`, `500B`), is `value`. A unit is `step`
/// (1000 or 1024) times the one before.
pub fn shows(text: &str, value: u64, step: f64) -> bool {
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: String = text[..digits].chars().filter(|c| *c != ',' && *c != ' ').collect();
    let power = "BKMG".find(text[digits..].chars().next().unwrap_or('B').to_ascii_uppercase()).unwrap();
    let decimals = number.split_once('.').map_or(0, |(_, after)| after.len());
    let unit = step.powi(power as i32);
    let Ok(shown) = number.parse::<f64>() else { return false };
    (shown - value as f64 / unit).abs() <= 0.501 * 0.1f64.powi(decimals as i32)
}
