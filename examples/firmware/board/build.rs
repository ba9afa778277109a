//! Copies the target's linker script to the place where the linker looks for `board.ld`.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let target = env::var("TARGET").unwrap_or_default();
    let script = match target.split('-').next() {
        Some("x86_64") => "x86_64.ld",
        Some("thumbv7em") => "mps2_an386.ld",
        Some("thumbv6m") => "microbit.ld",
        Some("riscv32imac") => "riscv_virt.ld",
        Some("aarch64") => "aarch64_virt.ld",
        _ => panic!("no board for {target}: give one of the targets in .cargo/config.toml with --target"),
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for file in [script, "cortex_m.ld"] {
        println!("cargo::rerun-if-changed=ld/{file}");
    }
    fs::copy(format!("ld/{script}"), out.join("board.ld")).expect("the linker script can be copied");
    fs::copy("ld/cortex_m.ld", out.join("cortex_m.ld")).expect("the linker script can be copied");
    println!("cargo::rustc-link-search={}", out.display());
}
