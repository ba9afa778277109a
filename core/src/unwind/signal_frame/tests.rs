use super::simulated::{SMALLEST, Stack};
use super::*;

const REGISTERS: [usize; 3] = [0x1234, 0x5678, 0x9abc];

/// What is found, as the values of `pc`, `sp` and `fp`.
fn found(stack: &Stack, machine: Machine, start: usize) -> Option<[usize; 3]> {
    let prove = |_| Some((stack.base(), stack.end()));
    let memory = Memory::at(stack.base(), &prove).unwrap();
    let found = find(machine, start, &memory)?;
    Some([found.pc, found.sp, found.fp].map(|address| memory.read(address).unwrap()))
}

#[test]
fn registers_are_found_on_aarch64() {
    for shift in [0, 8, 1008] {
        let mut stack = Stack::new();
        let start = stack.interrupt(Machine::Aarch64, stack.end() - shift, 0, REGISTERS);
        assert_eq!(found(&stack, Machine::Aarch64, start), Some(REGISTERS));
        for other in [start - 16, start + 16, stack.base(), stack.end(), usize::MAX - 7] {
            assert_eq!(found(&stack, Machine::Aarch64, other), None);
        }
    }
}

#[test]
fn registers_are_found_on_x86_64_whatever_the_processor_has() {
    // Registers for vectors of 128, 256 and 512 bits, also with those of segments.
    for size in [SMALLEST, 744, 1032, 1064, 2824, 2856] {
        for shift in [0, 8, 1008] {
            let mut stack = Stack::new();
            let start = stack.interrupt(Machine::X86_64, stack.end() - shift, size, REGISTERS);
            assert_eq!(found(&stack, Machine::X86_64, start), Some(REGISTERS), "{size} {shift}");
            for other in [start - 8, start + 8, start + 16, stack.base(), stack.end(), usize::MAX - 7] {
                assert_eq!(found(&stack, Machine::X86_64, other), None, "{size} {shift}");
            }
        }
    }
}

/// Without one of its three words a context is none.
#[test]
fn a_context_that_belongs_elsewhere_is_none() {
    for machine in [Machine::Aarch64, Machine::X86_64] {
        let mut stack = Stack::new();
        let start = stack.interrupt(machine, stack.end(), SMALLEST, REGISTERS);
        let words = {
            let prove = |_| Some((stack.base(), stack.end()));
            let memory = Memory::at(stack.base(), &prove).unwrap();
            find(machine, start, &memory).unwrap().recognised_by.map(|at| (at, memory.read(at).unwrap()))
        };
        for (at, value) in words {
            stack.write(at, value + 8);
            assert_eq!(found(&stack, machine, start), None, "{machine:?} {at:#x}");
            stack.write(at, value);
        }
        assert_eq!(found(&stack, machine, start), Some(REGISTERS));
    }
}
