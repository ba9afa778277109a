//! Functions by name, and the objects that they are in.

use core::ffi::{CStr, c_void};
use core::mem::MaybeUninit;

/// The next function of that name in the dynamic linker's order; null if there is none.
pub(crate) fn next_after(name: &CStr) -> *mut c_void {
    // SAFETY: the name is a string. The call may allocate; it then gets early blocks.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
}

/// The function of that name that the program and its libraries call; null if there is none.
pub(crate) fn first(name: &CStr) -> *mut c_void {
    // SAFETY: the name is a string.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// Whether the program and its libraries call another function of that name than `own`.
pub(crate) fn is_another(name: &CStr, own: *const c_void) -> bool {
    let address = first(name);
    !address.is_null() && !core::ptr::eq(address, own) && !is_entry_of_program(address)
}

/// Whether an address is only an entry of the program's procedure linkage table. A program that is linked to a fixed address
/// and takes the address of a function that it does not define gets the address of that entry. Only the GNU C library tells
/// which addresses are.
fn is_entry_of_program(address: *mut c_void) -> bool {
    #[cfg(target_pointer_width = "64")]
    type Symbol = libc::Elf64_Sym;
    #[cfg(not(target_pointer_width = "64"))]
    type Symbol = libc::Elf32_Sym;
    type Describe = unsafe extern "C" fn(
        *const c_void,
        *mut libc::Dl_info,
        *mut *const Symbol,
        libc::c_int,
    ) -> libc::c_int;
    const SYMBOL: libc::c_int = 1;
    let describe = first(c"dladdr1");
    if describe.is_null() {
        return false;
    }
    let (mut info, mut symbol) = (MaybeUninit::<libc::Dl_info>::uninit(), core::ptr::null());
    // SAFETY: the GNU C library's function of that name writes to both. The symbol belongs to an object that is loaded.
    unsafe {
        let describe = core::mem::transmute::<*mut c_void, Describe>(describe);
        let found = describe(address, info.as_mut_ptr(), &raw mut symbol, SYMBOL) != 0;
        found && !symbol.is_null() && (*symbol).st_shndx == 0
    }
}

/// Whether two functions are in one object, the program or a library.
pub(super) fn are_of_one_object(one: *mut c_void, other: *mut c_void) -> bool {
    let object = |address: *mut c_void| {
        let mut info = MaybeUninit::<libc::Dl_info>::uninit();
        // SAFETY: the call fills in the record if it does not return 0.
        (!address.is_null() && unsafe { libc::dladdr(address, info.as_mut_ptr()) } != 0)
            // SAFETY: as above.
            .then(|| unsafe { info.assume_init() }.dli_fbase)
    };
    object(one).is_some_and(|base| object(other) == Some(base))
}
