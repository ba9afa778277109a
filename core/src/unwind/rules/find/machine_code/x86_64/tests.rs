use super::*;

const LONGEST: usize = X86::LONGEST;

fn decode(code: &[u8]) -> Option<(usize, Effect)> {
    X86::decode(code)
}

#[test]
fn instructions_have_their_length_and_their_effect() {
    let known: [(&[u8], Effect); 43] = [
        (b"\x55", Effect::Push { fp: true }),
        (b"\x41\x55", Effect::Push { fp: false }),
        (b"\x68\x01\0\0\0", Effect::Push { fp: false }),
        (b"\xff\x74\x24\x08", Effect::Push { fp: false }),
        (b"\x5d", Effect::Pop { fp: true }),
        (b"\x41\x5c", Effect::Pop { fp: false }),
        (b"\x48\x83\xec\x18", Effect::MoveSp(-3)),
        (b"\x48\x81\xc4\x88\0\0\0", Effect::MoveSp(17)),
        (b"\x48\x8d\x64\x24\x10", Effect::MoveSp(2)),
        (b"\x48\x8d\x65\xd8", Effect::SpFromFp(-5)),
        (b"\x48\x89\xec", Effect::SpFromFp(0)),
        (b"\x48\x8b\xe5", Effect::SpFromFp(0)),
        (b"\x48\x83\xe4\xe0", Effect::ChangeSp),
        (b"\x48\x29\xc4", Effect::ChangeSp),
        (b"\x49\x8d\x62\xf8", Effect::ChangeSp),
        (b"\x48\x89\xe5", Effect::FpFromSp(0)),
        (b"\x48\x8d\x6c\x24\x20", Effect::FpFromSp(4)),
        (b"\x48\x89\x6c\x24\x08", Effect::StoreFp(1)),
        (b"\x48\x8b\x6c\x24\x08", Effect::LoadFp(1)),
        (b"\x89\xfd", Effect::ChangeFp),
        (b"\xbd\x01\0\0\0", Effect::ChangeFp),
        (b"\x0f\xb6\x2f", Effect::ChangeFp),
        (b"\x40\x0f\x94\xc5", Effect::ChangeFp),
        (b"\x0f\x94\xc5", Effect::Nothing),
        (b"\xb5\x01", Effect::Nothing),
        (b"\x49\x89\xec", Effect::Nothing),
        (b"\x48\x89\xe0", Effect::Nothing),
        (b"\x39\xe5", Effect::Nothing),
        (b"\x48\x83\xfc\x10", Effect::Nothing),
        (b"\x66\xc7\x07\x01\0", Effect::Nothing),
        (b"\x48\xb8\0\0\0\0\0\0\0\0", Effect::Nothing),
        (b"\xf7\x05\0\0\0\0\x01\0\0\0", Effect::Nothing),
        (b"\x64\x48\x8b\x04\x25\x28\0\0\0", Effect::Nothing),
        (b"\xf3\x0f\x1e\xfa", Effect::Nothing),
        (b"\x66\x2e\x0f\x1f\x84\0\0\0\0\0", Effect::Nothing),
        (b"\xdb\x6c\x24\x10", Effect::Nothing),
        (b"\xe8\x05\0\0\0", Effect::Call),
        (b"\x41\xff\x54\x24\x08", Effect::Call),
        (b"\xeb\xfe", Effect::Jump(-2)),
        (b"\x0f\x84\0\x01\0\0", Effect::Branch(256)),
        (b"\xff\x25\0\x01\0\0", Effect::Return),
        (b"\xff\xe0", Effect::End),
        (b"\xf3\xc3", Effect::Return),
    ];
    for (code, effect) in known {
        assert_eq!(decode(code), Some((code.len(), effect)), "{code:x?}");
        // Behind it comes other code, and in front of its end it is not known.
        assert_eq!(decode(&[code, &[0; LONGEST]].concat()), Some((code.len(), effect)), "{code:x?}");
        assert_eq!(decode(&code[..code.len() - 1]), None, "{code:x?}");
    }
}

#[test]
fn other_instructions_are_not_known() {
    // A call of the next instruction, a pop into the stack pointer, an exchange of both registers, `ret` that pops more, `enter`,
    // a push of 16 bits, a vector's instruction, the shadow stack's pointer.
    let unknown: [&[u8]; 8] = [
        b"\xe8\0\0\0\0",
        b"\x5c",
        b"\x48\x87\xec",
        b"\xc2\x08\0",
        b"\xc8\0\0\0",
        b"\x66\x50",
        b"\xc5\xf9\x6e\xc0",
        b"\xf3\x48\x0f\x1e\xcd",
    ];
    for code in unknown {
        assert_eq!(decode(code), None, "{code:x?}");
    }
}
