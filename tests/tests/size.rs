//! The tracker's cost in size: a binary that is only slightly larger, and memory that grows with use. The tables are
//! tens of megabytes, none of which is in the file or resident in an idle process.

use memtrack_tests::program::run;
use object::{Object, ObjectSection, SectionKind};

const PLAIN: &str = env!("CARGO_BIN_EXE_size_plain");
const TRACKED: &str = env!("CARGO_BIN_EXE_size_tracked");

/// The size of a binary's initialised data.
fn data(program: &str) -> u64 {
    let bytes = std::fs::read(program).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let data = file.sections().filter(|section| section.kind() == SectionKind::Data);
    data.map(|section| section.size()).sum()
}

#[test]
fn the_tables_are_not_in_the_binary() {
    let region = run(TRACKED, &[], &[]).get("region") * 1024;
    assert!(region > 16 << 20, "the tables are large: {region} bytes");
    let added = data(TRACKED) - data(PLAIN);
    assert!(added < 64 << 10, "{added} bytes of data");
}

/// The size of the file, with line tables. An unoptimised build is larger in every part.
#[test]
#[cfg(not(debug_assertions))]
fn the_binary_grows_by_less_than_a_megabyte() {
    let size = |program: &str| std::fs::metadata(program).unwrap().len();
    let added = size(TRACKED).abs_diff(size(PLAIN));
    assert!(added > 0 && added < 1 << 20, "{added} bytes");
}

#[test]
fn memory_grows_with_use() {
    let words = ["to", "be", "or", "not", "to", "be"];
    let (plain, tracked) = (run(PLAIN, &words, &[]), run(TRACKED, &words, &[]));
    assert_eq!(plain.all(["be", "not", "or", "to"]), tracked.all(["be", "not", "or", "to"]));
    let added = tracked.get("resident") - plain.get("resident");
    assert!(added < 4096, "{added} kB for a program that allocates a little");
    let [before, after] = tracked.all(["region resident", "region resident later"]);
    assert!(before < 1024, "{before} kB of the tables for a program that allocates a little");
    // 32768 cells of 128 bytes, and the tables that lead to them.
    assert!((4096..16384).contains(&(after - before)), "{before} kB, then {after} kB for 32768 stacks");
}
