//! This process. WASI has no ids: a program knows nothing of the others.

use super::system::{args_get, args_sizes_get, random_get};
use crate::sync::*;

/// The number that stands for the process's id; 0 before it is drawn.
static ID: AtomicU32 = AtomicU32::new(0);

/// A number that stands for the process's id: a random one, drawn at the first call, because files are named and owned by
/// it. Never 0.
pub(crate) fn id() -> u32 {
    match ID.load(Relaxed) {
        0 => draw(),
        id => id,
    }
}

#[cold]
fn draw() -> u32 {
    let mut bytes = [0; 4];
    // SAFETY: the buffer is valid for its length, which the call fills. When it fails, the id is 1.
    unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) };
    // As everywhere, an id is a positive number of 31 bits.
    let id = (u32::from_ne_bytes(bytes) >> 1).max(1);
    ID.store(id, Relaxed);
    id
}

/// The id of the parent process; 0 when it is unknown.
pub(crate) fn parent() -> u32 {
    0
}

/// A number that changes at each `exec`; 0 when the system offers none.
pub(crate) fn image_number() -> u32 {
    0
}

/// Copies the command line into `buffer`, with a NUL after each argument, and returns its length in bytes; 0 when it does not
/// fit, or has more than 64 arguments.
pub(crate) fn command_line(buffer: &mut [u8]) -> usize {
    const MOST: usize = 64;
    let mut arguments = [core::ptr::null_mut(); MOST];
    let (mut count, mut length) = (0, 0);
    // SAFETY: the first call writes two numbers. The second one writes as many pointers and bytes as the first has said, and
    // both buffers have room for them.
    unsafe {
        let is_known = args_sizes_get(&raw mut count, &raw mut length) == 0;
        let fits = is_known && count <= MOST && length <= buffer.len();
        if fits && args_get(arguments.as_mut_ptr(), buffer.as_mut_ptr()) == 0 { length } else { 0 }
    }
}

/// The number of threads of this process.
pub(crate) fn threads() -> u64 {
    1
}

/// The start time of process `id`. `None`: it is unknown, and the random id needs none.
pub(crate) fn started(_: u32) -> Option<u64> {
    None
}

/// Whether the process runs that had this id and this start time. Of other processes nothing is known: they count as ended, so
/// that a program takes over the file that an earlier run has left.
pub(crate) fn is_running(process: u32, _: u64) -> bool {
    process == id()
}
