//! Names the long conditions once: `cfi` where unwinding by DWARF call frame information is available, `cfi_bare` where it
//! is without an operating system. `models` is set by `cargo xtask models` alone,
//! `fuzzing` by cargo-fuzz.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(cfi, cfi_bare, fuzzing, models)");
    println!("cargo::rerun-if-changed=build.rs");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let arch = var("CARGO_CFG_TARGET_ARCH");
    let of = |archs: &[&str]| archs.contains(&arch.as_str());
    let (std, linux) = (var("CARGO_FEATURE_STD") == "1", var("CARGO_CFG_TARGET_OS") == "linux");
    if std && !linux {
        // The compiler would only list what is missing.
        println!(
            "cargo::error=the feature `std` supports Linux only: disable default features, and implement `Platform` for \
             this system"
        );
        return;
    }
    if std && linux && of(&["x86_64", "aarch64", "riscv64"]) {
        println!("cargo::rustc-cfg=cfi");
    }
    if !std && of(&["x86_64", "aarch64", "riscv32", "riscv64"]) {
        println!("cargo::rustc-cfg=cfi_bare");
    }
}
