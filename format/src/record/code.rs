//! Numbered names. A number that this version does not know is no error: a reader keeps it and shows "unknown".

/// Defines an enum that is encoded as a number: a variant for each known number, and `Unknown` for the rest.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal;)* }) => {
        $(#[$meta])*
        // The number of a variant is its discriminant: a firmware needs no table from one to the other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$doc])* $variant = $code,)*
            /// A number of a newer version.
            Unknown(u8) = u8::MAX,
        }

        impl $name {
            /// The variants that this version knows, in the order of their numbers.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// One more than the highest of those numbers. A number that no version writes any more stays unused.
            pub const END: usize = {
                let (mut end, mut i) = (0, 0);
                while i < Self::ALL.len() {
                    let next = Self::ALL[i].code() as usize + 1;
                    end = if next > end { next } else { end };
                    i += 1;
                }
                end
            };

            /// The number in the dump.
            #[must_use]
            pub const fn code(self) -> u8 {
                // Without this branch the match below is a table of jumps in a firmware's flash. With it, it is the variant's
                // own number.
                if let $name::Unknown(code) = self {
                    return code;
                }
                match self {
                    $($name::$variant => $code,)*
                    $name::Unknown(code) => code,
                }
            }

            /// The variant of a number.
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => $name::$variant,)*
                    other => $name::Unknown(other),
                }
            }

            /// The words in reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                    $name::Unknown(_) => "unknown",
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::from_code(0)
            }
        }

        impl<'a> $crate::Field<'a> for $name {
            fn put(&self, out: &mut $crate::Put<'_>) {
                out.varint(u64::from(self.code()));
            }
            fn get(from: &mut $crate::Get<'a>) -> Result<Self, $crate::Malformed> {
                <u8 as $crate::Field>::get(from).map(Self::from_code)
            }
        }
    };
}

codes! {
    /// The subject of a snapshot.
    Kind {
        /// The whole program so far.
        Program = 0, "program";
        /// One finished stage: its figures, and cells at its peak.
        Stage = 1, "stage";
    }
}

codes! {
    /// Why a snapshot was taken.
    Cause {
        /// The program asked for it.
        Request = 0, "request";
        /// The program ended.
        Exit = 1, "exit";
        /// A signal asked for it.
        Signal = 2, "signal";
        /// The interval ran out.
        Interval = 3, "interval";
        /// A new peak passed the threshold.
        Peak = 4, "peak";
        /// An allocation failed.
        Failure = 5, "failed allocation";
        /// A stage ended.
        StageEnd = 7, "end of a stage";
        /// The program forbids itself the system calls that a dump needs, next.
        Sandbox = 8, "before a sandbox";
    }
}

codes! {
    /// Instruction set of the target.
    Arch {
        /// None of the others.
        Other = 0, "other";
        /// AMD64.
        X86_64 = 1, "x86_64";
        /// 64-bit ARM.
        Aarch64 = 2, "aarch64";
        /// 32-bit ARM with ARM instructions.
        Arm = 3, "arm";
        /// 32-bit ARM with Thumb instructions only (Cortex-M).
        Thumb = 4, "thumb";
        /// 32-bit RISC-V.
        Riscv32 = 5, "riscv32";
        /// 64-bit RISC-V.
        Riscv64 = 6, "riscv64";
        /// IBM Z.
        S390x = 7, "s390x";
        /// WebAssembly, 32-bit.
        Wasm32 = 8, "wasm32";
        /// 32-bit x86.
        X86 = 9, "x86";
    }
}

codes! {
    /// Operating system of the target.
    Os {
        /// None: bare metal.
        None = 0, "bare metal";
        /// Linux.
        Linux = 1, "linux";
        /// macOS.
        Macos = 2, "macos";
        /// Windows.
        Windows = 3, "windows";
        /// Another one.
        Other = 4, "other";
    }
}

codes! {
    /// The state of a thread.
    ThreadState {
        /// It ran when the snapshot was taken.
        Running = 0, "running";
        /// It has ended; its figures stay.
        Exited = 1, "exited";
        /// Events that belong to no known thread.
        Unattributed = 2, "unattributed";
        /// Threads for which no slot was left.
        Overflow = 3, "overflow";
        /// It is a thread of the process that this one was forked from: its figures are the parent's.
        Inherited = 4, "inherited";
    }
}

codes! {
    /// Why an event could not be attributed in full.
    LossCause {
        /// A signal or interrupt came in the middle of the hook: no thread, no stack.
        Reentered = 0, "event inside the hook (signal or interrupt)";
        /// The thread was starting or ending: no thread, no stack.
        NoThread = 1, "thread not known (starting or ending)";
        /// Tracking was paused: no thread, no stack.
        Paused = 2, "tracking paused";
        /// All thread slots are taken: stack known, thread "overflow".
        ThreadsFull = 3, "thread table full";
        /// The stack table is full: counted on the deepest known caller.
        StacksFull = 4, "stack table full";
        /// The cell table is full: no thread, no stack.
        CellsFull = 5, "cell table full";
        /// The stack was deeper than the limit: outer frames missing.
        TooDeep = 6, "stack deeper than the limit";
        /// Unwinding stopped before the outermost frame.
        Unwind = 7, "unwinding stopped early";
        /// The bytes behind a block were overwritten: at its free, its cell is unknown.
        CorruptTrailer = 8, "overwritten block trailer";
        /// A finished stage made room for one with a higher peak.
        StagesFull = 9, "finished stage dropped";
        /// Stages were nested deeper than the limit.
        StageDepth = 10, "stage nested too deep";
        /// More tags than the table holds: the event shows under its outer tag.
        TagsFull = 11, "tag table full";
        /// A record did not fit into the dump's buffer.
        RecordTooLarge = 13, "record too large for the dump";
        /// The program's `malloc` is not the one that the tracker replaces: its blocks are not tracked.
        OtherAllocator = 14, "the program's malloc is another one";
        /// The inner allocator cannot say how large a block is, so the tracker cannot recognise blocks: none are tracked.
        NoUsableSize = 15, "an allocator without malloc_usable_size";
        /// A jump (`siglongjmp` out of a signal's handler) left the hook in the middle of an event.
        Abandoned = 16, "event left by a jump out of a signal handler";
        /// The file of a recording was cut off, or its file system had no room. Later allocations are missing from the file. If
        /// the file was cut off, earlier ones may be missing, too.
        RecordingLost = 17, "file cut off, or no room for it";
    }
}

impl LossCause {
    /// Whether such an event is counted in the unattributed cell: neither its thread nor its stack is known.
    #[must_use]
    pub const fn is_unattributed(self) -> bool {
        matches!(self, Self::Reentered | Self::NoThread | Self::Paused | Self::CellsFull)
    }
}
