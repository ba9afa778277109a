//! Functions of the kernel's Mach interface. The libc crate does not declare them, or advises against its declarations.

use core::ffi::c_int;

/// The name of a port: of a task, a semaphore or another object of the kernel.
pub(super) type Port = u32;

/// The code of a call that succeeded.
pub(super) const SUCCESS: c_int = 0;

/// A time span.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Timespec {
    pub(super) seconds: u32,
    pub(super) nanoseconds: c_int,
}

/// `vm_region_basic_info_64`.
#[repr(C, packed(4))]
#[derive(Clone, Copy, Default)]
pub(super) struct Region {
    pub(super) protection: c_int,
    max_protection: c_int,
    inheritance: u32,
    shared: u32,
    reserved: u32,
    offset: u64,
    behaviour: c_int,
    wired: u16,
}

/// The flavour of [`Region`], and its size in words.
pub(super) const REGION: c_int = 9;
pub(super) const REGION_WORDS: u32 = (size_of::<Region>() / size_of::<c_int>()) as u32;
const _: () = assert!(REGION_WORDS == 9, "the system's record");

unsafe extern "C" {
    /// The port of this process. The C library sets it anew in a forked child.
    pub(super) static mach_task_self_: Port;

    pub(super) fn mach_vm_read_overwrite(
        task: Port,
        from: u64,
        length: u64,
        to: u64,
        copied: *mut u64,
    ) -> c_int;
    pub(super) fn mach_vm_remap(
        to_task: Port,
        to: *mut u64,
        length: u64,
        mask: u64,
        flags: c_int,
        from_task: Port,
        from: u64,
        copies: u32,
        protection: *mut c_int,
        most: *mut c_int,
        inheritance: u32,
    ) -> c_int;
    pub(super) fn mach_vm_region(
        task: Port,
        address: *mut u64,
        length: *mut u64,
        flavour: c_int,
        region: *mut Region,
        words: *mut u32,
        object: *mut Port,
    ) -> c_int;
    pub(super) fn semaphore_create(task: Port, semaphore: *mut Port, policy: c_int, value: c_int) -> c_int;
    pub(super) fn semaphore_signal(semaphore: Port) -> c_int;
    pub(super) fn semaphore_timedwait(semaphore: Port, time: Timespec) -> c_int;
}
