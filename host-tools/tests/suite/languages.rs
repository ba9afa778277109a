//! Demangled names of C++ and Rust.

use crate::binary::{has, printed};
use crate::compiled::linked;
use crate::program::Place;

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
    // Legacy mangling loses the type of `T`. Line tables alone lose the path of an inlined function.
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
