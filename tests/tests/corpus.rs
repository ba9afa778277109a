//! The committed dumps: each exists, equals the output of the independent builder, and reads as its text file says.

use std::fs;

use memtrack_format::{Item, Reader, Tag};
use memtrack_tests::{corpus, listing};

#[test]
fn version_1_equals_the_builders_dump() {
    for (path, contents) in corpus::v1_files() {
        let committed = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            committed == contents,
            "{} differs from the output of tests/src/corpus.rs. A released version's dump never changes; \
             before its release, `cargo xtask bless` rewrites it",
            path.display()
        );
    }
}

/// Later versions may have appended fields. In an older dump they read as zero, false or empty.
#[test]
fn every_dump_reads_as_its_text_says() {
    let mut dumps = 0;
    for entry in fs::read_dir(corpus::folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "memtrack") {
            continue;
        }
        dumps += 1;
        let found = listing::listing(&fs::read(&path).unwrap());
        let text = fs::read_to_string(path.with_extension("txt")).unwrap();
        assert_eq!(found.lines().count(), text.lines().count(), "records of {}", path.display());
        for (found, text) in found.lines().zip(text.lines()) {
            let rest = found.strip_prefix(text);
            let added = rest.is_some_and(|rest| {
                rest.split_whitespace().all(|field| {
                    field
                        .split_once('=')
                        .is_some_and(|(_, value)| matches!(value, "0" | "false" | "\"\"" | "[]"))
                })
            });
            assert!(added, "{}\nreads: {found}\ntext:  {text}", path.display());
        }
    }
    assert!(dumps >= usize::from(memtrack_format::CURRENT), "a dump of each version");
}

/// The corpus has all sections that existed when this version began. Later sections are in dumps of current programs,
/// which other suites read.
#[test]
fn version_1_has_every_kind_of_section() {
    let bytes = fs::read(corpus::folder().join("v1.memtrack")).unwrap();
    let sections: Vec<_> = Reader::new(&bytes)
        .unwrap()
        .filter_map(|item| if let Item::Section(section) = item { Some(section.tag) } else { None })
        .collect();
    let later = [Tag::PROCESS, Tag::FORK];
    let missing: Vec<_> = Tag::ALL.iter().filter(|tag| !sections.contains(tag)).collect();
    assert_eq!(missing, later.iter().collect::<Vec<_>>());
}
