//! The processor and the operating system that the tracker is compiled for.

use memtrack_format::{Arch, Os};

pub(crate) const ARCH: Arch = if cfg!(target_arch = "x86_64") {
    Arch::X86_64
} else if cfg!(target_arch = "aarch64") {
    Arch::Aarch64
} else if cfg!(all(target_arch = "arm", target_os = "none")) {
    Arch::Thumb
} else if cfg!(target_arch = "arm") {
    Arch::Arm
} else if cfg!(target_arch = "riscv32") {
    Arch::Riscv32
} else if cfg!(target_arch = "riscv64") {
    Arch::Riscv64
} else if cfg!(target_arch = "s390x") {
    Arch::S390x
} else if cfg!(target_arch = "wasm32") {
    Arch::Wasm32
} else if cfg!(target_arch = "x86") {
    Arch::X86
} else {
    Arch::Other
};

// Without `std` nothing of an operating system is used, whatever the target is called.
pub(crate) const OS: Os = if cfg!(any(target_os = "none", not(feature = "std"))) {
    Os::None
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    Os::Linux
} else if cfg!(target_os = "macos") {
    Os::Macos
} else if cfg!(target_os = "windows") {
    Os::Windows
} else {
    Os::Other
};
