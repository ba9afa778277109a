//! Threads: ids, names, a callback at a thread's end, a thread of the tracker's own, and a barrier on all threads.

use super::errno::{errno, keep_errno};
use super::system::{
    CreateThread, FlushProcessWriteBuffers, GetCurrentThreadId, Handle, NAME_INFORMATION,
    NtQueryInformationThread, OpenThread, Owned, STACK_SIZE_PARAM_IS_A_RESERVATION, SYNCHRONIZE,
    SetThreadDescription, SwitchToThread, THREAD_QUERY_LIMITED_INFORMATION, UnicodeString, WAIT_TIMEOUT,
    WaitForSingleObject,
};
use super::{detach, wide};
use crate::limits::THREAD_STACK;
use core::ffi::c_void;
use core::ptr::null_mut;

/// The handle of the running thread, which needs no closing.
const THIS_THREAD: Handle = core::ptr::without_provenance_mut(-2isize as usize);

/// The system's id of the running thread, which no other live thread of the process has; 0 when it is unknown.
pub(crate) fn id() -> u64 {
    // SAFETY: the call only returns a number.
    u64::from(unsafe { GetCurrentThreadId() })
}

/// The name of a thread of this process, up to its first NUL byte; all zero when it is unknown. A longer name is cut
/// off.
///
/// Here: `GetThreadDescription` allocates, so the name comes from the system call below it. It is empty when the name has
/// more than 250 characters.
pub(crate) fn name(thread_id: u64) -> [u8; 16] {
    keep_errno(|| {
        if thread_id == id() {
            return name_of(THIS_THREAD);
        }
        let thread = open(thread_id, THREAD_QUERY_LIMITED_INFORMATION);
        thread.map_or([0; 16], |thread| name_of(thread.handle()))
    })
}

fn open(id: u64, access: u32) -> Option<Owned> {
    let id = u32::try_from(id).ok()?;
    // SAFETY: the call takes numbers, and its result is this function's own.
    unsafe { Owned::new(OpenThread(access, 0, id)) }
}

/// The record that the system fills in: a string, and the room for its text.
#[repr(C)]
struct Description {
    text: UnicodeString,
    room: [u16; 256],
}

fn name_of(thread: Handle) -> [u8; 16] {
    let mut name = [0; 16];
    let mut description =
        Description { text: UnicodeString { length: 0, maximum: 0, text: null_mut() }, room: [0; 256] };
    let length = size_of::<Description>() as u32;
    // SAFETY: the handle is open, or is the running thread's. The record is valid for its length.
    let status = unsafe {
        let to = (&raw mut description).cast();
        NtQueryInformationThread(thread, NAME_INFORMATION, to, length, null_mut())
    };
    if status >= 0 {
        // The last byte stays 0.
        let units = usize::from(description.text.length) / 2;
        wide::decode(description.room.get(..units).unwrap_or_default(), &mut name[..15]);
    }
    name
}

/// Requests [`Callbacks::thread_ended`](crate::os::Callbacks) for the end of the running thread. Where the system
/// cannot report it, nothing calls back.
///
/// Here the system reports the end of every thread by itself, but for [one case](detach).
pub(crate) fn watch_end() {
    detach::watch();
}

/// Starts a thread of the tracker's own, which runs `run` and is never joined. The error is the system's error number.
/// Allocates and locks: outside the hook.
pub(crate) fn spawn(run: fn()) -> Result<(), i32> {
    unsafe extern "system" fn start(run: *mut c_void) -> u32 {
        // SAFETY: the argument is the function pointer that `spawn` passes below.
        let run = unsafe { core::mem::transmute::<*mut c_void, fn()>(run) };
        run();
        0
    }

    let name: [u16; 9] = [b'm', b'e', b'm', b't', b'r', b'a', b'c', b'k', 0].map(u16::from);
    // SAFETY: `start` has the right signature and gets the argument that it expects. The handle is this function's own,
    // and the name ends with a NUL.
    unsafe {
        let flags = STACK_SIZE_PARAM_IS_A_RESERVATION;
        let thread = CreateThread(null_mut(), THREAD_STACK, start, run as *mut c_void, flags, null_mut());
        let thread = Owned::new(thread).ok_or_else(errno)?;
        SetThreadDescription(thread.handle(), name.as_ptr());
    }
    Ok(())
}

/// Makes every running thread of the process execute a full memory barrier before this returns. False when the system
/// cannot: then no thread has. Restores the error number.
pub(crate) fn barrier() -> bool {
    // SAFETY: the call takes and returns nothing, and cannot fail.
    keep_errno(|| unsafe { FlushProcessWriteBuffers() });
    true
}

/// Whether the thread of this process with the system's id `id` has not ended yet. May change the error number.
pub(crate) fn is_running(id: u32) -> bool {
    let thread = open(u64::from(id), SYNCHRONIZE);
    // SAFETY: the handle is open. The call does not wait.
    thread.is_some_and(|thread| unsafe { WaitForSingleObject(thread.handle(), 0) } == WAIT_TIMEOUT)
}

/// Gives the processor to other threads for a moment.
pub(crate) fn yield_now() {
    // SAFETY: the call takes nothing.
    unsafe { SwitchToThread() };
}
