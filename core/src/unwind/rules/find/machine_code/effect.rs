//! What an instruction does to the stack and the frame pointer, on any processor.

/// What an instruction does. Numbers are words, distances are bytes behind the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing to the two registers.
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
    /// A call, after which both registers are as before.
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
