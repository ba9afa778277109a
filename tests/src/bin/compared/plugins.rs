//! Two libraries that are loaded and unloaded in turn, each at the place of the other.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CString, c_char, c_int, c_void};
use std::hint::black_box;
use std::sync::{Arc, Barrier};

use memtrack_tests::say;

type Heap = &'static (dyn GlobalAlloc + Sync);
type Close = unsafe extern "C" fn(*mut c_void) -> c_int;
/// The plugin's function: calls another one from a frame of its own.
type Call = unsafe extern "C" fn(extern "C" fn(*mut c_void), *mut c_void);

const ROUNDS: usize = 20;
/// Calls into a plugin while it is loaded.
const CALLS: usize = 4;

/// Loads the libraries in turn and allocates under their functions, on this thread and on another one that stays.
/// `seen`: they are unloaded by the function that the program calls `dlclose`, and not by the C library's own.
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
        // SAFETY: the library is loaded, and nobody runs its code.
        assert_eq!(unsafe { close(library) }, 0);
    }
    other.join().expect("the other thread ends well");
    places.dedup();
    say!("places {}", places.len());
}

#[inline(never)]
fn calls(heap: Heap, plugin: Call) {
    extern "C" fn allocate(heap: *mut c_void) {
        let layout = Layout::new::<[u64; 4]>();
        // SAFETY: it is the heap from below; the block is given back as it was taken.
        unsafe {
            let heap = *heap.cast::<Heap>();
            heap.dealloc(black_box(heap.alloc(layout)), layout);
        }
    }
    for _ in 0..black_box(CALLS) {
        // SAFETY: the plugin is loaded, and calls `allocate` with the heap meanwhile.
        unsafe { plugin(allocate, (&raw const heap).cast_mut().cast()) };
        black_box(());
    }
}

fn load(path: &CString) -> *mut c_void {
    // SAFETY: the path is a string, and the library's start does nothing.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "{path:?} cannot be loaded");
    library
}

/// A function of a library.
fn symbol<F: Copy>(library: *mut c_void, name: *const c_char) -> F {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the library is loaded, and the name is a string.
    let found = unsafe { libc::dlsym(library, name) };
    assert!(!found.is_null());
    // SAFETY: callers name a function of that type.
    unsafe { std::mem::transmute_copy(&found) }
}

/// What memtrack does not see.
fn of_c_library() -> Close {
    // SAFETY: the name is a string; the library stays.
    let library = unsafe { libc::dlopen(c"libc.so.6".as_ptr(), libc::RTLD_NOW) };
    symbol(library, c"dlclose".as_ptr())
}
