//! The allocator setups that are compared.

use std::process::{Command, Stdio};

/// A row of the tables (two for heaptrack: without and with the process that it runs beside the program).
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    /// A description of its records, for the tables.
    pub(crate) records: &'static str,
    /// The program of `benches` that is built with it.
    pub(crate) program: &'static str,
    /// How whole programs are built with it, if they are.
    pub(crate) built: Option<Built>,
    /// Options for jemalloc.
    pub(crate) jemalloc: Option<&'static str>,
    /// Whether the program runs under heaptrack.
    pub(crate) heaptrack: bool,
    /// It is roughly so many times slower. It gets so much less work, and is compared per unit of work.
    pub(crate) slowness: u64,
    /// Bytes that it takes for a block of any size: some workloads need more than this machine has.
    pub(crate) bytes_per_block: u64,
    /// Packages whose versions belong beside the figures.
    pub(crate) packages: &'static [&'static str],
}

/// The allocator of a whole program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Built {
    /// The system's.
    Plain,
    /// memtrack. The program can write a profile.
    Tracked,
}

const PLAIN: Setup = Setup {
    name: "system allocator",
    records: "nothing",
    program: "bench-plain",
    built: Some(Built::Plain),
    jemalloc: None,
    heaptrack: false,
    slowness: 1,
    bytes_per_block: 0,
    packages: &[],
};

static MEMTRACK: [Setup; 4] = [
    PLAIN,
    Setup { name: "system allocator again", records: "nothing: the noise of this run", ..PLAIN },
    Setup {
        name: "memtrack",
        records: "every allocation, full stack, peaks",
        program: "bench-memtrack",
        built: Some(Built::Tracked),
        ..PLAIN
    },
    Setup {
        name: "memtrack, counters only",
        records: "totals and peaks by thread and stage",
        program: "bench-counters",
        built: None,
        ..PLAIN
    },
];

const JEMALLOC: Setup = Setup {
    name: "jemalloc",
    program: "bench-jemalloc",
    built: None,
    jemalloc: Some("prof:false"),
    packages: &["tikv-jemallocator"],
    ..PLAIN
};

static PEERS: [Setup; 6] = [
    Setup {
        name: "stats_alloc",
        records: "global counters",
        program: "bench-stats-alloc",
        built: None,
        packages: &["stats_alloc"],
        ..PLAIN
    },
    JEMALLOC,
    Setup {
        name: "jemalloc, profiler",
        records: "a sample every 512 KiB, full stack",
        jemalloc: Some("prof:true"),
        ..JEMALLOC
    },
    Setup { name: "heaptrack", records: "every event, full stack", heaptrack: true, slowness: 8, ..PLAIN },
    Setup {
        name: "dhat",
        records: "every event, full stack",
        program: "bench-dhat",
        built: None,
        slowness: 32,
        packages: &["dhat"],
        ..PLAIN
    },
    Setup {
        name: "jemalloc, profiler on every allocation",
        records: "every allocation, full stack",
        jemalloc: Some("prof:true,lg_prof_sample:0"),
        slowness: 64,
        bytes_per_block: 4500,
        ..JEMALLOC
    },
];

/// The plain allocator first, then everything that can run here.
pub(crate) fn available(peers: bool) -> Vec<&'static Setup> {
    let mut setups: Vec<&Setup> = MEMTRACK.iter().collect();
    if peers {
        setups.extend(&PEERS);
        if heaptrack_version().is_none() {
            eprintln!("heaptrack is not installed and left out: apt install heaptrack");
            setups.retain(|setup| !setup.heaptrack);
        }
    }
    setups
}

/// `heaptrack 1.4.0`, where it is installed.
pub(crate) fn heaptrack_version() -> Option<String> {
    let output = Command::new("heaptrack").arg("--version").stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
