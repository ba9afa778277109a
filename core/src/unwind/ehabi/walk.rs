//! The walk of a firmware: from frame to frame by the tables of the program, over the frames of exceptions.

use super::exception;
use super::frame::Frame;
#[cfg(not(target_pointer_width = "32"))]
use super::simulated;
use super::table::{Entry, Tables};
use crate::unwind::{End, Frames, Memory};
#[cfg(target_arch = "arm")]
use crate::unwind::{Registers, Unwind};

/// ARM EHABI: the program's own `.ARM.exidx`.
///
/// The linker script keeps the section between the symbols `__exidx_start` and `__exidx_end`, and `.ARM.extab`
/// anywhere; Rust is compiled with `-C force-unwind-tables=yes`, C with `-funwind-tables`. A function without a table
/// ends the walk.
#[cfg(target_arch = "arm")]
#[derive(Debug, Default, Clone, Copy)]
pub struct Ehabi;

#[cfg(target_arch = "arm")]
// SAFETY: reads the stack only through `Memory::read`, and the tables that the linker put into the program; every step
// goes outwards.
unsafe impl Unwind for Ehabi {
    const NAME: &'static str = "ARM EHABI";
    type Memo = ();

    fn walk(&self, from: Registers, memory: Memory<'_>, _: Option<&mut ()>, frames: &mut Frames) -> End {
        walk(Frame::new(from.pc as u32, from.sp as u32, from.fp as u32), Tables::of_program(), memory, frames)
    }
}

/// Bytes at the outer end of a stack: only start-up code uses them.
const OUTERMOST: usize = 64;

pub(super) fn walk(
    mut frame: Frame,
    tables: Tables<'_, impl Fn(u32) -> Option<u32> + Copy>,
    mut memory: Memory<'_>,
    frames: &mut Frames,
) -> End {
    // The address to look up: inside the call, or of the interrupted instruction.
    let mut pc = frame.pc();
    let mut interrupted = false;
    loop {
        let below = frame.sp();
        match tables.find(pc) {
            Some((function, _)) if interrupted && tables.has_pushed(function, pc) == Some(false) => {
                frame.unwind_leaf();
            }
            Some((_, Entry::Instructions(instructions))) => {
                let unwound = frame.unwind(instructions, |at| read(&memory, at));
                if unwound.is_none() || frame.sp() <= below {
                    return End::Stopped;
                }
            }
            // Start-up code says that it cannot be unwound, at the end of a stack. Code without tables says so elsewhere.
            Some((_, Entry::CannotUnwind)) if memory.end().saturating_sub(below as usize) <= OUTERMOST => {
                return End::Complete;
            }
            Some((_, Entry::CannotUnwind)) | None => return End::Stopped,
        }
        let address = frame.pc();
        // Start-up code cleared the return address.
        if address & !1 == 0 || address == u32::MAX {
            return End::Complete;
        }
        interrupted = exception::is_return(address);
        pc = if interrupted {
            if exception::unwind(&mut frame, &mut memory).is_none() {
                return End::Stopped;
            }
            frame.pc() & !1
        } else {
            (address & !1).wrapping_sub(1)
        };
        if frames.push(pc as usize).is_err() {
            return End::TooDeep;
        }
    }
}

/// A word of the stack.
pub(super) fn read(memory: &Memory<'_>, at: u32) -> Option<u32> {
    #[cfg(target_pointer_width = "32")]
    return memory.read(at as usize).map(|word| word as u32);
    #[cfg(not(target_pointer_width = "32"))]
    return simulated::read(memory, at);
}
