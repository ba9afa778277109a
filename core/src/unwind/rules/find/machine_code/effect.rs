//! What an instruction does to the stack, the frame pointer and the link register, on any processor. The link register is where a call
//! puts the return address, on processors that have one.

/// What an instruction does. Numbers are words, distances are bytes behind the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "each processor has some of them"))]
pub(in crate::unwind::rules) enum Effect {
    /// Nothing to these registers.
    Nothing,
    /// `push`; `fp`: of the frame pointer.
    Push { fp: bool },
    /// `pop`; `fp`: into the frame pointer.
    Pop { fp: bool },
    /// `sp = sp + n`
    MoveSp(i32),
    /// `sp = fp + n`
    SpFromFp(i32),
    /// `sp` becomes a number that is not known.
    ChangeSp,
    /// `fp = sp + n`
    FpFromSp(i32),
    /// `*(sp + n) = fp`
    StoreFp(i32),
    /// `fp = *(sp + n)`
    LoadFp(i32),
    /// `fp` becomes a number that is not known.
    ChangeFp,
    /// `sp = fp`, then `pop` into the frame pointer.
    Leave,
    /// Registers are stored at the stack pointer.
    Store(Access),
    /// Registers are loaded from there.
    Load(Access),
    /// The link register becomes a number that is not known.
    ChangeLink,
    /// A call, after which stack and frame pointer are as before.
    Call,
    /// A jump.
    Jump(i32),
    /// A jump on a condition.
    Branch(i32),
    /// A jump to an address that was computed, or an instruction that ends the program.
    End,
    /// A return. A jump to an address in memory at a fixed place serves the same: another module's function returns there.
    Return,
}

/// An access to words at the stack pointer, which moves before or after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::unwind::rules) struct Access {
    /// The words by which the stack pointer rises before the access, and after it.
    pub(super) before: i32,
    pub(super) after: i32,
    /// The first word, counted from the stack pointer at the access, and the word behind the last one.
    pub(super) first: i32,
    pub(super) end: i32,
    /// The words of the frame pointer and of the link register.
    pub(super) fp: Option<i32>,
    pub(super) link: Option<i32>,
}
