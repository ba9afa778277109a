//! The functions of macOS's C library that hand out blocks.
//!
//! A block lies in a *zone*, and a program may choose one. Since macOS 14 compilers call functions that also get a number for the
//! block's type, by which the library sorts blocks. All functions take blocks of each other, and `malloc_size` tells the size of
//! each.
//!
//! dyld replaces functions in all libraries but the one that brings the replacements. So a call from here arrives at the C library.

use crate::error_number::set_errno;
use core::ffi::{c_char, c_int, c_void};
use core::ptr::null_mut;

/// A zone, `malloc_zone_t`.
#[repr(C)]
pub(crate) struct Zone([u8; 0]);

/// The number of a type, `malloc_type_id_t`.
type Type = u64;

/// A way to the allocator: the zone and the type that a program gave.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// Null when the library chooses one.
    pub(crate) zone: *mut Zone,
    pub(crate) of: Option<Type>,
}

/// The functions of a way.
pub(super) type Functions = Way;

unsafe extern "C" {
    fn malloc_size(block: *const c_void) -> usize;
    fn malloc_zone_malloc(zone: *mut Zone, size: usize) -> *mut c_void;
    fn malloc_zone_calloc(zone: *mut Zone, count: usize, size: usize) -> *mut c_void;
    fn malloc_zone_realloc(zone: *mut Zone, block: *mut c_void, size: usize) -> *mut c_void;
    fn malloc_zone_memalign(zone: *mut Zone, align: usize, size: usize) -> *mut c_void;
    fn malloc_zone_free(zone: *mut Zone, block: *mut c_void);
}

/// The functions with a type, in the order of the table in `interpose.rs`; `None` before macOS 14.
#[repr(C)]
struct Typed {
    malloc: Option<unsafe extern "C" fn(usize, Type) -> *mut c_void>,
    calloc: Option<unsafe extern "C" fn(usize, usize, Type) -> *mut c_void>,
    realloc: Option<unsafe extern "C" fn(*mut c_void, usize, Type) -> *mut c_void>,
    posix_memalign: Option<unsafe extern "C" fn(*mut *mut c_void, usize, usize, Type) -> c_int>,
    free: Option<unsafe extern "C" fn(*mut c_void, Type)>,
    zone_malloc: Option<unsafe extern "C" fn(*mut Zone, usize, Type) -> *mut c_void>,
    zone_calloc: Option<unsafe extern "C" fn(*mut Zone, usize, usize, Type) -> *mut c_void>,
    zone_realloc: Option<unsafe extern "C" fn(*mut Zone, *mut c_void, usize, Type) -> *mut c_void>,
    zone_memalign: Option<unsafe extern "C" fn(*mut Zone, usize, usize, Type) -> *mut c_void>,
    zone_free: Option<unsafe extern "C" fn(*mut Zone, *mut c_void, Type)>,
}

// Weak references: older systems lack the functions. Stable Rust has such references only in assembly.
core::arch::global_asm!(
    ".section __DATA,__const",
    ".p2align 3",
    "_memtrack_typed:",
    ".irp name, malloc, calloc, realloc, posix_memalign, free, zone_malloc, zone_calloc, zone_realloc, zone_memalign, zone_free",
    ".weak_reference _malloc_type_\\name",
    ".quad _malloc_type_\\name",
    ".endr",
    ".globl _memtrack_typed",
    ".private_extern _memtrack_typed",
    ".text",
);

unsafe extern "C" {
    #[link_name = "memtrack_typed"]
    static TYPED: Typed;
}

/// The functions of a way.
#[inline]
pub(super) fn functions(way: &Way) -> Option<&Functions> {
    Some(way)
}

impl Way {
    /// By `malloc` and the functions beside it.
    pub(crate) const DEFAULT: Way = Way { zone: null_mut(), of: None };

    /// The number of the type and the functions with a type, when a program gave one and the system has them.
    fn typed(self) -> Option<(Type, &'static Typed)> {
        // SAFETY: dyld has filled the table in, and nobody changes it.
        self.of.map(|of| (of, unsafe { &TYPED }))
    }

    /// # Safety
    /// As for [`crate::source::Source::allocate`].
    #[inline]
    pub(super) unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void {
        if align != 0 {
            // SAFETY: the caller upholds it.
            return unsafe { self.aligned(align, size) };
        }
        let (zone, in_zone) = (self.zone, !self.zone.is_null());
        // SAFETY: functions of C with these arguments.
        unsafe {
            if let Some((of, typed)) = self.typed() {
                match (in_zone, zeroed, typed) {
                    (false, false, Typed { malloc: Some(malloc), .. }) => return malloc(size, of),
                    (false, true, Typed { calloc: Some(calloc), .. }) => return calloc(1, size, of),
                    (true, false, Typed { zone_malloc: Some(malloc), .. }) => return malloc(zone, size, of),
                    (true, true, Typed { zone_calloc: Some(calloc), .. }) => {
                        return calloc(zone, 1, size, of);
                    }
                    _ => {}
                }
            }
            match (in_zone, zeroed) {
                (false, false) => libc::malloc(size),
                (false, true) => libc::calloc(1, size),
                (true, false) => malloc_zone_malloc(zone, size),
                (true, true) => malloc_zone_calloc(zone, 1, size),
            }
        }
    }

    /// A block at a multiple of `align`. `aligned_alloc` would refuse the sizes that blocks with tails have.
    ///
    /// # Safety
    /// As for [`crate::source::Source::allocate`].
    unsafe fn aligned(self, align: usize, size: usize) -> *mut c_void {
        let align = align.max(size_of::<usize>()).checked_next_power_of_two().unwrap_or(0);
        let typed = self.typed();
        // SAFETY: functions of C with these arguments. The block's address is written when the code is 0.
        unsafe {
            if !self.zone.is_null() {
                return match typed {
                    Some((of, Typed { zone_memalign: Some(memalign), .. })) => {
                        memalign(self.zone, align, size, of)
                    }
                    _ => malloc_zone_memalign(self.zone, align, size),
                };
            }
            let mut block = null_mut();
            let code = match typed {
                Some((of, Typed { posix_memalign: Some(memalign), .. })) => {
                    memalign(&raw mut block, align, size, of)
                }
                _ => libc::posix_memalign(&raw mut block, align, size),
            };
            if code == 0 {
                return block;
            }
            set_errno(code);
            null_mut()
        }
    }

    /// # Safety
    /// `block` must be alive and this allocator's.
    pub(super) unsafe fn realloc(&self, block: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: the caller upholds it.
        unsafe {
            match (self.zone.is_null(), self.typed()) {
                (true, Some((of, Typed { realloc: Some(realloc), .. }))) => realloc(block, size, of),
                (true, _) => libc::realloc(block, size),
                (false, Some((of, Typed { zone_realloc: Some(realloc), .. }))) => {
                    realloc(self.zone, block, size, of)
                }
                (false, _) => malloc_zone_realloc(self.zone, block, size),
            }
        }
    }

    /// # Safety
    /// `block` must be alive and this allocator's.
    #[inline]
    pub(super) unsafe fn free(&self, block: *mut c_void) {
        // SAFETY: the caller upholds it.
        unsafe {
            match (self.zone.is_null(), self.typed()) {
                (true, Some((of, Typed { free: Some(free), .. }))) => free(block, of),
                (true, _) => libc::free(block),
                (false, Some((of, Typed { zone_free: Some(free), .. }))) => free(self.zone, block, of),
                (false, _) => malloc_zone_free(self.zone, block),
            }
        }
    }

    /// # Safety
    /// `block` must be alive and this allocator's.
    #[inline]
    pub(super) unsafe fn usable(&self, block: *mut c_void) -> usize {
        // SAFETY: the caller upholds it.
        unsafe { malloc_size(block) }
    }
}

/// The C library's list of environment variables; null before it is initialised.
pub(super) fn variables() -> *const *const c_char {
    // SAFETY: the call returns the address of the library's own pointer.
    unsafe { (*libc::_NSGetEnviron()).cast_const().cast() }
}
