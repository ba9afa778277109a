//! `record` on Linux: its names for a library that is loaded first, its signals, and the programs that load none.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use memtrack_host_tools::input;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader};

use super::unseen::in_search_path;

pub(super) const LIBRARY: &str = "libmemtrack.so";
/// The variable with the list of libraries.
pub(super) const VARIABLE: &str = "LD_PRELOAD";
/// Forwarded signals that other systems lack, beside the real-time signals that the C library leaves to programs.
pub(super) const OWN_SIGNALS: [libc::c_int; 1] = [libc::SIGPWR];
pub(super) const REAL_TIME: std::ops::RangeInclusive<libc::c_int> = 34..=64;

/// The error number of the running thread.
pub(super) fn errno() -> *mut libc::c_int {
    // SAFETY: the call only returns an address.
    unsafe { libc::__errno_location() }
}

/// Asks for the terminal, which nobody needs here.
pub(super) fn find_terminal() {}

/// Whether a signal comes from the kernel, as for a key on the terminal.
pub(super) fn is_of_terminal(_: libc::c_int, info: &libc::siginfo_t) -> bool {
    info.si_code > 0
}

/// The reason why a program is not run: none. A program that cannot be recorded still runs.
pub(super) fn why_refused(_: &OsStr) -> Option<String> {
    None
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_program_says_nothing() {
        assert!(!is_static(b"#!/bin/sh\n") && !is_static(b"") && !is_static(b"\x7fELF"));
        let this = std::env::current_exe().unwrap();
        assert_eq!(why_not_preloaded(this.as_os_str()), None, "a test is linked dynamically");
    }
}
