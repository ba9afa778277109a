//! Names the long conditions once: `cfi` where unwinding by DWARF call frame information is available. `models` is
//! set by `cargo xtask models` alone.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(cfi, models)");
    println!("cargo::rerun-if-changed=build.rs");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let host = var("CARGO_FEATURE_STD") == "1" && var("CARGO_CFG_TARGET_OS") == "linux";
    let arch = var("CARGO_CFG_TARGET_ARCH");
    if host && ["x86_64", "aarch64", "riscv64"].contains(&arch.as_str()) {
        println!("cargo::rustc-cfg=cfi");
    }
}
