//! The program, its machine and its modules.

use super::code::{Arch, Os};
use super::fields;
use crate::field::List;

fields! {
    /// The program and the machine that it runs on.
    record Target<'a>; {
        /// Instruction set.
        arch: Arch,
        /// Bytes of a pointer.
        pointer_width: u8,
        /// Whether the target is big-endian. The dump itself is always little-endian.
        big_endian: bool,
        /// Operating system.
        os: Os,
        /// Process id, 0 when there is none.
        pid: u32,
        /// Parent's process id.
        parent_pid: u32,
        /// The tracker's start, in nanoseconds since 1970, 0 when unknown.
        start_unix_ns: u64,
        /// The name of the unwinder that captured the stacks.
        unwinder: &'a [u8],
        /// The command line, arguments separated by NUL.
        command: &'a [u8],
    }
}

fields! {
    /// A loaded range of a module.
    Segment; {
        /// Its first address.
        start: u64,
        /// Its bytes.
        length: u64,
        /// Its offset in the file.
        file_offset: u64,
        /// Whether it holds code.
        executable: bool,
    }
}

fields! {
    /// A loaded executable or library.
    record Module<'a>; {
        /// The path it was loaded from.
        path: &'a [u8],
        /// Its build id, empty when it has none.
        build_id: &'a [u8],
        /// The difference between its addresses in memory and in the file.
        bias: u64,
        /// Whether it had been unloaded when the snapshot was taken.
        unloaded: bool,
        /// Its loaded ranges.
        segments: List<'a, Segment>,
        /// Bytes of its file, 0 when unknown.
        file_size: u64,
        /// The last change of its file, in nanoseconds since 1970, 0 when unknown.
        file_modified_unix_ns: u64,
    }
}
