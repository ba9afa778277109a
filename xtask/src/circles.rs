//! Circles of imports: files that need each other cannot be read, tested or moved one at a time.
//!
//! `modules` reads the sources of a crate, and resolves each path in them to the file that defines its item. A re-export is
//! not a file's own need: a path through it leads to the definition. Code that only tests or fuzz targets compile is left out.

mod modules;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::workspace;
use modules::Modules;

/// The packages, and whether two files may need each other.
const PACKAGES: [(&str, bool); 2] = [("core", true), ("host-tools", false)];

/// Where a file names an item of another.
struct Line {
    number: usize,
    path: String,
}

/// The files that a file needs, with the first line that needs each.
type Needs<L = Line> = BTreeMap<PathBuf, BTreeMap<PathBuf, L>>;

pub(crate) fn check() -> Result<()> {
    let mut found = String::new();
    for (folder, pairs) in PACKAGES {
        let needs = Modules::read(&workspace::root().join(folder))?.needs();
        found += &circles(&needs, pairs).iter().map(shown).collect::<Result<String>>()?;
    }
    ensure!(found.is_empty(), "files need each other:\n{found}");
    Ok(())
}

/// The needs that are part of a circle, in groups of files that need each other. Where `pairs` may be, two files that need
/// each other are a circle only with a third.
fn circles(needs: &Needs, pairs: bool) -> Vec<Needs<&Line>> {
    let mut circular = Needs::<&Line>::new();
    for (from, to, line) in
        needs.iter().flat_map(|(from, all)| all.iter().map(move |(to, line)| (from, to, line)))
    {
        if reach(to, needs, pairs.then_some(from)).contains(from.as_path()) {
            circular.entry(from.clone()).or_default().insert(to.clone(), line);
        }
    }
    let mut groups = BTreeMap::<&Path, Needs<&Line>>::new();
    for (file, lines) in &circular {
        let group = reach(file, &circular, None);
        let lines = lines.iter().map(|(file, line)| (file.clone(), *line)).collect();
        groups.entry(group.first().unwrap_or(&file.as_path())).or_default().insert(file.clone(), lines);
    }
    groups.into_values().collect()
}

/// The files that a file needs, and those that they need, and so on. `except` is not one that the file itself needs.
fn reach<'n, L>(file: &Path, needs: &'n Needs<L>, except: Option<&PathBuf>) -> BTreeSet<&'n Path> {
    let needed = |file: &Path| needs.get(file).into_iter().flat_map(BTreeMap::keys);
    let mut next: Vec<&PathBuf> = needed(file).filter(|&file| Some(file) != except).collect();
    let mut reached = BTreeSet::new();
    while let Some(other) = next.pop() {
        if reached.insert(other.as_path()) && other != file {
            next.extend(needed(other));
        }
    }
    reached
}

/// The lines by which the files of a circle need each other.
fn shown(circle: &Needs<&Line>) -> Result<String> {
    let root = workspace::root();
    let short = |file: &Path| file.strip_prefix(&root).unwrap_or(file).display().to_string();
    let mut text = format!("a circle of {} files:\n", circle.len());
    for (file, lines) in circle {
        for (needed, Line { number, path }) in lines {
            writeln!(text, "  {}:{number} needs {}: {path}", short(file), short(needed))?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::modules::Modules;
    use super::{circles, shown};

    /// The circles of a crate of these files, as they are shown.
    fn found(files: &[(&str, &str)], pairs: bool) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join("src").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let needs = Modules::read(folder.path()).unwrap().needs();
        let folder = format!("{}/src/", folder.path().display());
        circles(&needs, pairs).iter().map(|circle| shown(circle).unwrap().replace(&folder, "")).collect()
    }

    const ROOT: (&str, &str) = ("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n");

    #[test]
    fn files_in_one_direction_are_no_circle() {
        let files = [
            ROOT,
            ("a.rs", "use crate::b::B;\nuse std::fmt::Write;\npub struct A(B);\n"),
            ("b.rs", "use super::c;\npub struct B(c::C);\n"),
            ("c.rs", "pub struct C;\n#[cfg(test)]\nmod tests {\n    use crate::A;\n}\n"),
        ];
        assert_eq!(found(&files, false), [""; 0]);
    }

    #[test]
    fn a_circle_is_shown_by_its_lines() {
        let files = [
            ROOT,
            ("a.rs", "use crate::b::{self, B};\npub struct A(B);\n"),
            ("b.rs", "pub struct B;\nfn f() {\n    println!(\"{}\", crate::c::g());\n}\n"),
            ("c.rs", "pub(in crate::b) fn g() {\n    use super::{A, c};\n    a.b.c()\n}\n"),
        ];
        let circle = "a circle of 3 files:\n  a.rs:1 needs b.rs: crate::b\n  b.rs:3 needs c.rs: crate::c::g\n  \
                      c.rs:2 needs a.rs: super::A\n";
        assert_eq!(found(&files, true), [circle]);
    }

    #[test]
    fn a_re_export_leads_to_the_definition() {
        let root = ("lib.rs", "mod a;\n");
        let inner = ("a/inner.rs", "use super::other::Other;\npub struct Inner(Other);\n");
        let other = ("a/other.rs", "pub struct Other;\n");
        let facade = "mod inner;\nmod other;\npub use inner::Inner;\npub use other::*;\n";
        assert_eq!(found(&[root, inner, other, ("a/mod.rs", facade)], false), [""; 0]);
        // The same file with a use of its own, and an item that a child needs.
        let facade = format!("{facade}pub fn new() -> Inner {{\n    loop {{}}\n}}\n");
        let other = ("a/other.rs", "pub struct Other;\nfn f() {\n    super::new();\n}\n");
        let circle = "a circle of 3 files:\n  a/inner.rs:1 needs a/other.rs: super::other::Other\n  \
                      a/mod.rs:5 needs a/inner.rs: Inner\n  a/other.rs:3 needs a/mod.rs: super::new\n";
        assert_eq!(found(&[root, inner, other, ("a/mod.rs", &facade)], true), [circle]);
    }

    #[test]
    fn two_files_are_a_circle_where_pairs_are_not_allowed() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
            ("a.rs", "use crate::b;\nuse crate::c;\n"),
            ("b.rs", "use crate::a;\n"),
            ("c.rs", "use super::d::D;\npub struct C;\n"),
            ("d.rs", "pub struct D(super::c::C);\n"),
        ];
        assert_eq!(found(&files, true), [""; 0]);
        let ab = "a circle of 2 files:\n  a.rs:1 needs b.rs: crate::b\n  b.rs:1 needs a.rs: crate::a\n";
        let cd = "a circle of 2 files:\n  c.rs:1 needs d.rs: super::d::D\n  d.rs:1 needs c.rs: super::c::C\n";
        assert_eq!(found(&files, false), [ab, cd]);
        // Two pairs that share a file are still two pairs.
        let shared = [("b.rs", "use crate::a;\nuse crate::c;\n"), ("c.rs", "use crate::b;\n")];
        assert_eq!(
            found(&[&[files[0], ("a.rs", "use crate::b;\n"), files[4]], &shared[..]].concat(), true),
            [""; 0]
        );
    }
}
