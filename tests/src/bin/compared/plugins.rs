//! Two libraries that are loaded and unloaded in turn, each at the address of the other.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CString, c_char, c_int, c_void};
use std::hint::black_box;
use std::sync::{Arc, Barrier};

use memtrack_tests::say;

type Heap = &'static (dyn GlobalAlloc + Sync);
type Close = unsafe extern "C" fn(*mut c_void) -> c_int;
/// The plugin's function, which calls another one from a frame of its own.
type Call = unsafe extern "C" fn(extern "C" fn(*mut c_void), *mut c_void);

const ROUNDS: usize = 20;
/// Calls into a plugin each time it is loaded.
const CALLS: usize = 4;

/// Loads the libraries in turn and allocates under their functions, on this thread and on another one that lives
/// throughout. If `seen`, they are unloaded by the program's `dlclose`, otherwise by the C library's own.
pub(crate) fn run(heap: Heap, paths: &[String; 2], seen: bool) {
    let close = if seen { libc::dlclose as Close } else { of_c_library() };
    let paths = paths.each_ref().map(|path| CString::new(path.as_str()).expect("no NUL in a path"));
    let turn = Arc::new(Barrier::new(2));
    let plugin = Arc::new(std::sync::Mutex::new(None));
    let other = std::thread::spawn({
        let (turn, plugin) = (turn.clone(), plugin.clone());
        move || {
            for _ in 0..ROUNDS {
                turn.wait();
                calls(heap, plugin.lock().unwrap().expect("a plugin is loaded"));
                turn.wait();
            }
        }
    });
    let mut places = Vec::new();
    for round in 0..ROUNDS {
        let library = load(&paths[round % 2]);
        let call = symbol::<Call>(library, c"plugin_call".as_ptr());
        places.push(call as usize);
        *plugin.lock().unwrap() = Some(call);
        turn.wait();
        turn.wait();
        calls(heap, call);
        // SAFETY: the library is loaded, and no thread runs its code.
        assert_eq!(unsafe { close(library) }, 0);
    }
    other.join().expect("the other thread does not panic");
    places.dedup();
    say!("places {}", places.len());
}

#[inline(never)]
fn calls(heap: Heap, plugin: Call) {
    extern "C" fn allocate(heap: *mut c_void) {
        let layout = Layout::new::<[u64; 4]>();
        // SAFETY: this is the heap passed below; the block is freed once, with its layout.
        unsafe {
            let heap = *heap.cast::<Heap>();
            heap.dealloc(black_box(heap.alloc(layout)), layout);
        }
    }
    for _ in 0..black_box(CALLS) {
        // SAFETY: the plugin is loaded, and calls `allocate` with the heap during the call.
        unsafe { plugin(allocate, (&raw const heap).cast_mut().cast()) };
        black_box(());
    }
}

fn load(path: &CString) -> *mut c_void {
    // SAFETY: the path is a C string, and loading the library runs no code of it.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "{path:?} cannot be loaded");
    library
}

/// A function of a library.
fn symbol<F: Copy>(library: *mut c_void, name: *const c_char) -> F {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the library is loaded, and the name is a C string.
    let found = unsafe { libc::dlsym(library, name) };
    assert!(!found.is_null());
    // SAFETY: each caller names a function of this type.
    unsafe { std::mem::transmute_copy(&found) }
}

/// The C library's own `dlclose`, whose calls memtrack does not see.
fn of_c_library() -> Close {
    // SAFETY: the name is a C string; the library is never closed.
    let library = unsafe { libc::dlopen(c"libc.so.6".as_ptr(), libc::RTLD_NOW) };
    symbol(library, c"dlclose".as_ptr())
}
