//! Words and bytes whose bits have a meaning of their own: ids, a cell's key, the state of a thread slot, names.

use crate::{Node, ThreadState};

/// Bits of a thread's id.
pub const THREAD_BITS: u32 = 16;
/// Bits of a tag's id.
pub const TAG_BITS: u32 = 16;
/// Bits of a stack's id: that of its innermost node.
pub const STACK_BITS: u32 = 24;
/// Bits of a heap's id.
pub const HEAP_BITS: u32 = 7;
/// Bits of a cell's id. A block's trailer has no more.
pub const CELL_BITS: u32 = 24;

/// The slot of events that belong to no known thread.
pub const UNATTRIBUTED_SLOT: u32 = 0;
/// The slot that threads share for which none was left.
pub const OVERFLOW_SLOT: u32 = 1;
/// The slots at the beginning of their table that are shared and not counted.
pub const SHARED_SLOTS: u32 = 2;
/// The cells at the beginning of their table that are not counted: that of events that belong to no known thread or stack.
pub const SHARED_CELLS: u32 = 1;
/// The id of the first node in its table. The ids before it are the two roots.
pub const FIRST_NODE: u32 = Node::FIRST;
/// The id of the first tag and of the first heap in its table.
pub const FIRST_NAME: u32 = 1;
/// Places of the nodes' table that are never used. The ids of nodes end before it.
pub const UNUSED_NODES: u32 = 1;

/// What a cell counts, as it lies in the two labels of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellKey {
    /// The thread that allocated.
    pub thread: u16,
    /// The tag.
    pub tag: u16,
    /// The heap, of [`HEAP_BITS`].
    pub heap: u8,
    /// The stack, of [`STACK_BITS`].
    pub stack: u32,
    /// Inner frames are missing because the stack table was full.
    pub cut: bool,
}

const STACK: u32 = (1 << STACK_BITS) - 1;
const HEAP: u32 = (1 << HEAP_BITS) - 1;
const CUT: u32 = 1 << (STACK_BITS + HEAP_BITS);

const _: () = assert!(THREAD_BITS + TAG_BITS == u32::BITS, "thread and tag are one label");
const _: () = assert!(STACK_BITS + HEAP_BITS + 1 == u32::BITS, "stack, heap and cut are the other");

impl CellKey {
    /// The label of the own part, and that of the remote part.
    #[inline]
    #[must_use]
    pub const fn labels(self) -> (u32, u32) {
        let cut = if self.cut { CUT } else { 0 };
        let heap = (self.heap as u32 & HEAP) << STACK_BITS;
        (self.thread as u32 | (self.tag as u32) << THREAD_BITS, self.stack | heap | cut)
    }

    /// The key whose [`labels`](Self::labels) these are.
    #[inline]
    #[must_use]
    pub const fn from_labels(own: u32, remote: u32) -> CellKey {
        CellKey {
            thread: own as u16,
            tag: (own >> THREAD_BITS) as u16,
            heap: (remote >> STACK_BITS & HEAP) as u8,
            stack: remote & STACK,
            cut: remote & CUT != 0,
        }
    }
}

/// The state of a thread slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// Its thread runs.
    Running = 0,
    /// Its thread has ended.
    Exited = 1,
    /// It belongs to the process that this one was forked from.
    Inherited = 2,
}

impl SlotState {
    /// The state that a word has.
    #[inline]
    #[must_use]
    pub const fn from_word(word: u32) -> SlotState {
        match word {
            0 => SlotState::Running,
            2 => SlotState::Inherited,
            _ => SlotState::Exited,
        }
    }
}

impl From<SlotState> for ThreadState {
    fn from(state: SlotState) -> Self {
        match state {
            SlotState::Running => ThreadState::Running,
            SlotState::Exited => ThreadState::Exited,
            SlotState::Inherited => ThreadState::Inherited,
        }
    }
}

/// Bytes of a name of a tag, heap or stage: its length, then its text.
pub const NAME_BYTES: usize = 48;
/// The same in words.
pub const NAME_WORDS: usize = NAME_BYTES / 4;
/// Bytes of a thread's name.
pub const THREAD_NAME_BYTES: usize = 16;
/// The same in words.
pub const THREAD_NAME_WORDS: usize = THREAD_NAME_BYTES / 4;

/// The text of a name: its first byte is the length. Empty when that is more than there is.
#[must_use]
pub fn text(name: &[u8; NAME_BYTES]) -> &[u8] {
    let [length, text @ ..] = name;
    text.get(..usize::from(*length)).unwrap_or_default()
}

/// The words of bytes, low ones first.
#[inline]
#[must_use]
pub fn to_words<const BYTES: usize, const WORDS: usize>(bytes: [u8; BYTES]) -> [u32; WORDS] {
    const { assert!(BYTES == 4 * WORDS, "a word has four bytes") };
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    words
}

/// The bytes of words, low ones first.
#[inline]
#[must_use]
pub fn to_bytes<const WORDS: usize, const BYTES: usize>(words: [u32; WORDS]) -> [u8; BYTES] {
    const { assert!(BYTES == 4 * WORDS, "a word has four bytes") };
    let mut bytes = [0; BYTES];
    for (bytes, word) in bytes.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_packing() {
        for key in [
            CellKey { thread: 0, tag: 0, heap: 0, stack: 0, cut: false },
            CellKey { thread: u16::MAX, tag: u16::MAX, heap: 127, stack: STACK, cut: true },
            CellKey { thread: 7, tag: 3, heap: 1, stack: 99, cut: false },
        ] {
            let (own, remote) = key.labels();
            assert_eq!(CellKey::from_labels(own, remote), key);
        }
        let key = CellKey { thread: 1, tag: 2, heap: 3, stack: 4, cut: true };
        assert_eq!(key.labels(), (0x0002_0001, 0x8300_0004), "as docs/wire-format.md has them");
    }

    #[test]
    fn a_slots_word_is_its_state() {
        let states = [SlotState::Running, SlotState::Exited, SlotState::Inherited];
        assert_eq!(states.map(|state| state as u32), [0, 1, 2], "as docs/wire-format.md has them");
        assert_eq!([0, 1, 2].map(SlotState::from_word), states);
        assert_eq!(SlotState::from_word(3), SlotState::Exited, "a state of a later version");
        let told = states.map(ThreadState::from);
        assert_eq!(told, [ThreadState::Running, ThreadState::Exited, ThreadState::Inherited]);
    }

    #[test]
    fn a_name_has_its_length_in_front() {
        let mut name = [0; NAME_BYTES];
        name[..4].copy_from_slice(b"\x03job");
        assert_eq!(text(&name), b"job");
        assert_eq!(to_bytes::<NAME_WORDS, NAME_BYTES>(to_words(name)), name);
        name[0] = u8::MAX;
        assert_eq!(text(&name), b"");
    }
}
