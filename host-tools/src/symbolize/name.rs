//! Makes symbol names readable: demangles Rust and both kinds of C++. Names come from files, so there are
//! limits.

use std::fmt::{self, Write};

use crate::clean::clean;

/// Longer symbols are not demangled: no compiler makes them, and demangling could take long.
const MAX_MANGLED: usize = 64 * 1024;
/// The most bytes of a demangled name. References inside of a short symbol can expand without end.
const MAX_DEMANGLED: usize = 16 * 1024;
/// The deepest nesting of a C++ symbol, in parsing and in printing.
const MAX_DEPTH: u32 = 96;

/// Demangles a symbol of any known language, and makes it safe to show.
#[must_use]
pub fn readable(symbol: &str) -> String {
    if symbol.len() > MAX_MANGLED {
        return clean(symbol);
    }
    match rust(symbol).or_else(|| cpp(symbol)).or_else(|| msvc(symbol)) {
        Some(name) => clean(&name),
        None => clean(symbol),
    }
}

/// Demangles a Rust symbol. The hash at the end of a legacy symbol is dropped: it changes with every build.
fn rust(symbol: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(symbol).ok()?;
    let mut out = Bounded::default();
    let _ = write!(out, "{name:#}");
    out.text()
}

fn cpp(symbol: &str) -> Option<String> {
    // Mach-O adds a leading underscore.
    if !symbol.starts_with("_Z") && !symbol.starts_with("__Z") {
        return None;
    }
    let parse = cpp_demangle::ParseOptions::default().recursion_limit(MAX_DEPTH);
    let parsed = cpp_demangle::Symbol::new_with_options(symbol.as_bytes(), &parse).ok()?;
    let mut out = Bounded::default();
    let options = cpp_demangle::DemangleOptions::default().recursion_limit(MAX_DEPTH);
    match parsed.structured_demangle(&mut out, &options) {
        Ok(()) => out.text(),
        Err(fmt::Error) if out.full => out.text(),
        Err(fmt::Error) => None,
    }
}

/// Demangles a C++ symbol of Microsoft's compilers, without arguments like all names from program databases.
fn msvc(symbol: &str) -> Option<String> {
    /// Those compilers replace longer names by a hash.
    const MAX: usize = 4096;
    /// The demangler recurses once per three bytes of a symbol, and each level takes some kilobytes of stack.
    const SHALLOW: usize = 256;
    const STACK: usize = 64 << 20;
    if !symbol.starts_with('?') || symbol.len() > MAX {
        return None;
    }
    let demangle = || msvc_demangler::demangle(symbol, msvc_demangler::DemangleFlags::NAME_ONLY).ok();
    let name = match symbol.len() {
        0..=SHALLOW => demangle(),
        _ => std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, demangle);
            thread.ok()?.join().ok()?
        }),
    };
    let mut out = Bounded::default();
    let _ = out.write_str(&name?);
    out.text()
}

/// Text of at most [`MAX_DEMANGLED`] bytes.
#[derive(Default)]
struct Bounded {
    text: String,
    full: bool,
}

impl Bounded {
    fn text(self) -> Option<String> {
        (!self.text.is_empty()).then_some(self.text)
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.text.len() + more.len() > MAX_DEMANGLED {
            self.full = true;
            return Err(fmt::Error);
        }
        self.text.push_str(more);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn rust_and_cpp_are_demangled() {
        for (symbol, name) in [
            ("_ZN3foo3bar17h05af221e174051e9E", "foo::bar"),
            ("_RNvCs15kBYyAo9fc_7mycrate7example", "mycrate::example"),
            (
                "_ZN60_$LT$alloc..string..String$u20$as$u20$core..clone..Clone$GT$5clone17h0123456789abcdefE",
                "<alloc::string::String as core::clone::Clone>::clone",
            ),
            ("_ZN5space3fooEibc", "space::foo(int, bool, char)"),
            ("_Znwm", "operator new(unsigned long)"),
            ("?fill@Basket@shop@@QEAAHH@Z", "shop::Basket::fill"),
            ("??2@YAPEAX_K@Z", "operator new"),
            ("main", "main"),
            ("?nonsense", "?nonsense"),
            ("_Znonsense", "_Znonsense"),
            ("malloc@@GLIBC_2.2.5", "malloc@@GLIBC_2.2.5"),
        ] {
            assert_eq!(readable(symbol), name);
        }
    }

    #[test]
    fn hostile_symbols_stay_small() {
        // Each substitution doubles the one before.
        let mut symbol = "_Z1fSt4pairIiiE".to_string();
        for _ in 0..40 {
            symbol = format!("_Z1f{}", "S_".repeat(3) + &symbol[4..]);
        }
        let deep = format!("_Z1f{}i", "P".repeat(60_000));
        let doubling = format!("_Z3fooI{}E", (0..35).map(|_| "1AIS_S_E").collect::<String>());
        let pointers = format!("?f@@YAX{}H@Z", "PEA".repeat(1_360));
        let nested = format!("?f@{}H{}@YAXXZ", "?$A@V".repeat(580), "@".repeat(580));
        let back = format!("?f@@YAX{}@Z", "P6AXP6AXH0@Z0@Z".repeat(270));
        for symbol in [&symbol, &deep, &doubling, &"_ZN".repeat(100_000), &pointers, &nested, &back] {
            assert!(readable(symbol).chars().count() <= 2049);
        }
        assert_eq!(readable("evil\x1b[2J"), "evil\u{fffd}[2J");
    }
}
