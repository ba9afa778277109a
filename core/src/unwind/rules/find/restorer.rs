//! The code to which a signal's handler returns: it asks the kernel to restore the interrupted code's registers. Some C
//! libraries do not describe theirs. It has few forms on each processor.

use super::code::Code;
use crate::unwind::rules::rule::Rule;

/// Its forms, each with the rule.
type Forms<const COUNT: usize> = [(&'static [u8], Rule); COUNT];

#[cfg(target_arch = "x86_64")]
const FORMS: Forms<1> = [(b"\x48\xc7\xc0\x0f\0\0\0\x0f\x05", Rule::Signal)]; // mov $15, %rax; syscall
#[cfg(target_arch = "x86")]
const FORMS: Forms<1> = [(b"\xb8\xad\0\0\0\xcd\x80", Rule::Signal)]; // mov $173, %eax; int $128
#[cfg(target_arch = "aarch64")]
const FORMS: Forms<1> = [(b"\x68\x11\x80\xd2\x01\0\0\xd4", Rule::Signal)]; // mov x8, #139; svc #0
#[cfg(target_arch = "riscv64")]
const FORMS: Forms<1> = [(b"\x93\x08\xb0\x08\x73\0\0\0", Rule::Signal)]; // li a7, 139; ecall
// ARM code, Thumb code with a long and with a short instruction.
#[cfg(target_arch = "arm")]
const FORMS: Forms<6> = [
    (b"\x77\x70\xa0\xe3\0\0\0\xef", Rule::ShortSignal), // mov r7, #119; svc 0
    (b"\xad\x70\xa0\xe3\0\0\0\xef", Rule::Signal),      // mov r7, #173; svc 0
    (b"\x4f\xf0\x77\x07\0\xdf", Rule::ShortSignal),
    (b"\x4f\xf0\xad\x07\0\xdf", Rule::Signal),
    (b"\x77\x27\0\xdf", Rule::ShortSignal),
    (b"\xad\x27\0\xdf", Rule::Signal),
];

/// The rule of that code, which a handler returns to. A walk looks up a return address less one: `pc` is the byte before.
pub(super) fn rule(code: &mut Code, pc: usize) -> Option<Rule> {
    let at = pc.checked_add(1)?;
    FORMS.into_iter().find(|(bytes, _)| code.has(at, bytes)).map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_recognised_by_its_bytes() {
        for (bytes, expected) in FORMS {
            let (mut code, before) = (Code::of(bytes), bytes.as_ptr() as usize - 1);
            assert_eq!(rule(&mut code, before), Some(expected));
            assert_eq!([before + 1, 0, usize::MAX].map(|pc| rule(&mut code, pc)), [None; 3]);
        }
    }
}
