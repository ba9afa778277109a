//! Names the conditions that depend on a system, so that code outside of `src/os` names none:
//!
//! - `cfi`: unwinding by the unwind tables of an operating system;
//! - `cfi_bare`: the same without an operating system;
//! - `compact`, `pdata`, `ehabi`: these tables are those of macOS, of Windows, of ARM;
//! - `large_pages`: pages of the system have 16 KiB;
//! - `macos_tested`: the processor is one of macOS, so that unit tests run what is for macOS alone;
//! - `undescribed_libc`: the C library has no unwind tables for its own code;
//! - `interposing`: functions of the C library are replaced;
//! - `unseen_unloading`: nobody reports that a library is unloaded, and the tables of modules come from a list;
//! - `file_backed`: a file can replace memory in use;
//! - `recorded_from_start`: a file cannot replace memory in use, so a recording begins before the tables are used;
//! - `models` and `fuzzing`: set by `cargo xtask models` and by cargo-fuzz alone.

fn main() {
    println!(
        "cargo::rustc-check-cfg=cfg(cfi, cfi_bare, compact, pdata, ehabi, undescribed_libc, interposing, unseen_unloading, file_backed, recorded_from_start, large_pages, macos_tested, fuzzing, models)"
    );
    println!("cargo::rerun-if-changed=build.rs");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let arch = var("CARGO_CFG_TARGET_ARCH");
    let of = |archs: &[&str]| archs.contains(&arch.as_str());
    let (std, os) = (var("CARGO_FEATURE_STD") == "1", var("CARGO_CFG_TARGET_OS"));
    let is_wide = of(&["x86_64", "aarch64"]);
    let linux = os == "linux" || os == "android" && is_wide;
    let freebsd = os == "freebsd" && is_wide;
    let (windows, macos) = (os == "windows" && is_wide, os == "macos" && is_wide);
    // Of WASI the first preview, without threads: a target with threads has atomics.
    let has_threads = var("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "atomics");
    let wasi = os == "wasi" && var("CARGO_CFG_TARGET_ENV") == "p1" && !has_threads;
    if std && !linux && !windows && !macos && !freebsd && !wasi {
        // The compiler would only list what is missing.
        println!(
            "cargo::error=the feature `std` supports Linux, 64-bit Android, FreeBSD and Windows, macOS and WASI (wasm32-wasip1): disable default \
             features, and implement `Platform` for this system"
        );
        return;
    }
    if var("CARGO_FEATURE_MINI_BACKTRACE") == "1" && os == "macos" {
        println!(
            "cargo::error=the unwinder `MiniBacktrace` finds its tables by a linker script, which the linker of macOS does not take: \
             use `FramePointer` or `Cfi`"
        );
        return;
    }
    if std && linux && of(&["x86_64", "x86", "aarch64", "arm", "riscv64"]) {
        println!("cargo::rustc-cfg=cfi");
    }
    if std && linux && arch == "arm" {
        println!("cargo::rustc-cfg=ehabi");
    }
    if std && (linux || macos) {
        println!("cargo::rustc-cfg=file_backed");
    }
    if std && macos && arch == "aarch64" {
        println!("cargo::rustc-cfg=large_pages");
    }
    if std && macos {
        println!("cargo::rustc-cfg=compact");
    }
    if std && (linux || macos) && is_wide {
        println!("cargo::rustc-cfg=macos_tested");
    }
    if std && windows && arch == "x86_64" {
        println!("cargo::rustc-cfg=pdata");
    }
    if std && windows {
        println!("cargo::rustc-cfg=recorded_from_start");
    }
    if std && (macos || windows && arch == "x86_64") {
        println!("cargo::rustc-cfg=cfi");
    }
    let library = var("CARGO_CFG_TARGET_ENV");
    if std && linux && library == "musl" {
        println!("cargo::rustc-cfg=undescribed_libc");
    }
    let is_known_library = ["gnu", "musl"].contains(&library.as_str());
    if std && linux && is_known_library && of(&["x86_64", "x86", "aarch64", "arm", "riscv64"]) {
        println!("cargo::rustc-cfg=interposing");
    } else if std && linux {
        println!("cargo::rustc-cfg=unseen_unloading");
    }
    if !std && of(&["x86_64", "aarch64", "riscv32", "riscv64"]) {
        println!("cargo::rustc-cfg=cfi_bare");
    }
}
