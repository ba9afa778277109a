//! A library that contains memtrack stays loaded: the ends of threads, signals, forks and the process's exit run its code
//! after the program has closed the library.
//!
//! The library opens itself once more and asks the dynamic linker never to unload it. That happens in its constructor,
//! so inside of the `dlopen` that loads it, where the same thread may open libraries. An executable, and a library that
//! was linked with `-z nodelete`, stay anyway.

#[cfg(target_env = "gnu")]
pub(crate) use gnu::keep;

/// Other C libraries never unload.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn keep() {}

#[cfg(target_env = "gnu")]
mod gnu {
    use core::ffi::{c_char, c_int, c_void};
    use core::mem::MaybeUninit;

    /// An entry of a dynamic section.
    #[repr(C)]
    struct Dynamic {
        tag: usize,
        value: usize,
    }

    #[cfg(target_pointer_width = "64")]
    type Header = libc::Elf64_Phdr;
    #[cfg(not(target_pointer_width = "64"))]
    type Header = libc::Elf32_Phdr;

    const DT_NULL: usize = 0;
    const DT_FLAGS_1: usize = 0x6fff_fffb;
    const DF_1_NODELETE: usize = 8;

    #[repr(C)]
    struct Linked {
        dynamic: *const Dynamic,
        open: Option<unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void>,
        object_of: Option<unsafe extern "C" fn(*const c_void, *mut libc::Dl_info) -> c_int>,
    }

    // References that need not be met: a program that is linked statically has neither, and linkers warn of `dlopen` there.
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

    /// Keeps the object that contains this code loaded.
    pub(crate) fn keep() {
        // SAFETY: the words do not change once the program runs.
        let linked = unsafe { &LINKED };
        let (Some(open), Some(object_of)) = (linked.open, linked.object_of) else { return };
        if linked.dynamic.is_null() || linked.dynamic == of_the_program() || stays(linked.dynamic) {
            return;
        }
        let mut object = MaybeUninit::<libc::Dl_info>::uninit();
        // SAFETY: the address is of this object; the call fills the record in when it does not return 0, and the name in
        // it is a string for as long as the object is loaded.
        unsafe {
            if object_of(linked.dynamic.cast(), object.as_mut_ptr()) != 0 {
                let name = object.assume_init().dli_fname;
                open(name, libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
            }
        }
    }

    /// The program's dynamic section; null when it has none.
    fn of_the_program() -> *const Dynamic {
        // SAFETY: the system says where the program's headers lie, and they are mapped for as long as it runs.
        unsafe {
            let headers = libc::getauxval(libc::AT_PHDR) as *const Header;
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

    /// Whether the linker was told so when the object was made.
    fn stays(mut entry: *const Dynamic) -> bool {
        // SAFETY: the section ends with an entry of DT_NULL.
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
