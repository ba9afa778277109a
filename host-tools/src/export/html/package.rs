//! The package of a function: its crate or namespace, or else the library that contains it.

use crate::modules::Module;

/// The packages of the standard library. Reports may fold them into their callers.
const STANDARD: [&str; 5] = ["std", "core", "alloc", "hashbrown", "__gnu_cxx"];

/// The folders of a system's own libraries.
const SYSTEM: [&str; 5] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/System"];

/// A crate, a namespace, a library, a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Package {
    /// Its name; empty for a remark in the place of a frame.
    pub(super) name: String,
    /// Whether it belongs to the standard library or to the system.
    pub(super) foundation: bool,
}

impl Package {
    /// The package of a function in a module.
    pub(super) fn of(function: &str, module: Option<&Module>) -> Self {
        match path(function) {
            Some(name) if STANDARD.contains(&name) => Package { name: "std".into(), foundation: true },
            Some(name) => Package { name: name.into(), foundation: false },
            None => {
                let name = module.map_or_else(String::new, |module| module.name().replace('-', "_"));
                Package { name, foundation: module.is_some_and(is_system) }
            }
        }
    }
}

/// The first segment of the first path in a name: `alloc` in `<&alloc::vec::Vec<T> as core::clone::Clone>::clone`.
fn path(function: &str) -> Option<&str> {
    let mut rest = function.trim_start_matches(['<', '&', '*', '(', '[', ' ']);
    for word in ["dyn ", "mut ", "const ", "impl "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    let (first, after) = rest.split_at(end);
    if !first.is_empty() && after.starts_with("::") {
        return Some(first);
    }
    // `<T as core::convert::Into<U>>::into` belongs to the trait, `<[u8]>::to_vec` to the language's own types.
    match rest.split_once(" as ") {
        Some((_, of)) if function.starts_with('<') => path(of),
        _ if function.starts_with('<') => Some("core"),
        _ => None,
    }
}

fn is_system(module: &Module) -> bool {
    let path = String::from_utf8_lossy(&module.path);
    path.contains("vdso") || SYSTEM.iter().any(|root| path.starts_with(&format!("{root}/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_path_says_whose_a_function_is() {
        for (function, package, foundation) in [
            ("word_index::tokenise::tokenise", "word_index", false),
            ("<alloc::vec::Vec<T> as core::clone::Clone>::clone", "std", true),
            ("<&dyn shop::Cart as core::fmt::Debug>::fmt", "shop", false),
            ("<T as shop::Fill>::fill", "shop", false),
            ("<[u8]>::to_vec_in::<alloc::alloc::Global>", "std", true),
            ("std::vector<int, std::allocator<int> >::push_back(int const&)", "std", true),
            ("main", "word_index", false),
            ("operator new(unsigned long)", "word_index", false),
            ("", "word_index", false),
        ] {
            let module = Module { path: b"/opt/word-index".into(), ..Module::default() };
            let expected = Package { name: package.into(), foundation };
            assert_eq!(Package::of(function, Some(&module)), expected, "{function}");
        }
    }

    #[test]
    fn libraries_of_the_system_are_foundations() {
        let module = |path: &str| Module { path: path.into(), ..Module::default() };
        assert!(Package::of("malloc", Some(&module("/lib/x86_64-linux-gnu/libc.so.6"))).foundation);
        assert!(!Package::of("parse", Some(&module("/opt/lib/libparse.so"))).foundation);
        assert_eq!(Package::of("[truncated]", None), Package { name: String::new(), foundation: false });
    }
}
