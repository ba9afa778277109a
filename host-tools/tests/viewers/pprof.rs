//! profile.proto, read by `go tool pprof`.

use std::process::Command;

use object::{Object, ObjectSymbol};

use crate::binary::printed;
use crate::dumps::{self, Builder, cell, figures};
use crate::program::Place;
use crate::viewer;

fn pprof(place: &Place, options: &[&str]) -> Option<String> {
    let arguments = [&["tool", "pprof", "-symbolize=none"], options, &["dump.pb.gz"]].concat();
    viewer::output("go", "golang-go", place.dir.path(), &arguments)
}

#[test]
fn every_metric_adds_up() {
    let place = Place::with(&dumps::full());
    place.run("dump.bin -m peak -o dump.pb.gz").ok();
    let Some(raw) = pprof(&place, &["-raw"]) else { return };
    let (_, samples) = raw.split_once("Samples:\n").unwrap();
    let mut lines = samples.lines();
    assert_eq!(
        lines.next().map(str::trim),
        Some(
            "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes peak_objects/count \
             peak_space/bytes[dflt] temporary_objects/count"
        )
    );
    let mut sums = [0u64; 7];
    for line in lines.take_while(|line| *line != "Locations") {
        let Some((values, _)) = line.split_once(": ") else { continue };
        let values: Vec<u64> = values.split_whitespace().filter_map(|value| value.parse().ok()).collect();
        if values.len() == sums.len() {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }
    let sum = dumps::sum(dumps::cells().iter().map(|cell| cell.figures));
    assert_eq!(
        sums,
        [sum.allocs, sum.bytes, sum.live_blocks, sum.live, sum.peak_blocks, sum.peak, sum.temporary],
        "{raw}"
    );
    for text in ["thread:[worker #2]", "tag:[request db]", "M=1", "/opt/shop/server abcdef"] {
        assert!(raw.contains(text), "{text}: {raw}");
    }
}

#[test]
fn pprof_computes_a_difference() {
    let place = Place::with(&dumps::full());
    place.run("dump.bin -o dump.pb.gz").ok();
    let Some(text) = pprof(&place, &["-top", "-unit=B", "-sample_index=peak_space", "-diff_base=dump.pb.gz"])
    else {
        return;
    };
    assert!(text.contains("Showing nodes accounting for 0, 0% of 9000B total"), "{text}");
}

/// If pprof takes a name for a mangled one, it shortens `<Cart<[u8; 4]> as Fill>::fill` to `::fill`.
#[test]
fn rust_names_are_shown_in_full() {
    let place = Place::with(b"");
    let source = "struct Cart<T>(T);\ntrait Fill { fn fill(&self); }\nimpl<T> Fill for Cart<[T; 4]> {\n\
                  #[inline(never)] fn fill(&self) {} }\nfn main() { Cart([0u8; 4]).fill() }\n";
    place.file("shop.rs", source.as_bytes());
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc).args(["-g", "shop.rs"]).current_dir(place.dir.path()).status().unwrap();
    assert!(status.success());
    let path = place.path("shop");
    let bytes = std::fs::read(&path).unwrap();
    let object = object::File::parse(&bytes[..]).unwrap();
    let fill =
        object.symbols().find(|symbol| symbol.name().is_ok_and(|name| name.contains("4fill"))).unwrap();
    let mut builder = Builder::new(memtrack_format::Kind::Program, 0);
    let segment = [dumps::segment(0, 1 << 30, 0)];
    builder.record(&dumps::target(1));
    builder.record(&dumps::module(path.as_os_str().as_encoded_bytes(), b"", 0, &segment));
    let cells = [cell(1, 1, 2, figures(10, 0, 7))];
    builder.record(&dumps::thread(1, b"main", &cells));
    builder.node(2, 0, fill.address() + 1);
    cells.iter().for_each(|cell| _ = builder.record(cell));
    place.file("dump.bin", &builder.finish());
    place.run("dump.bin -o dump.pb.gz").ok();
    let Some(text) = pprof(&place, &["-top", "-lines", "-unit=B", "-sample_index=peak_space"]) else {
        return;
    };
    assert!(text.contains("700B"), "{text}");
    assert!(text.contains("<shop::Cart<[T; 4]> as shop::Fill>::fill"), "{text}");
    assert!(text.contains("shop.rs:4"), "{text}");
}

/// Prints a return address into a function, and the program's maps.
const BASKET: &str = r#"
#include <stdio.h>
__attribute__((noinline)) void *here(void) { return __builtin_return_address(0); }
__attribute__((noinline)) void *basket(void) { void *at = here(); __asm__ volatile(""); return at; }
int main(void) {
    printf("basket %p\n", basket());
    FILE *maps = fopen("/proc/self/maps", "r");
    for (int c; (c = fgetc(maps)) != EOF;) putchar(c);
    return 0;
}
"#;

/// If mappings, offsets and build ids are right, pprof finds in the binary the names that we leave out.
#[test]
fn pprof_names_unnamed_functions_itself() {
    let place = Place::with(b"");
    let program = place.compile("basket.c", BASKET, "basket", &["-O1", "-g", "-Wl,--build-id=sha1"]);
    place.file("dump.bin", &printed(&program).dump());
    place.run("dump.bin --no-symbols -o dump.pb.gz").ok();
    let options = ["tool", "pprof", "-symbolize=local", "-traces", "-unit=B", "-sample_index=alloc_space"];
    let arguments = [&options[..], &["basket", "dump.pb.gz"]].concat();
    let Some(traces) = viewer::output("go", "golang-go", place.dir.path(), &arguments) else { return };
    assert!(traces.lines().any(|line| line.trim() == "200B   basket"), "{traces}");
}
