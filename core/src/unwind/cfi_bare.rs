//! Unwinding by DWARF call frame information without an operating system. The rules are the same as on a host. They are
//! found in the program's own unwind table ([`find`]), and a microcontroller has memory for few of them.

use super::rules::cache::Cache;
use super::rules::rule::Untraced;
use super::rules::{find, walk};
use super::{End, Frames, Generations, Memory, Registers, Unwind};

/// DWARF call frame information (`.eh_frame`) of the program itself.
///
/// Rust is compiled with `-C force-unwind-tables=yes`, C with `-funwind-tables`; the linker gets `--eh-frame-hdr`, and
/// its script keeps `.eh_frame_hdr` between `__eh_frame_hdr_start` and `__eh_frame_hdr_end`, and `.eh_frame` in front of
/// `__eh_frame_end`, both where the program can read them. A function without a table ends the walk, as does an
/// interrupt's entry; start-up code has to say `.cfi_undefined` of its return address.
#[derive(Debug, Default, Clone, Copy)]
pub struct Cfi;

/// The rules that were used last. All-zero is empty.
#[doc(hidden)]
pub struct Memo(Cache);

// SAFETY: reads the stack only through `Memory`, and the table that the linker put into the program; no part
// of it is read past its end; every step goes outwards.
unsafe impl Unwind for Cfi {
    const NAME: &'static str = "DWARF CFI";
    type Memo = Memo;

    fn walk(&self, from: Registers, memory: Memory<'_>, memo: Option<&mut Memo>, frames: &mut Frames) -> End {
        match memo {
            Some(memo) => walk::walk(
                from.into(),
                true,
                memory,
                |pc, interrupted| memo.0.rule(pc, interrupted),
                &mut Untraced,
                &mut Generations::default(),
                frames,
            ),
            None => walk::walk(
                from.into(),
                true,
                memory,
                find::rule,
                &mut Untraced,
                &mut Generations::default(),
                frames,
            ),
        }
    }
}
