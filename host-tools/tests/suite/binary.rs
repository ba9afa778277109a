//! Compiles and runs small programs, and makes dumps of the addresses that they print.

use std::path::{Path, PathBuf};
use std::process::Command;

use memtrack_format::{Kind, Marks, Module, Node};

use crate::dumps::{self, Builder, cell, figures};
use crate::program::Place;

/// The output of a program: lines `label 0xaddress`, and its `/proc/self/maps`.
pub struct Printed {
    pub addresses: Vec<(String, u64)>,
    maps: Vec<(PathBuf, memtrack_format::Segment)>,
}

/// Runs a command. If the command fails, the test fails with its output.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a tool is installed. If not, the test is skipped, or fails if `CI` is set.
pub fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "{tool} is not installed");
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}

impl Place {
    /// Compiles `source` (C, C++ or Rust, by its extension) into `output`.
    #[track_caller]
    pub fn compile(&self, source: &str, text: &str, output: &str, flags: &[&str]) -> PathBuf {
        self.file(source, text.as_bytes());
        let compiler = match Path::new(source).extension().and_then(|e| e.to_str()) {
            Some("rs") => "rustc",
            Some("cpp") => "g++",
            _ => "gcc",
        };
        let path = self.path(output);
        run(Command::new(compiler).args(["-o", output, source]).args(flags).current_dir(self.dir.path()));
        path
    }
}

/// Runs a program that prints addresses.
#[track_caller]
pub fn printed(program: &Path) -> Printed {
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let out = String::from_utf8_lossy(&output.stdout);
    let mut printed = Printed { addresses: Vec::new(), maps: Vec::new() };
    for line in out.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
        match words[..] {
            [label, address] => printed.addresses.push((label.into(), hex(address))),
            [range, permissions, offset, _, _, path] if path.starts_with('/') => {
                let (start, end) = range.split_once('-').unwrap();
                let segment = memtrack_format::Segment {
                    start: hex(start),
                    length: hex(end) - hex(start),
                    file_offset: hex(offset),
                    executable: permissions.contains('x'),
                };
                printed.maps.push((path.into(), segment));
            }
            _ => {}
        }
    }
    assert!(!printed.addresses.is_empty() && !printed.maps.is_empty(), "{out}");
    printed
}

/// The build id that GNU readelf shows, as bytes.
#[track_caller]
pub fn build_id(path: &Path) -> Vec<u8> {
    let notes = run(Command::new("readelf").arg("-n").arg(path));
    let hex = notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: ")).expect("has a build id");
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

impl Printed {
    /// A dump in which each printed return address is a stack of its own. Its id is also its number of
    /// allocations.
    pub fn dump(&self) -> Vec<u8> {
        self.dump_with(|path| (path.into(), build_id(path)))
    }

    /// The same dump, with paths and build ids of the modules from `of`.
    pub fn dump_with(&self, of: impl Fn(&Path) -> (PathBuf, Vec<u8>)) -> Vec<u8> {
        self.dump_of_files(|path| {
            let (path, id) = of(path);
            (path, id, [0; 2])
        })
    }

    /// The same dump, also with sizes and times of the files.
    pub fn dump_of_files(&self, of: impl Fn(&Path) -> (PathBuf, Vec<u8>, [u64; 2])) -> Vec<u8> {
        let mut builder = Builder::new(Kind::Program, 0);
        builder.record(&dumps::target(42));
        for (path, segments) in self.modules() {
            let bias = segments[0].start - segments[0].file_offset;
            let (path, id, [file_size, file_modified_unix_ns]) = of(path);
            let path = path.as_os_str().as_encoded_bytes();
            let module = dumps::module(path, &id, bias, &segments);
            builder.record(&Module { file_size, file_modified_unix_ns, ..module });
        }
        self.stacks(&mut builder, 0);
        builder.finish()
    }

    /// The first printed address as linked, at a byte inside the call.
    pub fn offset(&self) -> u64 {
        let (_, segments) = &self.modules()[0];
        self.addresses[0].1 - (segments[0].start - segments[0].file_offset) - 1
    }

    /// A dump of one stack, in which each printed address is called by the one before it.
    pub fn chain(&self) -> Vec<u8> {
        let mut builder = Builder::new(Kind::Program, 0);
        for (path, segments) in self.modules() {
            let bias = segments[0].start - segments[0].file_offset;
            let path = path.as_os_str().as_encoded_bytes();
            builder.record(&dumps::module(path, b"", bias, &segments));
        }
        let mut last = Node::ROOT;
        for (id, (_, address)) in (2..).zip(&self.addresses) {
            builder.node(id, last, address - 1);
            last = id;
        }
        builder.record(&cell(1, 1, last, figures(7, 0, 0)));
        builder.finish()
    }

    /// A dump as on bare metal: without modules, with addresses as linked.
    pub fn bare_dump(&self) -> Vec<u8> {
        let mut builder = Builder::new(Kind::Program, 0);
        let (_, segments) = self.modules()[0].clone();
        self.stacks(&mut builder, segments[0].start - segments[0].file_offset);
        builder.finish()
    }

    fn stacks(&self, builder: &mut Builder, bias: u64) {
        let ids = 2..;
        for (id, (_, address)) in ids.clone().zip(&self.addresses) {
            // An address inside the call: the return address is behind it.
            builder.node(id, Node::ROOT, address - bias - 1);
        }
        let cells: Vec<_> =
            ids.zip(&self.addresses).map(|(id, _)| cell(id, 1, id, figures(u64::from(id), 0, 0))).collect();
        cells.iter().for_each(|cell| _ = builder.record(cell));
        builder.record(&dumps::thread(1, b"main", &cells));
        let figures = dumps::sum(cells.iter().map(|cell| cell.figures));
        builder.record(&Marks { figures, frees: figures.allocs - figures.live_blocks, ..Marks::default() });
    }

    /// The files in the order of the maps, each with its segments. The program comes first.
    fn modules(&self) -> Vec<(&Path, Vec<memtrack_format::Segment>)> {
        let mut modules: Vec<(&Path, Vec<_>)> = Vec::new();
        for (path, segment) in &self.maps {
            match modules.iter_mut().find(|(known, _)| known == path) {
                Some((_, segments)) => segments.push(*segment),
                None => modules.push((path, vec![*segment])),
            }
        }
        modules
    }
}
