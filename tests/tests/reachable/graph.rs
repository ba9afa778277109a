//! The reachable functions and data of compiled code. The relocations in a section name everything that it calls or
//! refers to. A function whose address is taken counts as called there, so calls through pointers and tables of
//! functions are included.

use std::collections::{HashMap, HashSet, VecDeque};

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex};

/// A section. Compilers put each function and each static into a section of its own.
type Node = (usize, usize);

/// Object files and the names that they define.
pub struct Graph {
    labels: HashMap<Node, String>,
    edges: HashMap<Node, Vec<Target>>,
    defined: HashMap<String, Node>,
}

enum Target {
    Node(Node),
    Name(String),
}

/// A reachable end or undefined name, and the functions that lead to it.
#[derive(Debug)]
pub struct Reached {
    /// The name.
    pub name: String,
    /// The names that lead there, from the last one back to the root.
    pub chain: Vec<String>,
}

impl Graph {
    /// The object files of an archive.
    ///
    /// # Panics
    /// When the bytes are no archive.
    #[must_use]
    pub fn of_archive(bytes: &[u8]) -> Graph {
        let archive = ArchiveFile::parse(bytes).expect("an archive");
        let members =
            archive.members().map(|member| member.expect("a member").data(bytes).expect("its bytes"));
        Graph::of_objects(members.filter(|bytes| bytes.starts_with(b"\x7fELF")))
    }

    /// The names of all functions and statics.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.labels.values().map(String::as_str)
    }

    /// The graph of object files.
    ///
    /// # Panics
    /// When one of them is no object file.
    pub fn of_objects<'b>(files: impl Iterator<Item = &'b [u8]>) -> Graph {
        let mut graph = Graph { labels: HashMap::new(), edges: HashMap::new(), defined: HashMap::new() };
        let mut weak = HashSet::new();
        for (number, bytes) in files.enumerate() {
            let file = object::File::parse(bytes).expect("an object file");
            for symbol in file.symbols() {
                let (Some(section), Ok(name)) = (symbol.section_index(), symbol.name()) else { continue };
                if name.is_empty() {
                    continue;
                }
                let node = (number, section.0);
                graph.labels.entry(node).or_insert_with(|| name.into());
                if symbol.is_global() && (weak.remove(name) || !graph.defined.contains_key(name)) {
                    graph.defined.insert(name.into(), node);
                    if symbol.is_weak() {
                        weak.insert(name.to_owned());
                    }
                }
            }
            for section in file.sections() {
                let name = section.name().unwrap_or_default();
                let is_run =
                    ![".debug", ".eh_frame", ".gcc_except_table"].iter().any(|it| name.starts_with(it));
                let node = (number, section.index().0);
                graph.labels.entry(node).or_insert_with(|| name.into());
                let targets = section.relocations().filter(|_| is_run).filter_map(|(_, relocation)| {
                    let of = |SectionIndex(index)| Target::Node((number, index));
                    match relocation.target() {
                        RelocationTarget::Section(index) => Some(of(index)),
                        RelocationTarget::Symbol(index) => {
                            let symbol = file.symbol_by_index(index).ok()?;
                            match symbol.section_index() {
                                Some(index) if symbol.is_local() => Some(of(index)),
                                _ => Some(Target::Name(symbol.name().ok()?.into())),
                            }
                        }
                        _ => None,
                    }
                });
                graph.edges.insert(node, targets.collect());
            }
        }
        graph
    }

    /// Everything that can be reached by name from the functions for which `is_root` is true, and nothing behind
    /// names for which `is_end` is true. A name that no file defines is listed by its name alone.
    ///
    /// # Panics
    /// When there is no root.
    pub fn reached(&self, is_root: impl Fn(&str) -> bool, is_end: impl Fn(&str) -> bool) -> Vec<Reached> {
        let mut from: HashMap<Node, Option<Node>> = HashMap::new();
        let roots = self.labels.iter().filter(|(_, name)| is_root(name));
        let mut next: VecDeque<Node> = roots.map(|(node, _)| *node).collect();
        assert!(!next.is_empty(), "no root");
        from.extend(next.iter().map(|node| (*node, None)));
        let (mut reached, mut seen) = (Vec::new(), HashSet::new());
        while let Some(node) = next.pop_front() {
            for target in self.edges.get(&node).into_iter().flatten() {
                let (name, target) = match target {
                    Target::Node(node) => (&self.labels[node], Some(*node)),
                    Target::Name(name) => (name, self.defined.get(name).copied()),
                };
                let is_end = is_end(name);
                // For an end, each section that refers to it is listed; other targets are only visited once.
                if is_end || target.is_none() {
                    if seen.insert((node, name)) {
                        reached.push(Reached { name: name.clone(), chain: self.chain(&from, node) });
                    }
                } else if let Some(target) = target
                    && !from.contains_key(&target)
                {
                    from.insert(target, Some(node));
                    next.push_back(target);
                }
            }
        }
        reached
    }

    fn chain(&self, from: &HashMap<Node, Option<Node>>, node: Node) -> Vec<String> {
        let outwards = std::iter::successors(Some(node), |node| from.get(node).copied().flatten());
        outwards.map(|node| self.labels[&node].clone()).collect()
    }
}
