//! The modules of a package, and the files that define the items of its paths.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::source;
use super::{Line, Needs};

/// The files in which a package's crates begin.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];
/// Re-exports of re-exports are followed this far.
const DEPTH: usize = 8;

/// All modules of a package. An index names each.
#[derive(Default)]
pub(super) struct Modules {
    pub(super) all: Vec<Module>,
    pub(super) references: Vec<Reference>,
}

#[derive(Default)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    /// The folder in which the files of its modules are.
    pub(super) folder: PathBuf,
    pub(super) parent: Option<usize>,
    /// One name has several modules when conditions choose between them.
    pub(super) children: HashMap<String, Vec<usize>>,
    pub(super) items: HashSet<String>,
    /// The paths to which `use` gives a name, and those of which it takes all names.
    pub(super) imports: HashMap<String, Vec<Vec<String>>>,
    pub(super) globs: Vec<Vec<String>>,
}

/// A path in a module's code.
pub(super) struct Reference {
    pub(super) module: usize,
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    pub(super) is_use: bool,
}

/// A module, or else an item of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    module: usize,
    itself: bool,
}

impl Modules {
    pub(super) fn read(package: &Path) -> Result<Self> {
        let mut modules = Modules::default();
        let folder = package.join("src");
        for root in ROOTS.map(|root| folder.join(root)).into_iter().filter(|root| root.is_file()) {
            modules.read_file(Module { file: root, folder: folder.clone(), ..Module::default() })?;
        }
        Ok(modules)
    }

    /// Reads the file of a module, and those of its own modules. Returns its index.
    pub(super) fn read_file(&mut self, module: Module) -> Result<usize> {
        let file = module.file.display().to_string();
        let text = fs::read_to_string(&module.file).with_context(|| format!("cannot read {file}"))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("cannot parse {file}"))?;
        let module = self.add(module);
        source::read(self, module, &parsed.items)?;
        Ok(module)
    }

    pub(super) fn add(&mut self, module: Module) -> usize {
        self.all.push(module);
        self.all.len() - 1
    }

    /// The other files that each file needs.
    pub(super) fn needs(&self) -> Needs {
        let mut needs = Needs::new();
        for reference in &self.references {
            let Reference { module, path, line, is_use } = reference;
            let from = &self.all[*module].file;
            for Found { module, itself } in self.found(*module, path) {
                let to = &self.all[module].file;
                // Outside `use`, a name alone that a module has too is a variable's.
                if from == to || (itself && path.len() == 1 && !is_use) {
                    continue;
                }
                let line = || Line { number: *line, path: path.join("::") };
                needs.entry(from.clone()).or_default().entry(to.clone()).or_insert_with(line);
            }
        }
        needs
    }

    /// The items that a path in the code of a module names. None for a path into another package.
    fn found(&self, module: usize, path: &[String]) -> BTreeSet<Found> {
        let mut found = BTreeSet::new();
        self.resolve(module, path, DEPTH, &mut found);
        if let ([before @ .., last], true) = (path, found.is_empty()) {
            // A macro may define the item.
            self.resolve(module, before, DEPTH, &mut found);
            found.retain(|found| found.itself && !self.all[found.module].imports.contains_key(last));
        }
        found
    }

    fn resolve(&self, module: usize, path: &[String], depth: usize, found: &mut BTreeSet<Found>) {
        let this = &self.all[module];
        let Some((name, rest)) = path.split_first() else {
            found.insert(Found { module, itself: true });
            return;
        };
        let mut follow = |path: &[String], rest: &[String]| {
            if let Some(depth) = depth.checked_sub(1) {
                self.resolve(module, &[path, rest].concat(), depth, found);
            }
        };
        match name.as_str() {
            "self" => self.resolve(module, rest, depth, found),
            "super" => this.parent.into_iter().for_each(|parent| self.resolve(parent, rest, depth, found)),
            "crate" => match this.parent {
                Some(parent) => self.resolve(parent, path, depth, found),
                None => self.resolve(module, rest, depth, found),
            },
            name if this.children.contains_key(name) => {
                this.children[name].iter().for_each(|&child| self.resolve(child, rest, depth, found));
            }
            name if this.items.contains(name) => _ = found.insert(Found { module, itself: false }),
            name if this.imports.contains_key(name) => {
                // `use a::name` in the module `a` itself leads nowhere.
                let others = this.imports[name].iter().filter(|import| **import != [name]);
                others.for_each(|import| follow(import, rest));
            }
            _ => this.globs.iter().for_each(|glob| follow(glob, path)),
        }
    }
}
