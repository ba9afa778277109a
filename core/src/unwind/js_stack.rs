//! Stacks of a program of WebAssembly, from the JavaScript engine that runs it.
//!
//! **Problem.** WebAssembly keeps return addresses where the program itself cannot read them.
//!
//! **Idea.** The engine writes its stack into each `Error` that JavaScript makes. A function that the page provides reads
//! this text, and returns the positions of the calls: offsets in the file of WebAssembly, which has the names.

use super::{End, Frames, Memory, Registers, Unwind};

#[link(wasm_import_module = "memtrack")]
unsafe extern "C" {
    /// Writes the offsets of the calls on the stack, the innermost first, and at most `most` of them. Returns how many
    /// there are.
    fn stack(offsets: *mut u32, most: usize) -> usize;
}

/// The stack that a JavaScript engine writes into an `Error`. The page provides the import `memtrack.stack`:
/// `examples/browser/memtrack.js` does.
///
/// A capture takes some tenths of a millisecond, because the engine writes the stack as a text and the page reads it. So it is
/// for programs that allocate seldom. [`NoUnwind`](crate::NoUnwind) has all figures without stacks.
#[derive(Debug, Default, Clone, Copy)]
pub struct JsStack;

// SAFETY: the imported function runs in JavaScript, which neither allocates in the program's memory nor calls the program. It
// ends when the text of the stack ends. It reads no memory of the program's.
unsafe impl Unwind for JsStack {
    const NAME: &'static str = "JavaScript stack";
    type Memo = ();

    fn walk(&self, _: Registers, _: Memory<'_>, _: Option<&mut ()>, frames: &mut Frames) -> End {
        const MOST: usize = 256;
        let mut offsets = [0; MOST];
        // SAFETY: the array has room for so many offsets.
        let found = unsafe { stack(offsets.as_mut_ptr(), MOST) };
        for &offset in offsets.iter().take(found) {
            if frames.push(offset as usize).is_err() {
                return End::TooDeep;
            }
        }
        match found {
            // An engine that writes its stacks in an unknown form.
            0 => End::Stopped,
            1..=MOST => End::Complete,
            _ => End::TooDeep,
        }
    }
}
