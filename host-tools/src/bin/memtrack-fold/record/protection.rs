//! The programs into which macOS loads no library that a variable names.
//!
//! - Those of the system: macOS protects its own folders.
//! - Those that a set-user-id or set-group-id bit gives rights.
//! - Those whose signature asks for the *hardened runtime*, unless it also permits such variables and foreign libraries.
//! - Those with a segment of the name `__RESTRICT`.
//! - Scripts whose interpreter is such a program: it starts without the variables, and its children too.

use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use memtrack_host_tools::input;
use object::read::macho::{FatArch, LoadCommandVariant, MachHeader, MachOFatFile32, MachOFatFile64};
use object::{Endianness, ReadRef, macho};

/// Why a program loads nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Protection {
    System,
    Rights,
    Hardened,
    Restricted,
    /// A script, with its interpreter's protection.
    Interpreter(PathBuf, Box<Protection>),
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protection::System => f.write_str(
                "it belongs to macOS, which loads no other library into its own programs: use one from elsewhere",
            ),
            Protection::Rights => f.write_str(
                "it is set-uid or set-gid, and macOS loads no other library into such a program: record a copy without these rights",
            ),
            Protection::Hardened => f.write_str(
                "it is signed for the hardened runtime, which loads no other library: record a copy that you have signed anew \
                 (codesign --force --sign - COPY), or sign it with the entitlements \
                 com.apple.security.cs.allow-dyld-environment-variables and com.apple.security.cs.disable-library-validation",
            ),
            Protection::Restricted => f.write_str(
                "it has a segment __RESTRICT, by which macOS loads no other library: link it without one",
            ),
            Protection::Interpreter(path, protection) => {
                write!(f, "it is a script for {}, which cannot be recorded: {protection}", path.display())
            }
        }
    }
}

/// The protection of a program; `None` if it has none, or is none.
pub(super) fn of_program(path: &Path) -> Option<Protection> {
    let path = fs::canonicalize(path).ok()?;
    if is_of_system(&path) {
        return Some(Protection::System);
    }
    /// Set-user-id and set-group-id.
    const RAISED: u32 = 0o6000;
    if fs::metadata(&path).ok()?.permissions().mode() & RAISED != 0 {
        return Some(Protection::Rights);
    }
    if let Some(interpreter) = interpreter(&path) {
        let protection = of_program(&interpreter)?;
        return Some(Protection::Interpreter(interpreter, Box::new(protection)));
    }
    of_file(&input::open_regular(&path).ok()?)
}

/// Whether a file is in a folder that macOS protects.
fn is_of_system(path: &Path) -> bool {
    const FOLDERS: [&str; 5] = ["/bin", "/sbin", "/usr", "/System", "/Library/Apple"];
    const FREE: &str = "/usr/local";
    FOLDERS.iter().any(|folder| path.starts_with(folder)) && !path.starts_with(FREE)
}

/// The program that runs a script; `None` for another file.
fn interpreter(path: &Path) -> Option<PathBuf> {
    /// The length of a first line that the system reads.
    const LINE: u64 = 512;
    let mut line = Vec::new();
    fs::File::open(path).ok()?.take(LINE).read_to_end(&mut line).ok()?;
    let line = line.strip_prefix(b"#!")?;
    let line = line.split(|&byte| byte == b'\n').next()?;
    let word = line.split(|&byte| byte == b' ' || byte == b'\t').find(|word| !word.is_empty())?;
    Some(std::ffi::OsStr::from_bytes(word).into())
}

/// The protection that a program's file asks for. Of a file for several processors any part can run.
fn of_file(bytes: &[u8]) -> Option<Protection> {
    match object::FileKind::parse(bytes).ok()? {
        object::FileKind::MachO64 => of_part::<macho::MachHeader64<Endianness>>(bytes),
        object::FileKind::MachO32 => of_part::<macho::MachHeader32<Endianness>>(bytes),
        object::FileKind::MachOFat32 => of_parts(MachOFatFile32::parse(bytes).ok()?.arches(), bytes),
        object::FileKind::MachOFat64 => of_parts(MachOFatFile64::parse(bytes).ok()?.arches(), bytes),
        _ => None,
    }
}

fn of_parts<A: FatArch>(parts: &[A], bytes: &[u8]) -> Option<Protection> {
    parts.iter().find_map(|part| of_file(part.data(bytes).ok()?))
}

fn of_part<H: MachHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Protection> {
    let header = H::parse(bytes, 0).ok()?;
    let endian = header.endian().ok()?;
    let mut commands = header.load_commands(endian, bytes, 0).ok()?;
    while let Ok(Some(command)) = commands.next() {
        let is_restricted = |name: &[u8; 16]| name.starts_with(b"__RESTRICT\0");
        match command.variant().ok()? {
            LoadCommandVariant::Segment32(segment, _) if is_restricted(&segment.segname) => {
                return Some(Protection::Restricted);
            }
            LoadCommandVariant::Segment64(segment, _) if is_restricted(&segment.segname) => {
                return Some(Protection::Restricted);
            }
            LoadCommandVariant::LinkeditData(data) if command.cmd() == macho::LC_CODE_SIGNATURE => {
                let (at, length) = (data.dataoff.get(endian), data.datasize.get(endian));
                let signature = bytes.read_bytes_at(u64::from(at), u64::from(length)).ok()?;
                if is_hardened(signature).unwrap_or(false) {
                    return Some(Protection::Hardened);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether a signature makes the system refuse variables or foreign libraries; `None` for a damaged one. Numbers are big-endian:
/// blobs, each with a magic number and its length, of which one lists the others (xnu, `osfmk/kern/cs_blobs.h`).
fn is_hardened(signature: &[u8]) -> Option<bool> {
    const LIST: u32 = 0xfade_0cc0;
    const CODE_DIRECTORY: u32 = 0xfade_0c02;
    const ENTITLEMENTS: u32 = 0xfade_7171;
    /// Flags of a code directory: the program loads no libraries of others, and obeys no variables.
    const RESTRICT: u32 = 0x800;
    const LIBRARY_VALIDATION: u32 = 0x2000;
    const RUNTIME: u32 = 0x1_0000;
    /// What an entitlement has to permit under the hardened runtime.
    const PERMITS: [&[u8]; 2] = [
        b"<key>com.apple.security.cs.allow-dyld-environment-variables</key>",
        b"<key>com.apple.security.cs.disable-library-validation</key>",
    ];
    let number = |bytes: &[u8], at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    if number(signature, 0)? != LIST {
        return None;
    }
    let (mut flags, mut permits) = (0, false);
    for entry in 0..number(signature, 8)? as usize {
        let blob = signature.get(number(signature, 12 + 8 * entry + 4)? as usize..)?;
        match number(blob, 0)? {
            CODE_DIRECTORY => flags |= number(blob, 12)?,
            ENTITLEMENTS => {
                let text = blob.get(8..number(blob, 4)? as usize)?;
                permits = PERMITS.iter().all(|key| is_true(text, key));
            }
            _ => {}
        }
    }
    Some(flags & (RESTRICT | LIBRARY_VALIDATION) != 0 || flags & RUNTIME != 0 && !permits)
}

/// Whether a key of a property list is followed by the value `true`.
fn is_true(text: &[u8], key: &[u8]) -> bool {
    let behind = text.windows(key.len()).position(|window| window == key).map(|at| &text[at + key.len()..]);
    behind.is_some_and(|behind| behind.trim_ascii_start().starts_with(b"<true/>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_system_are_known_by_their_folder() {
        for path in ["/bin/ls", "/usr/bin/python3", "/usr/libexec/x", "/System/Library/x", "/sbin/mount"] {
            assert!(is_of_system(Path::new(path)), "{path}");
        }
        for path in
            ["/usr/local/bin/python3", "/opt/homebrew/bin/python3", "/opt/local/bin/ls", "/binaries/x"]
        {
            assert!(!is_of_system(Path::new(path)), "{path}");
        }
    }

    /// A signature with these flags and entitlements.
    fn signature(flags: u32, entitlements: Option<&str>) -> Vec<u8> {
        let blob = |magic: u32, content: &[u8]| {
            let length = (8 + content.len()) as u32;
            [&magic.to_be_bytes()[..], &length.to_be_bytes(), content].concat()
        };
        // The version, the flags, and what else a code directory has.
        let directory = [&0x20400u32.to_be_bytes()[..], &flags.to_be_bytes(), &[0; 40]].concat();
        let mut blobs = vec![(0u32, blob(0xfade_0c02, &directory))];
        if let Some(text) = entitlements {
            blobs.push((5, blob(0xfade_7171, text.as_bytes())));
        }
        let mut at = 12 + 8 * blobs.len() as u32;
        let mut list = (blobs.len() as u32).to_be_bytes().to_vec();
        for (kind, blob) in &blobs {
            list.extend_from_slice(&kind.to_be_bytes());
            list.extend_from_slice(&at.to_be_bytes());
            at += blob.len() as u32;
        }
        blobs.iter().for_each(|(_, blob)| list.extend_from_slice(blob));
        blob(0xfade_0cc0, &list)
    }

    #[test]
    fn a_signature_says_whether_the_runtime_is_hardened() {
        let key =
            |name: &str, value: &str| format!("<key>com.apple.security.cs.{name}</key>\n\t<{value}/>\n");
        let [variables, libraries] = ["allow-dyld-environment-variables", "disable-library-validation"];
        let both = key(variables, "true") + &key(libraries, "true");
        let one = key(variables, "true") + &key(libraries, "false");
        // Signed by the linker alone, and for debugging.
        for flags in [0, 0x2, 0x2_0002, 0x4] {
            assert_eq!(is_hardened(&signature(flags, None)), Some(false), "{flags:#x}");
        }
        assert_eq!(is_hardened(&signature(0x1_0000, None)), Some(true));
        assert_eq!(is_hardened(&signature(0x1_0002, Some(&one))), Some(true));
        assert_eq!(is_hardened(&signature(0x1_0000, Some(&both))), Some(false));
        assert_eq!(is_hardened(&signature(0x2000, Some(&both))), Some(true));
        assert_eq!(is_hardened(&signature(0x800, None)), Some(true));
        // A damaged one decides nothing.
        let whole = signature(0x1_0000, Some(&one));
        for length in 0..whole.len() {
            let part = is_hardened(&whole[..length]);
            assert!(part != Some(false), "{length}: {part:?}");
        }
    }

    /// A file of 64 bits with the names of segments and a signature at its end.
    fn file(segments: &[&str], signature: &[u8]) -> Vec<u8> {
        let mut commands = Vec::new();
        for name in segments {
            let mut segment = [0; 72];
            segment[..4].copy_from_slice(&0x19u32.to_le_bytes());
            segment[4..8].copy_from_slice(&72u32.to_le_bytes());
            segment[8..8 + name.len()].copy_from_slice(name.as_bytes());
            commands.extend_from_slice(&segment);
        }
        let at = (32 + commands.len() + 16) as u32;
        for word in [0x1d, 16, at, signature.len() as u32] {
            commands.extend_from_slice(&word.to_le_bytes());
        }
        let header = [0xfeed_facf, 0x0100_000c, 0, 2, segments.len() as u32 + 1, commands.len() as u32, 0, 0];
        let header: Vec<u8> = header.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
        [&header[..], &commands, signature].concat()
    }

    /// A file for one processor or several.
    fn fat(parts: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = [0xcafe_babe, parts.len() as u32]
            .iter()
            .flat_map(|word: &u32| word.to_be_bytes())
            .collect::<Vec<_>>();
        let mut at = 8 + 20 * parts.len() as u32;
        for part in parts {
            for word in [0x0100_000c, 0, at, part.len() as u32, 0] {
                bytes.extend_from_slice(&word.to_be_bytes());
            }
            at += part.len() as u32;
        }
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes
    }

    #[test]
    fn the_protection_of_a_file_is_found_in_each_of_its_parts() {
        let plain = file(&["__TEXT", "__DATA"], &signature(2, None));
        let hardened = file(&["__TEXT"], &signature(0x1_0000, None));
        let restricted = file(&["__TEXT", "__RESTRICT"], &signature(2, None));
        assert_eq!(of_file(&plain), None);
        assert_eq!(of_file(&hardened), Some(Protection::Hardened));
        assert_eq!(of_file(&restricted), Some(Protection::Restricted));
        assert_eq!(of_file(&fat(&[plain.clone(), plain.clone()])), None);
        assert_eq!(of_file(&fat(&[plain, hardened])), Some(Protection::Hardened));
        for other in [&b"#!/bin/sh\n"[..], b"", b"\x7fELF", &file(&[], b"")] {
            assert_eq!(of_file(other), None);
        }
    }

    #[test]
    fn a_program_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let hardened = write("hardened", &file(&["__TEXT"], &signature(0x1_0000, None)));
        let plain = write("plain", &file(&["__TEXT"], &signature(2, None)));
        let script = |name: &str, of: &Path| write(name, format!("#! {} -x\n", of.display()).as_bytes());
        let of_plain = script("of-plain", &plain);
        let of_hardened = script("of-hardened", &hardened);
        let of_system = write("of-system", b"#!/bin/sh\nls\n");
        assert_eq!(of_program(&plain).or(of_program(&of_plain)), None);
        let text =
            |path: &Path| of_program(path).map(|protection| protection.to_string()).unwrap_or_default();
        assert!(text(&hardened).starts_with("it is signed for the hardened runtime"));
        let begin =
            format!("it is a script for {}, which cannot be recorded: it is signed", hardened.display());
        assert!(text(&of_hardened).starts_with(&begin), "{}", text(&of_hardened));
        assert!(text(&of_system).contains("/bin/sh, which cannot be recorded: it belongs to macOS"));
        fs::set_permissions(&plain, fs::Permissions::from_mode(0o4755)).unwrap();
        assert!(text(&plain).starts_with("it is set-uid"));
        // A link to a program is that program.
        std::os::unix::fs::symlink("/bin/ls", folder.path().join("link")).unwrap();
        assert_eq!(of_program(&folder.path().join("link")), Some(Protection::System));
        assert_eq!(of_program(&folder.path().join("nothing")), None);
    }
}
