//! Compilers for targets without an operating system.
//!
//! Either the user's own toolchain has the target (`rustup target add …`), or Debian's compiler builds the target's
//! `core` from Debian's sources of the same version. This compiler is unpacked under `target/sysroots` and chosen by
//! `RUSTC` alone: the installed one stays as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{debian, tool, workspace};

/// Debian's compiler for targets that its other Rust packages lack, its lints, its libraries for build scripts, and the
/// sources of its standard library.
const PACKAGES: [&str; 4] = ["rustc-web", "rust-web-clippy", "libstd-rust-web-dev", "rust-web-src"];

/// A compiler that builds for a target.
pub(crate) enum Toolchain {
    /// The compiler that cargo takes by itself.
    Installed,
    /// Debian's, and its lints, through wrappers that find its shared libraries.
    Debian { rustc: PathBuf, clippy: PathBuf },
}

impl Toolchain {
    /// A compiler that has `target`.
    pub(crate) fn for_target(target: &str) -> Result<Self> {
        if is_installed(target) {
            return Ok(Toolchain::Installed);
        }
        let otherwise = format!("`rustup target add {target}`, or ");
        let prefix = debian::unpacked("rust", &PACKAGES, &otherwise)?;
        Ok(Toolchain::Debian {
            rustc: wrapper(&prefix, "rustc")?,
            clippy: wrapper(&prefix, "clippy-driver")?,
        })
    }

    /// Has a cargo command lint the crates of the workspace. The lints are those of the same version as the compiler.
    pub(crate) fn choose_lints(&self, cargo: &mut Command) {
        let clippy = match self {
            Toolchain::Installed => Path::new("clippy-driver"),
            Toolchain::Debian { clippy, .. } => clippy,
        };
        cargo.env("RUSTC_WORKSPACE_WRAPPER", clippy);
    }

    /// `cargo rustc` for `target` into a target directory of its own. From source it builds `core` only, not `alloc`.
    pub(crate) fn cargo_rustc(&self, target: &str) -> Command {
        let mut cargo = tool::cargo_command(&["rustc", "--target", target]);
        cargo.arg("--target-dir").arg(workspace::root().join("target/cross"));
        self.choose(&mut cargo, "core");
        cargo
    }

    /// Has a cargo command use this compiler, with `crates` of the standard library.
    pub(crate) fn choose(&self, cargo: &mut Command, crates: &str) {
        if let Toolchain::Debian { rustc, .. } = self {
            // RUSTC_BOOTSTRAP: building `core` is not a stable feature of cargo.
            cargo.arg(format!("-Zbuild-std={crates}")).env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
        }
    }

    /// Has a cargo command link programs for `target`: Debian's compiler lacks the linker that rustup's has.
    pub(crate) fn choose_linker(&self, cargo: &mut Command, target: &str) -> Result<()> {
        if let Toolchain::Debian { .. } = self {
            let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
            cargo.env(variable, rust_lld()?);
        }
        Ok(())
    }
}

/// The linker of rustup's toolchain.
pub(crate) fn rust_lld() -> Result<PathBuf> {
    Ok(PathBuf::from(printed("sysroot")?).join("lib/rustlib").join(host()?).join("bin/rust-lld"))
}

/// The target of this machine's own programs.
pub(crate) fn host() -> Result<String> {
    printed("host-tuple")
}

/// What rustup's compiler prints about itself.
fn printed(what: &str) -> Result<String> {
    let said = tool::output(Command::new("rustc").args(["--print", what]))?;
    Ok(String::from_utf8(said)?.trim().to_owned())
}

fn is_installed(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = tool::output(Command::new(rustc).args(["--print", "target-libdir", "--target", target]));
    let folder = libraries.ok().and_then(|folder| String::from_utf8(folder).ok());
    folder.and_then(|folder| fs::read_dir(folder.trim()).ok()).is_some_and(|mut files| files.next().is_some())
}

/// A script in place of a program. `LD_LIBRARY_PATH` must not reach cargo itself.
fn wrapper(prefix: &Path, program: &str) -> Result<PathBuf> {
    let script = prefix.join(program).with_extension("sh");
    let text = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n",
        debian::library_path(prefix)?.display(),
        prefix.join("usr/bin").join(program).display()
    );
    tool::write_script(&script, &text)?;
    Ok(script)
}
