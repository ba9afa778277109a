//! The functions and records of the system that memtrack uses: those of `kernel32.dll` and a few of `ntdll.dll`.
//!
//! They are declared here instead of in a crate: there are few of them, and the tracker links into every program. Names and
//! meanings of arguments are those of Microsoft's documentation.

use core::ffi::{c_char, c_void};

/// A reference to an object of the system.
pub(super) type Handle = *mut c_void;

/// The handle of this process, which needs no closing.
pub(super) const THIS_PROCESS: Handle = core::ptr::without_provenance_mut(usize::MAX);
/// The result of functions that open a file and fail.
pub(super) const INVALID_HANDLE: Handle = core::ptr::without_provenance_mut(usize::MAX);

// Memory.
pub(super) const MEM_COMMIT: u32 = 0x1000;
pub(super) const MEM_RESERVE: u32 = 0x2000;
pub(super) const MEM_RELEASE: u32 = 0x8000;
pub(super) const MEM_IMAGE: u32 = 0x0100_0000;
pub(super) const PAGE_NOACCESS: u32 = 0x01;
pub(super) const PAGE_READWRITE: u32 = 0x04;
pub(super) const PAGE_GUARD: u32 = 0x100;
pub(super) const FILE_MAP_WRITE: u32 = 2;

// Files.
pub(super) const GENERIC_READ: u32 = 0x8000_0000;
pub(super) const GENERIC_WRITE: u32 = 0x4000_0000;
pub(super) const FILE_SHARE_READ: u32 = 1;
pub(super) const FILE_SHARE_ALL: u32 = 7;
pub(super) const OPEN_EXISTING: u32 = 3;
pub(super) const OPEN_ALWAYS: u32 = 4;
pub(super) const FILE_ATTRIBUTE_NORMAL: u32 = 0x80;
pub(super) const FILE_ATTRIBUTE_DIRECTORY: u32 = 0x10;
pub(super) const FILE_ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
pub(super) const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
pub(super) const FILE_TYPE_DISK: u32 = 1;
/// `FileEndOfFileInfo`.
pub(super) const END_OF_FILE_INFORMATION: u32 = 6;
pub(super) const FSCTL_SET_SPARSE: u32 = 0x0009_00c4;
pub(super) const LOCKFILE_FAIL_IMMEDIATELY: u32 = 1;
pub(super) const LOCKFILE_EXCLUSIVE_LOCK: u32 = 2;
pub(super) const MOVEFILE_REPLACE_EXISTING: u32 = 1;
pub(super) const STD_ERROR_HANDLE: u32 = -12i32 as u32;

// Processes and threads.
pub(super) const SYNCHRONIZE: u32 = 0x0010_0000;
pub(super) const THREAD_QUERY_LIMITED_INFORMATION: u32 = 0x0800;
pub(super) const PROCESS_QUERY_LIMITED_INFORMATION: u32 = 0x1000;
pub(super) const STACK_SIZE_PARAM_IS_A_RESERVATION: u32 = 0x0001_0000;
pub(super) const WAIT_TIMEOUT: u32 = 258;
pub(super) const TLS_OUT_OF_INDEXES: u32 = u32::MAX;
pub(super) const FLS_OUT_OF_INDEXES: u32 = u32::MAX;
pub(super) const DLL_PROCESS_DETACH: u32 = 0;
pub(super) const DLL_THREAD_DETACH: u32 = 3;
pub(super) const GET_MODULE_HANDLE_EX_FLAG_PIN: u32 = 1;
pub(super) const GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS: u32 = 4;
/// `ProcessBasicInformation`.
pub(super) const BASIC_INFORMATION: u32 = 0;
/// `ThreadNameInformation`.
pub(super) const NAME_INFORMATION: u32 = 38;

/// `MEMORY_BASIC_INFORMATION`: pages with the same state.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Pages {
    pub(super) base: usize,
    pub(super) allocation_base: usize,
    pub(super) allocation_protect: u32,
    pub(super) partition: u16,
    pub(super) size: usize,
    pub(super) state: u32,
    pub(super) protect: u32,
    pub(super) kind: u32,
}

/// `OVERLAPPED`: the place in a file at which a call begins.
#[repr(C)]
pub(super) struct Overlapped {
    internal: [usize; 2],
    offset: [u32; 2],
    event: Handle,
}

impl Overlapped {
    pub(super) const fn at(offset: u64) -> Overlapped {
        let offset = [offset as u32, (offset >> 32) as u32];
        Overlapped { internal: [0; 2], offset, event: core::ptr::null_mut() }
    }
}

/// `BY_HANDLE_FILE_INFORMATION`. Times are in [units](super::clock) since 1601.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct FileInformation {
    pub(super) attributes: u32,
    pub(super) created: [u32; 2],
    pub(super) accessed: [u32; 2],
    pub(super) written: [u32; 2],
    pub(super) volume: u32,
    pub(super) size_high: u32,
    pub(super) size_low: u32,
    pub(super) links: u32,
    pub(super) index: [u32; 2],
}

/// `PROCESS_BASIC_INFORMATION`.
#[repr(C)]
pub(super) struct ProcessInformation {
    pub(super) status: usize,
    pub(super) block: usize,
    pub(super) affinity: usize,
    pub(super) priority: usize,
    pub(super) id: usize,
    pub(super) parent: usize,
}

/// `UNICODE_STRING`: a length in bytes and the address of UTF-16.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct UnicodeString {
    pub(super) length: u16,
    pub(super) maximum: u16,
    pub(super) text: *const u16,
}

/// `LDR_DLL_NOTIFICATION_DATA`: the library that is loaded or unloaded.
#[repr(C)]
pub(super) struct Library {
    pub(super) flags: u32,
    pub(super) path: *const UnicodeString,
    pub(super) name: *const UnicodeString,
    pub(super) base: usize,
    pub(super) size: u32,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    pub(super) fn CloseHandle(object: Handle) -> i32;
    pub(super) fn CreateEventW(security: *const c_void, manual: i32, set: i32, name: *const u16) -> Handle;
    pub(super) fn CreateFileW(
        name: *const u16,
        access: u32,
        share: u32,
        security: *const c_void,
        disposition: u32,
        flags: u32,
        template: Handle,
    ) -> Handle;
    pub(super) fn CreateFileMappingW(
        file: Handle,
        security: *const c_void,
        protect: u32,
        size_high: u32,
        size_low: u32,
        name: *const u16,
    ) -> Handle;
    pub(super) fn CreateThread(
        security: *const c_void,
        stack: usize,
        start: unsafe extern "system" fn(*mut c_void) -> u32,
        argument: *mut c_void,
        flags: u32,
        id: *mut u32,
    ) -> Handle;
    pub(super) fn DeviceIoControl(
        file: Handle,
        code: u32,
        input: *const c_void,
        input_length: u32,
        output: *mut c_void,
        output_length: u32,
        returned: *mut u32,
        at: *mut Overlapped,
    ) -> i32;
    pub(super) fn FlsAlloc(ended: unsafe extern "system" fn(*mut c_void)) -> u32;
    pub(super) fn FlsSetValue(index: u32, value: *const c_void) -> i32;
    pub(super) fn FlushProcessWriteBuffers();
    pub(super) fn GetCommandLineW() -> *const u16;
    pub(super) fn GetCurrentDirectoryW(length: u32, buffer: *mut u16) -> u32;
    pub(super) fn GetCurrentProcessId() -> u32;
    pub(super) fn GetCurrentThreadId() -> u32;
    pub(super) fn GetEnvironmentVariableW(name: *const u16, buffer: *mut u16, length: u32) -> u32;
    pub(super) fn GetFileInformationByHandle(file: Handle, information: *mut FileInformation) -> i32;
    pub(super) fn GetFileType(file: Handle) -> u32;
    pub(super) fn GetLastError() -> u32;
    pub(super) fn GetModuleHandleA(name: *const c_char) -> Handle;
    pub(super) fn GetModuleHandleExW(flags: u32, address: *const u16, module: *mut Handle) -> i32;
    pub(super) fn GetProcAddress(module: Handle, name: *const c_char) -> *const c_void;
    pub(super) fn GetProcessTimes(
        process: Handle,
        created: *mut u64,
        ended: *mut u64,
        kernel: *mut u64,
        user: *mut u64,
    ) -> i32;
    pub(super) fn GetStdHandle(which: u32) -> Handle;
    pub(super) fn GetSystemTimePreciseAsFileTime(time: *mut u64);
    pub(super) fn IsThreadAFiber() -> i32;
    pub(super) fn LockFileEx(
        file: Handle,
        flags: u32,
        reserved: u32,
        low: u32,
        high: u32,
        at: *mut Overlapped,
    ) -> i32;
    pub(super) fn MapViewOfFile(
        mapping: Handle,
        access: u32,
        offset_high: u32,
        offset_low: u32,
        length: usize,
    ) -> *mut c_void;
    pub(super) fn MoveFileExW(from: *const u16, to: *const u16, flags: u32) -> i32;
    pub(super) fn OpenProcess(access: u32, inherit: i32, id: u32) -> Handle;
    pub(super) fn OpenThread(access: u32, inherit: i32, id: u32) -> Handle;
    pub(super) fn QueryPerformanceCounter(count: *mut i64) -> i32;
    pub(super) fn QueryPerformanceFrequency(frequency: *mut i64) -> i32;
    pub(super) fn ReadFile(
        file: Handle,
        buffer: *mut u8,
        length: u32,
        read: *mut u32,
        at: *mut Overlapped,
    ) -> i32;
    pub(super) fn ReadProcessMemory(
        process: Handle,
        from: *const c_void,
        to: *mut c_void,
        length: usize,
        read: *mut usize,
    ) -> i32;
    pub(super) fn SetConsoleCtrlHandler(handler: unsafe extern "system" fn(u32) -> i32, add: i32) -> i32;
    pub(super) fn SetEndOfFile(file: Handle) -> i32;
    pub(super) fn SetEvent(event: Handle) -> i32;
    pub(super) fn SetFileInformationByHandle(
        file: Handle,
        class: u32,
        information: *const c_void,
        length: u32,
    ) -> i32;
    pub(super) fn SetLastError(error: u32);
    pub(super) fn SetThreadDescription(thread: Handle, name: *const u16) -> i32;
    pub(super) fn Sleep(milliseconds: u32);
    pub(super) fn SwitchToThread() -> i32;
    pub(super) fn TlsAlloc() -> u32;
    pub(super) fn TlsFree(slot: u32) -> i32;
    pub(super) fn TlsGetValue(slot: u32) -> *mut c_void;
    pub(super) fn TlsSetValue(slot: u32, value: *mut c_void) -> i32;
    pub(super) fn UnlockFileEx(file: Handle, reserved: u32, low: u32, high: u32, at: *mut Overlapped) -> i32;
    pub(super) fn VirtualAlloc(at: *mut c_void, length: usize, kind: u32, protect: u32) -> *mut c_void;
    pub(super) fn VirtualFree(at: *mut c_void, length: usize, kind: u32) -> i32;
    pub(super) fn VirtualProtect(at: *mut c_void, length: usize, protect: u32, before: *mut u32) -> i32;
    pub(super) fn VirtualQuery(at: *const c_void, pages: *mut Pages, length: usize) -> usize;
    pub(super) fn WaitForSingleObject(object: Handle, milliseconds: u32) -> u32;
    pub(super) fn WriteFile(
        file: Handle,
        bytes: *const u8,
        length: u32,
        written: *mut u32,
        at: *mut Overlapped,
    ) -> i32;
}

#[link(name = "ntdll")]
unsafe extern "system" {
    pub(super) fn LdrRegisterDllNotification(
        flags: u32,
        notify: unsafe extern "system" fn(u32, *const Library, *mut c_void),
        context: *mut c_void,
        cookie: *mut *mut c_void,
    ) -> i32;
    pub(super) fn NtQueryInformationProcess(
        process: Handle,
        class: u32,
        information: *mut c_void,
        length: u32,
        needed: *mut u32,
    ) -> i32;
    pub(super) fn NtQueryInformationThread(
        thread: Handle,
        class: u32,
        information: *mut c_void,
        length: u32,
        needed: *mut u32,
    ) -> i32;
    pub(super) fn RtlDllShutdownInProgress() -> u8;
}

unsafe extern "C" {
    pub(super) fn atexit(handler: extern "C" fn()) -> i32;
}

/// A handle that is closed when this is dropped.
#[derive(Debug)]
pub(super) struct Owned(Handle);

impl Owned {
    /// A handle that a call has opened; `None` for a call that has failed.
    ///
    /// # Safety
    /// The handle must be null, invalid, or open and the caller's own.
    pub(super) unsafe fn new(handle: Handle) -> Option<Owned> {
        (!handle.is_null() && handle != INVALID_HANDLE).then_some(Owned(handle))
    }

    pub(super) fn handle(&self) -> Handle {
        self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and its owner ends here.
        unsafe { CloseHandle(self.0) };
    }
}
