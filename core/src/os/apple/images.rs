//! The executables and libraries that are loaded.
//!
//! The problem: an event must find the module of an address, and a snapshot all modules, while dyld may hold its lock.
//!
//! The idea: dyld reports each module that it loads or unloads. The tracker notes the facts in a list of its own, which is read
//! without a lock.
//!
//! - *Image*: a loaded module.
//! - *Slide*: the number that was added to all addresses of the file when it was loaded.

use super::macho::Headers;
use crate::os::callbacks::interposed;
use crate::sync::*;
use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;

/// The most modules of the list. A program with windows has about 700.
const MOST: usize = 2048;

/// A place in the list. All-zero is free.
struct Place {
    /// The address of the header; 0 for a free place.
    start: AtomicUsize,
    end: AtomicUsize,
    slide: AtomicUsize,
    /// The address of the path, a C string of dyld's; 0 when it is unknown.
    path: AtomicUsize,
    uuid: [AtomicU64; 2],
    /// Offset and length of `__unwind_info`, then of `__eh_frame`.
    sections: [AtomicUsize; 4],
    is_program: AtomicBool,
    starts_handlers: AtomicBool,
}

static PLACES: [Place; MOST] = [const {
    Place {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        slide: AtomicUsize::new(0),
        path: AtomicUsize::new(0),
        uuid: [const { AtomicU64::new(0) }; 2],
        sections: [const { AtomicUsize::new(0) }; 4],
        is_program: AtomicBool::new(false),
        starts_handlers: AtomicBool::new(false),
    }
}; MOST];
/// The places that have been in use.
static USED: AtomicUsize = AtomicUsize::new(0);
/// The changes of the list.
static CHANGES: AtomicUsize = AtomicUsize::new(0);

/// A loaded module.
#[derive(Clone, Copy)]
pub(super) struct Image {
    /// The address of its header, which begins its code.
    pub(super) start: usize,
    /// The end of its code.
    pub(super) end: usize,
    pub(super) slide: usize,
    /// The address of its path, which may be unmapped together with the module; 0 when it is unknown.
    pub(super) path: usize,
    /// All zero for none.
    pub(super) uuid: [u8; 16],
    /// Offset and length of `__unwind_info` and of `__eh_frame`; zeros for none. They are within the code.
    pub(super) unwind_info: [usize; 2],
    pub(super) eh_frame: [usize; 2],
    pub(super) is_program: bool,
    /// It is the part of the C library that starts the handlers of signals.
    pub(super) starts_handlers: bool,
}

impl Place {
    fn write(&self, image: &Image) {
        self.end.store(image.end, Relaxed);
        self.slide.store(image.slide, Relaxed);
        self.path.store(image.path, Relaxed);
        for (word, bytes) in self.uuid.iter().zip(image.uuid.as_chunks::<8>().0) {
            word.store(u64::from_ne_bytes(*bytes), Relaxed);
        }
        let sections = [image.unwind_info, image.eh_frame];
        self.sections.iter().zip(sections.as_flattened()).for_each(|(to, from)| to.store(*from, Relaxed));
        self.is_program.store(image.is_program, Relaxed);
        self.starts_handlers.store(image.starts_handlers, Relaxed);
        self.start.store(image.start, Release);
    }

    /// The module; `None` when the place is free, or changes meanwhile: the address of the header is read first and last.
    fn read(&self) -> Option<Image> {
        let start = self.start.load(Acquire);
        let mut uuid = [0; 16];
        for (bytes, word) in uuid.as_chunks_mut::<8>().0.iter_mut().zip(&self.uuid) {
            *bytes = word.load(Acquire).to_ne_bytes();
        }
        let section = |first: usize| [first, first + 1].map(|at| self.sections[at].load(Acquire));
        let image = Image {
            start,
            end: self.end.load(Acquire),
            slide: self.slide.load(Acquire),
            path: self.path.load(Acquire),
            uuid,
            unwind_info: section(0),
            eh_frame: section(2),
            is_program: self.is_program.load(Acquire),
            starts_handlers: self.starts_handlers.load(Acquire),
        };
        (start != 0 && self.start.load(Acquire) == start).then_some(image)
    }
}

unsafe extern "C" {
    fn _dyld_register_func_for_add_image(f: extern "C" fn(*const u8, isize));
    fn _dyld_register_func_for_remove_image(f: extern "C" fn(*const u8, isize));
    fn dladdr(address: *const u8, about: *mut libc::Dl_info) -> c_int;
}

/// Asks dyld to report modules: those that are loaded now, and from now on each that is loaded or unloaded. At the program's start.
/// dyld never unloads the library that contains these functions.
pub(super) fn begin() {
    // SAFETY: the functions have the right signature, and their code stays loaded.
    unsafe {
        _dyld_register_func_for_add_image(added);
        _dyld_register_func_for_remove_image(removed);
    }
}

/// dyld has loaded a module. It reports one at a time.
extern "C" fn added(header: *const u8, slide: isize) {
    // SAFETY: the module is mapped, and its header and commands do not change.
    let headers = unsafe {
        let Some(size) = Headers::size(&*header.cast()) else { return };
        Headers::parse(core::slice::from_raw_parts(header, size))
    };
    let Some(headers) = headers else { return };
    let mut about = MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: the call has filled the record in when it does not return 0. The path is a C string as long as the module is there.
    let (path, starts_handlers) = unsafe {
        if dladdr(header, about.as_mut_ptr()) == 0 {
            (0, false)
        } else {
            let path = about.assume_init().dli_fname;
            let name = CStr::from_ptr(path).to_bytes();
            (path.expose_provenance(), name.ends_with(b"/libsystem_platform.dylib"))
        }
    };
    let start = header.expose_provenance();
    let [text, length] = headers.text.map(|number| number as usize);
    // A section that is not within the code counts as none.
    let within = |range: [u64; 2]| {
        let [address, size] = range.map(|number| number as usize);
        let offset = address.wrapping_sub(text);
        let is_within = offset.checked_add(size).is_some_and(|end| end <= length);
        if is_within { [offset, size] } else { [0; 2] }
    };
    let used = USED.load(Relaxed);
    let free = PLACES[..used].iter().position(|place| place.start.load(Relaxed) == 0).unwrap_or(used);
    // A module beyond the last place has no name in dumps.
    let Some(place) = PLACES.get(free) else { return };
    place.write(&Image {
        start,
        end: start + length,
        slide: slide as usize,
        path,
        uuid: headers.uuid,
        unwind_info: within(headers.unwind_info),
        eh_frame: within(headers.eh_frame),
        is_program: headers.is_program,
        starts_handlers,
    });
    USED.store(used.max(free + 1), Release);
    CHANGES.fetch_add(1, AcqRel);
}

/// dyld is about to unload a module.
extern "C" fn removed(header: *const u8, _: isize) {
    if let Some(interposed) = interposed() {
        (interposed.before_unloading)();
    }
    if let Some(place) = places().iter().find(|place| place.start.load(Relaxed) == header.addr()) {
        place.start.store(0, Release);
        CHANGES.fetch_add(1, AcqRel);
    }
    if let Some(interposed) = interposed() {
        (interposed.after_unloading)();
    }
}

fn places() -> &'static [Place] {
    &PLACES[..USED.load(Acquire)]
}

/// The loaded modules.
pub(super) fn all() -> impl Iterator<Item = Image> {
    places().iter().filter_map(Place::read)
}

/// The module with the code at an address.
pub(super) fn find(address: usize) -> Option<Image> {
    let is_inside = |start: usize, end: usize| (start..end).contains(&address);
    let mut places = places().iter();
    // Most places are of other modules: of these only two words are read.
    let place = places.find(|place| is_inside(place.start.load(Acquire), place.end.load(Relaxed)))?;
    place.read().filter(|image| is_inside(image.start, image.end))
}

/// The number of changes of the list.
pub(super) fn changes() -> usize {
    CHANGES.load(Acquire)
}
