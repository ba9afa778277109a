//! Reasons for a missing or incomplete dump: programs that load no library, and allocators that the library does not
//! see.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use memtrack_format::{LossCause, Module};
use memtrack_host_tools::clean::clean;
use memtrack_host_tools::reader::Dump;
use memtrack_host_tools::{input, loss, select};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Object, ObjectSymbol, elf};

/// The reason why nothing is preloaded into a program; `None` if its file shows none.
pub(super) fn why_not_preloaded(program: &OsStr) -> Option<&'static str> {
    /// Set-user-id and set-group-id.
    const RAISED: u32 = 0o6000;
    let path = in_search_path(program)?;
    let is_raised = fs::metadata(&path).ok()?.permissions().mode() & RAISED != 0;
    if is_raised {
        return Some(
            "it is set-uid or set-gid, and the system preloads nothing into such a program: record a copy without these rights",
        );
    }
    let input = input::open_regular(&path).ok()?;
    is_static(&input).then_some(
        "it is linked statically, and nothing can be preloaded into it: link libmemtrack.a into it (docs/c.md)",
    )
}

/// The file that runs. A name without a slash is searched for in PATH.
fn in_search_path(program: &OsStr) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether a file is a program without a dynamic linker.
fn is_static(bytes: &[u8]) -> bool {
    is_static_of::<elf::FileHeader64<object::Endianness>>(bytes)
        .or_else(|_| is_static_of::<elf::FileHeader32<object::Endianness>>(bytes))
        .unwrap_or(false)
}

fn is_static_of<H: FileHeader<Endian = object::Endianness>>(bytes: &[u8]) -> object::read::Result<bool> {
    let header = H::parse(bytes)?;
    let endian = header.endian()?;
    let headers = header.program_headers(endian, bytes)?;
    Ok(!headers.iter().any(|header| header.p_type(endian) == elf::PT_INTERP))
}

/// The allocators that were not tracked, in words.
pub(super) fn allocators(dump: &Path) -> Vec<String> {
    let Ok(input) = input::open(dump, None) else { return Vec::new() };
    let Ok(read) = Dump::open(dump, &input.bytes) else { return Vec::new() };
    let snapshot = read.snapshot(select::program(&read).index);
    let defines = |module: &&Module<'_>| defines_malloc(Path::new(OsStr::from_bytes(module.path)));
    let owner = || match snapshot.modules.iter().find(defines) {
        Some(module) => format!("malloc in {}", clean(&String::from_utf8_lossy(module.path))),
        None => "malloc in another object".into(),
    };
    let causes = snapshot.losses.iter().filter(|loss| loss.events > 0).map(|loss| loss.cause);
    let text = |cause| match cause {
        LossCause::OtherAllocator => Some(format!(
            "the program has an allocator of its own ({}): its blocks are not in the dump; {}",
            owner(),
            loss::remedy(cause, true)
        )),
        LossCause::NoUsableSize => Some(format!(
            "the allocator underneath ({}) lacks malloc_usable_size or another function of the family: its blocks are \
             not in the dump; {}",
            owner(),
            loss::remedy(cause, true)
        )),
        _ => None,
    };
    causes.filter_map(text).collect()
}

/// Whether an object defines a `malloc`, and is neither the C library nor memtrack.
fn defines_malloc(path: &Path) -> bool {
    const NOT: [&str; 4] = ["libc.so", "libc-", "ld-", "libmemtrack"];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if NOT.iter().any(|not| name.starts_with(not)) {
        return false;
    }
    let Ok(bytes) = input::open_regular(path) else { return false };
    let Ok(file) = object::File::parse(&*bytes) else { return false };
    file.dynamic_symbols().any(|symbol| symbol.is_definition() && symbol.name() == Ok("malloc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_program_says_nothing() {
        assert!(!is_static(b"#!/bin/sh\n") && !is_static(b"") && !is_static(b"\x7fELF"));
        let this = std::env::current_exe().unwrap();
        assert_eq!(why_not_preloaded(this.as_os_str()), None, "a test is linked dynamically");
        assert!(in_search_path(OsStr::new("sh")).is_some_and(|path| path.ends_with("sh")));
        assert_eq!(in_search_path(OsStr::new("no such program")), None);
    }
}
