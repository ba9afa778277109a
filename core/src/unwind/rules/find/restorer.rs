//! The code to which a signal's handler returns: it asks the kernel to restore the interrupted code's registers. Some C
//! libraries do not describe theirs. It has one form on each processor.

use super::code::Code;
use crate::unwind::rules::rule::Rule;

#[cfg(target_arch = "x86_64")]
const CODE: [u8; 9] = *b"\x48\xc7\xc0\x0f\0\0\0\x0f\x05"; // mov $15, %rax; syscall
#[cfg(target_arch = "x86")]
const CODE: [u8; 7] = *b"\xb8\xad\0\0\0\xcd\x80"; // mov $173, %eax; int $128
#[cfg(target_arch = "aarch64")]
const CODE: [u8; 8] = *b"\x68\x11\x80\xd2\x01\0\0\xd4"; // mov x8, #139; svc #0
#[cfg(target_arch = "riscv64")]
const CODE: [u8; 8] = *b"\x93\x08\xb0\x08\x73\0\0\0"; // li a7, 139; ecall

/// The rule of that code, which a handler returns to. A walk looks up a return address less one: `pc` is the byte before.
pub(super) fn rule(code: &mut Code, pc: usize) -> Option<Rule> {
    code.has(pc.checked_add(1)?, &CODE).then_some(Rule::Signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_recognised_by_its_bytes() {
        let (mut code, before) = (Code::of(&CODE), CODE.as_ptr() as usize - 1);
        assert_eq!(rule(&mut code, before), Some(Rule::Signal));
        assert_eq!([before + 1, 0, usize::MAX].map(|pc| rule(&mut code, pc)), [None; 3]);
    }
}
