//! Debian packages: installed where that is allowed, or unpacked below the target directory, where they change nothing of the
//! machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::suite::Missing;
use crate::{tool, workspace};

/// How the file of the C library's package begins. Programs use the machine's: the dynamic linker, which is the machine's, fits no
/// other.
const C_LIBRARY: &str = "libc6_";

/// The file with the names of the packages from which a folder was filled.
const CONTENT: &str = "packages.txt";

const INSTALL: [&str; 4] = ["install", "--yes", "--quiet", "--no-install-recommends"];

/// Whether packages may be installed: the machine has apt, and the user is root.
pub(crate) fn may_install() -> bool {
    let root = || tool::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim_ascii() == b"0");
    tool::which("apt-get").is_some() && root()
}

/// Installs packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    apt_get(|apt| apt.args(INSTALL).args(packages))
}

/// The folder `name` that has the files of packages and of all their dependencies, whatever the machine has. It is filled when it
/// is missing, or was filled from other packages. `otherwise` is what else would do.
///
/// # Errors
/// [`Missing`] where apt may not be used.
pub(crate) fn unpacked(name: &str, packages: &[&str], otherwise: &str) -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = workspace::root().join("target/sysroots").join(name);
    if !is_from(&folder, packages) {
        let needs =
            || Missing(format!("needs {otherwise}as root the Debian packages {}", packages.join(" ")));
        ensure!(may_install(), needs());
        let debs = folder.with_extension("debs");
        make_empty(&debs)?;
        fs::create_dir(debs.join("partial"))?;
        apt_get(|apt| download(apt, &debs, packages))?;
        unpack(&debs, packages, &folder)?;
        fs::remove_dir_all(&debs)?;
    }
    Ok(folder)
}

/// Whether a folder has been filled from these packages: a file in it says so.
fn is_from(folder: &Path, packages: &[&str]) -> bool {
    fs::read_to_string(folder.join(CONTENT)).is_ok_and(|content| content == packages.join(" "))
}

/// `LD_LIBRARY_PATH` for programs in an unpacked folder: where Debian's packages have their libraries.
pub(crate) fn library_path(folder: &Path) -> Result<OsString> {
    let mut libraries = Vec::new();
    for parent in ["lib", "usr/lib"] {
        let folders = fs::read_dir(folder.join(parent)).into_iter().flatten().flatten();
        let of_a_processor =
            folders.filter(|folder| folder.file_name().to_string_lossy().ends_with("-linux-gnu"));
        libraries.extend(of_a_processor.map(|folder| folder.path()));
    }
    env::join_paths(libraries).with_context(|| format!("no path may have a colon: {}", folder.display()))
}

/// Has apt download packages and all their dependencies into a folder.
fn download<'a>(apt: &'a mut Command, debs: &Path, packages: &[&str]) -> &'a mut Command {
    apt.args(INSTALL).arg("--download-only");
    apt.arg("-o").arg(format!("Dir::Cache::archives={}", debs.display()));
    // For a machine that has nothing. Programs find neither modules nor data of their own among the machine's files, and its
    // libraries may be of another version.
    apt.args(["-o", "Dir::State::status=/dev/null"]);
    apt.args(["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]).args(packages)
}

/// Unpacks the files of `packages` and of their dependencies into a folder.
fn unpack(debs: &Path, packages: &[&str], folder: &Path) -> Result<()> {
    let unfinished = folder.with_extension("unfinished");
    make_empty(&unfinished)?;
    for entry in fs::read_dir(debs)? {
        let deb = entry?.path();
        let name = deb.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".deb") && !name.starts_with(C_LIBRARY) {
            tool::run(Command::new("dpkg").arg("-x").arg(&deb).arg(&unfinished))?;
        }
    }
    fs::write(unfinished.join(CONTENT), packages.join(" "))?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(&unfinished, folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Makes a folder in the place of what a command has left that was ended.
fn make_empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

/// Whether this command has fetched the package lists. The lock is held while apt runs: apt does not run twice at a time.
static FETCHED: Mutex<bool> = Mutex::new(false);

/// Runs apt. A new machine or container has no package lists, or old ones that name a compiler which is too old.
fn apt_get(arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<()> {
    let mut fetched = FETCHED.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || {
        let mut apt = Command::new("apt-get");
        // Another program may be installing packages.
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=600"]);
        apt
    };
    if !*fetched {
        // Without a network the lists that the machine has must do.
        _ = tool::run(new().args(["update", "--quiet"]));
        *fetched = true;
    }
    tool::run(arguments(&mut new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The path of the file that a package has.
    fn file_of(package: &str) -> PathBuf {
        Path::new("usr/lib/x86_64-linux-gnu").join(package)
    }

    /// What a package says of itself.
    fn control(package: &str, depends: &str) -> String {
        format!(
            "Package: {package}\nVersion: 2\nArchitecture: all\nMaintainer: nobody\n\
             Depends: {depends}\nDescription: a test\n"
        )
    }

    /// Makes a package that has one file, and returns its part of the repository's index.
    fn make(package: &str, control: &str, folder: &Path) -> Result<String> {
        let content = folder.join(package);
        let file = content.join(file_of(package));
        fs::create_dir_all(content.join("DEBIAN"))?;
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(&file, package)?;
        fs::write(content.join("DEBIAN/control"), control)?;
        let deb = folder.join(format!("{package}.deb"));
        tool::output(
            Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&content).arg(&deb),
        )?;
        let hash = String::from_utf8(tool::output(Command::new("sha256sum").arg(&deb))?)?;
        let (hash, size) = (hash.split(' ').next().context("a hash")?, fs::metadata(&deb)?.len());
        Ok(format!("{control}Filename: ./{package}.deb\nSize: {size}\nSHA256: {hash}\n\n"))
    }

    #[test]
    fn what_the_machine_has_is_unpacked_too_but_for_the_c_library() -> Result<()> {
        if tool::which("apt-get").is_none() {
            // Nothing is unpacked on such a machine.
            return Ok(());
        }
        let machine = tempfile::tempdir()?;
        let at = |name: &str| machine.path().join(name);
        for folder in ["repository", "state", "cache/partial", "debs/partial"] {
            fs::create_dir_all(at(folder))?;
        }
        let (mut index, mut status) = (String::new(), String::new());
        let packages =
            [("program", "module, lib"), ("module", "lib, libc6"), ("lib", "libc6"), ("libc6", "")];
        for (package, depends) in packages {
            let control = control(package, depends).replace("Depends: \n", "");
            index += &make(package, &control, &at("repository"))?;
            if package != "program" {
                status += &format!("{control}Status: install ok installed\n\n");
            }
        }
        fs::write(at("repository/Packages"), index)?;
        fs::write(at("status"), status)?;
        let root = machine.path().display();
        fs::write(at("sources"), format!("deb [trusted=yes] copy:{root}/repository ./\n"))?;
        let configuration = format!(
            "Dir::Etc::sourcelist \"{root}/sources\"; Dir::Etc::sourceparts \"/dev/null\"; Dir::State \"{root}/state\";
             Dir::Cache \"{root}/cache\"; Dir::State::status \"{root}/status\"; Acquire::Languages \"none\";
             Debug::NoLocking \"1\"; APT::Sandbox::User \"root\";\n"
        );
        fs::write(at("configuration"), configuration)?;
        let apt = || {
            let mut apt = Command::new("apt-get");
            apt.env("APT_CONFIG", at("configuration"));
            apt
        };
        tool::output(apt().arg("update"))?;
        tool::output(download(&mut apt(), &at("debs"), &["program"]))?;
        fs::create_dir(at("unpacked"))?;
        assert!(!is_from(&at("unpacked"), &["program"]), "another version of this command has filled it");
        unpack(&at("debs"), &["program"], &at("unpacked"))?;
        assert!(is_from(&at("unpacked"), &["program"]) && !is_from(&at("unpacked"), &["program", "module"]));
        let unpacked = |package: &str| at("unpacked").join(file_of(package)).exists();
        assert_eq!(packages.map(|(package, _)| unpacked(package)), [true, true, true, false]);
        let libraries = library_path(&at("unpacked"))?;
        assert_eq!(libraries, at("unpacked/usr/lib/x86_64-linux-gnu"));
        Ok(())
    }
}
