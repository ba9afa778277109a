//! This process, and other processes by their ids.

use super::command_line;
use super::errno::keep_errno;
use super::system::{
    BASIC_INFORMATION, GetCommandLineW, GetCurrentProcessId, GetProcessTimes, NtQueryInformationProcess,
    OpenProcess, Owned, PROCESS_QUERY_LIMITED_INFORMATION, ProcessInformation, SYNCHRONIZE, THIS_PROCESS,
    WAIT_TIMEOUT, WaitForSingleObject,
};
use core::mem::MaybeUninit;

/// The process's id.
pub(crate) fn id() -> u32 {
    // SAFETY: the call only returns a number.
    unsafe { GetCurrentProcessId() }
}

/// The id of the parent process; 0 when it is unknown. The parent may have ended.
pub(crate) fn parent() -> u32 {
    let mut information = MaybeUninit::<ProcessInformation>::zeroed();
    let length = size_of::<ProcessInformation>() as u32;
    // SAFETY: the record is valid for its length. All-zero is a valid record.
    unsafe {
        let to = information.as_mut_ptr().cast();
        NtQueryInformationProcess(THIS_PROCESS, BASIC_INFORMATION, to, length, core::ptr::null_mut());
        information.assume_init().parent as u32
    }
}

/// A number that changes at each `exec`; 0 when the system offers none. Here a process never changes its program.
pub(crate) fn image_number() -> u32 {
    0
}

/// Copies the command line into `buffer`, with a NUL after each argument, and returns its length in bytes. A command
/// line that is too long is cut off; 0 when it is unknown.
pub(crate) fn command_line(buffer: &mut [u8]) -> usize {
    // SAFETY: the system has put the text there, with a NUL at its end, and nobody changes it.
    let text = unsafe {
        let text = GetCommandLineW();
        if text.is_null() {
            return 0;
        }
        let length = (0..).take_while(|&at| *text.add(at) != 0).count();
        core::slice::from_raw_parts(text, length)
    };
    command_line::split(text, buffer)
}

fn open(id: u32) -> Option<Owned> {
    // SAFETY: the call takes numbers, and its result is this function's own.
    unsafe { Owned::new(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, 0, id)) }
}

/// The start time of process `id`, in a unit of the system's choice (here 100 ns since 1601). Two processes that have had
/// the same id differ in it. `None` when it is unknown, as for a process of another user.
pub(crate) fn started(id: u32) -> Option<u64> {
    keep_errno(|| started_of(&open(id)?))
}

fn started_of(process: &Owned) -> Option<u64> {
    let [mut created, mut ended, mut kernel, mut user] = [0; 4];
    // SAFETY: the handle is open, and the call writes the four numbers.
    let is_known = unsafe {
        GetProcessTimes(process.handle(), &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user)
    };
    (is_known != 0).then_some(created)
}

/// Whether the process runs that had this id and this start time; 0 matches any start time. Where the start time is
/// unknown, any process with the id counts.
pub(crate) fn is_running(id: u32, started: u64) -> bool {
    keep_errno(|| {
        let Some(process) = open(id) else { return false };
        // SAFETY: the handle is open. The call does not wait.
        let runs = unsafe { WaitForSingleObject(process.handle(), 0) } == WAIT_TIMEOUT;
        runs && (started == 0 || started_of(&process).is_none_or(|start| start == started))
    })
}
