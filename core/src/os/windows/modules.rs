//! Modules: the executable and the libraries that are loaded, with their paths, addresses and identities.
//!
//! The loader's list in the process's own record is the source. It is read by copies, which fail where a load would fault,
//! and without the loader's lock, so modules can be listed in an event. A library that is loaded or unloaded meanwhile may be
//! missing, or end the list.
//!
//! - *Identity*: GUID and age of the program database. Programs that MinGW links have none, and are known by the size and
//!   the time of their file.

use super::file::FileReader;
use super::memory::{copy, word};
use super::pe::{Headers, IDENTITY};
use super::system::UnicodeString;
use super::{names, teb, wide};
use crate::os::path::Path;
use crate::sync::*;
use memtrack_format::{List, Module, Segment};

pub(crate) use super::memory::PAGE;

/// Copies the memory of a module from an address on; false when it cannot be read.
pub(crate) type Read<'r> = &'r dyn Fn(usize, &mut [u8]) -> bool;
/// A function that is called for each module. The second argument reads the module's memory.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&Module<'_>, Read<'_>);

/// The most segments of a module. Here a module is one range of addresses.
pub(crate) const MAX_SEGMENTS: usize = 1;
/// The most bytes of an identity.
pub(crate) const MAX_BUILD_ID: usize = IDENTITY;
/// The most modules that are listed.
const MOST: usize = 4096;

/// The offsets of the loader's record in the process's, of the list in the loader's record, and of the facts in an entry,
/// which begins with the address of the next one.
const LOADER: usize = 0x18;
const LIST: usize = 0x10;
const BASE: usize = 0x30;
const PATH: usize = 0x48;

/// The library that is being unloaded, and the address of its path's record; 0 for none.
static LEAVING: AtomicUsize = AtomicUsize::new(0);
static LEAVING_PATH: AtomicUsize = AtomicUsize::new(0);
/// The library whose unloading is complete but for its memory; 0 for none.
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// Runs `f` while the library at `base` is listed, whether or not the loader lists it.
pub(super) fn leaving(base: usize, path: UnicodeString, f: impl FnOnce()) {
    LEAVING_PATH.store((&raw const path).expose_provenance(), Release);
    LEAVING.store(base, Release);
    f();
    LEAVING.store(0, Release);
}

/// Runs `f` while the library at `base` is not listed, whether or not the loader lists it.
pub(super) fn left(base: usize, f: impl FnOnce()) {
    LEFT.store(base, Release);
    f();
    LEFT.store(0, Release);
}

/// Copies the bytes at an address; false when they cannot be read.
pub(crate) fn read_mapped(address: usize, buffer: &mut [u8]) -> bool {
    copy(address, buffer)
}

/// Calls `with` for each entry of the loader's list, with the module's address and the address of its path's record.
fn entries(with: &mut dyn FnMut(usize, usize)) -> Option<()> {
    let list = word(teb::process_block() + LOADER)? + LIST;
    let (leaving, left) = (LEAVING.load(Acquire), LEFT.load(Acquire));
    let mut has_left = leaving == 0;
    let mut entry = word(list)?;
    for _ in 0..MOST {
        if entry == list {
            break;
        }
        let base = word(entry.wrapping_add(BASE))?;
        has_left |= base == leaving;
        if base != left {
            with(base, entry.wrapping_add(PATH));
        }
        entry = word(entry)?;
    }
    if !has_left {
        with(leaving, LEAVING_PATH.load(Acquire));
    }
    Some(())
}

/// Calls `each` for every loaded module, the executable first. A path or identity that is unknown is empty. Returns
/// whether the modules can be listed without a lock: here always. May change the error number.
pub(crate) fn each(each: Each<'_>) -> bool {
    let is_listed = entries(&mut |base, path| {
        let Some(headers) = Headers::read(base, &copy) else { return };
        let mut text = [0; names::MOST];
        let length = path_at(path, &mut text).unwrap_or(0);
        let identity = headers.identity(base, &copy);
        let start = base as u64;
        let segments = [Segment { start, length: headers.size as u64, file_offset: 0, executable: true }];
        let module = Module {
            path: &text[..length],
            build_id: identity.as_ref().map_or(&[], |identity| identity),
            bias: start.wrapping_sub(headers.preferred),
            segments: List::Items(&segments),
            ..Module::default()
        };
        each(&module, &copy);
    });
    is_listed.is_some()
}

/// Does the same as `each`.
pub(crate) fn each_linked(to: Each<'_>) {
    each(to);
}

/// Whether `each` can list the modules.
pub(crate) fn is_listed() -> bool {
    true
}

/// The path in a record of the loader's, and its length; `None` when it cannot be read, or is too long.
fn path_at(record: usize, to: &mut [u8]) -> Option<usize> {
    const LONGEST: usize = 1024;
    let length = word(record)? & 0xffff;
    let mut bytes = [0; 2 * LONGEST];
    let bytes = bytes.get_mut(..length)?;
    let is_read = copy(word(record.wrapping_add(8))?, bytes);
    let mut path = [0; LONGEST];
    let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_ne_bytes(*unit));
    path.iter_mut().zip(units).for_each(|(to, unit)| *to = unit);
    is_read.then(|| wide::decode(&path[..length / 2], to))
}

/// A number that differs after a module was loaded or unloaded. `None` when the modules cannot be listed. May change the
/// error number.
pub(crate) fn fingerprint() -> Option<u64> {
    let mut sum = 0u64;
    entries(&mut |base, _| {
        sum = (sum ^ base as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    })?;
    Some(sum)
}

/// `module` with the size and the time of the file at its path, and with the bias that follows from the address in the file;
/// unchanged when the file is not found. May change the error number.
///
/// Here the loader has replaced the address in the module's memory by the one at which it is.
pub(crate) fn stamped<'m>(module: &Module<'m>) -> Module<'m> {
    let mut stamped = *module;
    if let Ok(path) = Path::of_bytes(module.path)
        && let Some(file) = FileReader::open(path.as_c_str()).filter(FileReader::is_regular)
        && let Some((size, time)) = file.stamp()
    {
        (stamped.file_size, stamped.file_modified_unix_ns) = (size, time);
        let read = |at: usize, to: &mut [u8]| file.read_at(to, at as u64) == to.len();
        if let Some(start) = module.segments.iter().map(|segment| segment.start).min()
            && let Some(headers) = Headers::read(0, &read)
        {
            stamped.bias = start.wrapping_sub(headers.preferred);
        }
    }
    stamped
}
