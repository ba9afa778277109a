//! `cargo xtask sizes`: the flash and RAM that the tracker adds to a firmware on each board. They go into `docs/embedded.md`,
//! and limits hold them. The programs of `examples/firmware/sizes` differ only in the parts that they use: the difference of
//! their sections is the cost of a part.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection};

use crate::output;
use crate::page::Part;
use crate::qemu::{BOARDS, Board, Firmware};
use crate::suite::Suite;
use crate::toolchain::Toolchain;

/// Flash that the hook with its tables may take, on the microcontrollers.
const CODE: u64 = 12_800;
/// RAM that the default region and everything else that is static may take there.
const RAM: u64 = 16 << 10;
/// The place of the table.
const PART: Part = Part {
    page: "docs/embedded.md",
    begin: "<!-- sizes: written by cargo xtask sizes -->\n",
    end: "<!-- end of sizes -->",
};

/// Sums over a program's sections. Unwind tables and symbols are not counted.
struct Sections {
    /// Code, constants, and the initial values of variables.
    flash: u64,
    /// Variables.
    ram: u64,
}

impl Sections {
    fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*bytes).with_context(|| path.display().to_string())?;
        let mut sums = Sections { flash: 0, ram: 0 };
        for section in file.sections() {
            match section.name()? {
                ".text" | ".rodata" => sums.flash += section.size(),
                ".data" => (sums.flash, sums.ram) = (sums.flash + section.size(), sums.ram + section.size()),
                ".bss" => sums.ram += section.size(),
                _ => {}
            }
        }
        Ok(sums)
    }
}

/// Bytes that parts of the tracker add to a board's programs.
struct Sizes {
    board: &'static Board,
    /// Flash of the hook and its tables, and more flash of stages with figures, of dump and of report.
    hook: u64,
    stages: u64,
    dump: u64,
    report: u64,
    ram: u64,
}

/// Compares the sizes with their limits.
pub(crate) fn suite() -> Suite {
    Suite::new("firmware: sizes", || {
        let sizes = measure()?;
        output::line(table(&sizes)?);
        check(&sizes)
    })
    .beside()
}

/// Measures, writes the page, and compares the sizes with their limits.
pub(crate) fn run() -> Result<()> {
    let sizes = measure()?;
    let table = table(&sizes)?;
    print!("{table}");
    PART.write(&table)?;
    check(&sizes)
}

fn measure() -> Result<Vec<Sizes>> {
    BOARDS.iter().map(|board| measure_one(board, &Toolchain::for_target(board.target)?)).collect()
}

fn measure_one(board: &'static Board, toolchain: &Toolchain) -> Result<Sizes> {
    let of = |program| -> Result<Sections> {
        let firmware = Firmware::build(board, toolchain, program)?;
        Sections::read(firmware.elf())
    };
    let (plain, tracked) = (of("plain")?, of("tracked")?);
    let more = |than: &Sections, program| of(program).map(|with| with.flash.saturating_sub(than.flash));
    Ok(Sizes {
        board,
        hook: tracked.flash.saturating_sub(plain.flash),
        stages: more(&tracked, "staged")?,
        dump: more(&tracked, "dumped")?,
        report: more(&tracked, "reported")?,
        ram: tracked.ram.saturating_sub(plain.ram),
    })
}

fn table(sizes: &[Sizes]) -> Result<String> {
    let mut text = String::from("| target | flash: hook | + stages, figures | + dump | + report | RAM |\n");
    text.push_str("|---|---|---|---|---|---|\n");
    for of in sizes {
        let kib = |bytes: u64| format!("{}.{}", bytes >> 10, ((bytes & 1023) * 10) >> 10);
        let cells = [of.hook, of.stages, of.dump, of.report, of.ram].map(kib).join(" KiB | ");
        writeln!(text, "| {} | {cells} KiB |", of.board.target)?;
    }
    Ok(text)
}

fn check(sizes: &[Sizes]) -> Result<()> {
    for of in sizes.iter().filter(|of| of.board.is_microcontroller) {
        let target = of.board.target;
        if of.hook > CODE {
            bail!("{target}: the hook takes {} bytes of flash, more than {CODE}", of.hook);
        }
        if of.ram > RAM {
            bail!("{target}: the tables take {} bytes of RAM, more than {RAM}", of.ram);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Sections;

    #[test]
    fn sections_of_this_very_program_are_counted() {
        let path = std::env::current_exe().unwrap();
        let sections = Sections::read(&path).unwrap();
        assert!(sections.flash > 10_000 && sections.ram > 0, "{}", sections.flash);
        assert!(sections.flash < std::fs::metadata(path).unwrap().len());
    }
}
