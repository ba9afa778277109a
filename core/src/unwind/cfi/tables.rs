//! The program's own unwind table, between symbols that its linker script defines. Their names are those that LLVM's
//! libunwind takes on bare metal.

/// The program's `.eh_frame_hdr`, and where it and `.eh_frame` end.
pub(super) struct UnwindTable {
    pub(super) header: usize,
    pub(super) end: usize,
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
