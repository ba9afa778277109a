//! Tables and stacks laid out by hand from the specification.

use super::frame::Frame;
use super::simulated::{self, INDEX, STACK};
use super::table::{Entry, Tables};
use super::walk::walk;
use crate::unwind::{End, Memory};

/// The address of a test's extab in the target.
const EXTAB: u32 = 0x9000;

fn prel31(place: u32, target: u32) -> u32 {
    target.wrapping_sub(place) & 0x7fff_ffff
}

/// Two functions: at 0x1000 with `word` as the second half of its entry, and at 0x2000, which cannot be unwound.
fn index(word: u32) -> [[u32; 2]; 2] {
    [[prel31(INDEX, 0x1000), word], [prel31(INDEX + 8, 0x2000), 1]]
}

/// Runs the instructions of the function at 0x1000 over a stack: program counter and stack pointer of its caller,
/// the latter in words from the stack's begin.
fn step(word: u32, extab: fn(u32) -> Option<u32>, stack: &[u32]) -> Option<(u32, u32)> {
    let index = index(word);
    let tables = Tables { start: INDEX, index: &index, word: extab };
    let Some((0x1000, Entry::Instructions(code))) = tables.find(0x1010) else { return None };
    let mut frame = Frame::new(0x1010, STACK, STACK + 8);
    frame.unwind(code, |at| stack.get((at.checked_sub(STACK)? / 4) as usize).copied())?;
    Some((frame.pc(), frame.sp().wrapping_sub(STACK) / 4))
}

fn inline(code: [u8; 3]) -> u32 {
    u32::from_be_bytes([0x80, code[0], code[1], code[2]])
}

const STACK_WORDS: [u32; 8] = [100, 101, 102, 103, 104, 105, 106, 107];

/// Entries are inline; the only function's code is `movw r0, #0xb500` (no push, though half of it looks like one), then
/// `push {r4, lr}` at 0x1080.
fn no_extab(at: u32) -> Option<u32> {
    Some(match at {
        0x1080 => 0xbf00_b510,
        0x1000..0x1200 if at.is_multiple_of(4) => 0xb500_f240,
        _ => panic!("the entry is inline"),
    })
}

#[test]
fn inline_instructions_do_what_the_specification_says() {
    for (code, expected) in [
        // pop {r4, lr}
        ([0xa8, 0xb0, 0xb0], Some((101, 2))),
        // add sp, #8; pop {r4-r7, lr}
        ([0x01, 0xab, 0xb0], Some((106, 7))),
        // pop {r7, lr} by mask
        ([0x84, 0x08, 0xb0], Some((101, 2))),
        // pop {r4, pc} by mask
        ([0x88, 0x01, 0xb0], Some((101, 2))),
        // sp = r7, pop {r4, lr}
        ([0x97, 0xa8, 0xb0], Some((103, 4))),
        // sp = r9, which is not known
        ([0x99, 0xa8, 0xb0], None),
        // pop {d8}, pop {r4, lr}
        ([0xd0, 0xa8, 0xb0], Some((103, 4))),
        // pop {d8} with its format word
        ([0xb8, 0xa8, 0xb0], Some((104, 5))),
        // pop {r0, r1}; r14 is not known: so the return address is not known
        ([0xb1, 0x03, 0xb0], None),
        // refuse
        ([0x80, 0x00, 0xb0], None),
        // spare
        ([0xb6, 0xb0, 0xb0], None),
        ([0xe0, 0xb0, 0xb0], None),
        // beyond the stack
        ([0x3f, 0xa8, 0xb0], None),
    ] {
        assert_eq!(step(inline(code), no_extab, &STACK_WORDS), expected, "{code:x?}");
    }
}

#[test]
fn long_entries_stand_in_the_extab() {
    // Personality 1 with one more word: add sp, #4 twice; pop {r4, lr}; finish.
    let compact = |at| match at {
        EXTAB => Some(0x8101_0000),
        _ => Some(0xa8b0_b0b0),
    };
    let place = prel31(INDEX + 4, EXTAB);
    assert_eq!(step(place, compact, &STACK_WORDS), Some((103, 4)));
    // A personality routine of its own, no further word: pop {r4-r5, lr}.
    let generic = |at| match at {
        EXTAB => Some(0x1234),
        _ => Some(0x00a9_b0b0),
    };
    assert_eq!(step(place, generic, &STACK_WORDS), Some((102, 3)));
    // Personality 3 does not exist.
    assert_eq!(step(place, |_| Some(0x8300_0000), &STACK_WORDS), None);
    // Two more words, of which the second one cannot be read.
    let cut = |at| (at <= EXTAB + 4).then_some(0x8102_0000);
    assert_eq!(step(place, cut, &STACK_WORDS), None);
}

#[test]
fn a_large_frame_is_a_uleb128() {
    // add sp, #0x204 + 4 * 0x81; pop {r4, lr}
    let extab = |at| match at {
        EXTAB => Some(0x8101_b281),
        _ => Some(0x01a8_b0b0),
    };
    let mut stack = [0; 400];
    stack[0x204 / 4 + 0x81 + 1] = 77;
    assert_eq!(step(prel31(INDEX + 4, EXTAB), extab, &stack), Some((77, 0x204 / 4 + 0x81 + 2)));
}

/// The walk over a stack of `words`, all functions being the one that pops {r4, lr}.
fn walked(words: &[usize]) -> (std::vec::Vec<usize>, End) {
    let range = simulated::lay(words);
    let prove = move |_: usize| Some(range);
    let index = index(inline([0xa8, 0xb0, 0xb0]));
    let tables = Tables { start: INDEX, index: &index, word: no_extab };
    let mut frames = heapless::Vec::<usize, 8>::new();
    // `switch` is asked for target addresses: everything is one stack.
    let memory = Memory::at(range.0, &prove).unwrap();
    let end = walk(Frame::new(0x1010, STACK, 0), tables, memory, &mut frames);
    (frames.to_vec(), end)
}

#[test]
fn a_chain_ends_at_a_cleared_return_address() {
    assert_eq!(walked(&[0, 0x1021, 0, 0x1031, 0, 0]), (vec![0x101f, 0x102f], End::Complete));
}

#[test]
fn code_without_tables_and_a_stack_that_ends_early_stop_the_walk() {
    let mut stack = [0; 64];
    stack[1] = 0x2011;
    assert_eq!(walked(&stack), (vec![0x200f], End::Stopped));
    assert_eq!(walked(&[0, 0x1021, 0]), (vec![0x101f], End::Stopped));
}

#[test]
fn a_deep_stack_fills_the_buffer() {
    let stack: std::vec::Vec<usize> = (0..40).map(|i| if i % 2 == 0 { 0 } else { 0x1021 }).collect();
    let (frames, end) = walked(&stack);
    assert_eq!((frames.len(), end), (8, End::TooDeep));
}

#[test]
fn an_exception_leads_to_the_very_instruction_that_was_interrupted() {
    // The handler's {r4, lr}; r0-r3, r12, lr, pc, xpsr; then the interrupted function's {r4, lr}.
    let stack = [0, 0xffff_fff9, 1, 2, 3, 4, 12, 0x1041, 0x1100, 0, 0, 0x1021, 0, 0];
    assert_eq!(walked(&stack), (vec![0x1100, 0x101f], End::Complete));
    // With a word of padding, and with the floating point registers.
    let padded = [0, 0xffff_fff9, 1, 2, 3, 4, 12, 0x1041, 0x1100, 1 << 9, 99, 0, 0x1021, 0, 0];
    assert_eq!(walked(&padded), (vec![0x1100, 0x101f], End::Complete));
    let mut floating = vec![0, 0xffff_ffe9, 1, 2, 3, 4, 12, 0x1041, 0x1100, 0];
    floating.extend([0; 18]);
    floating.extend([0, 0x1021, 0, 0]);
    assert_eq!(walked(&floating), (vec![0x1100, 0x101f], End::Complete));
}

#[test]
fn code_that_was_interrupted_before_its_push_returns_by_the_link_register() {
    // As above, but the interrupted instruction is before the push: its return address is 0x1040.
    let stack = [0, 0xffff_fff9, 1, 2, 3, 4, 12, 0x1041, 0x1010, 0, 0, 0x1021, 0, 0];
    assert_eq!(walked(&stack), (vec![0x1010, 0x103f, 0x101f], End::Complete));
}

/// Code that no table describes is far behind the last function, and is not read: here it would panic.
#[test]
fn code_far_from_its_function_is_not_searched_for_a_push() {
    // The interrupted instruction is at 0x0800_0000, behind the function that cannot be unwound.
    let stack = [0, 0xffff_fff9, 1, 2, 3, 4, 12, 0x1041, 0x0800_0000, 0, 0, 0x1021, 0, 0];
    assert_eq!(walked(&stack), (vec![0x0800_0000], End::Stopped));
    let tables = Tables { start: INDEX, index: &index(inline([0xa8, 0xb0, 0xb0])), word: no_extab };
    assert_eq!(
        (tables.has_pushed(0x1000, 0x1080), tables.has_pushed(0x1000, 0x1082)),
        (Some(false), Some(true))
    );
    assert_eq!((tables.has_pushed(0x1000, 0x10_0000), tables.has_pushed(0x1000, 0xff0)), (None, None));
}

#[test]
fn an_exception_of_a_task_is_on_the_process_stack() {
    let mut stack = [0; 80];
    stack[1] = 0xffff_fffd;
    // The task's own stack: the exception's frame, then the interrupted function's {r4, lr}.
    stack[64..76].copy_from_slice(&[1, 2, 3, 4, 12, 0x1041, 0x1100, 0, 0, 0x1021, 0, 0]);
    assert_eq!(walked(&stack), (vec![0x1100, 0x101f], End::Complete));
}
