//! The unwinders of Windows, which find the addresses of the callers.

use std::ffi::c_void;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr;

use windows_sys::Win32::System::Diagnostics::Debug::{
    CONTEXT, RtlCaptureContext, RtlCaptureStackBackTrace, RtlLookupFunctionEntry, RtlVirtualUnwind,
};

/// More than the frames of any stack here.
const FRAMES: usize = 128;

/// One function of the system that captures the whole stack.
pub(crate) fn capture() {
    let mut frames = [ptr::null_mut::<c_void>(); FRAMES];
    // SAFETY: there is room for so many frames.
    let found = unsafe { RtlCaptureStackBackTrace(0, FRAMES as u32, frames.as_mut_ptr(), ptr::null_mut()) };
    assert!(found > 4, "the system finds {found} frames");
    black_box(&frames);
}

/// The system's step from a frame to its caller, in a loop, as debuggers do it.
pub(crate) fn virtual_unwind() {
    let mut frames = [0; FRAMES];
    let mut found = 0;
    let mut context = MaybeUninit::<CONTEXT>::zeroed();
    // SAFETY: the record is valid memory, and the system fills it.
    let mut context = unsafe {
        RtlCaptureContext(context.as_mut_ptr());
        context.assume_init()
    };
    while context.Rip != 0 && found < FRAMES {
        frames[found] = context.Rip;
        found += 1;
        let mut module = 0;
        // SAFETY: the module is written, and no history is kept.
        let function = unsafe { RtlLookupFunctionEntry(context.Rip, &raw mut module, ptr::null_mut()) };
        if function.is_null() {
            break;
        }
        let (mut data, mut frame) = (ptr::null_mut(), 0);
        // SAFETY: the function is that of the program counter, and the context is the one of a frame of this stack.
        unsafe {
            RtlVirtualUnwind(
                0,
                module,
                context.Rip,
                function,
                &raw mut context,
                &raw mut data,
                &raw mut frame,
                ptr::null_mut(),
            );
        }
    }
    assert!(found > 4, "the system finds {found} frames");
    black_box(&frames);
}
