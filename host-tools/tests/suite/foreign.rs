//! Binaries of other architectures and systems get the same names as from LLVM's symbolizer. `corpus/make.sh`
//! makes the binaries and records the names.

use std::path::{Path, PathBuf};

use memtrack_format::{Kind, Node};

use crate::dumps::{self, Builder, cell, figures};
use crate::program::{Place, Ran};

/// The distance between the load address in the dump and the link address.
const BIAS: u64 = 0x5000_0000;

/// A line of `expected.txt`.
struct Call {
    address: u64,
    frames: String,
}

fn corpus(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(file)
}

/// The expected calls in one of the binaries. Names from a database have no arguments.
fn calls(name: &str) -> Vec<Call> {
    let text = std::fs::read_to_string(corpus("expected.txt")).unwrap();
    let text = if name == "pe" { text.replace("(int)", "") } else { text };
    let calls: Vec<Call> = text.lines().filter_map(|line| call(line.strip_prefix(name)?)).collect();
    assert!(calls.len() >= 7, "{name} is in expected.txt");
    calls
}

fn call(rest: &str) -> Option<Call> {
    let (address, frames) = rest.strip_prefix(" 0x")?.split_once(' ')?;
    let address = u64::from_str_radix(address, 16).unwrap();
    Some(Call { address, frames: frames.into() })
}

/// The dump of a process with one module and one stack per call.
fn dump(calls: &[Call], path: &str, build_id: &[u8], base: u64) -> Vec<u8> {
    let mut builder = Builder::new(Kind::Program, 0);
    builder.record(&dumps::target(42));
    let segment = [dumps::segment(base + BIAS, 0x2000_0000, 0)];
    builder.record(&dumps::module(path.as_bytes(), build_id, BIAS, &segment));
    for (id, call) in (2..).zip(calls) {
        builder.node(id, Node::ROOT, call.address + BIAS);
        builder.record(&cell(id, 1, id, figures(1, 0, 0)));
    }
    builder.finish()
}

/// The frames of the calls, as folded stacks.
fn folded(calls: &[Call]) -> String {
    let mut stacks = std::collections::BTreeMap::<&str, u64>::new();
    calls.iter().for_each(|call| *stacks.entry(&call.frames).or_default() += 1);
    stacks.iter().map(|(stack, count)| format!("{stack} {count}\n")).collect()
}

/// A binary of the corpus and its debug information, in a directory where they can be moved.
struct Foreign {
    place: Place,
    calls: Vec<Call>,
}

impl Foreign {
    /// Copies the files under their own names.
    fn with(name: &str, files: &[&str], path: &str, build_id: &[u8], base: u64) -> Self {
        let calls = calls(name);
        let place = Place::with(&dump(&calls, path, build_id, base));
        for file in files {
            let to = place.path(file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(corpus(file), to).unwrap();
        }
        Foreign { place, calls }
    }

    fn run(&self, options: &str) -> Ran {
        self.place.run(&format!("dump.bin -m allocs {options}"))
    }

    #[track_caller]
    fn named(&self, options: &str) {
        assert_eq!(self.run(options).ok(), folded(&self.calls), "{options}");
    }

    #[track_caller]
    fn nameless(&self, options: &str) {
        let ran = self.run(options);
        assert!(
            ran.stdout.lines().all(|line| line.starts_with("basket.") && line.contains("+0x")),
            "{}",
            ran.stdout
        );
    }

    fn moved(&self, from: &str, to: &str) {
        std::fs::create_dir_all(self.place.path(to).parent().unwrap()).unwrap();
        std::fs::rename(self.place.path(from), self.place.path(to)).unwrap();
    }
}

/// The bytes behind each occurrence of `mark` in a file.
fn behind<const N: usize>(file: &str, mark: &[u8]) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(corpus(file)).unwrap();
    let at = |window: &[u8]| window.starts_with(mark).then(|| window[mark.len()..].to_vec());
    bytes.windows(mark.len() + N).filter_map(at).collect()
}

/// The UUIDs of a universal file: of its parts for x86_64 and arm64.
fn uuids() -> [Vec<u8>; 2] {
    // The command LC_UUID with its length.
    behind::<16>("basket.dylib", &[0x1b, 0, 0, 0, 0x18, 0, 0, 0]).try_into().expect("two parts")
}

/// GUID and age of the PE file.
fn guid_and_age() -> Vec<u8> {
    behind::<20>("basket.dll", b"RSDS").swap_remove(0)
}

const DSYM: &str = "basket.dylib.dSYM/Contents/Resources/DWARF/basket.dylib";

#[test]
fn elf_of_other_architectures_has_names() {
    for name in ["i386", "armv7", "powerpc", "powerpc64"] {
        let file = format!("basket-{name}");
        let foreign = Foreign::with(name, &[&file], &format!("/shop/{file}"), b"", 0);
        foreign.named(&format!("-b {file}"));
        assert!(
            foreign.place.run(&format!("info dump.bin -b {file}")).ok().contains("debug information"),
            "{name}"
        );
    }
}

#[test]
fn split_debug_information_is_read_in_the_other_byte_order() {
    let foreign = Foreign::with("split", &["basket-split", "split.dwo"], "/shop/basket-split", b"", 0);
    foreign.named("-b basket-split");
    foreign.moved("split.dwo", "elsewhere/split.dwo");
    assert_ne!(foreign.run("-b basket-split").ok(), folded(&foreign.calls), "only the skeleton is left");
    foreign.named("-b basket-split --debug-dir elsewhere");
}

#[test]
fn a_mach_o_bundle_is_found_in_every_place() {
    for (name, uuid) in ["macho-x86_64", "macho-arm64"].into_iter().zip(uuids()) {
        let path = "/shop/lib/basket.dylib";
        let foreign = Foreign::with(name, &["basket.dylib", DSYM], path, &uuid, 0);
        foreign.named("-b basket.dylib");
        foreign.named("-b basket.dylib.dSYM");
        foreign.named(&format!("-b {DSYM}"));
        foreign.moved("basket.dylib.dSYM", "symbols/of-a-release.dSYM");
        foreign.named("-b basket.dylib --debug-dir symbols");
        foreign.named("--debug-dir symbols");
        // Without the bundle, there are only the exported symbols, and no inlined functions.
        let table = foreign.run("-b basket.dylib").ok();
        assert_eq!(table, "basket_main 2\nouter 3\npack(int) 1\nshop::Basket::fill(int) 3\n");
        foreign.moved("basket.dylib", "root/shop/lib/basket.dylib");
        assert_eq!(foreign.run("--sysroot root").ok(), table);
        foreign.moved("symbols/of-a-release.dSYM", "root/shop/lib/basket.dylib.dSYM");
        foreign.named("--sysroot root");
        foreign.nameless("");
    }
}

#[test]
fn mach_o_of_another_build_is_refused() {
    let other = [7; 16];
    let foreign = Foreign::with("macho-x86_64", &["basket.dylib", DSYM], "/shop/basket.dylib", &other, 0);
    for file in ["basket.dylib", "basket.dylib.dSYM"] {
        let line = foreign.run(&format!("-b {file}")).refused(2);
        assert!(
            line.starts_with(&format!("{file} is not the program of the dump: its build id is 4c4c44")),
            "{line}"
        );
    }
    foreign.nameless("--debug-dir .");
    let forced = foreign.run("-b basket.dylib --force");
    assert!(forced.stderr.contains("of another build"), "{}", forced.stderr);
    assert!(forced.stdout.contains("shop::Basket::fill"), "{}", forced.stdout);
}

/// Symbols of Mach-O have no sizes, so a symbol must end at the next function even if that has no symbol.
#[test]
fn a_stripped_function_does_not_get_the_name_before_it() {
    let foreign =
        Foreign::with("macho-x86_64", &["basket-stripped.dylib"], "/shop/basket.dylib", &uuids()[0], 0);
    let named = foreign.run("-b basket-stripped.dylib").ok();
    let nameless = foreign.calls.iter().find(|call| call.frames == "pack(int)").unwrap();
    let expected = format!("basket.dylib+{:#x} 1\n", nameless.address);
    assert_eq!(named, expected + "basket_main 2\nouter 3\nshop::Basket::fill(int) 3\n");
}

#[test]
fn a_pe_database_is_found_in_every_place() {
    let path = r"C:\shop\basket.dll";
    let foreign = Foreign::with("pe", &["basket.dll", "basket.pdb"], path, &guid_and_age(), 0x1_8000_0000);
    foreign.named("-b basket.dll");
    foreign.named("-b basket.pdb");
    foreign.named("-b basket.dll -b basket.pdb");
    foreign.moved("basket.pdb", "symbols/basket.pdb");
    foreign.named("-b basket.dll --debug-dir symbols");
    foreign.named("--debug-dir symbols");
    // The layout of symbol servers.
    let mut guid = guid_and_age();
    [0..4, 4..6, 6..8].into_iter().for_each(|part| guid[part].reverse());
    let key: String = guid[..16].iter().map(|byte| format!("{byte:02X}")).collect();
    foreign.moved("symbols/basket.pdb", &format!("store/basket.pdb/{key}1/basket.pdb"));
    foreign.named("-b basket.dll --debug-dir store");
    foreign.moved("basket.dll", "root/shop/basket.dll");
    foreign.named("--sysroot root --debug-dir store");
    let ran = foreign.run("--sysroot root");
    assert!(ran.stderr.contains("neither debug information nor symbols ("), "{}", ran.stderr);
    foreign.nameless("");
}

#[test]
fn a_database_of_another_build_is_refused() {
    let mut other = guid_and_age();
    other[19] += 1;
    let foreign =
        Foreign::with("pe", &["basket.dll", "basket.pdb"], r"C:\shop\basket.dll", &other, 0x1_8000_0000);
    for file in ["basket.dll", "basket.pdb"] {
        let line = foreign.run(&format!("-b {file}")).refused(2);
        assert!(
            line.starts_with(&format!("{file} is not the program of the dump: its build id is ")),
            "{line}"
        );
    }
    foreign.nameless("--debug-dir .");
    foreign.moved("basket.dll", "root/shop/basket.dll");
    let ran = foreign.run("--sysroot root");
    assert!(ran.stderr.contains("is not the build that ran"), "{}", ran.stderr);
}

#[test]
fn source_lines_are_found() {
    for (name, file, base) in [("powerpc", "basket-powerpc", 0), ("pe", "basket.pdb", 0x1_8000_0000)] {
        let foreign = Foreign::with(name, &[file], "basket", b"", base);
        let json: serde_json::Value =
            serde_json::from_str(&foreign.run(&format!("-b {file} -f json")).ok()).unwrap();
        let frames = json["frames"].as_array().unwrap();
        let twice =
            frames.iter().find(|frame| frame["name"].as_str().unwrap().starts_with("shop::twice")).unwrap();
        assert!(twice["file"].as_str().unwrap().ends_with("basket.cpp") && twice["line"] == 8, "{twice}");
    }
}

#[test]
fn damaged_binaries_cause_no_panic() {
    use memtrack_host_tools::{profile, reader, select, symbolize};
    for (name, file, base) in [
        ("pe", "basket.pdb", 0x1_8000_0000),
        ("pe", "basket.dll", 0x1_8000_0000),
        ("macho-arm64", DSYM, 0),
        ("macho-arm64", "basket.dylib", 0),
        ("powerpc", "basket-powerpc", 0),
    ] {
        let whole = std::fs::read(corpus(file)).unwrap();
        let place = Place::with(b"");
        let dump = dump(&calls(name), "/shop/basket", b"", base);
        let dump = reader::Dump::open("dump.bin".as_ref(), &dump).unwrap();
        let selected = select::program(&dump);
        let step = whole.len() / 50;
        for at in (0..whole.len()).step_by(step) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            for bytes in [&bytes[..], &whole[..at]] {
                let path = place.file("damaged", bytes);
                let search = symbolize::Search { binaries: vec![path], ..Default::default() };
                let options = symbolize::Options { search, ..Default::default() };
                // The result may be named, nameless or refused. It must not be a panic.
                let _ = profile::Profile::new(dump.snapshot(selected.index), selected.kind, &options);
            }
        }
    }
}
