//! The program's own unwind table, between symbols that its linker script defines. LLVM's libunwind uses the same names on
//! bare metal.

/// The program's `.eh_frame_hdr`, and where it and `.eh_frame` end.
pub(super) struct UnwindTable {
    pub(super) header: usize,
    pub(super) end: usize,
}

impl UnwindTable {
    /// The mapped bytes from an address in the tables on.
    pub(super) fn bytes(&self, from: usize) -> Option<&'static [u8]> {
        // SAFETY: who links the program says that its tables lie there, up to their end.
        Some(unsafe { core::slice::from_raw_parts(from as *const u8, self.end.saturating_sub(from)) })
    }
}

unsafe extern "C" {
    static __eh_frame_hdr_start: u8;
    static __eh_frame_hdr_end: u8;
    static __eh_frame_end: u8;
}

/// One table for all code.
pub(super) fn find(_: usize) -> Option<UnwindTable> {
    let end = (&raw const __eh_frame_hdr_end).max(&raw const __eh_frame_end);
    Some(UnwindTable { header: &raw const __eh_frame_hdr_start as usize, end: end as usize })
}
