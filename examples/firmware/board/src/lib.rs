//! The machines of QEMU behind one small interface: start-up, console, clock, ways out.
//!
//! A program has a function `main` and passes it to [`entry!`]. The parts that differ between boards are in the
//! file of the processor; everything else here is the same on all boards.
#![no_std]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;
#[cfg(not(target_arch = "x86_64"))]
mod semihosting;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use core::fmt;

#[cfg(target_arch = "aarch64")]
use aarch64 as machine;
#[cfg(target_arch = "arm")]
use cortex_m as machine;
#[cfg(target_arch = "riscv32")]
use riscv as machine;
#[cfg(target_arch = "x86_64")]
use x86_64 as machine;

pub use machine::*;

/// Makes a function the program's `main`. The function returns whether the program succeeded.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn board_main() -> ! {
            $crate::paint_stack();
            $crate::exit($main())
        }
    };
}

/// The console: a serial port.
#[derive(Debug, Default, Clone, Copy)]
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(machine::send);
        Ok(())
    }
}

impl embedded_io::ErrorType for Console {
    type Error = core::convert::Infallible;
}

impl embedded_io::Write for Console {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        bytes.iter().for_each(|&byte| machine::send(byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

unsafe extern "C" {
    static _code_start: u8;
    static _code_end: u8;
    static _build_id: u8;
    static _build_id_end: u8;
    static _stack_bottom: u8;
    static _stack_top: u8;
}

/// Bytes in front of a build id: the note's three words and its name, `GNU` with a zero.
const NOTE_HEAD: usize = 16;

/// The first address of the code, and the address past its end.
#[must_use]
pub fn code() -> (usize, usize) {
    (&raw const _code_start as usize, &raw const _code_end as usize)
}

/// The build id that the linker wrote.
#[must_use]
pub fn build_id() -> &'static [u8] {
    let (start, end) = (&raw const _build_id, &raw const _build_id_end);
    let length = end as usize - start as usize;
    // SAFETY: the linker script puts the note, and nothing else, between the two symbols; it is never written.
    let note = unsafe { core::slice::from_raw_parts(start, length) };
    note.get(NOTE_HEAD..).unwrap_or(&[])
}

/// The stack: its lowest address, and the address past its highest.
#[must_use]
pub fn stack() -> (usize, usize) {
    (&raw const _stack_bottom as usize, &raw const _stack_top as usize)
}

/// The value of unused words of the stack.
const PAINT: usize = 0xa5a5_a5a5;
/// Bytes below the running function's frame that are not painted: they are for the frames of the painting function.
const MARGIN: usize = 512;

fn stack_words() -> (*mut usize, usize) {
    let (low, high) = stack();
    (low as *mut usize, (high - low) / size_of::<usize>())
}

/// Paints the unused part of the stack, so that [`used_stack`] can find how deep the stack went.
pub fn paint_stack() {
    let here = 0usize;
    let (bottom, _) = stack_words();
    let unused = (&raw const here as usize).saturating_sub(MARGIN + bottom as usize) / size_of::<usize>();
    for word in 0..unused {
        // SAFETY: the words between the bottom and the margin belong to the stack and to no frame.
        unsafe { bottom.add(word).write_volatile(PAINT) }
    }
}

/// The highest number of bytes of the stack that were in use.
#[must_use]
pub fn used_stack() -> usize {
    let (bottom, words) = stack_words();
    // SAFETY: all of the stack is readable.
    let painted = (0..words).take_while(|&word| unsafe { bottom.add(word).read_volatile() } == PAINT).count();
    (words - painted) * size_of::<usize>()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = fmt::Write::write_fmt(&mut Console, format_args!("{info}\n"));
    exit(false)
}
