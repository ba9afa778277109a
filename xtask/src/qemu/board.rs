//! The boards: their programs, and the arguments that turn QEMU into them.

/// A machine that QEMU knows.
pub(crate) struct Board {
    pub(crate) name: &'static str,
    /// The compiler's name of it.
    pub(crate) target: &'static str,
    /// The limits of flash and RAM are for it.
    pub(crate) is_microcontroller: bool,
    /// The program `qemu-system-…`.
    pub(crate) system: &'static str,
    pub(crate) arguments: &'static [&'static str],
    /// The way of the dump out of the board.
    pub(crate) way_out: WayOut,
    /// The symbol of the tracker's tables in the program `sensor`.
    pub(crate) region: &'static str,
    /// QEMU's exit status when the program reports success.
    pub(crate) good: i32,
    /// The figures of the first one are printed.
    pub(crate) programs: &'static [&'static str],
    /// The programs in C.
    pub(crate) c_programs: &'static [&'static str],
    /// LLVM's libunwind builds for it.
    pub(crate) has_libunwind: bool,
}

pub(crate) enum WayOut {
    /// The second serial port.
    Serial,
    /// A file that the program opens through the debugger.
    Semihosting,
}

impl Board {
    /// The function that ends a program, as a debugger calls it.
    pub(crate) fn last_function(&self) -> &'static str {
        match self.way_out {
            WayOut::Serial => "board::x86_64::exit",
            WayOut::Semihosting => "board::semihosting::exit",
        }
    }
}

/// A microcontroller that no program in C and no libunwind is built for.
const MICROCONTROLLER: Board = Board {
    name: "",
    target: "",
    is_microcontroller: true,
    system: "arm",
    arguments: &[],
    way_out: WayOut::Semihosting,
    region: "MEMTRACK_REGION",
    good: 0,
    programs: &[],
    c_programs: &[],
    has_libunwind: false,
};

pub(crate) const BOARDS: [Board; 5] = [
    Board {
        name: "x86_64",
        target: "x86_64-unknown-linux-gnu",
        is_microcontroller: false,
        system: "x86_64",
        arguments: &["-machine", "q35", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
        way_out: WayOut::Serial,
        good: 33,
        programs: &["sensor", "limits", "unwind"],
        has_libunwind: true,
        ..MICROCONTROLLER
    },
    Board {
        name: "Cortex-M4",
        target: "thumbv7em-none-eabihf",
        arguments: &["-machine", "mps2-an386"],
        programs: &["sensor", "limits", "interrupts", "unwind", "cost", "tasks"],
        c_programs: &[
            "c_own_heap",
            "c_newlib",
            "c_tasks",
            "c_listener",
            "c_storm",
            "c_storm_locked",
            "c_storm_full",
        ],
        has_libunwind: true,
        ..MICROCONTROLLER
    },
    Board {
        name: "Cortex-M0",
        target: "thumbv6m-none-eabi",
        arguments: &["-machine", "microbit"],
        region: "REGION",
        programs: &["sensor", "limits"],
        ..MICROCONTROLLER
    },
    Board {
        name: "RISC-V",
        target: "riscv32imac-unknown-none-elf",
        system: "riscv32",
        arguments: &["-machine", "virt", "-bios", "none", "-smp", "2"],
        programs: &["sensor", "limits", "interrupts", "unwind", "cost"],
        ..MICROCONTROLLER
    },
    Board {
        name: "AArch64",
        target: "aarch64-unknown-none",
        is_microcontroller: false,
        system: "aarch64",
        arguments: &["-machine", "virt", "-cpu", "cortex-a53"],
        programs: &["sensor", "limits", "unwind"],
        ..MICROCONTROLLER
    },
];
