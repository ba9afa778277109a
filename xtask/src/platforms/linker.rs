//! What links programs for other platforms.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::toolchain::Toolchain;
use crate::{python, tool, workspace};

/// A linker.
pub(super) enum Linker {
    /// zig's compiler of C, which brings the C library of each of its targets. The arguments come before the others.
    Zig { target: &'static str, arguments: &'static str },
    /// MinGW's GCC, for Windows.
    MinGw,
    /// None: nothing is linked for the platform here.
    Nothing,
}

/// A language that a linker compiles, too.
#[derive(Clone, Copy)]
pub(super) enum Language {
    C,
    Cxx,
}

/// MinGW's GCC, as Debian has it.
pub(super) const MINGW: &str = "x86_64-w64-mingw32-gcc-win32";
/// The same for C++.
pub(super) const MINGW_CXX: &str = "x86_64-w64-mingw32-g++-win32";

impl Linker {
    /// The path of the linker, for cargo; `None` when there is none.
    pub(super) fn path(&self) -> Result<Option<PathBuf>> {
        Ok(match self {
            Linker::Zig { .. } => self.compiler(Language::C)?,
            Linker::MinGw => Some(MINGW.into()),
            Linker::Nothing => None,
        })
    }

    /// The path of a compiler that links as this linker does; `None` when there is none.
    pub(super) fn compiler(&self, language: Language) -> Result<Option<PathBuf>> {
        match self {
            Linker::Zig { target, arguments } => {
                script(&python::environment("ziglang")?, target, arguments, language).map(Some)
            }
            Linker::MinGw | Linker::Nothing => Ok(None),
        }
    }

    /// Flags of the compiler that the linker needs.
    pub(super) fn flags(&self, toolchain: &Toolchain) -> Result<String> {
        Ok(match (self, toolchain) {
            (Linker::MinGw, Toolchain::Debian { rustc, .. }) => {
                format!("-Lnative={}", startup(rustc)?.display())
            }
            _ => String::new(),
        })
    }
}

/// The folder with the objects that begin and end a program for MinGW. rustup's toolchain has them beside the standard
/// library; here they are built from the sources of Debian's.
fn startup(rustc: &Path) -> Result<PathBuf> {
    let folder = workspace::root().join("target/platforms/startup");
    fs::create_dir_all(&folder)?;
    let sources = rustc.parent().context("the compiler is in a folder")?.join("usr/src");
    let mut versions = fs::read_dir(&sources)?.flatten().map(|entry| entry.path().join("library/rtstartup"));
    let sources = versions.find(|folder| folder.exists()).context("no sources of the startup objects")?;
    for name in ["rsbegin", "rsend"] {
        let object = folder.join(name).with_extension("o");
        if !object.exists() {
            let mut build = Command::new(rustc);
            build.args([
                "--target",
                "x86_64-pc-windows-gnu",
                "--edition",
                "2024",
                "--crate-type",
                "lib",
                "-O",
            ]);
            build.args(["-Cpanic=abort", "--cap-lints=allow"]).env("RUSTC_BOOTSTRAP", "1");
            build.arg(format!("--emit=obj={}", object.display()));
            tool::run(build.arg(sources.join(name).with_extension("rs")))?;
        }
    }
    Ok(folder)
}

/// A script that takes the compiler's arguments for a linker, and calls zig with those that it understands.
fn script(zig: &Path, target: &str, arguments: &str, language: Language) -> Result<PathBuf> {
    // zig brings the libraries of the C compiler and the C library, and links them by itself: on macOS all of them are one. It
    // takes a request to strip debug information for one to strip all names. The target has the processor and the version.
    // It adds checks to programs that are not optimised, which need a newer C library than Debian's. It has no option to
    // define a symbol, but takes a script of the linker that does so.
    const SCRIPT: &str = r#"#!/bin/sh
definitions=
for argument in "$@"; do
  shift
  case $argument in
    -Wl,--defsym=*) definitions="$definitions ${argument#-Wl,--defsym=};"; continue ;;
    -lgcc_eh | -lgcc_s) argument=-lunwind ;;
    -lgcc | -lc | -nodefaultlibs | -nostartfiles | -m32 | -m64) continue ;;
    -Wl,--no-undefined-version | -Wl,-O1 | -Wl,--strip-debug | -Wl,--strip-all) continue ;;
    -arch | arm64 | x86_64 | --target=* | -mmacosx-version-min=* | -lSystem | -liconv) continue ;;
    -static-pie) set -- "$@" -static; argument=-pie ;;
  esac
  set -- "$@" "$argument"
done
if [ -n "$definitions" ]; then
  script=$(mktemp --suffix=.ld)
  trap 'rm -f "$script"' EXIT
  echo "$definitions" | sed 's/=/ = /g' >"$script"
  set -- "$@" -T "$script"
fi
export ZIG_GLOBAL_CACHE_DIR='FOLDER/cache' ZIG_LOCAL_CACHE_DIR='FOLDER/cache'
'FOLDER/bin/python' -m ziglang LANGUAGE -g -fno-sanitize=undefined -Wl,--build-id=sha1 -target TARGET "$@" ARGUMENTS
"#;
    let language = match language {
        Language::C => "cc",
        Language::Cxx => "c++",
    };
    let name = format!("{language}-{target}{}.sh", arguments.replace(' ', ""));
    let path = zig.join(name);
    let text = SCRIPT.replace("FOLDER", &zig.display().to_string()).replace("TARGET", target);
    let text = text.replace("ARGUMENTS", arguments).replace("LANGUAGE", language);
    tool::write_script(&path, &text)?;
    Ok(path)
}
