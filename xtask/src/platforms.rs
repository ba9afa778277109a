//! `cargo xtask platforms`: each platform runs the tracker's unit tests and the program `everywhere`, whose dumps the suite
//! of that name compares with its expectation.
//!
//! - *Platform*: a target of the compiler, what links programs for it, and what runs them on this machine.
//! - *Lacking*: what the platform's programs cannot do, in the words of the suite `everywhere`.
//!
//! One more suite runs the same with the machine's own compiler, for its own system.
//!
//! The standard library is built for each target that rustup's toolchain lacks. That takes minutes, so `cargo xtask test`
//! has one of these suites.

mod costs;
mod linker;
mod macho;
mod musl_code;
mod native;
mod runner;
mod runs;
mod wasm;

use crate::suite::Suite;
pub(crate) use costs::run as measure;
use linker::{Linker, MINGW, MINGW_CXX};
use macho::{Content, Linked};
use runner::{Runner, WINE};
use runs::Run;

/// A platform, and what is run on it.
struct Platform {
    name: &'static str,
    triple: &'static str,
    linker: Linker,
    /// Flags of the compiler.
    flags: &'static str,
    /// What runs a program on this machine.
    runner: Runner,
    /// Programs and files of the machine, each with the Debian package that brings it.
    needs: &'static [(&'static str, &'static str)],
    lacks: &'static [&'static str],
    runs: &'static [Run],
}

/// Static linking against zig's C library, without the startup files that rustup's toolchain would bring.
const ZIG_MUSL: &str = "-Clink-self-contained=no";

/// The features of the tracker that make sense on macOS.
const MAC_FEATURES: &str = "allocator-api2,portable-atomic";

const EVERYWHERE: Linked = Linked { package: "everywhere", file: "everywhere", content: Content::Tracked };
const WORD_INDEX: Linked = Linked { package: "word-index", file: "word-index", content: Content::Tracked };
const LIBRARY: Linked =
    Linked { package: "memtrack-ffi", file: "libmemtrack.dylib", content: Content::Library };
const FOLD: Linked = Linked { package: "memtrack-host-tools", file: "memtrack-fold", content: Content::Tool };

/// What most platforms have in common.
const PLAIN: Platform = Platform {
    name: "",
    triple: "",
    linker: Linker::Nothing,
    flags: "",
    runner: Runner::Words(&[]),
    needs: &[],
    lacks: &[],
    runs: &[],
};

const MUSL: Platform = Platform {
    name: "x86_64-musl",
    triple: "x86_64-unknown-linux-musl",
    linker: Linker::Zig { target: "x86_64-linux-musl", arguments: "" },
    flags: ZIG_MUSL,
    runs: &[Run::Units, Run::Everywhere, Run::Example],
    ..PLAIN
};

const PLATFORMS: [Platform; 17] = [
    MUSL,
    Platform {
        name: "x86_64-musl-dynamic",
        linker: Linker::Zig { target: "x86_64-linux-musl", arguments: "-dynamic" },
        flags: "-Clink-self-contained=no -Ctarget-feature=-crt-static",
        needs: &[("/lib/ld-musl-x86_64.so.1", "musl")],
        runs: &[Run::Units, Run::Everywhere, Run::Preload],
        ..MUSL
    },
    // At the addresses that the linker chose.
    Platform {
        name: "x86_64-musl-static",
        flags: "-Clink-self-contained=no -Crelocation-model=static",
        ..MUSL
    },
    Platform {
        name: "aarch64-musl",
        triple: "aarch64-unknown-linux-musl",
        linker: Linker::Zig { target: "aarch64-linux-musl", arguments: "" },
        flags: ZIG_MUSL,
        runner: Runner::Words(&["qemu-aarch64"]),
        needs: &[("qemu-aarch64", "qemu-user"), ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu")],
        // A recording begins before there are other threads, and the emulator has threads of its own.
        lacks: &["recordings"],
        // Not the unit tests: they ask for system calls that the emulator lacks.
        runs: &[Run::Everywhere, Run::SortedBy("aarch64-linux-gnu-gcc")],
    },
    Platform {
        name: "i686",
        triple: "i686-unknown-linux-gnu",
        linker: Linker::Zig { target: "x86-linux-gnu.2.36", arguments: "" },
        needs: &[("/lib/ld-linux.so.2", "libc6-i386")],
        runs: &[Run::Units, Run::Everywhere],
        ..PLAIN
    },
    Platform {
        name: "aarch64-gnu",
        triple: "aarch64-unknown-linux-gnu",
        // Small pages leave no gaps in a module. QEMU lacks the call by which the tracker would read the headers of one with gaps.
        linker: Linker::Zig { target: "aarch64-linux-gnu.2.36", arguments: "-Wl,-z,max-page-size=4096" },
        runner: Runner::Words(&["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]),
        needs: &[
            ("qemu-aarch64", "qemu-user"),
            ("/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1", "libc6-arm64-cross"),
            ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
        ],
        // They walk stacks through code for macOS on this processor, and read the C library's.
        runs: &[
            Run::UnitsOf(&[
                "unwind::rules::find::compact",
                "unwind::rules::find::machine_code",
                "unwind::rules::walk",
                "unwind::signal_frame",
                "unwind::frame_pointer",
            ]),
            Run::MuslCodeBy("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld"),
        ],
        ..PLAIN
    },
    Platform {
        name: "armv7-gnu",
        triple: "armv7-unknown-linux-gnueabihf",
        linker: Linker::Zig { target: "arm-linux-gnueabihf.2.36", arguments: "" },
        runner: Runner::Words(&["qemu-arm", "-L", "/usr/arm-linux-gnueabihf"]),
        needs: &[
            ("qemu-arm", "qemu-user"),
            ("/usr/arm-linux-gnueabihf/lib/ld-linux-armhf.so.3", "libc6-armhf-cross"),
        ],
        // A recording begins before there are other threads, and the emulator has threads of its own.
        lacks: &["recordings"],
        // Not those that list the program's mappings, and others of which the emulator knows too little.
        runs: &[
            Run::UnitsOf(&[
                "hook::",
                "lock::",
                "os::dump_stack",
                "os::linux::thread_stack",
                "os::linux::unwind_tables::tests",
                "session::",
                "table::",
                "tracker::",
                "trailer::",
                "unwind::",
            ]),
            Run::Everywhere,
        ],
        ..PLAIN
    },
    Platform {
        name: "armv7-musl",
        triple: "armv7-unknown-linux-musleabihf",
        linker: Linker::Zig { target: "arm-linux-musleabihf", arguments: "" },
        flags: ZIG_MUSL,
        runner: Runner::Words(&["qemu-arm"]),
        needs: &[("qemu-arm", "qemu-user")],
        // As for `armv7-gnu`.
        lacks: &["recordings"],
        runs: &[Run::Everywhere],
    },
    Platform {
        name: "x86_64-windows-gnu",
        triple: "x86_64-pc-windows-gnu",
        linker: Linker::MinGw,
        runner: Runner::Wine,
        needs: &[
            (MINGW, "gcc-mingw-w64-x86-64-win32"),
            (MINGW_CXX, "g++-mingw-w64-x86-64-win32"),
            (WINE, "wine64"),
            ("clang", "clang"),
            ("script", "bsdutils"),
        ],
        // The example asks cargo, which is no program of Windows here.
        runs: &[Run::Units, Run::Everywhere, Run::Windows],
        ..PLAIN
    },
    Platform {
        name: "x86_64-windows-msvc",
        triple: "x86_64-pc-windows-msvc",
        runs: &[Run::Check("")],
        ..PLAIN
    },
    Platform {
        name: "aarch64-windows-msvc",
        triple: "aarch64-pc-windows-msvc",
        runs: &[Run::Check("")],
        ..PLAIN
    },
    Platform { name: "aarch64-android", triple: "aarch64-linux-android", runs: &[Run::Check("")], ..PLAIN },
    Platform { name: "x86_64-android", triple: "x86_64-linux-android", runs: &[Run::Check("")], ..PLAIN },
    Platform { name: "x86_64-freebsd", triple: "x86_64-unknown-freebsd", runs: &[Run::Check("")], ..PLAIN },
    Platform { name: "aarch64-freebsd", triple: "aarch64-unknown-freebsd", runs: &[Run::Check("")], ..PLAIN },
    // Nothing runs here for macOS: programs are linked, and their files inspected.
    Platform {
        name: "aarch64-macos",
        triple: "aarch64-apple-darwin",
        linker: Linker::Zig { target: "aarch64-macos.11.0", arguments: "" },
        runs: &[
            Run::Check(MAC_FEATURES),
            Run::LinkUnits,
            Run::Link(EVERYWHERE),
            Run::Link(WORD_INDEX),
            Run::Link(LIBRARY),
            Run::Link(FOLD),
        ],
        ..PLAIN
    },
    Platform {
        name: "x86_64-macos",
        triple: "x86_64-apple-darwin",
        linker: Linker::Zig { target: "x86_64-macos.10.12", arguments: "" },
        // The host tool has no code for one processor alone, and takes minutes.
        runs: &[
            Run::Check(MAC_FEATURES),
            Run::LinkUnits,
            Run::Link(EVERYWHERE),
            Run::Link(WORD_INDEX),
            Run::Link(LIBRARY),
        ],
        ..PLAIN
    },
];

/// The platform that `cargo xtask test` has.
const IN_SHORT: &str = "x86_64-musl";

/// One suite for each platform.
pub(crate) fn suites() -> Vec<Suite> {
    PLATFORMS.iter().map(suite).chain(wasm::suites()).chain([native::suite()]).collect()
}

/// The suite of `cargo xtask test`.
pub(crate) fn in_short() -> impl Iterator<Item = Suite> {
    PLATFORMS.iter().filter(|platform| platform.name == IN_SHORT).map(suite)
}

fn suite(platform: &'static Platform) -> Suite {
    let run = || platform.runs.iter().try_for_each(|run| run.on(platform));
    Suite::new(format!("platform: {}", platform.name), run).needing(platform.needs.iter().copied())
}
