use super::*;

/// The rule of made-up code, paused at an offset by a signal or behind a call.
fn rule_of(code: &[u8], at: usize, interrupted: bool) -> Option<Rule> {
    let pc = code.as_ptr() as usize + at;
    rule(&mut Code::of(code), if interrupted { pc } else { pc - 1 }, interrupted)
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
    let leads = [0, 4, 5, 7, 8].map(|at| leads_to(&mut Code::of(code), start, start + at));
    assert_eq!(leads, [true, true, true, true, false]);
}
