//! Decides whether a file is the one that a module was loaded from: by build id, else by size and
//! modification time.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use crate::modules::Module;

/// The result of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// Build ids are equal, or size and time are.
    Same,
    /// The file may or may not be the same.
    Doubtful(Doubt),
    /// It is another file, so its names would be wrong.
    Other(Difference),
}

/// Why a file may not be the one that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The file has a build id; the dump has none.
    IdInFileOnly,
    /// The dump has a build id; the file has none.
    IdInDumpOnly,
    /// Neither has a build id, and the dump has neither size nor time of the file.
    NoIds,
    /// Neither has a build id. The file has the same size, but was changed later.
    Changed,
}

/// Why a file is not the one that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The build ids differ; the file may have none.
    BuildId,
    /// The dump has no build id, and the file has changed since the program ran.
    Changed,
}

/// Compares a module of the dump with a file of the given build id.
pub(super) fn compare(module: &Module, build_id: &[u8], file: Option<&Metadata>) -> Match {
    let in_dump = !module.build_id.is_empty();
    if in_dump {
        let same = module.build_id == build_id;
        return if same { Match::Same } else { Match::Other(Difference::BuildId) };
    }
    match (stamps(module, file), build_id.is_empty()) {
        (Some(Stamps::Same), _) => Match::Same,
        (Some(Stamps::OtherTime), true) => Match::Doubtful(Doubt::Changed),
        (Some(_), _) => Match::Other(Difference::Changed),
        (None, true) => Match::Doubtful(Doubt::NoIds),
        (None, false) => Match::Doubtful(Doubt::IdInFileOnly),
    }
}

/// The comparison of size and time.
enum Stamps {
    Same,
    OtherTime,
    OtherSize,
}

/// `None` if the dump has neither.
fn stamps(module: &Module, file: Option<&Metadata>) -> Option<Stamps> {
    let file = file.filter(|_| module.file_size != 0)?;
    if file.len() != module.file_size {
        return Some(Stamps::OtherSize);
    }
    let time = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let time = time.and_then(|time| u64::try_from(time.as_nanos()).ok());
    // Windows has times in units of 100 ns, whatever the file system has that shows the file here.
    const UNIT: u64 = 100;
    let is_same = time.is_some_and(|time| time / UNIT == module.file_modified_unix_ns / UNIT);
    Some(if is_same { Stamps::Same } else { Stamps::OtherTime })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_id_decides_alone() {
        let file = tempfile::tempfile().unwrap().metadata().unwrap();
        let module = Module { build_id: vec![1, 2], file_size: 9, ..Module::default() };
        assert_eq!(compare(&module, &[1, 2], Some(&file)), Match::Same);
        assert_eq!(compare(&module, &[1, 3], Some(&file)), Match::Other(Difference::BuildId));
        assert_eq!(compare(&module, &[], Some(&file)), Match::Other(Difference::BuildId));
    }

    #[test]
    fn without_a_build_id_size_and_time_are_compared() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(9).unwrap();
        let file = file.metadata().unwrap();
        let time = file.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let module = |file_size, file_modified_unix_ns| Module {
            file_size,
            file_modified_unix_ns,
            ..Module::default()
        };
        for (module, id, expected) in [
            (module(9, time), &[][..], Match::Same),
            (module(9, time / 100 * 100), &[], Match::Same),
            (module(9, time), &[1], Match::Same),
            (module(9, time - 100), &[], Match::Doubtful(Doubt::Changed)),
            (module(9, time - 100), &[1], Match::Other(Difference::Changed)),
            (module(8, time), &[], Match::Other(Difference::Changed)),
            (module(0, 0), &[], Match::Doubtful(Doubt::NoIds)),
            (module(0, 0), &[1], Match::Doubtful(Doubt::IdInFileOnly)),
        ] {
            assert_eq!(compare(&module, id, Some(&file)), expected, "{module:?} {id:?}");
        }
    }
}
