//! Libraries that are loaded in turn and unloaded again. Each calls back COUNT times, and each call keeps a block of 100 bytes.
//! Prints the places of the functions.

use std::ffi::{CString, c_void};
use std::mem::transmute;
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

use crate::HEAP;
use crate::system::{FreeLibrary, GetProcAddress, LoadLibraryW};

/// A function of a library: it calls `then` with `with`.
type Call = unsafe extern "C" fn(then: unsafe extern "C" fn(*mut c_void), with: *mut c_void);

/// The blocks, which are alive in the dump.
static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

unsafe extern "C" fn keep(_: *mut c_void) {
    let block = {
        let _tag = HEAP.tag("work");
        Vec::with_capacity(std::hint::black_box(100))
    };
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(block);
}

/// Loads a library, calls its function and unloads it. Returns the function's address.
fn call(file: &str, function: &str, count: usize) -> Option<usize> {
    let path: Vec<u16> = file.encode_utf16().chain([0]).collect();
    let name = CString::new(function).ok()?;
    // SAFETY: path and name end with a NUL. The function has this type, and is not used after its library is unloaded.
    unsafe {
        let library = LoadLibraryW(path.as_ptr());
        if library.is_null() {
            return None;
        }
        let address = GetProcAddress(library, name.as_ptr());
        if address.is_null() {
            return None;
        }
        let call = transmute::<*const c_void, Call>(address);
        (0..count).for_each(|_| call(keep, null_mut()));
        (FreeLibrary(library) != 0).then(|| address.expose_provenance())
    }
}

pub(crate) fn run(dump: &str, libraries: &[&str]) -> bool {
    let done = libraries.chunks_exact(3).all(|library| {
        let place = library[2].parse().ok().and_then(|count| call(library[0], library[1], count));
        place.inspect(|place| println!("place {place}")).is_some()
    });
    done && HEAP.dump_to_path(dump).is_ok()
}
