//! The records: what lies in the head and in the tables, field by field. The byte tables are in `docs/wire-format.md`.

use super::key::{NAME_BYTES, NAME_WORDS, THREAD_NAME_WORDS};
use super::layout::{Field, Shape};
use super::read::{Causes, Classes, Each, Fields, Slots, TopThreads, Total, Value, Word};

/// Defines records: a row for each field, in the order in which they lie.
macro_rules! records {
    ($($(#[$meta:meta])* $name:ident in $shape:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $($(#[$doc])* pub $field: <$type as Value>::Read,)*
        }

        impl $name {
            /// Its fields in their order.
            pub const FIELDS: &'static [Field] =
                &[$(Field { name: stringify!($field), shape: <$type as Value>::SHAPE }),*];
        }

        impl Value for $name {
            type Read = $name;
            const SHAPE: Shape = Shape::$shape($name::FIELDS);
            fn read(from: &mut Fields<'_>) -> $name {
                from.align_to(&Self::SHAPE);
                let record = $name { $($field: from.get::<$type>(),)* };
                from.align_to(&Self::SHAPE);
                record
            }
        }
    )*};
}

records! {
    /// The credit, right behind the header.
    Credit in Group {
        /// Bytes that nobody holds.
        pool: Word,
        /// Who takes from it, and whether it is an advance: [`rules::ADVANCED`](super::rules::ADVANCED).
        shares: u32,
        /// Not 0: more than one thread has had events.
        open: u32,
        /// Bytes by which the peak was raised without asking everybody.
        error: Word,
        /// Bytes that each thread may hold besides.
        slack: Word,
    }

    /// The marks, and what else the head has.
    Head in Group {
        /// The epoch, and which marks stand: [`rules`](super::rules).
        state: Word,
        /// For each mark, the epoch that began when live fell from its peak.
        fallen: [Word; 2],
        /// Goes on with each stage that begins and each reset.
        generation: Word,
        /// The generation of the last reset.
        reset: Word,
        /// The stage's peak, or more when it was raised in advance.
        peak: Word,
        /// The highest peak before it since the last reset.
        kept: Word,
        /// For each mark, when live fell from its peak.
        peak_time: [Total; 2],
        /// Events that were lost, by cause.
        losses: Each<Total, Causes>,
        /// Allocations that the inner allocator refused.
        failed: Total,
        /// When the tracker started, by the target's own clock.
        start: Total,
        /// The same in nanoseconds since 1970.
        start_unix: Total,
        /// Snapshots written so far.
        snapshots: u32,
    }

    /// One part of an account: what is alive of it, and what was alive at the marks.
    Part in Group {
        /// The epoch of its last change.
        epoch: Word,
        /// Live bytes, modulo the width.
        bytes: Word,
        /// Live bytes from before that change: at the program's mark, at the stage's.
        held: [Word; 2],
        /// Live blocks, modulo the width.
        blocks: u32,
        /// Live blocks from before that change.
        held_blocks: [u32; 2],
        /// Half of a cell's [key](super::key::CellKey).
        label: u32,
    }

    /// The counters of a cell or a thread.
    Account in Lines {
        /// What the owner allocated, less what it freed.
        own: Part,
        /// Allocations.
        allocs: Total,
        /// Their bytes.
        bytes: Total,
        /// What others freed of it.
        remote: Part,
        /// Blocks that their thread freed as its very next event.
        temporary: Total,
        /// Reallocations.
        reallocs: Total,
    }

    /// A high-water mark.
    High in Group {
        /// Live bytes.
        bytes: Word,
        /// Live blocks then.
        blocks: u32,
    }

    /// What others had freed of a thread's blocks when peaks began anew.
    Noted in Group {
        /// The generation that it belongs to.
        generation: Word,
        /// Bytes and blocks.
        freed: High,
    }

    /// Allocations of one class of block sizes.
    Class in Group {
        /// How many.
        allocs: Total,
        /// Their bytes.
        bytes: Total,
    }

    /// A thread slot.
    Slot in Lines {
        /// Its counters.
        account: Account,
        /// Bytes of the credit that it holds.
        share: Word,
        /// The stack pointer with which it entered the hook, 0 while it is outside.
        inside: Word,
        /// The block of its last event.
        last: Word,
        /// The generation that its peak belongs to.
        generation: Word,
        /// What its own part may rise to before `now` does.
        ceiling: Word,
        /// Its peak since any of the following three began anew.
        now: High,
        /// The highest before that since the last reset.
        since_reset: High,
        /// The highest before that since the generation began.
        since_stage: High,
        /// The highest before that since its own innermost stage began.
        since_span: High,
        /// What others had freed when the generation began.
        rebased: Noted,
        /// What others had freed at the last reset.
        reset: Noted,
        /// The operating system's id.
        os_id: Total,
        /// [`SlotState`](super::key::SlotState).
        state: u32,
        /// Threads that used it.
        count: u32,
        /// Its name in the words' bytes, low ones first, filled up with zeros.
        name: [u32; THREAD_NAME_WORDS],
        /// Allocations by class of block sizes.
        sizes: Each<Class, Classes>,
    }

    /// A stack node.
    Node in Group {
        /// The return address; 0 while the node is being written.
        address: Word,
        /// The caller's node.
        parent: u32,
    }

    /// A tag, or a heap.
    Tag in Group {
        /// The outer tag.
        parent: u32,
        /// Its name, as a [name](super::key::text) lies in words.
        name: [u32; NAME_WORDS],
    }

    /// A point of the timeline.
    Point in Group {
        /// When, since the tracker started.
        time_ns: u64,
        /// The highest live bytes since the point before.
        high: Word,
        /// Live bytes then.
        live: Word,
    }

    /// A stage's high-water mark.
    Peak in Group {
        /// Live bytes.
        bytes: Word,
        /// Live blocks then.
        blocks: Word,
        /// When live fell from it.
        time_ns: u64,
    }

    /// The high-water mark of a thread in a stage.
    ThreadPeak in Group {
        /// The thread.
        thread: u16,
        /// Its live bytes.
        peak: Word,
    }

    /// A finished stage.
    Stage in Group {
        /// Its [name](super::key::text).
        name: [u8; NAME_BYTES],
        /// Thread id plus one for a stage of one thread; 0 for one of the process.
        scope: u32,
        /// How many stages it ran inside of.
        depth: u32,
        /// Not 0: it has not ended.
        running: u8,
        /// How many runs have begun.
        runs: u64,
        /// All runs together.
        duration_ns: u64,
        /// When the first run began.
        begin_ns: u64,
        /// When the last run ended.
        end_ns: u64,
        /// Allocations while it ran.
        allocs: u64,
        /// Their bytes.
        bytes: u64,
        /// Events lost while it ran.
        lost: u64,
        /// Live bytes when the run with the highest peak began.
        live_before: Word,
        /// Live bytes when it ended.
        live_after: Word,
        /// Its peak.
        peak: Peak,
        /// How many threads are listed.
        listed: u32,
        /// Those with the highest peaks.
        threads: Each<ThreadPeak, TopThreads>,
    }

    /// Totals of the program at one moment.
    Moment in Group {
        /// When.
        time_ns: u64,
        /// Allocations.
        allocs: u64,
        /// Their bytes.
        bytes: u64,
        /// Live bytes.
        live: Word,
        /// Events lost.
        lost: u64,
    }

    /// A stage that runs.
    Active in Group {
        /// Its number.
        serial: u64,
        /// Its [name](super::key::text).
        name: [u8; NAME_BYTES],
        /// How many stages it runs inside of.
        depth: u32,
        /// Totals when it began.
        begin: Moment,
        /// Its peak, but for what the stage's mark holds now.
        peak: Peak,
        /// The peak of each thread slot, likewise.
        threads: Each<Word, Slots>,
    }
}
