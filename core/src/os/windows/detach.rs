//! The ends of threads and of the process.
//!
//! The problem: destructors of thread-local variables free blocks at the end of their thread, and the end of a thread must be
//! reported after them. And a program may end by `ExitProcess`, as `std::process::exit` does, without the C library's exit
//! handlers.
//!
//! The idea: the system calls the functions in a list of the executable file when a thread or the process ends, as the last
//! code of the program. Rust's standard library runs its destructors in the same list. The linker sorts the list by the names
//! of sections, and the name of the tracker's is near the end.
//!
//! Wine, which runs programs of Windows on other systems, calls the list at the end of a thread, but not at the end of the
//! process. It does report the end of fiber-local values of the thread that ends the process. So there each thread has such
//! a value.

use super::errno::keep_errno;
use super::system::{
    DLL_PROCESS_DETACH, DLL_THREAD_DETACH, FLS_OUT_OF_INDEXES, FlsAlloc, FlsSetValue, GetModuleHandleA,
    GetProcAddress, RtlDllShutdownInProgress,
};
use super::{exit, thread_memory};
use crate::os::callbacks::callbacks;
use crate::sync::*;
use core::ffi::c_void;

#[cfg_attr(not(models), used, unsafe(link_section = ".CRT$XLY"))]
static CALLBACK: unsafe extern "system" fn(*mut c_void, u32, *mut c_void) = detach;

unsafe extern "C" {
    /// The record that makes the system read the list.
    #[link_name = "_tls_used"]
    static LIST: u8;
}

/// One more than the index of the fiber-local value; 0 where it is not needed.
static VALUE: AtomicU32 = AtomicU32::new(0);

/// Makes the linker keep the list, and the end of the process be reported. At the program's start.
pub(super) fn begin() {
    // SAFETY: the C library's start-up code defines the record. The names end with a NUL. The function has the right
    // signature, and its code stays loaded.
    unsafe {
        (&raw const LIST).read_volatile();
        let system = GetModuleHandleA(c"ntdll.dll".as_ptr());
        let is_wine = !GetProcAddress(system, c"wine_get_version".as_ptr()).is_null();
        if is_wine && VALUE.load(Acquire) == 0 {
            let index = FlsAlloc(value_ends);
            VALUE.store(if index == FLS_OUT_OF_INDEXES { 0 } else { index + 1 }, Release);
        }
    }
    watch();
}

/// Gives the running thread the value whose end is reported, where it is needed.
pub(super) fn watch() {
    if let Some(index) = VALUE.load(Acquire).checked_sub(1) {
        // SAFETY: the index exists. Any value that is not null is reported, and none is used.
        keep_errno(|| unsafe { FlsSetValue(index, (&raw const VALUE).cast()) });
    }
}

/// The running thread ends, or it ends the process.
unsafe extern "system" fn value_ends(_: *mut c_void) {
    // SAFETY: the call only returns a number.
    if unsafe { RtlDllShutdownInProgress() } != 0 {
        exit::at_end();
    }
}

unsafe extern "system" fn detach(_: *mut c_void, reason: u32, process_ends: *mut c_void) {
    match reason {
        DLL_THREAD_DETACH if thread_memory::is_there() => {
            if let Some(callbacks) = callbacks() {
                (callbacks.thread_ended)();
            }
            thread_memory::release();
        }
        // Null says that a library is unloaded, and the process goes on.
        DLL_PROCESS_DETACH if !process_ends.is_null() => exit::at_end(),
        _ => {}
    }
}
