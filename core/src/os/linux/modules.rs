//! Modules: the executables and libraries that are loaded, with their paths, segments and build ids.
//!
//! The kernel's list of mappings is the source. It is read without a lock, so modules can be listed in an event. The
//! dynamic linker's list serves where the kernel's cannot be read.

use super::super::unix::notes;
use super::elf::{self, Image, Loaded};
use super::maps::Memory;
use super::program;
use heapless::Vec;
use memtrack_format::{List, Module};

pub(crate) use super::super::unix::notes::MAX_BUILD_ID;
pub(crate) use super::elf::{MAX_SEGMENTS, PAGE, Read, read_mapped};
pub(crate) use super::maps::is_listed;
pub(crate) use super::stamp::stamped;

/// A function that is called for each module. The second argument reads the module's memory.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&Module<'_>, Read<'_>);

const MAX_PATH: usize = libc::PATH_MAX as usize;

/// Calls `each` for every loaded module, the executable first. A path or build id that is unknown is empty. Returns
/// false, without a call, when the modules cannot be listed without a lock. May change `errno`.
pub(crate) fn each(each: Each<'_>) -> bool {
    let mut path = Vec::<u8, MAX_PATH>::new();
    let headers = program::headers();
    let mut program_bias = None;
    // Whether the list has other images before the program's.
    let mut has_others_before = false;
    let is_listed = elf::each_mapped(&mut path, &mut |loaded| {
        if program_bias.is_none() && loaded.image.segment_of(headers.0).is_some() {
            program_bias = Some(loaded.image.bias);
        }
        match program_bias {
            Some(_) => describe(loaded, each),
            None => has_others_before = true,
        }
        true
    });
    if !is_listed {
        return false;
    }
    if program_bias.is_none() {
        // The executable's header is not mapped, or its mapping has no file: some programs move themselves into large
        // pages.
        let memory = Memory::open();
        let read: Read<'_> = &|address, buffer| memory.read(address, buffer);
        // Without it the list is another one: an emulator of a processor may show its own mappings instead of the program's.
        let Some(image) = Image::of_headers(None, headers.0, headers.1, read) else { return false };
        program::path(&mut path);
        describe(&Loaded { image: &image, path: &path, read }, each);
    }
    if has_others_before {
        elf::each_mapped(&mut path, &mut |loaded| {
            let is_before = program_bias != Some(loaded.image.bias);
            if is_before {
                describe(loaded, each);
            }
            is_before
        });
    }
    true
}

/// Does the same as `each` by the dynamic linker's list, whose lock it takes. Outside the hook, and only at the
/// program's start or where a library is unloaded.
pub(crate) fn each_linked(each: Each<'_>) {
    let (headers, _) = program::headers();
    elf::each_linked(&mut |loaded| {
        // glibc has no name for the executable, musl the one that it was started by, or a link.
        if loaded.path.is_empty() || loaded.image.segment_of(headers).is_some() {
            let mut path = Vec::<u8, MAX_PATH>::new();
            program::path(&mut path);
            describe(&Loaded { path: &path, ..*loaded }, each);
        } else {
            describe(loaded, each);
        }
    });
}

/// Calls `each` with a loaded image as a module.
fn describe(loaded: &Loaded<'_>, each: Each<'_>) {
    let Loaded { image, path, read } = *loaded;
    let build_id = notes::build_id(&image.notes, read);
    let segments = List::Items(&image.segments);
    each(&Module { path, build_id: &build_id, bias: image.bias, segments, ..Module::default() }, read);
}

/// A number that differs after a module was loaded or unloaded. `None` when the modules cannot be listed without a
/// lock. May change `errno`.
pub(crate) fn fingerprint() -> Option<u64> {
    let mut sum = 0u64;
    // One byte: paths are not needed.
    let is_listed = elf::each_mapped(&mut Vec::<u8, 1>::new(), &mut |loaded| {
        let Image { bias, unwind, .. } = loaded.image;
        for word in [*bias, *unwind as u64] {
            sum = (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        }
        true
    });
    is_listed.then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// For each module: its path, the length of its build id, and whether this code is in it.
    fn found(which: impl FnOnce(Each<'_>)) -> std::vec::Vec<(String, usize, bool)> {
        let mut found = std::vec::Vec::new();
        which(&mut |module, _| {
            let inside = module.segments.iter().any(|s| {
                let here = describe as *const () as u64;
                s.executable && here >= s.start && here - s.start < s.length
            });
            found.push((String::from_utf8_lossy(module.path).into_owned(), module.build_id.len(), inside));
        });
        found
    }

    #[test]
    fn this_program_comes_first_and_its_libraries_are_listed() {
        let program = std::env::current_exe().unwrap();
        for modules in [found(|to| assert!(each(to))), found(|to| each_linked(to))] {
            assert!(modules[0].2 && Path::new(&modules[0].0) == program, "{modules:?}");
            assert_eq!(modules.iter().filter(|(.., inside)| *inside).count(), 1, "{modules:?}");
            let libraries = ["libc.so", "ld-musl"];
            let is_library = |path: &str| libraries.iter().any(|name| path.contains(name));
            let found = modules
                .iter()
                .any(|(path, id, _)| is_library(path) && (*id == 20 || cfg!(target_env = "musl")));
            assert!(found || cfg!(target_feature = "crt-static"), "{modules:?}");
        }
    }

    #[test]
    fn both_lists_have_the_same_modules() {
        // SAFETY: the call only reads the auxiliary vector.
        let vdso = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) } as u64;
        let places = |modules: &mut dyn FnMut(Each<'_>)| {
            let mut places = std::vec::Vec::new();
            modules(&mut |module, _| {
                let segments: std::vec::Vec<_> =
                    module.segments.iter().map(|s| (s.start, s.length)).collect();
                // In a program that is linked statically musl does not list the kernel's code.
                if module.bias != vdso || cfg!(target_env = "gnu") {
                    places.push((module.bias, module.build_id.to_vec(), segments));
                }
            });
            places.sort();
            places
        };
        assert_eq!(places(&mut |to| assert!(each(to))), places(&mut |to| each_linked(to)));
        assert_eq!(fingerprint(), fingerprint());
    }

    #[test]
    fn a_file_that_is_only_mapped_to_be_read_is_no_module() {
        use std::os::fd::AsRawFd;
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        // SAFETY: a new mapping at a place of the system's choice, which is unmapped below.
        let mapped = unsafe {
            libc::mmap(
                core::ptr::null_mut(),
                1 << 20,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        assert_ne!(mapped, libc::MAP_FAILED);
        let mut biases = std::vec::Vec::new();
        each(&mut |module, _| biases.push(module.bias));
        assert!(!biases.contains(&(mapped as u64)));
        // SAFETY: the mapping is the one above.
        unsafe { libc::munmap(mapped, 1 << 20) };
    }

    #[test]
    fn a_file_that_is_only_mapped_to_be_read_has_no_code_of_others() {
        use crate::os::linux::elf::{Image, read_mapped};
        use std::os::fd::AsRawFd;
        const SPACE: usize = 256 << 20;
        let (none, fixed) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_FIXED);
        let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let mut is_listed = false;
        // SAFETY: the address space is new. All other mappings are in it, and it is unmapped below.
        unsafe {
            let space = libc::mmap(core::ptr::null_mut(), SPACE, none, anonymous, -1, 0);
            assert_ne!(space, libc::MAP_FAILED);
            let file = libc::mmap(space, PAGE, libc::PROT_READ, fixed, file.as_raw_fd(), 0);
            assert_eq!(file, space);
            let image = Image::at(space.addr(), &read_mapped).unwrap();
            let code = image.segments.iter().find(|segment| segment.executable).unwrap().start as usize;
            // The code of the kernel or of a compiler may be there by chance, but hardly where the file's begins.
            let code = space.with_addr((code & !(PAGE - 1)) + PAGE);
            let access = libc::PROT_READ | libc::PROT_EXEC;
            assert_eq!(libc::mmap(code, PAGE, access, fixed | libc::MAP_ANONYMOUS, -1, 0), code);
            each(&mut |module, _| is_listed |= module.bias == image.bias);
            libc::munmap(space, SPACE);
        }
        assert!(!is_listed);
    }
}
