use super::super::effect::Access;
use super::*;

fn stored(before: i32, after: i32, range: (i32, i32), fp: Option<i32>, link: Option<i32>) -> Access {
    Access { before, after, first: range.0, end: range.1, fp, link }
}

/// What each instruction does, as Arm's assembler writes it.
#[test]
fn instructions_have_their_effect() {
    let frame = stored(-4, 0, (0, 2), Some(0), Some(1));
    let known: [(u32, &str, Effect); 67] = [
        (0xd100_83ff, "sub sp, sp, #32", Effect::MoveSp(-4)),
        (0xd140_07ff, "sub sp, sp, #1, lsl #12", Effect::MoveSp(-512)),
        (0x9100_c3ff, "add sp, sp, #48", Effect::MoveSp(6)),
        (0x9100_43bf, "add sp, x29, #16", Effect::SpFromFp(2)),
        (0x9100_03bf, "mov sp, x29", Effect::SpFromFp(0)),
        (0x9100_013f, "mov sp, x9", Effect::ChangeSp),
        (0x927c_ed3f, "and sp, x9, #-16", Effect::ChangeSp),
        (0xcb21_63ff, "sub sp, sp, x1", Effect::ChangeSp),
        (0x9100_03fd, "mov x29, sp", Effect::FpFromSp(0)),
        (0x9100_43fd, "add x29, sp, #16", Effect::FpFromSp(2)),
        (0xaa00_03fd, "mov x29, x0", Effect::ChangeFp),
        (0x2a00_03fe, "mov w30, w0", Effect::ChangeLink),
        (0xaa1d_03e0, "mov x0, x29", Effect::Nothing),
        (0x9000_001d, "adrp x29, .", Effect::ChangeFp),
        (0xeb21_63ff, "cmp sp, x1", Effect::Nothing),
        (0xf100_07bf, "cmp x29, #1", Effect::Nothing),
        (0xa9be_7bfd, "stp x29, x30, [sp, #-32]!", Effect::Store(frame)),
        (0xa901_7bfd, "stp x29, x30, [sp, #16]", Effect::Store(stored(0, 0, (2, 4), Some(2), Some(3)))),
        (0xf81f_0ffe, "str x30, [sp, #-16]!", Effect::Store(stored(-2, 0, (0, 1), None, Some(0)))),
        (0xf900_07fe, "str x30, [sp, #8]", Effect::Store(stored(0, 0, (1, 2), None, Some(1)))),
        (0xa901_53f3, "stp x19, x20, [sp, #16]", Effect::Store(stored(0, 0, (2, 4), None, None))),
        (0x6dbe_27e8, "stp d8, d9, [sp, #-32]!", Effect::Store(stored(-4, 0, (0, 2), None, None))),
        (0x3d80_0be0, "str q0, [sp, #32]", Effect::Store(stored(0, 0, (4, 6), None, None))),
        (0xa8c2_7bfd, "ldp x29, x30, [sp], #32", Effect::Load(stored(0, 4, (0, 2), Some(0), Some(1)))),
        (0xa941_7bfd, "ldp x29, x30, [sp, #16]", Effect::Load(stored(0, 0, (2, 4), Some(2), Some(3)))),
        (0xf841_07fe, "ldr x30, [sp], #16", Effect::Load(stored(0, 2, (0, 1), None, Some(0)))),
        (0xa940_cffe, "ldp x30, x19, [sp, #8]", Effect::Load(stored(0, 0, (1, 3), None, Some(1)))),
        (0xa941_53f3, "ldp x19, x20, [sp, #16]", Effect::Nothing),
        (0xf940_041d, "ldr x29, [x0, #8]", Effect::ChangeFp),
        (0xb940_0bfe, "ldr w30, [sp, #8]", Effect::ChangeLink),
        (0xb980_001d, "ldrsw x29, [x0]", Effect::ChangeFp),
        (0xf862_683e, "ldr x30, [x1, x2]", Effect::ChangeLink),
        (0xf822_683d, "str x29, [x1, x2]", Effect::Nothing),
        (0xf85f_83a0, "ldur x0, [x29, #-8]", Effect::Nothing),
        (0xc801_7fe0, "stxr w1, x0, [sp]", Effect::Nothing),
        (0xf980_07e0, "prfm pldl1keep, [sp, #8]", Effect::Nothing),
        (0x4cdf_7020, "ld1 {v0.16b}, [x1], #16", Effect::Nothing),
        (0x5800_04bd, "ldr x29, =0x12345678", Effect::ChangeFp),
        (0x9e66_001d, "fmov x29, d0", Effect::ChangeFp),
        (0x9e78_003e, "fcvtzs x30, d1", Effect::ChangeLink),
        (0x1e62_283d, "fadd d29, d1, d2", Effect::Nothing),
        (0x0e0c_3c3d, "mov w29, v1.s[1]", Effect::ChangeFp),
        (0x4e18_3c3e, "mov x30, v1.d[1]", Effect::ChangeLink),
        (0x4e03_2c3d, "smov x29, v1.b[1]", Effect::ChangeFp),
        (0x4e04_0c1d, "dup v29.4s, w0", Effect::Nothing),
        (0x9b02_0c3d, "madd x29, x1, x2, x3", Effect::ChangeFp),
        (0x9a82_003e, "csel x30, x1, x2, eq", Effect::ChangeLink),
        (0xfa41_03ad, "ccmp x29, x1, #13, eq", Effect::Nothing),
        (0xd503_233f, "paciasp", Effect::Nothing),
        (0xd503_245f, "bti c", Effect::Nothing),
        (0xd53b_d05d, "mrs x29, tpidr_el0", Effect::ChangeFp),
        (0xd51b_d05d, "msr tpidr_el0, x29", Effect::Nothing),
        (0xd400_0001, "svc #0", Effect::Nothing),
        (0xd420_7d00, "brk #1000", Effect::End),
        (0x0000_0000, "udf #0", Effect::End),
        (0x1400_0010, "b .+64", Effect::Jump(60)),
        (0x5400_0200, "b.eq .+64", Effect::Branch(60)),
        (0xb4ff_fe1d, "cbz x29, .-64", Effect::Branch(-68)),
        (0x3718_021e, "tbnz w30, #3, .+64", Effect::Branch(60)),
        (0x9400_0010, "bl .+64", Effect::Call),
        (0xd63f_03a0, "blr x29", Effect::Call),
        (0xd61f_0200, "br x16", Effect::Return),
        (0xd61f_0020, "br x1", Effect::End),
        (0xd65f_03c0, "ret", Effect::Return),
        (0xd65f_0bff, "retaa", Effect::Return),
        (0xd63f_083f, "blraaz x1", Effect::Call),
        (0xc8e0_fc41, "casal x0, x1, [x2]", Effect::Nothing),
    ];
    for (word, text, effect) in known {
        let code = word.to_le_bytes();
        assert_eq!(Aarch64::decode(&code), Some((4, effect)), "{text}");
        assert_eq!(Aarch64::decode(&code[..3]), None);
    }
}

#[test]
fn other_instructions_are_not_known() {
    let unknown: [(u32, &str); 6] = [
        (0xa940_781d, "ldp x29, x30, [x0]"),
        (0xf85f_8fa0, "ldr x0, [x29, #-8]!"),
        (0xc85f_7c1d, "ldxr x29, [x0]"),
        (0x4cdf_73e0, "ld1 {v0.16b}, [sp], #16"),
        (0xd65f_0020, "ret x1"),
        (0x2520_0000, "an instruction on vectors of any length"),
    ];
    for (word, text) in unknown {
        assert_eq!(Aarch64::decode(&word.to_le_bytes()), None, "{text}");
    }
}
