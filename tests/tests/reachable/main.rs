//! The hook, a forked child, a thread's end and a dump never call a function that may wait for a lock of other code,
//! or allocate. The proof is the machine code of the library: it shows what each function refers to. The hook's own
//! files cannot panic.
//!
//! Planted bug: with a `getenv` in `modules` in `core/src/session/generations.rs`, a dump reaches it.

mod graph;

use std::fs;

use graph::{Graph, Reached};
use memtrack_tests::c::{self, Link};
use memtrack_tests::program;

/// Functions that other code calls: the allocator's functions, the functions that the C library calls at a fork, at
/// the end of a thread and of the program, and the signal handler.
const ENTRIES: [&str; 7] = [
    "memtrack_on_",
    "memtrack_preload_",
    "2os4unix10thread_end5ended",
    "2os4unix7signals7handler",
    "2os4unix5fault7handler",
    "2os4unix4exit7handler",
    "7session9lifecycle9CALLBACKS",
];

/// Functions of the C library that neither lock nor allocate.
const HARMLESS: &[&str] = &[
    // They compute, or read values that the kernel passed to the program.
    "bcmp",
    "environ",
    "getauxval",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "sigaddset",
    "sigdelset",
    "sigemptyset",
    "sigfillset",
    "sigismember",
    "strlen",
    "sysconf",
    // They read or write the thread's own words.
    "__errno_location",
    "__tls_get_addr",
    "pthread_getspecific",
    "pthread_self",
    "pthread_setspecific",
    // One system call each, or none. The library replaces some of them, and passes its own calls on.
    "clock_gettime",
    "close",
    "fallocate",
    "fchmod",
    "fcntl",
    "fdatasync",
    "flock",
    "fstat",
    "fsync",
    "ftruncate",
    "futimens",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrlimit",
    "gettid",
    "getuid",
    "kill",
    "lseek",
    "lstat",
    "madvise",
    "mincore",
    "mmap",
    "mprotect",
    "mremap",
    "msync",
    "munmap",
    "nanosleep",
    "open",
    "openat",
    "poll",
    "posix_fallocate",
    "prctl",
    "pread",
    "process_vm_readv",
    "pthread_sigmask",
    "pwrite",
    "raise",
    "read",
    "readlink",
    "rename",
    "sched_yield",
    "sigaction",
    "sigpending",
    "sigprocmask",
    "sigtimedwait",
    "stat",
    "syscall",
    "unlink",
    "write",
    // Lock-free, from glibc 2.35 on.
    "_dl_find_object",
    // Only at the first event. They change words of the C library by atomic operations.
    "pthread_key_create",
    "pthread_key_delete",
];

/// Callers that may refer to further functions, and the reason.
const EXCEPTIONS: [(&str, &[&str], &str); 4] = [
    (
        "7library4next",
        &[
            "malloc",
            "calloc",
            "realloc",
            "free",
            "memalign",
            "malloc_usable_size",
            "dlsym",
            "dl_iterate_phdr",
        ],
        "the next allocator, and the look-up of it, once: at the process's first allocation",
    ),
    (
        "memtrack_linked",
        &[
            "__real_malloc",
            "__real_calloc",
            "__real_realloc",
            "__real_free",
            "__real_memalign",
            "__real_malloc_usable_size",
            "memtrack_is_shared",
            "malloc_trim",
        ],
        "words that the linker fills with the next allocator",
    ),
    (
        "9operators",
        &["dlsym", "dl_iterate_phdr"],
        "the look-up of a linked allocator's operators, once: at the first call of one",
    ),
    ("7session11environment", &["getenv"], "copies the environment, once, before the program changes it"),
];

/// Continues a panic. It is called after the destructors of a frame.
const UNWINDING: &str = "_Unwind_Resume";

/// Modules whose machine code has no panic: those that run at nearly every event, and those that an event may have to
/// call. Other modules still have some, mostly for indices that are in bounds, which the compiler does not see.
const WITHOUT_PANIC: &[&str] = &[
    "8memtrack4hook5alloc",
    "8memtrack4hook4free",
    "8memtrack4hook7realloc",
    "8memtrack4hook6attend",
    "8memtrack4hook10fast_guard",
    "8memtrack4hook5guard",
    "8memtrack7tracker5token",
    "8memtrack6unwind3cfi5entry",
    "8memtrack6unwind5rules",
    "8memtrack6unwind3cfi4Memo",
    "8memtrack6unwind11stack_cache",
    "8memtrack2os5linux4maps",
    "8memtrack2os5linux3elf",
    "8memtrack7session11generations",
    "8memtrack2os5linux7modules",
    "8memtrack2os4unix5notes",
    "8memtrack2os5linux13unwind_tables",
    "8memtrack2os5linux7program",
];

/// Functions that abort when a panic would leave a function that must not unwind.
const GUARDS: [&str; 2] = ["panic_cannot_unwind", "panic_in_cleanup"];

fn is_panic(name: &str) -> bool {
    const PANICS: [&str; 8] = [
        "9panicking",
        "unwrap_failed",
        "expect_failed",
        "index_fail",
        "slice_error_fail",
        "mismatch_fail",
        "handle_alloc_error",
        "rust_begin_unwind",
    ];
    PANICS.iter().any(|panic| name.contains(panic))
}

fn library() -> Graph {
    Graph::of_archive(&fs::read(c::libraries().join("libmemtrack.a")).expect("the library"))
}

fn is_entry(name: &str) -> bool {
    ENTRIES.iter().any(|entry| name.contains(entry))
}

/// The functions of the C library are not followed, nor the continuation of a panic.
fn is_end(name: &str) -> bool {
    is_panic(name) || name == UNWINDING || HARMLESS.contains(&name)
}

fn is_allowed(reached: &Reached) -> bool {
    HARMLESS.contains(&reached.name.as_str())
        || reached.name == UNWINDING
        || EXCEPTIONS.iter().any(|(owner, names, _)| {
            // Code that the compiler moved out of a function is called by that function.
            let is_owner = reached.chain.iter().take(2).any(|name| name.contains(owner));
            is_owner && names.contains(&reached.name.as_str())
        })
}

fn told(found: &[&Reached]) -> String {
    found
        .iter()
        .map(|reached| format!("{}\n    by {}\n", reached.name, reached.chain.join("\n    by ")))
        .collect()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "needs optimised code")]
fn nothing_is_called_that_may_wait_or_allocate() {
    let reached = library().reached(is_entry, is_end);
    let forbidden: Vec<&Reached> =
        reached.iter().filter(|reached| !is_panic(&reached.name) && !is_allowed(reached)).collect();
    assert!(forbidden.is_empty(), "{}", told(&forbidden));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "needs optimised code")]
fn the_hook_and_the_lists_of_modules_have_no_panic() {
    let reached = library().reached(is_entry, is_end);
    let found: Vec<&Reached> = reached
        .iter()
        .filter(|reached| is_panic(&reached.name) && !GUARDS.iter().any(|guard| reached.name.contains(guard)))
        .filter(|reached| WITHOUT_PANIC.iter().any(|place| reached.chain[0].contains(place)))
        .collect();
    assert!(found.is_empty(), "{}", told(&found));
    // Panics in other modules are found.
    assert!(
        reached
            .iter()
            .any(|reached| is_panic(&reached.name) && reached.chain[0].contains("15memtrack_format"))
    );
}

/// A list that names functions of the past proves nothing of today's.
#[test]
#[cfg_attr(debug_assertions, ignore = "it is about optimised code")]
fn the_lists_name_code_that_is_there() {
    let library = library();
    let places = WITHOUT_PANIC.iter().chain(&ENTRIES);
    let stale: Vec<_> = places.filter(|place| !library.names().any(|name| name.contains(**place))).collect();
    assert!(stale.is_empty(), "{stale:?}");
}

#[test]
fn calls_through_tables_of_functions_are_found() {
    let object = program::folder("reachable").join("reaching.o");
    let flags = ["-c", "-O1", "-ffunction-sections", "-fdata-sections"];
    c::build("gcc", &flags, &c::source("reaching.c"), Link::None, &object);
    let bytes = fs::read(object).expect("the object file");
    let graph = Graph::of_objects([bytes.as_slice()].into_iter());
    let chains = |root: &str| -> Vec<Vec<String>> {
        let reached = graph.reached(|name| name == root, |_| false);
        reached.into_iter().filter(|reached| reached.name == "dlsym").map(|reached| reached.chain).collect()
    };
    assert_eq!(chains("direct"), [["find", "direct"]]);
    assert_eq!(chains("indirect"), [["find", "finds", "indirect"]]);
    assert_eq!(chains("neither"), [[""; 0]; 0]);
}
