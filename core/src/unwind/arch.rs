//! The differences between instruction sets: registers, frame layout, DWARF numbers.

use super::Registers;
use super::frame_registers::{Fp, FramePointers};

/// The registers in the frame of the function that this is inlined into.
#[inline(always)]
pub(crate) fn registers() -> Registers {
    let (pc, sp): (usize, usize);
    let fp: FramePointers;
    // SAFETY: each block only copies registers.
    #[allow(unused_unsafe, reason = "some processors have no block here")]
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("lea {0}, [rip]", "mov {1}, rsp", "mov {2}, rbp", out(reg) pc, out(reg) sp, out(reg) fp, options(nomem, nostack, preserves_flags));
        // The call only serves to learn its return address. The processor has no other instruction for that.
        #[cfg(target_arch = "x86")]
        core::arch::asm!("call 2f", "2:", "pop {0}", "mov {1}, esp", "mov {2}, ebp", out(reg) pc, out(reg) sp, out(reg) fp, options(preserves_flags));
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("adr {0}, .", "mov {1}, sp", "mov {2}, x29", out(reg) pc, out(reg) sp, out(reg) fp, options(nomem, nostack, preserves_flags));
        #[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
        core::arch::asm!("auipc {0}, 0", "mv {1}, sp", "mv {2}, s0", out(reg) pc, out(reg) sp, out(reg) fp, options(nomem, nostack, preserves_flags));
        #[cfg(all(target_arch = "arm", not(ehabi)))]
        core::arch::asm!("mov {0}, pc", "mov {1}, sp", "mov {2}, r7", out(reg) pc, out(reg) sp, out(reg) fp, options(nomem, nostack, preserves_flags));
        #[cfg(ehabi)]
        {
            let (first, second): (usize, usize);
            // Into registers that are no frame pointers.
            core::arch::asm!("mov r0, pc", "mov r1, sp", "mov r2, r11", "mov r3, r7", out("r0") pc, out("r1") sp, out("r2") first, out("r3") second, options(nomem, nostack, preserves_flags));
            fp = (second as FramePointers) << usize::BITS | first as FramePointers;
        }
    }
    #[cfg(not(any(
        target_arch = "x86_64",
        target_arch = "x86",
        target_arch = "aarch64",
        target_arch = "riscv32",
        target_arch = "riscv64",
        target_arch = "arm"
    )))]
    {
        let word = 0usize;
        (pc, sp, fp) = (0, core::ptr::from_ref(core::hint::black_box(&word)) as usize, 0);
    }
    Registers { pc, sp, fp }
}

/// The frame pointer of the tracker's own code.
#[inline(always)]
pub(super) fn own_frame_pointer(all: FramePointers) -> usize {
    // The lowest bit of a function's address says that its code is Thumb.
    #[cfg(ehabi)]
    if own_frame_pointer as fn(FramePointers) -> usize as usize & 1 == 1 {
        return Fp::Second.of(all);
    }
    Fp::First.of(all)
}

/// The stack pointer in the frame of the function that this is inlined into. In a firmware, which has no jumps out of the
/// hook to recover from, any number that is not 0: it only says that the hook runs.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    if cfg!(not(feature = "std")) {
        return 1;
    }
    #[cfg(target_arch = "x86_64")]
    {
        let sp: usize;
        // SAFETY: only copies a register.
        unsafe { core::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
        sp
    }
    #[cfg(target_arch = "x86")]
    {
        let sp: usize;
        // SAFETY: only copies a register.
        unsafe { core::arch::asm!("mov {}, esp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
        sp
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
    registers().sp
}

/// The offset of the caller's frame pointer from the address in the frame pointer, in words. The return address is in the
/// next word.
pub(super) const CHAIN: isize =
    if cfg!(any(target_arch = "riscv32", target_arch = "riscv64")) { -2 } else { 0 };

/// A return address without the bits that the processor adds to it: the Thumb bit, a pointer authentication code.
#[inline(always)]
pub(super) fn plain(address: usize) -> usize {
    #[cfg(target_arch = "arm")]
    return address & !1;
    #[cfg(target_arch = "aarch64")]
    return address & 0x00ff_ffff_ffff_ffff >> 8;
    #[cfg(not(any(target_arch = "arm", target_arch = "aarch64")))]
    address
}

/// The interrupted instruction, when a return address says that the function handles an exception. `fp` is the handler's frame
/// pointer.
pub(super) fn interrupted(address: usize, fp: usize, memory: &mut super::Memory<'_>) -> Option<usize> {
    #[cfg(all(target_arch = "arm", not(feature = "std")))]
    {
        use super::ehabi::exception;
        let kind = address as u32;
        let pc = || exception::interrupted(kind, fp as u32 + 8, memory).map(|pc| pc as usize);
        exception::is_return(kind).then(pc).flatten()
    }
    #[cfg(not(all(target_arch = "arm", not(feature = "std"))))]
    {
        let _ = (address, fp, memory);
        None
    }
}

/// DWARF numbers of return address, stack pointer and frame pointer.
#[cfg(any(all(cfi, not(any(pdata, ehabi))), cfi_bare))]
pub(super) struct Dwarf {
    pub(super) ra: u64,
    pub(super) sp: u64,
    pub(super) fp: u64,
}

#[cfg(any(all(cfi, not(any(pdata, ehabi))), cfi_bare))]
pub(super) const DWARF: Dwarf = {
    if cfg!(target_arch = "x86_64") {
        Dwarf { ra: 16, sp: 7, fp: 6 }
    } else if cfg!(target_arch = "x86") {
        Dwarf { ra: 8, sp: 4, fp: 5 }
    } else if cfg!(target_arch = "aarch64") {
        Dwarf { ra: 30, sp: 31, fp: 29 }
    } else {
        Dwarf { ra: 1, sp: 2, fp: 8 }
    }
};

/// Where in the frame of a signal's trampoline the interrupted code's program counter, stack and frame pointer lie, in words
/// from the stack pointer.
///
/// Linux has the kernel's `struct rt_sigframe` there: on x86_64 the stack pointer is at its ucontext (40 bytes, then r8 … r15,
/// rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip); on the others a siginfo of 128 bytes comes first. Windows has a `CONTEXT` in
/// the frame of `KiUserExceptionDispatcher`. macOS has no fixed places: see [`signal_frame`](super::signal_frame).
#[cfg(any(all(cfi, not(any(compact, ehabi))), cfi_bare))]
pub(super) const SIGNAL: [usize; 3] = if cfg!(pdata) {
    [0xf8 / 8, 0x98 / 8, 0xa0 / 8]
} else if cfg!(target_arch = "x86_64") {
    [168 / 8, 160 / 8, 120 / 8]
} else if cfg!(target_arch = "x86") {
    // The stack pointer is at the handler's three arguments; a siginfo comes behind them, then the ucontext: 20 bytes, then
    // gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trapno, err, eip.
    [(160 + 56) / 4, (160 + 28) / 4, (160 + 24) / 4]
} else if cfg!(target_arch = "aarch64") {
    // ucontext: 168 bytes and 8 of padding, then fault address, x0 … x30, sp, pc.
    [(304 + 8 + 256) / 8, (304 + 8 + 248) / 8, (304 + 8 + 232) / 8]
} else {
    // ucontext: 168 bytes and 8 of padding, then pc, x1 (ra), x2 (sp) … x8 (s0).
    [304 / 8, 304 / 8 + 2, 304 / 8 + 8]
};

/// The same on ARM, with both frame pointers. Behind the siginfo is the ucontext: 20 bytes, trap, error code, old mask, then r0 …
/// r10, r11, r12, sp, lr, pc.
#[cfg(ehabi)]
pub(super) const SIGNAL: [usize; 4] = [(160 + 60) / 4, (160 + 52) / 4, (160 + 44) / 4, (160 + 28) / 4];

// glibc and musl name the registers in the order of the kernel's.
#[cfg(all(test, cfi, target_os = "linux", target_arch = "x86_64"))]
mod tests {
    use core::mem::offset_of;

    #[test]
    fn interrupted_registers_lie_where_the_c_library_has_them() {
        let registers = offset_of!(libc::ucontext_t, uc_mcontext) + offset_of!(libc::mcontext_t, gregs);
        let place = |register: i32| registers / 8 + register as usize;
        assert_eq!(super::SIGNAL, [libc::REG_RIP, libc::REG_RSP, libc::REG_RBP].map(place));
    }

    #[test]
    fn registers_are_those_of_this_frame() {
        let here = super::registers();
        let local = 0usize;
        let place = core::ptr::from_ref(core::hint::black_box(&local)).addr();
        assert!((here.sp..here.sp + 4096).contains(&place), "{place:x} {here:x?}");
        assert!(super::stack_pointer().abs_diff(here.sp) < 4096);
        let code = registers_are_those_of_this_frame as fn() as usize;
        assert!(here.pc.abs_diff(code) < 4096, "{code:x} {here:x?}");
    }
}
