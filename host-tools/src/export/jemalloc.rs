//! jemalloc's profile, `heap_v2`, for `jeprof`, which names the addresses itself.
//!
//! The format has two pairs of figures: objects and bytes in use, and objects and bytes allocated. In use is the memory that
//! is alive at the end, or at the peak if the metric is of the peak. The sampling rate is 0, so `jeprof` scales nothing.
//! Frames without an address (tags, remarks) are left out. A stack without any address gets address 0.

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
/// Returns an error if `out` fails.
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

/// The addresses, innermost first. `jeprof` subtracts 1 from all addresses except the first, to get from a return address
/// into the call.
fn addresses(stacks: &Stacks<'_>, row: &Row) -> Vec<u64> {
    let locations = stacks.innermost_first(row).filter_map(|step| stacks.show(step).location);
    let mut addresses: Vec<u64> = locations.map(|location| location.address).collect();
    // Inlined functions share the address of their caller.
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

/// The mappings of the modules, in the form of `/proc/self/maps`.
fn maps(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nMAPPED_LIBRARIES:")?;
    // A module without a file, like the kernel's vdso, is left out.
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
