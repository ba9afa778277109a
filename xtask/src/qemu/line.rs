//! A serial line that drops and changes bytes. A dump comes over it in packets: memtrack-fold shows the packets that arrived,
//! and says how many bytes did not.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::board::{BOARDS, Board};
use super::firmware::Firmware;
use super::hostile::DAMAGED;
use super::machine::{Console, DUMP, Qemu, wait};
use crate::suite::Suite;
use crate::toolchain::Toolchain;
use crate::{output, workspace};

const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "thumbv7em-none-eabihf"];
const PROGRAM: &str = "line";
/// The file of the bytes that came over the line.
const RECEIVED: &str = "line.memtrack";
/// The number of bad lines, and the average number of bytes from one hit to the next.
const LINES: u32 = 8;
const BETWEEN: u32 = 400;
const ALL: [&str; 2] = ["--metric", "bytes"];

/// One suite for each of the boards.
pub(crate) fn suites() -> impl Iterator<Item = Suite> {
    BOARDS
        .iter()
        .filter(|board| TARGETS.contains(&board.target))
        .map(|board: &'static Board| Suite::new(format!("bad serial line: {}", board.name), || run(board)))
}

fn run(board: &Board) -> Result<()> {
    let (toolchain, qemu) = (Toolchain::for_target(board.target)?, Qemu::find()?);
    let firmware = Firmware::build(board, &toolchain, PROGRAM)?;
    let received = firmware.folder().join(RECEIVED);

    let dump = receive(&qemu, board, &firmware, &mut Line::good())?;
    let sent = firmware.folded(&dump, &ALL)?;
    let whole = firmware.folded(&received, &ALL)?;
    ensure!(whole == sent, "over the line:\n{whole}\nby the other way out:\n{sent}");
    same_as_hosted(&firmware, &received)?;

    let good = firmware.fold(&received)?;
    let (mut told, mut shown) = (0, 0);
    for seed in 1..=LINES {
        let mut line = Line { noise: seed.wrapping_mul(0x9E37_79B9), hits: 0, between: BETWEEN };
        receive(&qemu, board, &firmware, &mut line)?;
        let read = firmware.fold(&received)?;
        let said = String::from_utf8_lossy(&read.stderr);
        // A hit of a zero between two packets does no harm.
        if line.hits == 0 || read.status.success() {
            let whole = (&read.stdout, &read.stderr) == (&good.stdout, &good.stderr);
            ensure!(whole && line.hits < 3, "{} bytes were hit, and nothing is said of it", line.hits);
            continue;
        }
        ensure!(
            read.status.code() == Some(DAMAGED),
            "a damaged dump is not called that: {}\n{said}",
            read.status
        );
        told += u32::from(said.contains("the line lost "));
        // No stack has more than was sent.
        let part = total(&String::from_utf8_lossy(&read.stdout))?;
        ensure!(part <= total(&sent)?, "more is shown than was sent");
        shown += u32::from(part > 0);
    }
    ensure!(told > 0 && shown > 0, "of {LINES} bad lines {told} are told of, and {shown} show something");
    output::line(format_args!("{} ok {LINES} bad lines, of which {shown} show a part", board.target));
    Ok(())
}

/// The work is that of the program `foreign`, whose figures are the same on every processor.
fn same_as_hosted(firmware: &Firmware, dump: &Path) -> Result<()> {
    let folded = firmware.folded(dump, &["--metric", "bytes", "--tag", "work"])?;
    let own = |frame: &str| match frame {
        "tag work" => Some(frame.to_string()),
        "line::main" => Some("foreign::main".to_string()),
        _ => frame.strip_prefix("checks::work::").map(|name| format!("foreign::work::{name}")),
    };
    let work: String = folded
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(stack, count)| {
            let frames: Vec<String> = stack.split(';').filter_map(own).collect();
            format!("{} {count}\n", frames.join(";"))
        })
        .collect();
    let hosted = fs::read_to_string(workspace::root().join("tests/corpus/foreign/work.folded"))?;
    let expected: String =
        hosted.split_inclusive('\n').filter(|line| line.contains("foreign::main")).collect();
    ensure!(work == expected, "the work reads\n{work}\ninstead of\n{expected}");
    Ok(())
}

/// The sum of folded stacks.
fn total(folded: &str) -> Result<u64> {
    let counts = folded.lines().map(|line| line.rsplit(' ').next().unwrap_or_default().parse::<u64>());
    counts.sum::<Result<u64, _>>().context("folded stacks end in a number")
}

/// Runs the firmware, and writes the bytes that come over the line to a file. Returns the dump that left by the other way.
fn receive(qemu: &Qemu, board: &Board, firmware: &Firmware, line: &mut Line) -> Result<PathBuf> {
    let mut machine = qemu.start(board, PROGRAM, firmware, Console::Piped, &[])?;
    let mut output = machine.stdout.take().context("the console is a pipe")?;
    let (mut received, mut bytes) = (Vec::new(), [0; 256]);
    loop {
        let length = output.read(&mut bytes)?;
        if length == 0 {
            break;
        }
        received.extend(bytes[..length].iter().filter_map(|&byte| line.carry(byte)));
    }
    let status = wait(&mut machine, &firmware.folder())?;
    ensure!(status.code() == Some(board.good), "it says that something went wrong: {status}");
    fs::write(firmware.folder().join(RECEIVED), received)?;
    Ok(firmware.folder().join(DUMP))
}

/// A line between the board and the host.
struct Line {
    /// State of the noise (Marsaglia's xorshift).
    noise: u32,
    /// Bytes that the line has dropped or changed.
    hits: u32,
    /// The average number of bytes from one hit to the next; 0 for no hits.
    between: u32,
}

impl Line {
    fn good() -> Self {
        Line { noise: 1, hits: 0, between: 0 }
    }

    /// Carries a byte: returns the byte that arrives, if any.
    fn carry(&mut self, byte: u8) -> Option<u8> {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 17;
        self.noise ^= self.noise << 5;
        if self.between == 0 || !self.noise.is_multiple_of(self.between) {
            return Some(byte);
        }
        self.hits += 1;
        let changed = (self.noise >> 20) as u8 | 1;
        self.hits.is_multiple_of(2).then_some(byte ^ changed)
    }
}
