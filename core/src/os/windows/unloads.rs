//! Libraries that are unloaded. The system reports each, after the library's own code has run for the last time and before
//! other code can be loaded at its addresses.

use super::modules;
use super::system::{LdrRegisterDllNotification, Library};
use crate::os::callbacks::interposed;
use core::ffi::c_void;
use core::ptr::null_mut;

/// `LDR_DLL_NOTIFICATION_REASON_UNLOADED`.
const UNLOADED: u32 = 2;

/// Calls [`Interposed::before_unloading`](crate::os::Interposed) and `after_unloading` for each library that is unloaded. At
/// the program's start.
pub(super) fn begin() {
    let mut cookie = null_mut();
    // SAFETY: the function has the right signature, and its code stays loaded.
    unsafe { LdrRegisterDllNotification(0, notify, null_mut(), &raw mut cookie) };
}

/// Runs with the loader's lock: one thread at a time.
unsafe extern "system" fn notify(reason: u32, library: *const Library, _: *mut c_void) {
    let Some(interposed) = interposed().filter(|_| reason == UNLOADED) else { return };
    // SAFETY: the system passes a valid record with valid strings.
    let (base, path) = unsafe { ((*library).base, *(*library).path) };
    modules::leaving(base, path, interposed.before_unloading);
    modules::left(base, interposed.after_unloading);
}
