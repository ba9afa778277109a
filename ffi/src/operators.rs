//! C++'s `operator new` and `operator delete` in the shared library, for allocators that bring their own.
//!
//! The C++ library's operators call `malloc` and `free`, which this library replaces. Those of jemalloc, tcmalloc and
//! mimalloc call their allocator directly. So if the next operator is in the same object as the next `malloc`, the operator
//! here allocates by that `malloc` and counts the block. The `free` of such an allocator also takes blocks of its `operator
//! new`. In all other cases the operator here calls the next operator: either that one calls `malloc`, or its blocks belong
//! to an allocator that is not tracked.
//!
//! A program that defines the operators itself never calls these.

use crate::library::{Way, first, is_beside_next, next_after};
use crate::mode::source;
use crate::preload::stands_in_for_malloc;
use crate::source::Source;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{
    AtomicPtr, AtomicU8,
    Ordering::{Acquire, Relaxed, Release},
};

const UNDECIDED: u8 = 0;
const HAND_ON: u8 = 1;
const OWN: u8 = 2;

/// The next operator of one name in the dynamic linker's order.
struct Operator {
    /// Ends in NUL.
    name: &'static str,
    state: AtomicU8,
    next: AtomicPtr<c_void>,
}

impl Operator {
    const fn new(name: &'static str) -> Self {
        Operator { name, state: AtomicU8::new(UNDECIDED), next: AtomicPtr::new(null_mut()) }
    }

    fn name(&self) -> &CStr {
        CStr::from_bytes_until_nul(self.name.as_bytes()).unwrap_or(c"")
    }

    /// Whether blocks come from the next `malloc` and are counted here.
    #[inline(always)]
    fn is_own(&self) -> bool {
        let state = self.state.load(Acquire);
        (if state == UNDECIDED { self.decide() } else { state }) == OWN
    }

    #[cold]
    #[inline(never)]
    fn decide(&self) -> u8 {
        let next = next_after(self.name());
        // During the search every block is an early block.
        let Some(is_beside) = is_beside_next(next) else { return OWN };
        // A program in C may load C++ libraries later. The search from here does not cover their scope, and finds nothing.
        let is_own = stands_in_for_malloc() && (next.is_null() || is_beside);
        let state = if is_own { OWN } else { HAND_ON };
        self.next.store(next, Relaxed);
        self.state.store(state, Release);
        state
    }

    /// The next operator. If there was none, the operator of a C++ library that was loaded since; null if there is none.
    #[inline(always)]
    fn next(&self) -> *mut c_void {
        let next = self.next.load(Relaxed);
        if next.is_null() { self.of_the_loaded_library() } else { next }
    }

    #[cold]
    #[inline(never)]
    fn of_the_loaded_library(&self) -> *mut c_void {
        type Open = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
        // Looked up by name, because linkers warn about a reference to it in statically linked programs.
        let open = first(c"dlopen");
        if open.is_null() {
            return null_mut();
        }
        let find = |library: &CStr| {
            // SAFETY: this is the C library's function of that name, and the names are strings. The call does not load a
            // library that is not loaded yet.
            unsafe {
                let open = core::mem::transmute::<*mut c_void, Open>(open);
                let library = open(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
                (!library.is_null()).then(|| libc::dlsym(library, self.name().as_ptr()))
            }
        };
        let mut found = [c"libstdc++.so.6", c"libc++.so.1", c"libc++abi.so.1"].into_iter().filter_map(find);
        found.find(|operator| !operator.is_null()).unwrap_or(null_mut())
    }
}

/// Decides about all operators at the program's start, because later the dynamic linker may be busy on another thread.
pub(crate) fn decide() {
    for operator in &OPERATORS {
        operator.is_own();
    }
}

/// The letter of `size_t` in mangled names.
#[cfg(target_pointer_width = "64")]
macro_rules! size_t {
    () => {
        "m"
    };
}
#[cfg(not(target_pointer_width = "64"))]
macro_rules! size_t {
    () => {
        "j"
    };
}

/// Entry points, with names as in [`crate::preload`]. `$own` is the operator's own work. If it reaches its end, there is no
/// memory; then the next operator runs the new-handler, and throws or returns null.
macro_rules! operators {
    ($($function:ident $name:expr, ($($argument:ident: $kind:ty),*) $(-> $result:ty, $nothing:expr)? => $own:block)*) => { $(
        #[doc = concat!("`_", $name, "`")]
        #[unsafe(export_name = concat!("memtrack_preload__", $name))]
        pub unsafe extern "C-unwind" fn $function($($argument: $kind),*) $(-> $result)? {
            type Next = unsafe extern "C-unwind" fn($($kind),*) $(-> $result)?;
            let operator = &OPERATORS[Place::$function as usize];
            if operator.is_own() {
                $own
            }
            let next = operator.next();
            if next.is_null() {
                return $($nothing)?;
            }
            // SAFETY: an operator of this name has this signature, and the caller upholds its requirements.
            unsafe { core::mem::transmute::<*mut c_void, Next>(next)($($argument),*) }
        }

        const _: () = {
            #[unsafe(export_name = concat!("[_]", $name))]
            static NAME: u8 = 0;
        };
    )*

        /// The index of an operator in the list of all operators.
        #[allow(non_camel_case_types, reason = "they are called as the functions are")]
        #[derive(Clone, Copy)]
        enum Place { $($function),* }

        static OPERATORS: [Operator; [$(Place::$function),*].len()] =
            [$(Operator::new(concat!("_", $name, "\0"))),*];
    };
}

/// Returns a new block from the operator, if there is one.
macro_rules! give {
    ($call:ident($($argument:expr),*)) => {{
        let block = source!(Way::DEFAULT, $call($($argument),*));
        if !block.is_null() {
            return block;
        }
    }};
}

operators! {
    new concat!("Znw", size_t!(), ""),
        (size: usize) -> *mut c_void, null_mut() => { give!(malloc(size)) }
    new_nothrow concat!("Znw", size_t!(), "RKSt9nothrow_t"),
        (size: usize, nothrow: *const c_void) -> *mut c_void, null_mut() => { give!(malloc(size)) }
    new_aligned concat!("Znw", size_t!(), "St11align_val_t"),
        (size: usize, align: usize) -> *mut c_void, null_mut() => { give!(memalign(align, size)) }
    new_aligned_nothrow concat!("Znw", size_t!(), "St11align_val_tRKSt9nothrow_t"),
        (size: usize, align: usize, nothrow: *const c_void) -> *mut c_void, null_mut() => { give!(memalign(align, size)) }
    new_array concat!("Zna", size_t!(), ""),
        (size: usize) -> *mut c_void, null_mut() => { give!(malloc(size)) }
    new_array_nothrow concat!("Zna", size_t!(), "RKSt9nothrow_t"),
        (size: usize, nothrow: *const c_void) -> *mut c_void, null_mut() => { give!(malloc(size)) }
    new_array_aligned concat!("Zna", size_t!(), "St11align_val_t"),
        (size: usize, align: usize) -> *mut c_void, null_mut() => { give!(memalign(align, size)) }
    new_array_aligned_nothrow concat!("Zna", size_t!(), "St11align_val_tRKSt9nothrow_t"),
        (size: usize, align: usize, nothrow: *const c_void) -> *mut c_void, null_mut() => { give!(memalign(align, size)) }
    delete "ZdlPv",
        (block: *mut c_void) => { return source!(Way::DEFAULT, free(block)) }
    delete_nothrow "ZdlPvRKSt9nothrow_t",
        (block: *mut c_void, nothrow: *const c_void) => { return source!(Way::DEFAULT, free(block)) }
    delete_aligned "ZdlPvSt11align_val_t",
        (block: *mut c_void, align: usize) => { return source!(Way::DEFAULT, free(block)) }
    delete_aligned_nothrow "ZdlPvSt11align_val_tRKSt9nothrow_t",
        (block: *mut c_void, align: usize, nothrow: *const c_void) => { return source!(Way::DEFAULT, free(block)) }
    delete_sized concat!("ZdlPv", size_t!(), ""),
        (block: *mut c_void, size: usize) => { return source!(Way::DEFAULT, free(block)) }
    delete_sized_aligned concat!("ZdlPv", size_t!(), "St11align_val_t"),
        (block: *mut c_void, size: usize, align: usize) => { return source!(Way::DEFAULT, free(block)) }
    delete_array "ZdaPv",
        (block: *mut c_void) => { return source!(Way::DEFAULT, free(block)) }
    delete_array_nothrow "ZdaPvRKSt9nothrow_t",
        (block: *mut c_void, nothrow: *const c_void) => { return source!(Way::DEFAULT, free(block)) }
    delete_array_aligned "ZdaPvSt11align_val_t",
        (block: *mut c_void, align: usize) => { return source!(Way::DEFAULT, free(block)) }
    delete_array_aligned_nothrow "ZdaPvSt11align_val_tRKSt9nothrow_t",
        (block: *mut c_void, align: usize, nothrow: *const c_void) => { return source!(Way::DEFAULT, free(block)) }
    delete_array_sized concat!("ZdaPv", size_t!(), ""),
        (block: *mut c_void, size: usize) => { return source!(Way::DEFAULT, free(block)) }
    delete_array_sized_aligned concat!("ZdaPv", size_t!(), "St11align_val_t"),
        (block: *mut c_void, size: usize, align: usize) => { return source!(Way::DEFAULT, free(block)) }
}
