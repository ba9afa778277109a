use super::x86_64::X86;
use super::*;
use crate::unwind::rules::rule::{CallerFp, Cfa};

/// The rule of made-up code, paused at an offset by a signal or behind a call.
fn rule_of(code: &[u8], at: usize, interrupted: bool) -> Option<Rule> {
    let pc = code.as_ptr() as usize + at;
    rule::<X86>(&mut Code::of(code), if interrupted { pc } else { pc - 1 }, interrupted)
}

fn frame(words: isize, fp: CallerFp) -> Option<Rule> {
    Some(Rule::frame(Cfa::Sp(words), -1, fp))
}

#[test]
fn a_function_is_read_from_each_of_its_instructions() {
    // push rbp; push rbx; sub rsp, 8; call …; add rsp, 8; pop rbx; pop rbp; ret
    let code = b"\x55\x53\x48\x83\xec\x08\xe8\x99\x99\0\0\x48\x83\xc4\x08\x5b\x5d\xc3";
    let saved = CallerFp::Saved(-2);
    let expected = [
        (0, frame(1, CallerFp::Same)),
        (1, frame(2, saved)),
        (2, frame(3, saved)),
        (6, frame(4, saved)),
        (11, frame(4, saved)),
        (15, frame(3, saved)),
        (16, frame(2, saved)),
        (17, frame(1, CallerFp::Same)),
    ];
    for (at, expected) in expected {
        assert_eq!(rule_of(code, at, true), expected, "{at}");
    }
    assert_eq!(rule_of(code, 11, false), frame(4, saved));
}

#[test]
fn a_function_that_computes_the_size_of_its_frame_is_read_by_its_frame_pointer() {
    // push rbp; mov rbp, rsp; sub rsp, rax; call …; leave; ret
    let code = b"\x55\x48\x89\xe5\x48\x29\xc4\xe8\x99\x99\0\0\xc9\xc3";
    let by_fp = Some(Rule::frame(Cfa::Fp(2), -1, CallerFp::Saved(-2)));
    assert_eq!(rule_of(code, 12, false), by_fp);
    assert_eq!(
        [0, 1].map(|at| rule_of(code, at, true)),
        [None, None],
        "where the next call is aligned, nobody knows"
    );
    assert_eq!([4, 7, 12].map(|at| rule_of(code, at, true)), [None, by_fp, by_fp]);
}

#[test]
fn the_next_function_is_not_read_for_one_that_never_returns() {
    // sub rsp, 8; call exit | xor eax, eax; ret | push rbx; call …; pop rbx; ret
    let code = b"\x48\x83\xec\x08\xe8\x99\x99\0\0\x31\xc0\xc3\x53\xe8\x99\x99\0\0\x5b\xc3";
    assert_eq!((rule_of(code, 9, false), rule_of(code, 4, true), rule_of(code, 0, true)), (None, None, None));
    assert_eq!(rule_of(code, 18, false), frame(2, CallerFp::Same));
    // The same in front of the second function.
    let code = [&code[..9], &code[12..]].concat();
    assert_eq!(
        (rule_of(&code, 9, false), rule_of(&code, 4, true), rule_of(&code, 0, true)),
        (None, None, None)
    );
}

#[test]
fn a_loop_that_makes_room_has_no_rule() {
    // sub rsp, 4096; cmp rsp, r11; jne to the start; ret
    let code = b"\x48\x81\xec\0\x10\0\0\x4c\x39\xdc\x75\xf4\xc3";
    assert_eq!((rule_of(code, 0, true), rule_of(code, 12, true)), (None, frame(1, CallerFp::Same)));
}

#[test]
fn loops_and_code_that_ends_are_read_to_an_end() {
    // nop; jmp to the start
    assert_eq!(rule_of(b"\x90\xeb\xfd", 0, true), None);
    // A branch to itself, then the code ends.
    assert_eq!(rule_of(b"\x75\xfe\x90", 0, true), None);
    assert_eq!(rule_of(b"\x48\x83", 0, true), None);
    // A branch out of the loop: test; je behind; jmp to the start; pop rax; ret
    assert_eq!(rule_of(b"\x85\xc0\x74\x02\xeb\xfa\x58\xc3", 0, true), frame(2, CallerFp::Same));
}

#[test]
fn straight_code_ends_at_a_jump() {
    // call …; je …; hlt; nop
    let code = b"\xe8\x99\x99\0\0\x74\x10\xf4\x90";
    let start = code.as_ptr() as usize;
    let leads = [0, 4, 5, 7, 8].map(|at| leads_to::<X86>(&mut Code::of(code), start, start + at));
    assert_eq!(leads, [true, true, true, true, false]);
}

mod linked {
    //! The same with a link register, on aarch64.

    use super::super::aarch64::Aarch64;
    use super::*;

    const STORE: u32 = 0xa9be_7bfd; // stp x29, x30, [sp, #-32]!
    const STORE_LINK: u32 = 0xf81f_0ffe; // str x30, [sp, #-16]!
    const CALL: u32 = 0x9400_0100; // bl …
    const LOAD: u32 = 0xa8c2_7bfd; // ldp x29, x30, [sp], #32
    const LOAD_LINK: u32 = 0xf841_07fe; // ldr x30, [sp], #16
    const RETURN: u32 = 0xd65f_03c0; // ret
    const NOTHING: u32 = 0xd503_201f; // nop

    /// The rule of made-up code, paused in front of an instruction by a signal, or behind a call.
    fn rule_of(code: &[u32], at: usize, interrupted: bool) -> Option<Rule> {
        let bytes = code.iter().flat_map(|word| word.to_le_bytes()).collect::<std::vec::Vec<u8>>();
        let pc = bytes.as_ptr() as usize + 4 * at;
        rule::<Aarch64>(&mut Code::of(&bytes), if interrupted { pc } else { pc - 1 }, interrupted)
    }

    fn linked(words: isize, ra: isize, fp: CallerFp) -> Option<Rule> {
        Some(Rule::frame(Cfa::Sp(words), ra, fp))
    }

    #[test]
    fn a_function_is_read_from_each_of_its_instructions() {
        // A frame of 32 bytes with both registers at its start, and 16 more bytes meanwhile.
        let code = [STORE, 0xd100_43ff, CALL, 0x9100_43ff, LOAD, RETURN];
        let inside = linked(4, -3, CallerFp::Saved(-4));
        let below = linked(6, -3, CallerFp::Saved(-4));
        let expected = [None, inside, below, below, inside, None];
        for (at, expected) in expected.into_iter().enumerate() {
            assert_eq!(rule_of(&code, at, true), expected, "{at}");
        }
        assert_eq!(rule_of(&code, 3, false), below);
    }

    #[test]
    fn a_function_that_keeps_no_frame_pointer_leaves_the_register() {
        let code = [STORE_LINK, CALL, LOAD_LINK, RETURN];
        assert_eq!(rule_of(&code, 2, false), linked(2, -2, CallerFp::Same));
        // The register has something else, and is never restored: no function returns so.
        let code = [STORE_LINK, CALL, 0xaa00_03fd, LOAD_LINK, RETURN];
        assert_eq!(rule_of(&code, 2, false), None);
    }

    #[test]
    fn a_function_that_computes_the_size_of_its_frame_is_read_by_its_frame_pointer() {
        // stp; mov x29, sp; sub sp, sp, x1; bl …; mov sp, x29; ldp; ret
        let code = [STORE, 0x9100_03fd, 0xcb21_63ff, CALL, 0x9100_03bf, LOAD, RETURN];
        let by_fp = Some(Rule::frame(Cfa::Fp(4), -3, CallerFp::Saved(-4)));
        assert_eq!(rule_of(&code, 4, false), by_fp);
        assert_eq!(rule_of(&code, 5, true), linked(4, -3, CallerFp::Saved(-4)));
    }

    #[test]
    fn the_next_function_is_not_read_for_one_that_never_returns() {
        // stp; bl exit | stp; bl …; ldp; ret, and the same in front of a function without a frame.
        assert_eq!(rule_of(&[STORE, CALL, STORE, CALL, LOAD, RETURN], 2, false), None);
        assert_eq!(rule_of(&[STORE, CALL, NOTHING, RETURN], 2, false), None);
    }

    #[test]
    fn a_jump_to_another_function_returns_from_there() {
        // stp; bl …; ldp; b over the next instruction | udf | str x30; bl …; ldr x30; ret
        let code = [STORE, CALL, LOAD, 0x1400_0002, 0, STORE_LINK, CALL, LOAD_LINK, RETURN];
        assert_eq!(rule_of(&code, 2, false), linked(4, -3, CallerFp::Saved(-4)));
    }

    #[test]
    fn a_word_that_the_path_has_overwritten_is_no_way_back() {
        // stp; bl …; ldp | a load from below the frame
        assert_eq!(rule_of(&[CALL, 0xa97f_7bfd, RETURN], 1, false), None);
        // str x30; stp x19, x20, [sp]; ldr x30: the place has another register's word.
        assert_eq!(rule_of(&[STORE_LINK, 0xa900_53f3, LOAD_LINK, RETURN], 0, true), None);
        // A frame of an odd number of words.
        assert_eq!(rule_of(&[CALL, 0xf840_87fe, RETURN], 1, false), None);
    }
}
