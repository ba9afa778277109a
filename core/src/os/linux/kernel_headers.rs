//! The names of the kernel's headers: those of the libc crate, and those that it does not declare for Android.

pub(crate) use libc::*;

// By name: if the crate declares one some day, this one counts.
#[cfg(all(target_os = "android", target_arch = "aarch64"))]
pub(crate) use of_aarch64::{SYS_fstat, SYS_ftruncate, SYS_newfstatat};
#[cfg(target_os = "android")]
pub(crate) use of_android::{
    ELFCLASS32, ELFCLASS64, FUTEX_BITSET_MATCH_ANY, MAP_FIXED_NOREPLACE, MREMAP_FIXED, MREMAP_MAYMOVE, PF_X,
    mremap,
};

#[cfg(target_os = "android")]
mod of_android {
    use core::ffi::{c_int, c_void};

    // linux/elf.h
    pub(crate) const ELFCLASS32: u8 = 1;
    pub(crate) const ELFCLASS64: u8 = 2;
    pub(crate) const PF_X: u32 = 1;
    // linux/futex.h
    pub(crate) const FUTEX_BITSET_MATCH_ANY: c_int = !0;
    // linux/mman.h
    pub(crate) const MREMAP_MAYMOVE: c_int = 1;
    pub(crate) const MREMAP_FIXED: c_int = 2;
    // asm-generic/mman-common.h, as on all processors of Android
    pub(crate) const MAP_FIXED_NOREPLACE: c_int = 0x10_0000;

    // sys/mman.h of the C library
    unsafe extern "C" {
        pub(crate) fn mremap(
            from: *mut c_void,
            from_size: usize,
            size: usize,
            flags: c_int,
            ...
        ) -> *mut c_void;
    }
}

/// asm-generic/unistd.h
#[cfg(all(target_os = "android", target_arch = "aarch64"))]
#[expect(non_upper_case_globals, reason = "the names of the header")]
mod of_aarch64 {
    use core::ffi::c_long;

    pub(crate) const SYS_ftruncate: c_long = 46;
    pub(crate) const SYS_newfstatat: c_long = 79;
    pub(crate) const SYS_fstat: c_long = 80;
}
