//! Chooses what the target has, and makes `libmemtrack.so` a library that can be preloaded, without changing `libmemtrack.a`.
//!
//! Both are made of the same objects, but only the shared library may define `malloc`: in the static library it would
//! replace the C library's in every program. So the code has names of its own (`memtrack_preload_malloc`), and only the
//! linker of the shared library gives them their second names.

/// The C library's functions that the shared library replaces: those of `src/preload.rs`.
const NAMES: [&str; 15] = [
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "free",
    "free_sized",
    "free_aligned_sized",
    "posix_memalign",
    "aligned_alloc",
    "memalign",
    "valloc",
    "pvalloc",
    "malloc_usable_size",
    "_exit",
    "_Exit",
];

/// C++'s operators: those of `src/operators.rs`. `%` stands for the letter of `size_t`.
const OPERATORS: [&str; 20] = [
    "_Znw%",
    "_Znw%RKSt9nothrow_t",
    "_Znw%St11align_val_t",
    "_Znw%St11align_val_tRKSt9nothrow_t",
    "_Zna%",
    "_Zna%RKSt9nothrow_t",
    "_Zna%St11align_val_t",
    "_Zna%St11align_val_tRKSt9nothrow_t",
    "_ZdlPv",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdlPv%",
    "_ZdlPv%St11align_val_t",
    "_ZdaPv",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdaPvSt11align_val_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPv%",
    "_ZdaPv%St11align_val_t",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-check-cfg=cfg(hosted, library_blocks, aligned_blocks, preloading, interposing, ehabi)"
    );
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    // On bare-metal ARM the C code is unwound by ARM's own tables.
    if var("CARGO_FEATURE_STD") != "1" && var("CARGO_CFG_TARGET_ARCH") == "arm" {
        println!("cargo::rustc-cfg=ehabi");
    }
    match (var("CARGO_FEATURE_STD") == "1").then(|| var("CARGO_CFG_TARGET_OS")).as_deref() {
        Some("linux") => println!("cargo::rustc-cfg=library_blocks\ncargo::rustc-cfg=preloading"),
        Some("macos") => println!("cargo::rustc-cfg=library_blocks\ncargo::rustc-cfg=interposing"),
        Some("windows") => println!("cargo::rustc-cfg=aligned_blocks"),
        _ => return,
    }
    println!("cargo::rustc-cfg=hosted");
    // The default region of Rust programs has 40 MB, and nothing here uses it. Its name is exported, so the linker would keep
    // it unless the name is defined as something else.
    let without_region =
        |as_what| println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym=MEMTRACK_REGION={as_what}");
    if var("CARGO_CFG_TARGET_OS") == "windows" {
        if var("CARGO_CFG_TARGET_ENV") == "gnu" {
            // What a library of Windows exports is inside it.
            without_region("__ImageBase");
        }
        return;
    }
    if var("CARGO_CFG_TARGET_OS") == "macos" {
        // The name that programs record, instead of the path of the build. A section of the library replaces functions
        // (`src/interpose.rs`).
        println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libmemtrack.dylib");
        return;
    }
    // The name that programs record, instead of the path of the build.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmemtrack.so");
    // This symbol shows the code which of the two libraries it is part of.
    println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym=memtrack_is_shared=1");
    without_region("0");
    if var("CARGO_CFG_TARGET_ENV") == "gnu"
        && var("HOST") == var("TARGET")
        && let Some(unwinder) = static_unwinder()
    {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--whole-archive,{unwinder},--no-whole-archive");
    }
    // A plugin may bring it, but threads and the process end in its code. So it must stay loaded.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    let size_t = if var("CARGO_CFG_TARGET_POINTER_WIDTH") == "64" { "m" } else { "j" };
    let operators = OPERATORS.map(|name| name.replace('%', size_t));
    for name in NAMES.into_iter().chain(operators.iter().map(String::as_str)) {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym={name}=memtrack_preload_{name}");
    }
}

/// The path of the C compiler's library that unwinds Rust's panics. Inside the shared library, a program that is preloaded does not
/// have to load `libgcc_s.so` as well: that takes a tenth of the start of a short process. `None` where there is none.
fn static_unwinder() -> Option<String> {
    let said = std::process::Command::new("cc").arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let path = String::from_utf8(said.stdout).ok()?;
    // The compiler repeats the name of a file that it does not have.
    let path = path.trim();
    (said.status.success() && path.starts_with('/')).then(|| path.to_owned())
}
