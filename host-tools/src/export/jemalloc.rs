//! jemalloc's profile, `heap_v2`: read by `jeprof`, which names the addresses itself.
//!
//! Its two pairs of figures are what is in use and what was allocated altogether. In use is what lives at the end, or
//! what lived at the peak where the peak is asked for. The sampling rate is 0: every allocation is in it, and nothing
//! is scaled. Frames without an address (tags, remarks) are left out; a stack without any stands at address 0.

use std::collections::BTreeMap;
use std::io::{self, Write};

use indexmap::IndexMap;
use memtrack_format::Figures;

use crate::profile::stacks::Row;
use crate::profile::{Metric, Moment, Profile, Stacks, View};

/// Objects and bytes in use, objects and bytes allocated.
type Counts = [u64; 4];

/// Writes the profile.
///
/// # Errors
/// When `out` fails.
pub fn write(stacks: &Stacks<'_>, profile: &Profile, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut found: IndexMap<Vec<u64>, BTreeMap<u32, Counts>> = IndexMap::new();
    let mut threads: BTreeMap<u32, Counts> = BTreeMap::new();
    for row in stacks.rows() {
        let counts = counts(&row.figures, view.metric);
        for sums in [found.entry(addresses(stacks, row)).or_default(), &mut threads] {
            let sum = sums.entry(row.thread).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, more)| *sum += more);
        }
    }
    writeln!(out, "heap_v2/0")?;
    by_thread(&threads, out)?;
    for (stack, threads) in &found {
        write!(out, "@")?;
        stack.iter().try_for_each(|address| write!(out, " {address:#x}"))?;
        writeln!(out)?;
        by_thread(threads, out)?;
    }
    maps(profile, out)
}

fn counts(figures: &Figures, metric: Metric) -> Counts {
    let (blocks, bytes) = match metric.moment() {
        Moment::Peak => (figures.peak_blocks, figures.peak),
        Moment::Run | Moment::End => (figures.live_blocks, figures.live),
    };
    [blocks, bytes, figures.allocs, figures.bytes]
}

/// Innermost first. `jeprof` takes 1 off all addresses but the first to get from a return address into the call.
fn addresses(stacks: &Stacks<'_>, row: &Row) -> Vec<u64> {
    let locations = row.steps.iter().rev().filter_map(|&step| stacks.show(step).location);
    let mut addresses: Vec<u64> = locations.map(|location| location.address).collect();
    // What was inlined at an address shares it.
    addresses.dedup();
    addresses.iter_mut().skip(1).for_each(|address| *address = address.wrapping_add(1));
    if addresses.is_empty() {
        addresses.push(0);
    }
    addresses
}

/// A line for the sum, and one for each thread.
fn by_thread(threads: &BTreeMap<u32, Counts>, out: &mut dyn Write) -> io::Result<()> {
    let sum = |index: usize| threads.values().map(|counts| counts[index]).sum();
    line("*", [sum(0), sum(1), sum(2), sum(3)], out)?;
    threads.iter().try_for_each(|(thread, &counts)| line(&thread.to_string(), counts, out))
}

fn line(thread: &str, [blocks, bytes, allocs, allocated]: Counts, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  t{thread}: {blocks}: {bytes} [{allocs}: {allocated}]")
}

/// Where the modules were, in the form of `/proc/self/maps`.
fn maps(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nMAPPED_LIBRARIES:")?;
    // What is no file, like the kernel's vdso, is not looked for.
    for module in profile.modules.all().iter().filter(|module| module.path.contains(&b'/')) {
        for segment in &module.segments {
            let end = segment.start.saturating_add(segment.length);
            let rights = if segment.executable { "r-xp" } else { "r--p" };
            let (start, offset, path) = (segment.start, segment.file_offset, module.shown_path());
            writeln!(out, "{start:08x}-{end:08x} {rights} {offset:08x} 00:00 0 {path}")?;
        }
    }
    Ok(())
}
