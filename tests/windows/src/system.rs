//! The functions of the system that the program calls, as Microsoft's documentation has them.

use std::ffi::{c_char, c_void};

pub(crate) const CTRL_C_EVENT: u32 = 0;
pub(crate) const CTRL_BREAK_EVENT: u32 = 1;

/// A reference to an object of the system.
pub(crate) type Handle = *mut c_void;
pub(crate) type Module = *mut c_void;
pub(crate) type Handler = unsafe extern "system" fn(u32) -> i32;

#[link(name = "kernel32")]
unsafe extern "system" {
    pub(crate) fn FreeLibrary(module: Module) -> i32;
    pub(crate) fn GenerateConsoleCtrlEvent(event: u32, group: u32) -> i32;
    pub(crate) fn GetCurrentProcess() -> Handle;
    pub(crate) fn GetLastError() -> u32;
    pub(crate) fn GetModuleHandleA(name: *const c_char) -> Module;
    pub(crate) fn GetProcAddress(module: Module, name: *const c_char) -> *const c_void;
    pub(crate) fn LoadLibraryW(path: *const u16) -> Module;
    pub(crate) fn SetConsoleCtrlHandler(handler: Option<Handler>, add: i32) -> i32;
    pub(crate) fn SetLastError(error: u32);
    pub(crate) fn TerminateProcess(process: Handle, code: u32) -> i32;
}
