//! Converts records of a dump, and makes their names safe to show.

use std::collections::HashMap;

use memtrack_format as format;
use memtrack_format::{List, ThreadState};

use super::parts::{Program, Stage, Thread};
use super::sizes::{self, Size};
use crate::clean::clean_bytes;
use crate::modules::Module;
use crate::reader::Snapshot;

pub(super) fn program(snapshot: &Snapshot<'_>) -> Program {
    let target = snapshot.target.unwrap_or_default();
    let first = target.command.split(|&byte| byte == 0).next().unwrap_or_default();
    let path = match snapshot.modules.first() {
        _ if !first.is_empty() => first,
        Some(module) => module.path,
        None => b"program",
    };
    Program {
        name: Module { path: path.into(), ..Module::default() }.name(),
        command: command(target.command),
        pid: target.pid,
        parent_pid: target.parent_pid,
        start_unix_ns: target.start_unix_ns,
        arch: target.arch,
        os: target.os,
        pointer_width: target.pointer_width,
        big_endian: target.big_endian,
        unwinder: clean_bytes(target.unwinder),
    }
}

/// The arguments on one line.
fn command(arguments: &[u8]) -> String {
    let arguments: Vec<_> = arguments.split(|&byte| byte == 0).map(clean_bytes).collect();
    arguments.join(" ").trim_end().into()
}

/// Threads with unique labels.
pub(super) fn threads(snapshot: &Snapshot<'_>) -> Vec<Thread> {
    let records = &snapshot.threads;
    let mut same: HashMap<&[u8], usize> = HashMap::new();
    for record in records {
        *same.entry(record.name).or_default() += 1;
    }
    let sizes = |record: &format::Thread<'_>| sizes::of_thread(&snapshot.sizes, record.id);
    records.iter().map(|record| thread(record, same[record.name] > 1, sizes(record))).collect()
}

fn thread(record: &format::Thread<'_>, ambiguous: bool, sizes: Vec<Size>) -> Thread {
    let name = clean_bytes(record.name);
    let mut label = match record.state {
        ThreadState::Unattributed => "[unattributed]".into(),
        _ if record.id == 0 => "[unattributed]".into(),
        ThreadState::Overflow => "[threads without a slot]".into(),
        _ if name.is_empty() => format!("thread #{}", record.id),
        _ if ambiguous => format!("{name} #{}", record.id),
        _ => name.clone(),
    };
    if record.count > 1 {
        label = format!("{label} ×{}", record.count);
    }
    Thread {
        id: record.id,
        os_id: record.os_id,
        state: record.state,
        count: record.count,
        label,
        name,
        figures: record.figures,
        own_peak: record.own_peak,
        own_peak_blocks: record.own_peak_blocks,
        sizes,
    }
}

pub(super) fn stage(record: &format::Stage<'_>) -> Stage {
    Stage {
        name: clean_bytes(record.name),
        threads: record.threads.iter().collect(),
        figures: format::Stage {
            name: b"",
            depth: record.depth,
            scope: record.scope,
            running: record.running,
            runs: record.runs,
            duration_ns: record.duration_ns,
            begin_ns: record.begin_ns,
            end_ns: record.end_ns,
            allocs: record.allocs,
            bytes: record.bytes,
            live_before: record.live_before,
            live_after: record.live_after,
            peak: record.peak,
            peak_blocks: record.peak_blocks,
            peak_time_ns: record.peak_time_ns,
            lost: record.lost,
            threads: List::default(),
        },
    }
}
