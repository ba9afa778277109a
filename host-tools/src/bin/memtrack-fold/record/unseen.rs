//! Reasons for an incomplete dump: allocators that the library does not see.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use memtrack_format::{LossCause, Module};
use memtrack_host_tools::clean::clean;
use memtrack_host_tools::reader::Dump;
use memtrack_host_tools::{input, loss, select};
use object::{Object, ObjectSymbol};

/// The file that runs. A name without a slash is searched for in PATH.
pub(super) fn in_search_path(program: &OsStr) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
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
    fn a_program_is_searched_for_as_a_shell_does() {
        assert!(in_search_path(OsStr::new("sh")).is_some_and(|path| path.ends_with("sh")));
        assert_eq!(in_search_path(OsStr::new("no such program")), None);
    }
}
