//! A library that contains memtrack stays loaded.
//!
//! The problem: the C library calls memtrack at the end of a thread, at a signal, at a fork and at exit. After the
//! program has closed the library, that code is gone.
//!
//! The idea: the library opens itself once more, with the flag that forbids to unload it. It does so in its
//! constructor, inside the `dlopen` that loads it, where the thread may open libraries. An executable and a library
//! that is linked with `-z nodelete` are never unloaded anyway.

#[cfg(any(target_env = "gnu", target_os = "android"))]
pub(crate) use unloading::prevent_unloading;

/// Other C libraries never unload a library.
#[cfg(not(any(target_env = "gnu", target_os = "android")))]
pub(crate) fn prevent_unloading() {}

/// The C libraries that unload.
#[cfg(any(target_env = "gnu", target_os = "android"))]
mod unloading {
    use crate::os::linux::elf::ProgramHeader;
    use core::ffi::{c_char, c_int, c_void};
    use core::mem::MaybeUninit;

    /// An entry of a dynamic section.
    #[repr(C)]
    struct Dynamic {
        tag: usize,
        value: usize,
    }

    const DT_NULL: usize = 0;
    const DT_FLAGS_1: usize = 0x6fff_fffb;
    const DF_1_NODELETE: usize = 8;

    /// Words that the linkers fill in; 0 for a name that does not exist.
    #[repr(C)]
    struct Linked {
        dynamic: *const Dynamic,
        open: Option<unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void>,
        object_of: Option<unsafe extern "C" fn(*const c_void, *mut libc::Dl_info) -> c_int>,
    }

    // The references are weak: a program that is linked statically has none of the names, and there linkers warn of
    // `dlopen`.
    core::arch::global_asm!(
        ".pushsection .data.rel.ro.memtrack_resident,\"aw\"",
        ".balign 8",
        ".hidden memtrack_resident",
        ".globl memtrack_resident",
        "memtrack_resident:",
        ".weak _DYNAMIC",
        ".hidden _DYNAMIC",
        ".dc.a _DYNAMIC",
        ".weak dlopen",
        ".dc.a dlopen",
        ".weak dladdr",
        ".dc.a dladdr",
        ".popsection",
    );

    unsafe extern "C" {
        #[link_name = "memtrack_resident"]
        static LINKED: Linked;
    }

    /// Prevents that the object that contains this code is unloaded.
    pub(crate) fn prevent_unloading() {
        // SAFETY: the linkers fill in the words before the program runs.
        let linked = unsafe { &LINKED };
        let (Some(open), Some(object_of)) = (linked.open, linked.object_of) else { return };
        if linked.dynamic.is_null() || linked.dynamic == of_the_program() || is_nodelete(linked.dynamic) {
            return;
        }
        let mut object = MaybeUninit::<libc::Dl_info>::uninit();
        // SAFETY: the call has filled the record in when it does not return 0. The address is in this object, so the
        // name in the record is a C string as long as this code is loaded.
        unsafe {
            if object_of(linked.dynamic.cast(), object.as_mut_ptr()) != 0 {
                let name = object.assume_init().dli_fname;
                open(name, libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
            }
        }
    }

    /// The dynamic section of the executable; null when it has none.
    fn of_the_program() -> *const Dynamic {
        // SAFETY: the kernel says where the program headers are, and they stay mapped.
        unsafe {
            let headers = libc::getauxval(libc::AT_PHDR) as *const ProgramHeader;
            let count = libc::getauxval(libc::AT_PHNUM) as usize;
            if headers.is_null() {
                return core::ptr::null();
            }
            let headers = core::slice::from_raw_parts(headers, count);
            let of = |kind: u32| headers.iter().find(|header| header.p_type == kind);
            let (Some(own), Some(dynamic)) = (of(libc::PT_PHDR), of(libc::PT_DYNAMIC)) else {
                return core::ptr::null();
            };
            let start = headers.as_ptr().addr().wrapping_sub(own.p_vaddr as usize);
            core::ptr::with_exposed_provenance(start.wrapping_add(dynamic.p_vaddr as usize))
        }
    }

    /// Whether the object is linked with `-z nodelete`.
    fn is_nodelete(mut entry: *const Dynamic) -> bool {
        // SAFETY: the entry is in a dynamic section, which ends with an entry of DT_NULL.
        unsafe {
            while (*entry).tag != DT_NULL {
                if (*entry).tag == DT_FLAGS_1 {
                    return (*entry).value & DF_1_NODELETE != 0;
                }
                entry = entry.add(1);
            }
        }
        false
    }
}
