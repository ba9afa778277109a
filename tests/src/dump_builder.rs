//! An independent writer of dumps, written from `docs/wire-format.md` alone. It shares no code with
//! `memtrack_format`. If the reader understands its dumps, both read the specification the same way.
//!
//! It also keeps a listing: one line of text for each record, in the form in which [`crate::listing`] prints the
//! records that a reader finds.

use std::fmt::Write;

/// A dump under construction.
#[derive(Clone, Debug, Default)]
pub struct DumpBuilder {
    /// The bytes so far.
    pub bytes: Vec<u8>,
    /// The contents, one line for each record.
    pub listing: String,
    sections: u64,
}

impl DumpBuilder {
    /// An empty file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a snapshot of version 1.
    pub fn snapshot(&mut self) {
        self.header(1, 0);
        self.line("snapshot version=1");
    }

    /// Writes a header.
    pub fn header(&mut self, version: u16, flags: u16) {
        let begin = self.bytes.len();
        self.bytes.extend([0x89, 0x4d, 0x54, 0x4b, 0x0d, 0x0a, 0x1a, 0x0a]);
        self.bytes.extend(version.to_le_bytes());
        self.bytes.extend(flags.to_le_bytes());
        self.checksum_from(begin);
        self.sections = 0;
    }

    /// Writes a section of records.
    pub fn section(&mut self, tag: &str, records: impl IntoIterator<Item = Fields>) {
        let mut payload = Vec::new();
        for record in records {
            varint(&mut payload, record.bytes.len() as u64);
            payload.extend(&record.bytes);
            self.line(&format!("{tag}{}", record.text));
        }
        self.frame(tag, &payload);
    }

    /// Writes stack nodes with consecutive ids from `first` on. Each is given as its parent's id and its address.
    pub fn nodes(&mut self, first: u32, nodes: &[(u32, u64)]) {
        let mut payload = Vec::new();
        varint(&mut payload, first.into());
        let mut before = 0;
        for (id, &(parent, address)) in (u64::from(first)..).zip(nodes) {
            varint(&mut payload, id - u64::from(parent));
            // The delta wraps: modulo 2^64 it leads to the same address and takes the fewest bytes.
            let delta = i128::from(address.wrapping_sub(before).cast_signed());
            varint(&mut payload, if delta < 0 { (-2 * delta - 1) as u64 } else { (2 * delta) as u64 });
            before = address;
            self.line(&format!("NODE id={id} parent={parent} address={address}"));
        }
        self.frame("NODE", &payload);
    }

    /// Writes the last section of a snapshot.
    pub fn done(&mut self) {
        let sections = self.sections;
        self.section("DONE", [Fields::new().uint("sections", sections)]);
    }

    /// Writes a section with any payload.
    pub fn frame(&mut self, tag: &str, payload: &[u8]) {
        assert_eq!(tag.len(), 4, "a tag has four letters");
        let begin = self.bytes.len();
        self.bytes.extend(tag.as_bytes());
        self.bytes.extend(u32::try_from(payload.len()).expect("a payload below 4 GiB").to_le_bytes());
        self.bytes.extend(payload);
        self.checksum_from(begin);
        self.sections += 1;
    }

    fn checksum_from(&mut self, begin: usize) {
        let crc = crc32(&self.bytes[begin..]);
        self.bytes.extend(crc.to_le_bytes());
    }

    fn line(&mut self, line: &str) {
        self.listing += line;
        self.listing += "\n";
    }
}

/// The fields of a record or a group, in order.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    text: String,
}

impl Fields {
    /// No fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A number or a code.
    #[must_use]
    pub fn uint(mut self, name: &str, value: impl Into<u64>) -> Self {
        let value = value.into();
        varint(&mut self.bytes, value);
        self.text(name, format_args!("{value}"))
    }

    /// A boolean.
    #[must_use]
    pub fn flag(mut self, name: &str, value: bool) -> Self {
        self.bytes.push(u8::from(value));
        self.text(name, format_args!("{value}"))
    }

    /// A string or a build id.
    #[must_use]
    pub fn bytes(mut self, name: &str, value: &[u8]) -> Self {
        varint(&mut self.bytes, value.len() as u64);
        self.bytes.extend(value);
        self.text(name, format_args!("\"{}\"", value.escape_ascii()))
    }

    /// A list of groups.
    #[must_use]
    pub fn list(mut self, name: &str, items: &[Fields]) -> Self {
        varint(&mut self.bytes, items.len() as u64);
        items.iter().for_each(|item| self.bytes.extend(&item.bytes));
        let items: Vec<_> = items.iter().map(|item| item.text.trim_start()).collect();
        self.text(name, format_args!("[{}]", items.join("; ")))
    }

    /// The group of figures: allocs, bytes, live, live blocks, peak, peak blocks, temporary, reallocs.
    #[must_use]
    pub fn figures(self, values: [u64; 8]) -> Self {
        let names =
            ["allocs", "bytes", "live", "live_blocks", "peak", "peak_blocks", "temporary", "reallocs"];
        names.iter().zip(values).fold(self, |fields, (name, value)| fields.uint(name, value))
    }

    /// Bytes of a field that this version does not know, and that the listing therefore omits.
    pub fn append_unlisted(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    fn text(mut self, name: &str, value: std::fmt::Arguments<'_>) -> Self {
        write!(self.text, " {name}={value}").expect("a string takes all");
        self
    }
}

fn varint(out: &mut Vec<u8>, value: u64) {
    let groups = (64 - value.leading_zeros()).div_ceil(7).max(1);
    for group in 0..groups {
        let more = if group + 1 < groups { 0x80 } else { 0 };
        out.push((value >> (7 * group)) as u8 & 0x7f | more);
    }
}

/// Works bit by bit, as the polynomial is defined.
fn crc32(bytes: &[u8]) -> u32 {
    let mut remainder = 0xffff_ffff_u32;
    for bit in bytes.iter().flat_map(|byte| (0..8).map(move |bit| u32::from(byte >> bit & 1))) {
        let carry = remainder & 1 != bit;
        remainder >>= 1;
        if carry {
            remainder ^= 0xedb8_8320;
        }
    }
    remainder ^ 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_examples() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        for (value, bytes) in [(0, &[0][..]), (127, &[0x7f]), (128, &[0x80, 1]), (300, &[0xac, 2])] {
            let mut out = Vec::new();
            varint(&mut out, value);
            assert_eq!(out, bytes);
        }
        let mut widest = Vec::new();
        varint(&mut widest, u64::MAX);
        assert_eq!(widest, [[0xff; 9].as_slice(), &[1]].concat());

        let mut dump = DumpBuilder::new();
        dump.nodes(2, &[(0, 0x1000), (2, 0x1040), (2, 0x1030)]);
        assert_eq!(dump.bytes[8..dump.bytes.len() - 4], [2, 2, 0x80, 0x40, 1, 0x80, 1, 2, 0x1f]);
    }
}
