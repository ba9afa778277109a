//! Compares the cost of `memtrack-fold record` with heaptrack's, on C programs that are not rebuilt: CPU time relative to
//! the program by itself, and bytes of output. `cargo bench -p memtrack-ffi --bench record`, after `cargo build --release`.
//!
//! Runs alternate, so that other load on the machine affects all of them. The table has medians of the ratios. The program
//! by itself runs twice: the distance of its second row from 1.00 is the possible error of every other figure. Each tool's
//! recording is read back with the tool's own reader, because a tool that was not loaded would seem fast.

use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Programs, with the argument that makes each run for about a second.
const PROGRAMS: [(&str, &str, &str); 2] = [
    ("ring", "W1: allocate and free, 24 frames deep", "10000000"),
    ("json", "W2: parse and write JSON", "12"),
];
const ROUNDS: usize = 5;

struct Tool {
    name: &'static str,
    /// Runs a program and writes to a file.
    command: fn(&Path, &Path) -> Command,
    /// The number of allocations in the file.
    allocations: Option<fn(&Path) -> u64>,
}

const TOOLS: [Tool; 5] = [
    Tool { name: "the program by itself", command: |program, _| Command::new(program), allocations: None },
    Tool { name: "the same again", command: |program, _| Command::new(program), allocations: None },
    Tool { name: "`memtrack-fold record`", command: recorded, allocations: Some(in_dump) },
    Tool {
        name: "`heaptrack`",
        command: |program, to| with("heaptrack", &["-o", &text(to)], program),
        allocations: Some(in_recording),
    },
    Tool {
        name: "heaptrack's library alone, its events thrown away",
        command: heaptracks_library,
        allocations: None,
    },
];

fn main() {
    let folder = target().join("bench-record");
    std::fs::create_dir_all(&folder).expect("a folder for programs and dumps");
    println!("| program | run | CPU time | output | allocations in it |\n|---|---|---:|---:|---:|");
    for (name, title, argument) in PROGRAMS {
        let program = folder.join(name);
        build(name, &program);
        let mut times = [const { Vec::new() }; TOOLS.len()];
        let file = |tool: usize| folder.join(format!("{name}.{tool}"));
        for _ in 0..ROUNDS {
            for (i, tool) in TOOLS.iter().enumerate() {
                times[i].push(cpu((tool.command)(&program, &file(i)).arg(argument)));
            }
        }
        for (i, tool) in TOOLS.iter().enumerate() {
            let ratio = median(times[i].iter().zip(&times[0]).map(|(time, plain)| time / plain));
            let (bytes, count) = match tool.allocations {
                Some(allocations) => {
                    let file = written(&file(i));
                    let bytes = std::fs::metadata(&file).expect("what the tool wrote").len();
                    (format!("{bytes} bytes"), allocations(&file).to_string())
                }
                None => ("–".into(), "–".into()),
            };
            println!("| {title} | {} | {ratio:.2}× | {bytes} | {count} |", tool.name);
        }
    }
}

fn median(ratios: impl Iterator<Item = f64>) -> f64 {
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn memtrack_fold() -> String {
    text(&target().join("memtrack-fold"))
}

fn recorded(program: &Path, to: &Path) -> Command {
    with(&memtrack_fold(), &["record", "-q", "-o", &text(to), "--"], program)
}

fn in_dump(dump: &Path) -> u64 {
    let folded = said(Command::new(memtrack_fold()).args(["--no-symbols", "-m", "allocs"]).arg(dump));
    let count = |line: &str| line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok());
    folded.lines().filter_map(count).sum()
}

fn in_recording(recording: &Path) -> u64 {
    let printed = said(Command::new("heaptrack_print").args(["-p0", "-a0", "-T0", "-l0"]).arg(recording));
    let label = "calls to allocation functions: ";
    let rest = printed.lines().find_map(|line| line.strip_prefix(label)).expect("heaptrack's summary");
    rest.split(' ').next().and_then(|count| count.parse().ok()).expect("a number of calls")
}

/// The output of a program, which must succeed.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// heaptrack without its second process, which reads the events and compresses them.
fn heaptracks_library(program: &Path, _: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LD_PRELOAD", "/usr/lib/heaptrack/libheaptrack_preload.so");
    command.env("DUMP_HEAPTRACK_OUTPUT", "/dev/null");
    command
}

fn with(tool: &str, arguments: &[&str], program: &Path) -> Command {
    let mut command = Command::new(tool);
    command.args(arguments).arg(program);
    command
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path that is text").to_owned()
}

/// The folder of cargo's release builds: this program is in `release/deps`.
fn target() -> PathBuf {
    let this = std::env::current_exe().expect("the path of this program");
    this.ancestors().nth(2).expect("a program that cargo built").to_path_buf()
}

fn build(name: &str, to: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/programs/{name}.c"));
    let status = Command::new("gcc").args(["-g", "-O2"]).arg(source).arg("-o").arg(to).status();
    assert!(status.expect("gcc").success(), "{name}.c does not compile");
}

/// Runs a program to its end. Returns the seconds of CPU that it and its children took.
fn cpu(command: &mut Command) -> f64 {
    let before = of_children();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
    of_children() - before
}

fn of_children() -> f64 {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the call fills in the record. It cannot fail for children that were waited for.
    let usage = unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()), 0);
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The file that a tool wrote. The tool may have added its own extension to the name.
fn written(to: &Path) -> PathBuf {
    let endings = ["", ".zst", ".gz"].map(|ending| PathBuf::from(format!("{}{ending}", text(to))));
    endings.into_iter().find(|path| path.exists()).expect("what the tool wrote")
}
