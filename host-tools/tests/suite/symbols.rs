//! Names of real binaries, compiled here.

use std::path::Path;
use std::process::Command;

use crate::binary::{build_id, has, printed, run};
use crate::program::Place;

/// Prints return addresses into functions that another was inlined into, and its maps.
const C: &str = r#"
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) void *here(void) { return __builtin_return_address(0); }
static inline __attribute__((always_inline)) void *small(void) { void *at = here(); __asm__ volatile(""); return at; }
__attribute__((noinline)) void *outer(void) { void *at = small(); __asm__ volatile(""); return at; }
__attribute__((noinline)) void *memtrack_malloc(size_t n) { void *at = here(); __asm__ volatile("" :: "r"(n)); return at; }
#ifdef LIBRARY
void *exported(void);
#endif
int main(void) {
    printf("outer %p\n", outer());
    printf("internal %p\n", memtrack_malloc(1));
#ifdef LIBRARY
    printf("library %p\n", exported());
#endif
    FILE *maps = fopen("/proc/self/maps", "r");
    for (int c; (c = fgetc(maps)) != EOF;) putchar(c);
    return 0;
}
"#;
const LIBRARY: &str = r#"
#ifdef PUBLIC
#define static
#endif
__attribute__((noinline)) static void *here(void) { return __builtin_return_address(0); }
__attribute__((noinline)) static void *hidden(void) { void *at = here(); __asm__ volatile(""); return at; }
void *exported(void) { void *at = hidden(); __asm__ volatile(""); return at; }
"#;
const CPP: &str = r#"
#include <cstdio>
namespace shop {
template <typename T> struct Cart {
    __attribute__((noipa)) void *add(T) { void *at = __builtin_return_address(0); return at; }
    __attribute__((noipa)) void *fill(T t) { void *at = add(t); asm volatile(""); return at; }
};
}
int main() {
    shop::Cart<int> cart;
    std::printf("cart %p\n", cart.fill(1));
    std::FILE *maps = std::fopen("/proc/self/maps", "r");
    for (int c; (c = std::fgetc(maps)) != EOF;) std::putchar(c);
}
"#;
const RUST: &str = r#"
struct Cart<T>(T);
trait Fill { fn fill(&self) -> usize; }
#[inline(never)]
fn here() -> usize { let at: usize; unsafe { HERE!(at) }; at }
impl<T: Copy> Fill for Cart<[T; 4]> {
    #[inline(never)]
    fn fill(&self) -> usize { std::hint::black_box(self.0.len()); small() }
}
#[inline(always)]
fn small() -> usize { let at: usize; unsafe { HERE!(at) }; at }
fn main() {
    println!("fill {:#x}", Cart([0u8; 4]).fill());
    println!("plain {:#x}", here());
    print!("{}", std::fs::read_to_string("/proc/self/maps").unwrap());
}
"#;

fn linked(flags: &[&'static str]) -> Vec<&'static str> {
    [flags, &["-Wl,--build-id=sha1", "-pie", "-fPIE"]].concat()
}

/// A place with the compiled program, and the dump of its run.
fn c_program(flags: &[&'static str]) -> Place {
    let place = Place::with(b"");
    let program = place.compile("program.c", C, "program", &linked(flags));
    place.file("dump.bin", &printed(&program).dump());
    place
}

#[test]
fn debug_information_names_inlined_functions() {
    let place = c_program(&["-O2", "-g"]);
    assert_eq!(place.run("dump.bin -m allocs").ok(), "memtrack_malloc 3\nouter;small 2\n");
    assert_eq!(place.run("dump.bin -m allocs --no-inlines").ok(), "memtrack_malloc 3\nouter 2\n");
    let plain = place.run("dump.bin -m allocs --no-symbols");
    assert_eq!(plain.stderr, "", "it was asked for");
    let lines: Vec<&str> = plain.stdout.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("program+0x")), "{lines:?}");
}

#[test]
fn frames_of_tracker_and_allocator_are_hidden() {
    let place = c_program(&["-O2", "-g"]);
    place.file("dump.bin", &printed(&place.path("program")).chain());
    assert_eq!(place.run("dump.bin -m allocs").ok(), "outer;small 7\n");
    assert_eq!(place.run("dump.bin -m allocs --show-internal").ok(), "outer;small;memtrack_malloc 7\n");
    assert_eq!(
        place.run("dump.bin -m allocs --show-internal --reverse").ok(),
        "memtrack_malloc;small;outer 7\n"
    );
}

#[test]
fn a_stripped_program_and_its_debug_information_go_together() {
    let place = c_program(&["-O2", "-g"]);
    let expected = place.run("dump.bin -m allocs").ok();
    run(Command::new("objcopy").arg("--only-keep-debug").arg(place.path("program")).arg(place.path("debug")));
    run(Command::new("strip").args(["-o", "bare", "program"]).current_dir(place.dir.path()));
    std::fs::remove_file(place.path("program")).unwrap();
    assert!(place.run("dump.bin -b bare").ok().contains("program+0x"));
    assert_eq!(place.run("dump.bin -m allocs -b bare -b debug").ok(), expected);
}

#[cfg(unix)]
#[test]
fn paths_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let place = c_program(&["-O2", "-g"]);
    let odd = place.dir.path().join(std::ffi::OsStr::from_bytes(b"odd\xff\x1b"));
    std::fs::rename(place.path("program"), &odd).unwrap();
    let printed = printed(&odd);
    place.file(
        "dump.bin",
        &printed.dump_with(|path| {
            let own = path.to_string_lossy().contains("odd");
            (if own { odd.clone() } else { path.into() }, Vec::new())
        }),
    );
    assert_eq!(place.run("dump.bin -m allocs").ok(), "memtrack_malloc 3\nouter;small 2\n");
    let json: serde_json::Value = serde_json::from_str(&place.run("info --json dump.bin").ok()).unwrap();
    assert!(json["modules"][0]["file"].as_str().unwrap().ends_with("odd\u{fffd}\u{fffd}"));
}

#[test]
fn offsets_are_those_that_addr2line_takes() {
    let place = c_program(&["-O2", "-g"]);
    let plain = place.run("dump.bin -m allocs --no-symbols --filter .").ok();
    let offset =
        plain.lines().find_map(|line| line.strip_suffix(" 2")).unwrap().strip_prefix("program+").unwrap();
    let name = run(Command::new("addr2line").args(["-f", "-e"]).arg(place.path("program")).arg(offset));
    assert_eq!(name.lines().next(), Some("small"));
}

#[test]
fn symbol_tables_name_what_has_no_debug_information() {
    let place = c_program(&["-O2"]);
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.ok(), "memtrack_malloc 3\nouter 2\n");
    assert!(place.run("info dump.bin").ok().contains("symbol table"));
}

#[test]
fn shared_libraries_are_named_as_far_as_their_symbols_go() {
    let place = Place::with(b"");
    let library = place.compile(
        "lib.c",
        LIBRARY,
        "libcart.so",
        &["-O2", "-shared", "-fPIC", "-Wl,--build-id=sha1", "-Wl,-soname,libcart.so"],
    );
    let at = format!("-Wl,-rpath,{}", place.dir.path().display());
    let flags = linked(&["-O2", "-DLIBRARY", "./libcart.so"]);
    let program = place.compile("program.c", C, "program", &[&flags[..], &[&at]].concat());
    place.file("dump.bin", &printed(&program).dump());
    assert_eq!(place.run("dump.bin -m allocs").ok(), "hidden 4\nmemtrack_malloc 3\nouter 2\n");
    // Stripped of all but dynamic symbols: `exported` is known, and not taken for `hidden` before it.
    run(Command::new("strip").arg(&library));
    run(Command::new("strip").arg(&program));
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(ran.code, 0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("libcart.so+0x") && lines[0].ends_with(" 4"), "{lines:?}");
    assert!(lines[1].starts_with("program+0x"), "{lines:?}");
    let warning = ran.stderr.trim_end();
    assert_eq!(warning.lines().count(), 1, "one warning that counts: {warning}");
    assert!(warning.contains("3 addresses without a name, shown as module+0xoffset"), "{warning}");
    assert!(warning.contains("libcart.so: no debug information, and no symbol there (1)"), "{warning}");
}

#[test]
fn dynamic_symbols_name_what_is_stripped_of_all_others() {
    let place = Place::with(b"");
    let flags = ["-O2", "-DPUBLIC", "-shared", "-fPIC", "-Wl,--build-id=sha1", "-Wl,-soname,libcart.so"];
    let library = place.compile("lib.c", LIBRARY, "libcart.so", &flags);
    let at = format!("-Wl,-rpath,{}", place.dir.path().display());
    let flags = linked(&["-O2", "-g", "-DLIBRARY", "./libcart.so"]);
    let program = place.compile("program.c", C, "program", &[&flags[..], &[&at]].concat());
    place.file("dump.bin", &printed(&program).dump());
    run(Command::new("strip").arg(&library));
    assert_eq!(place.run("dump.bin -m allocs").ok(), "hidden 4\nmemtrack_malloc 3\nouter;small 2\n");
}

#[test]
fn separate_debug_files_are_found_by_build_id() {
    let place = c_program(&["-O2", "-g"]);
    let expected = place.run("dump.bin -m allocs").ok();
    let hex: String = build_id(&place.path("program")).iter().map(|byte| format!("{byte:02x}")).collect();
    let directory = place.path("debug/.build-id").join(&hex[..2]);
    std::fs::create_dir_all(&directory).unwrap();
    let debug = directory.join(format!("{}.debug", &hex[2..]));
    run(Command::new("objcopy").arg("--only-keep-debug").arg(place.path("program")).arg(&debug));
    run(Command::new("strip").arg(place.path("program")));
    assert!(place.run("dump.bin").ok().contains("program+0x"));
    assert_eq!(place.run("dump.bin -m allocs --debug-dir debug").ok(), expected);
    assert_eq!(place.run("dump.bin -m allocs --debug-dir . --debug-dir debug").ok(), expected);
    std::fs::remove_file(place.path("program")).unwrap();
    assert_eq!(place.run("dump.bin -m allocs --debug-dir debug").ok(), expected, "it is enough by itself");
    assert_eq!(place.run(&format!("dump.bin -m allocs -b {}", debug.display())).ok(), expected);
    let below = place.path("root/usr/lib");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::rename(place.path("debug"), below.join("debug")).unwrap();
    assert_eq!(
        place.run("dump.bin -m allocs --sysroot root").ok(),
        expected,
        "where the target's system has it"
    );
    std::fs::rename(below.join("debug"), place.path("debug")).unwrap();
    // A file of that name that is of another build is not used.
    std::fs::write(&debug, std::fs::read("/proc/self/exe").unwrap()).unwrap();
    assert!(place.run("dump.bin --debug-dir debug").ok().contains("program+0x"));
}

#[test]
fn separate_debug_files_are_found_by_link() {
    // No build id: the link's checksum is all there is.
    let place = c_program(&["-O2", "-g", "-Wl,--build-id=none"]);
    let expected = place.run("dump.bin -m allocs").ok();
    let dir = place.dir.path();
    run(Command::new("objcopy").args(["--only-keep-debug", "program", "program.dbg"]).current_dir(dir));
    run(Command::new("strip").arg(place.path("program")));
    run(Command::new("objcopy").args(["--add-gnu-debuglink=program.dbg", "program"]).current_dir(dir));
    assert_eq!(place.run("dump.bin -m allocs").ok(), expected, "beside it");
    std::fs::create_dir(place.path(".debug")).unwrap();
    std::fs::rename(place.path("program.dbg"), place.path(".debug/program.dbg")).unwrap();
    assert_eq!(place.run("dump.bin -m allocs").ok(), expected, "in .debug");
    let below = place.path("debug").join(dir.strip_prefix("/").unwrap());
    std::fs::create_dir_all(&below).unwrap();
    std::fs::rename(place.path(".debug/program.dbg"), below.join("program.dbg")).unwrap();
    assert!(place.run("dump.bin").ok().contains("program+0x"));
    assert_eq!(place.run("dump.bin -m allocs --debug-dir debug").ok(), expected, "as below /usr/lib/debug");
    // A file of that name with another checksum is not used.
    let mut bytes = std::fs::read(below.join("program.dbg")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(below.join("program.dbg"), bytes).unwrap();
    assert!(place.run("dump.bin --debug-dir debug").ok().contains("program+0x"));
}

#[test]
fn split_debug_information_is_read_from_objects_and_packages() {
    // GNU's packager knows the older version only.
    for (version, packager) in [("-gdwarf-5", "llvm-dwp"), ("-gdwarf-4", "dwp")] {
        if !has(packager) {
            continue;
        }
        let whole = c_program(&["-O2", "-g"]).run("dump.bin -m allocs").ok();
        let place = c_program(&["-O2", version, "-gsplit-dwarf"]);
        assert_eq!(place.run("dump.bin -m allocs").ok(), whole, "{version}: a file for each unit");
        let object = place.files().into_iter().find(|name| name.ends_with(".dwo")).expect("it is split");
        let arguments = ["-e", "program", "-o", "program.dwp"];
        run(Command::new(packager).args(arguments).current_dir(place.dir.path()));
        let moved = place.path("moved");
        std::fs::create_dir(&moved).unwrap();
        std::fs::rename(place.path(&object), moved.join(&object)).unwrap();
        assert_eq!(place.run("dump.bin -m allocs").ok(), whole, "{version}: a package");
        std::fs::rename(place.path("program.dwp"), moved.join("program.dwp")).unwrap();
        assert_ne!(place.run("dump.bin -m allocs").ok(), whole, "{version}: only the skeleton is left");
        assert_eq!(place.run("dump.bin -m allocs --debug-dir moved").ok(), whole, "{version}");
        // An object of another unit is not used.
        std::fs::remove_file(moved.join("program.dwp")).unwrap();
        std::fs::copy(place.path("program"), moved.join(&object)).unwrap();
        assert_ne!(place.run("dump.bin -m allocs --debug-dir moved").ok(), whole, "{version}");
    }
}

/// Prints two calls of one function, and its maps.
const TWICE: &str = r#"
#include <stdio.h>
#include "cart.h"
__attribute__((noipa)) void *here(void) { return __builtin_return_address(0); }
__attribute__((noinline)) void twice(void *at[2]) {
    at[0] = here(); __asm__ volatile("nop"); at[1] = here(); __asm__ volatile("");
}
__attribute__((noinline)) void *outer(void) { void *at = shared_by_all(); __asm__ volatile(""); return at; }
int main(void) {
    void *at[2];
    twice(at);
    printf("first %p\nsecond %p\nshared %p\n", at[0], at[1], outer());
    FILE *maps = fopen("/proc/self/maps", "r");
    for (int c; (c = fgetc(maps)) != EOF;) putchar(c);
    return 0;
}
"#;
const CART: &str = r#"
struct cart { int items; struct cart *next; char name[40]; long price; };
void *here(void);
static inline __attribute__((always_inline)) void *shared_by_all(void) {
    struct cart cart = { 1, 0, "a", 2 }; __asm__ volatile("" :: "r"(&cart)); void *at = here(); __asm__ volatile(""); return at;
}
"#;

#[test]
fn a_function_without_name_is_one_frame() {
    let place = Place::with(b"");
    place.file("cart.h", CART.as_bytes());
    let program = place.compile("twice.c", TWICE, "program", &linked(&["-O2"]));
    place.file("dump.bin", &printed(&program).dump());
    let symbols = run(Command::new("nm").arg(&program));
    let start = |name: &str| {
        let line = symbols.lines().find(|line| line.ends_with(&format!(" {name}"))).expect("a symbol");
        u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap()
    };
    let expected = format!("program+{:#x} 5\nprogram+{:#x} 4\n", start("twice"), start("outer"));
    run(Command::new("strip").arg(&program));
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(lines(&ran.stdout), lines(&expected));
    assert!(ran.stderr.contains("3 addresses without a name"), "{}", ran.stderr);
    // Asked for without names, every address is itself.
    assert_eq!(place.run("dump.bin -m allocs --no-symbols").ok().lines().count(), 3);
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn what_dwz_moved_to_a_common_file_is_found_there() {
    if !has("dwz") {
        return;
    }
    let place = Place::with(b"");
    place.file("cart.h", CART.as_bytes());
    let flags = linked(&["-O2", "-g", "-gdwarf-4"]);
    let program = place.compile("twice.c", TWICE, "program", &flags);
    let other = TWICE.replace("outer", "another");
    place.compile("other.c", &other, "other", &flags);
    place.file("dump.bin", &printed(&program).dump());
    let expected = place.run("dump.bin -m allocs").ok();
    assert!(expected.contains("outer;shared_by_all 4\n"), "{expected}");
    std::fs::create_dir(place.path(".dwz")).unwrap();
    let dwz = ["-m", ".dwz/common", "-M", ".dwz/common", "program", "other"];
    run(Command::new("dwz").args(dwz).current_dir(place.dir.path()));
    assert_eq!(place.run("dump.bin -m allocs").ok(), expected, "beside the binary");
    std::fs::create_dir(place.path("debug")).unwrap();
    std::fs::rename(place.path(".dwz"), place.path("debug/.dwz")).unwrap();
    assert_ne!(place.run("dump.bin -m allocs").ok(), expected, "it is gone");
    assert_eq!(place.run("dump.bin -m allocs --debug-dir debug").ok(), expected, "in a debug directory");
    // A common file of other binaries is not used.
    std::fs::copy(place.path("program"), place.path("debug/.dwz/common")).unwrap();
    assert_ne!(place.run("dump.bin -m allocs --debug-dir debug").ok(), expected);
}

/// A function into which functions are inlined, each into the one before, `DEPTH` of them.
const DEEP: &str = r#"
.text
.globl deep
deep: nop
 nop
 ret
.Lend:
.section .debug_abbrev,"",@progbits
.uleb128 1, 0x11; .byte 1; .uleb128 0x11, 1, 0x12, 7, 0, 0
.uleb128 2, 0x2e; .byte 1; .uleb128 0x03, 8, 0x11, 1, 0x12, 7, 0, 0
.uleb128 3, 0x1d; .byte 1; .uleb128 0, 0
.byte 0
.section .debug_info,"",@progbits
.long .Lafter - .Lunit
.Lunit: .short 4
.long 0
.byte 8, 1
.quad deep, .Lend - deep
.byte 2
.asciz "deep"
.quad deep, .Lend - deep
.fill DEPTH, 1, 3
.fill DEPTH, 1, 0
.byte 0, 0
.Lafter:
"#;

#[test]
fn functions_that_are_inlined_without_end_cost_the_names_of_one_binary() {
    for (depth, named) in [(1_000, true), (30_000, true), (1_000_000, false)] {
        let place = Place::with(b"");
        place.file("deep.s", DEEP.replace("DEPTH", &depth.to_string()).as_bytes());
        run(Command::new("gcc")
            .args(["-shared", "-nostdlib", "-o", "deep.so", "deep.s"])
            .current_dir(place.dir.path()));
        let binary = std::fs::read(place.path("deep.so")).unwrap();
        let symbols = run(Command::new("nm").arg(place.path("deep.so")));
        let line = symbols.lines().find(|line| line.ends_with(" deep")).unwrap();
        let address = u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap();
        let names = memtrack_host_tools::symbolize::names_in(&binary, &[address]);
        match named {
            true => assert_eq!(names, Ok(vec![vec!["deep".into()]]), "{depth}"),
            false => assert!(names.is_err_and(|reason| reason.contains("nests deeper")), "{depth}"),
        }
    }
}

#[test]
fn compressed_debug_sections_are_read() {
    let place = c_program(&["-O2", "-g"]);
    for kind in ["zlib", "zlib-gnu", "zstd"] {
        let compress = format!("--compress-debug-sections={kind}");
        let objcopy = ["--remove-section=.comment", &compress, "program", "packed"];
        run(Command::new("objcopy").args(objcopy).current_dir(place.dir.path()));
        assert!(size(&place, "packed") < size(&place, "program"), "{kind} compresses");
        assert_eq!(
            place.run("dump.bin -m allocs -b packed").ok(),
            "memtrack_malloc 3\nouter;small 2\n",
            "{kind}"
        );
    }
}

fn size(place: &Place, name: &str) -> u64 {
    std::fs::metadata(place.path(name)).unwrap().len()
}

#[test]
fn a_moved_binary_is_given_by_hand_or_found_below_the_sysroot() {
    let place = c_program(&["-O2", "-g"]);
    let expected = place.run("dump.bin -m allocs").ok();
    let program = place.path("program");
    std::fs::rename(&program, place.path("moved")).unwrap();
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains(&format!("program: no file at {} (2)", program.display())), "{}", ran.stderr);
    assert!(ran.stderr.contains("--binary"), "says what to do");
    assert_eq!(place.run("dump.bin -m allocs -b moved").ok(), expected);
    let root = place.path("root").join(place.dir.path().strip_prefix("/").unwrap());
    std::fs::create_dir_all(&root).unwrap();
    std::fs::rename(place.path("moved"), root.join("program")).unwrap();
    assert_eq!(place.run("dump.bin -m allocs --sysroot root").ok(), expected);
}

#[test]
fn a_binary_without_build_id_is_taken_and_told() {
    let place = c_program(&["-O2", "-g"]);
    let flags = [&linked(&["-O2", "-g"])[..], &["-Wl,--build-id=none"]].concat();
    place.compile("program.c", C, "other", &flags);
    let ran = place.run("dump.bin -m allocs -b other");
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("other has no build id, the dump has one: nothing tells"), "{}", ran.stderr);
}

#[test]
fn another_build_is_refused_unless_forced() {
    let place = c_program(&["-O2", "-g"]);
    place.compile("program.c", &C.replace("outer", "other"), "program", &linked(&["-O2", "-g"]));
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.lines().all(|line| line.starts_with("program+0x")), "{}", ran.stdout);
    assert!(ran.stderr.contains("is not the build that ran (its build id is "), "{}", ran.stderr);
    let line = place.run("dump.bin -m allocs -b program").refused(2);
    assert!(line.starts_with("program is not the program of the dump: its build id is "), "{line}");
    assert!(line.contains("--force"), "{line}");
    for arguments in ["dump.bin -m allocs --force", "dump.bin -m allocs --force -b program"] {
        let forced = place.run(arguments);
        assert_eq!((forced.code, forced.stdout.contains("other;small 2")), (0, true), "{}", forced.stdout);
        assert!(forced.stderr.contains("of another build"), "{}", forced.stderr);
    }
    assert!(
        place.run("dump.bin -f svg --force").stdout.contains("program: names of another build (--force)")
    );
    assert!(place.run("dump.bin -f text --force").stdout.contains("names of another build (--force)"));
}

#[test]
fn bare_metal_takes_the_binary_given() {
    let place = c_program(&["-O2", "-g"]);
    place.file("bare.bin", &printed(&place.path("program")).bare_dump());
    assert_eq!(place.run("bare.bin -m allocs -b program").ok(), "memtrack_malloc 3\nouter;small 2\n");
    let ran = place.run("bare.bin -m allocs");
    assert!(ran.stdout.lines().all(|line| line.starts_with("0x")), "{}", ran.stdout);
    assert!(ran.stderr.contains("outside of all modules (2)"), "{}", ran.stderr);
}

#[test]
fn cpp_is_demangled() {
    if !has("g++") {
        return;
    }
    let place = Place::with(b"");
    for (debug, expected) in
        [("-g", "shop::Cart<int>::fill(int) 2\n"), ("-g0", "shop::Cart<int>::fill(int) 2\n")]
    {
        let program = place.compile("cart.cpp", CPP, "cart", &linked(&["-O2", debug]));
        place.file("dump.bin", &printed(&program).dump());
        assert_eq!(place.run("dump.bin -m allocs").ok(), expected);
    }
}

#[test]
fn rust_is_demangled_with_inlined_frames() {
    let instruction = match std::env::consts::ARCH {
        "x86_64" => "lea {}, [rip]",
        "aarch64" => "adr {}, . + 4",
        other => return eprintln!("skipped: no way to read the program counter on {other} is known here"),
    };
    let source = format!(
        "macro_rules! HERE {{ ($at:ident) => {{ std::arch::asm!(\"{}\", out(reg) $at) }} }}\n{RUST}",
        instruction
    );
    let place = Place::with(b"");
    // The legacy mangling forgets what `T` was; line tables alone forget the path of what was inlined.
    for (mangling, item) in [(&[][..], "T"), (&["-Csymbol-mangling-version=v0"], "u8")] {
        for (debug, small) in [("2", "cart::small"), ("1", "cart::small"), ("line-tables-only", "small")] {
            let debug = format!("-Cdebuginfo={debug}");
            let flags = [mangling, &["-O", &debug, "-Clink-arg=-Wl,--build-id=sha1"]].concat();
            let program = place.compile("cart.rs", &source, "cart", &flags);
            place.file("dump.bin", &printed(&program).dump());
            assert_eq!(
                place.run("dump.bin -m allocs").ok(),
                format!("<cart::Cart<[{item}: 4]> as cart::Fill>::fill;{small} 2\ncart::here 3\n")
            );
        }
    }
}

#[test]
fn only_regular_files_are_opened() {
    let place = c_program(&["-O2", "-g"]);
    let printed = printed(&place.path("program"));
    run(Command::new("mkfifo").arg(place.path("pipe")));
    for (path, reason) in [("pipe", "not a regular file"), (".", "not a regular file")] {
        let path = place.path(path);
        // A reader of the pipe would wait for ever.
        place.file("dump.bin", &printed.dump_with(|_| (path.clone(), Vec::new())));
        let ran = place.run("dump.bin");
        assert_eq!(ran.code, 0);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    }
    place.file("text", b"not a binary at all");
    place.file("dump.bin", &printed.dump_with(|_| (place.path("text"), Vec::new())));
    assert!(place.run("dump.bin").stderr.contains("text: Unknown file magic"));
    let line = place.run("dump.bin -b text").refused(2);
    assert!(line.contains("text cannot be used as --binary"), "{line}");
}

#[test]
fn the_sysroot_is_not_left() {
    let place = c_program(&["-O2", "-g"]);
    let printed = printed(&place.path("program"));
    std::fs::create_dir(place.path("root")).unwrap();
    let up = |path: &Path| (place.path("root/../..").join(path.file_name().unwrap()), Vec::new());
    place.file("dump.bin", &printed.dump_with(up));
    assert!(place.run("dump.bin --sysroot root").ok().lines().all(|line| line.starts_with("program+0x")));
}
