//! A stack on which the kernel of macOS has laid the frame of a signal. The structures are those of the SDK's headers, field by field.

use core::mem::offset_of;
use std::boxed::Box;

use super::Machine;

#[repr(C)]
#[derive(Clone, Copy)]
struct Info {
    signo_errno_code_pid_uid_status: [i32; 6],
    address: usize,
    value: usize,
    band: i64,
    pad: [u64; 7],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Context {
    on_stack: i32,
    mask: u32,
    stack: (usize, usize, i32),
    link: usize,
    size: usize,
    place: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Vectors {
    registers: [u128; 32],
    status: u32,
    control: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Aarch64Registers {
    fault: (u64, u32, u32),
    x: [usize; 29],
    fp: usize,
    lr: usize,
    sp: usize,
    pc: usize,
    flags: [u32; 2],
    vectors: Vectors,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Aarch64Frame {
    info: Info,
    context: Context,
    registers: Aarch64Registers,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct X86Registers {
    trap_cpu_error_address: (u16, u16, u32, u64),
    rax_rbx_rcx_rdx_rdi_rsi: [usize; 6],
    rbp: usize,
    rsp: usize,
    r8_to_r15: [usize; 8],
    rip: usize,
    flags: usize,
    cs: usize,
    fs_gs: [usize; 2],
}

/// The size of the registers on the simplest processor of x86_64, as the kernel has always known it.
pub(in crate::unwind) const SMALLEST: usize = 712;

/// A stack.
pub(in crate::unwind) struct Stack(Box<[u128; 1024]>);

impl Stack {
    pub(in crate::unwind) fn new() -> Stack {
        Stack(Box::new([0xdead_beef_dead_beef_dead_beef; 1024]))
    }

    pub(in crate::unwind) fn base(&self) -> usize {
        self.0.as_ptr().expose_provenance()
    }

    /// The address behind the stack.
    pub(in crate::unwind) fn end(&self) -> usize {
        self.base() + size_of_val(&*self.0)
    }

    /// Writes a value at an address of the stack.
    pub(in crate::unwind) fn write<T: Copy>(&mut self, at: usize, value: T) {
        let offset = at - self.base();
        assert!(offset + size_of::<T>() <= size_of_val(&*self.0));
        // SAFETY: the value is within the array, whose elements may have any bits.
        unsafe { self.0.as_mut_ptr().byte_add(offset).cast::<T>().write_unaligned(value) };
    }

    /// Interrupts code with these `pc`, `sp` and `fp`, as the kernel does, below an address. Returns the stack pointer with which
    /// `_sigtramp` starts. `size` is that of the registers, on x86_64.
    pub(in crate::unwind) fn interrupt(
        &mut self,
        machine: Machine,
        below: usize,
        size: usize,
        [pc, sp, fp]: [usize; 3],
    ) -> usize {
        const RED_ZONE: usize = 128;
        // SAFETY: integers may be zero.
        let info: Info = unsafe { core::mem::zeroed() };
        let context =
            |start, size, place| Context { on_stack: 0, mask: 0, stack: (start, 0, 0), link: 0, size, place };
        match machine {
            Machine::Aarch64 => {
                // SAFETY: integers may be zero.
                let zero: Aarch64Registers = unsafe { core::mem::zeroed() };
                let registers = Aarch64Registers { pc, sp, fp, lr: 0xbad, ..zero };
                let start = (below - size_of::<Aarch64Frame>() - RED_ZONE) & !15;
                let place = start + offset_of!(Aarch64Frame, registers);
                let context = context(start, size_of::<Aarch64Registers>(), place);
                self.write(start, Aarch64Frame { info, context, registers });
                start
            }
            Machine::X86_64 => {
                // SAFETY: integers may be zero.
                let zero: X86Registers = unsafe { core::mem::zeroed() };
                let registers = X86Registers { rip: pc, rsp: sp, rbp: fp, cs: 0x2b, ..zero };
                let at_context = below - RED_ZONE - size_of::<Context>();
                let at_info = at_context - size_of::<Info>();
                let place = at_info - size;
                let start = (place & !15) - 8;
                self.write(at_context, context(start, size, place));
                self.write(at_info, info);
                self.write(place, registers);
                start
            }
        }
    }

    /// The frame of `_sigtramp`, which has started at `start`: returns its stack pointer and its frame pointer, when its caller's is `fp`.
    pub(in crate::unwind) fn start_handler(
        &mut self,
        machine: Machine,
        start: usize,
        fp: usize,
    ) -> [usize; 2] {
        let frame = match machine {
            Machine::X86_64 => start - 8,
            Machine::Aarch64 => start - 16,
        };
        // On x86_64 the kernel writes no return address.
        self.write(frame, fp);
        [if machine == Machine::X86_64 { frame } else { frame - 32 }, frame]
    }
}
