//! Recognizes frames that say nothing about the program: those of the tracker and of allocator entry points.

/// The owner of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The program and its libraries.
    #[default]
    Program,
    /// The tracker, an allocator shim or an entry point of the malloc family.
    Allocator,
    /// Code of `core`. Between allocator frames, it may have been inlined into them, and is hidden with them.
    Glue,
}

/// Prefixes of Rust's allocator functions.
const PATHS: [&str; 16] = [
    "memtrack::",
    "<memtrack::",
    "memtrack_ffi::",
    "<memtrack_ffi::",
    "memtrack_preload_",
    "alloc::alloc::",
    "<alloc::alloc::",
    "std::alloc::",
    "<std::alloc::",
    "std::sys::alloc::",
    "core::alloc::global::",
    "<core::alloc::global::",
    "__rustc::__r",
    "__rust_",
    "__rg_",
    "__rdl_",
];

/// Prefixes of C's allocation functions: those of the C library, of `-Wl,--wrap`, of the tracker's C
/// interface, and of its preloaded library. A name may also have no prefix.
const PREFIXES: [&str; 6] = ["__libc_", "__wrap_", "__real_", "__GI_", "__GI___libc_", "memtrack_"];

/// The allocation functions of C.
const FAMILY: [&str; 12] = [
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "aligned_alloc",
    "memalign",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "on_alloc",
    "on_realloc",
    "heap_on_alloc",
];

/// The origin of a function, by its readable name.
#[must_use]
pub fn origin(name: &str) -> Origin {
    let path = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    // Names from program databases have no arguments.
    let is_new =
        path(&["operator new(", "operator new[]("]) || ["operator new", "operator new[]"].contains(&name);
    if path(&PATHS) || is_new || is_malloc(name) {
        Origin::Allocator
    } else if path(&["core::", "<core::"]) {
        Origin::Glue
    } else {
        Origin::Program
    }
}

fn is_malloc(name: &str) -> bool {
    // `malloc@plt`, `malloc@@GLIBC_2.2.5`
    let name = name.split('@').next().unwrap_or(name);
    FAMILY.contains(&name)
        || PREFIXES.iter().filter_map(|prefix| name.strip_prefix(prefix)).any(|rest| FAMILY.contains(&rest))
}

/// The number of a stack's innermost frames to hide: the run of allocator frames with the glue between them.
/// At least one frame stays.
#[must_use]
pub fn hidden(innermost_first: impl Iterator<Item = Origin>) -> usize {
    let mut length = 0;
    let mut hidden = 0;
    let mut in_run = true;
    for (i, origin) in innermost_first.enumerate() {
        length = i + 1;
        in_run &= origin != Origin::Program;
        if !in_run {
            break;
        }
        if origin == Origin::Allocator {
            hidden = i + 1;
        }
    }
    hidden.min(length.max(1) - 1)
}

#[cfg(test)]
mod tests {
    use super::Origin::{Allocator, Glue, Program};
    use super::{hidden, origin};

    #[test]
    fn the_name_decides_the_origin() {
        for name in [
            "memtrack::tracker::record",
            "<memtrack::Tracker<std::alloc::System> as core::alloc::global::GlobalAlloc>::alloc",
            "memtrack_malloc",
            "memtrack_preload_calloc",
            "__rust_alloc",
            "__rust_realloc",
            "__rustc::__rust_alloc_zeroed",
            "__rg_alloc",
            "alloc::alloc::alloc",
            "alloc::alloc::exchange_malloc",
            "<alloc::alloc::Global as core::alloc::Allocator>::allocate",
            "<alloc::alloc::Global>::alloc_impl",
            "core::alloc::global::GlobalAlloc::alloc_zeroed",
            "malloc",
            "__libc_calloc",
            "__wrap_malloc",
            "malloc@plt",
            "operator new(unsigned long)",
            "operator new[](unsigned long, std::align_val_t)",
            "operator new[]",
        ] {
            assert_eq!(origin(name), Allocator, "{name}");
        }
        for name in [
            "memtrack_demo::main",
            "alloc::raw_vec::RawVecInner<A>::try_allocate_in",
            "alloc::vec::Vec<T>::with_capacity",
            "my_malloc",
            "memtrack_free_list",
            "operator new_thing",
            "std::rt::lang_start",
            "app+0x1234",
        ] {
            assert_eq!(origin(name), Program, "{name}");
        }
        assert_eq!(origin("core::ptr::read"), Glue);
    }

    #[test]
    fn the_innermost_run_is_hidden() {
        let run = |origins: &[super::Origin]| hidden(origins.iter().copied());
        assert_eq!(run(&[Allocator, Glue, Allocator, Program, Allocator]), 3);
        assert_eq!(run(&[Allocator, Allocator, Glue, Program]), 2);
        assert_eq!(run(&[Program, Allocator]), 0);
        assert_eq!(run(&[Glue, Program]), 0);
    }

    #[test]
    fn the_outermost_allocator_frame_stays() {
        let run = |origins: &[super::Origin]| hidden(origins.iter().copied());
        assert_eq!(run(&[Allocator, Allocator]), 1);
        assert_eq!(run(&[Allocator]), 0);
        assert_eq!(run(&[]), 0);
    }
}
