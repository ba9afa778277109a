//! C programs that print return addresses into themselves and their maps, and dumps of their runs.

use crate::binary::printed;
use crate::program::Place;

/// Prints return addresses into a function with an inlined call and into others, and the program's maps.
pub(crate) const C: &str = r#"
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
pub(crate) const LIBRARY: &str = r#"
#ifdef PUBLIC
#define static
#endif
__attribute__((noinline)) static void *here(void) { return __builtin_return_address(0); }
__attribute__((noinline)) static void *hidden(void) { void *at = here(); __asm__ volatile(""); return at; }
void *exported(void) { void *at = hidden(); __asm__ volatile(""); return at; }
"#;

/// Prints two addresses in one function, and the program's maps.
pub(crate) const TWICE: &str = r#"
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
pub(crate) const CART: &str = r#"
struct cart { int items; struct cart *next; char name[40]; long price; };
void *here(void);
static inline __attribute__((always_inline)) void *shared_by_all(void) {
    struct cart cart = { 1, 0, "a", 2 }; __asm__ volatile("" :: "r"(&cart)); void *at = here(); __asm__ volatile(""); return at;
}
"#;

pub(crate) fn linked(flags: &[&'static str]) -> Vec<&'static str> {
    [flags, &["-Wl,--build-id=sha1", "-pie", "-fPIE"]].concat()
}

/// A directory with the compiled program and the dump of its run.
pub(crate) fn c_program(flags: &[&'static str]) -> Place {
    let place = Place::with(b"");
    let program = place.compile("program.c", C, "program", &linked(flags));
    place.file("dump.bin", &printed(&program).dump());
    place
}
