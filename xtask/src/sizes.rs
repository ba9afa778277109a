//! `cargo xtask sizes`: what the tracker adds to a firmware, in flash and RAM, on each board; written into
//! `docs/embedded.md` and held to limits. The four programs of `examples/firmware/sizes` differ only in what they use:
//! the difference of their sections is what that costs.

mod elf;

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::qemu::{BOARDS, Board, Firmware};
use crate::suite::{Suite, Verdict};
use crate::toolchain::Toolchain;
use crate::{output, workspace};
use elf::Sections;

/// Flash that the hook with its tables may take, on the microcontrollers.
const CODE: u64 = 12_800;
/// RAM that the default region and everything else that is static may take there.
const RAM: u64 = 16 << 10;
/// The page that holds the table, and what stands around it there.
const PAGE: &str = "docs/embedded.md";
const BEGIN: &str = "<!-- sizes: written by cargo xtask sizes -->\n";
const END: &str = "<!-- end of sizes -->";

/// What a board's programs take.
struct Sizes {
    board: &'static Board,
    /// Flash of the hook and its tables, and what stages with figures, dump and report add to it.
    hook: u64,
    stages: u64,
    dump: u64,
    report: u64,
    ram: u64,
}

/// Holds the sizes to their limits.
pub(crate) fn suite() -> Suite {
    Suite::skippable("firmware: sizes", || {
        let sizes = match measure()? {
            Ok(sizes) => sizes,
            Err(missing) => return Ok(Verdict::Skipped(missing)),
        };
        output::line(table(&sizes)?);
        check(&sizes).map(|()| Verdict::Passed)
    })
    .beside()
}

/// Measures, writes the page, and holds the sizes to their limits.
pub(crate) fn run() -> Result<()> {
    let sizes = measure()?.map_err(anyhow::Error::msg)?;
    let table = table(&sizes)?;
    print!("{table}");
    let path = workspace::root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("{PAGE} has no {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{PAGE} has no {END}"))?;
    fs::write(path, [before, BEGIN, "\n", &table, "\n", END, after].concat())?;
    check(&sizes)
}

fn measure() -> Result<Result<Vec<Sizes>, String>> {
    let mut sizes = Vec::new();
    for board in &BOARDS {
        match Toolchain::for_target(board.target)? {
            Ok(toolchain) => sizes.push(measure_one(board, &toolchain)?),
            Err(missing) => return Ok(Err(missing)),
        }
    }
    Ok(Ok(sizes))
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
