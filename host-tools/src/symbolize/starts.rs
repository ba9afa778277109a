//! Finds the starts of functions in the unwind tables, which stripped binaries still have. `.eh_frame_hdr`
//! finds the description of a function by any address in it.

use gimli::{
    BaseAddresses, EhFrame, EhFrameHdr, EhFrameOffset, EndianSlice, ParsedEhFrameHdr, RunTimeEndian,
    UnwindSection,
};
use object::{Object, ObjectSection};

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// The unwind tables of one binary.
pub(super) struct Starts<'a> {
    index: ParsedEhFrameHdr<Slice<'a>>,
    frames: EhFrame<Slice<'a>>,
    bases: BaseAddresses,
}

impl<'a> Starts<'a> {
    /// `None` if the binary has no unwind tables.
    pub(super) fn new(file: &object::File<'a>) -> Option<Self> {
        let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        let width = if file.is_64() { 8 } else { 4 };
        let section = |name| file.section_by_name(name);
        let (index, frames) = (section(".eh_frame_hdr")?, section(".eh_frame")?);
        let address = |name| section(name).map_or(0, |section| section.address());
        let bases = BaseAddresses::default()
            .set_eh_frame_hdr(index.address())
            .set_eh_frame(frames.address())
            .set_text(address(".text"))
            .set_got(address(".got"));
        let index = EhFrameHdr::new(index.data().ok()?, endian).parse(&bases, width).ok()?;
        index.table()?;
        let mut frames = EhFrame::new(frames.data().ok()?, endian);
        frames.set_address_size(width);
        Some(Starts { index, frames, bases })
    }

    /// The start of the function that contains an address.
    pub(super) fn of(&self, svma: u64) -> Option<u64> {
        let cie =
            |frames: &EhFrame<_>, bases: &_, offset: EhFrameOffset| frames.cie_from_offset(bases, offset);
        let entry = self.index.table()?.fde_for_address(&self.frames, &self.bases, svma, cie).ok()?;
        Some(entry.initial_address())
    }
}
