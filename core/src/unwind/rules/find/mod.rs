//! Finding the rule of a code address.

mod eh_frame;
mod eh_frame_hdr;
#[cfg(all(cfi, target_arch = "x86_64"))]
mod linkage_table;
#[cfg(cfi_bare)]
mod linked_tables;

#[cfg(cfi)]
pub(super) use crate::os::unwind_tables as tables;
#[cfg(fuzzing)]
pub(in crate::unwind) use eh_frame::in_module;
pub(in crate::unwind) use eh_frame::{lasting_rule, rule};
#[cfg(cfi_bare)]
use linked_tables as tables;
