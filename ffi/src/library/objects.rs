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

/// Whether two functions are in one object, the program or a library. `dladdr` would look for the names of both, in all symbols of
/// their objects, which takes longer than a short program runs.
pub(super) fn are_of_one_object(one: *mut c_void, other: *mut c_void) -> bool {
    struct Search {
        addresses: [usize; 2],
        is_one: bool,
    }
    unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> libc::c_int {
        // SAFETY: the dynamic linker passes an object, whose program headers are mapped, and the pointer that it got.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
        // SAFETY: as above.
        let headers = unsafe { core::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let has = |address: usize| {
            let offset = address.wrapping_sub(info.dlpi_addr as usize);
            headers.iter().any(|header| {
                header.p_type == libc::PT_LOAD
                    && offset.wrapping_sub(header.p_vaddr as usize) < header.p_memsz as usize
            })
        };
        let [one, other] = search.addresses.map(has);
        search.is_one = one && other;
        (one || other).into()
    }
    let mut search = Search { addresses: [one.addr(), other.addr()], is_one: false };
    if search.addresses.contains(&0) {
        return false;
    }
    // SAFETY: the function takes what the dynamic linker passes, and a pointer to a search.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.is_one
}
