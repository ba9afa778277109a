//! The life of a process: what runs before `main`, at exit and in between whenever the system calls back.
//!
//! `MEMTRACK_DUMP=path` writes a snapshot when the program ends, `std::process::exit` included. `MEMTRACK_DUMP_SIGNAL`,
//! `MEMTRACK_DUMP_INTERVAL` and `MEMTRACK_DUMP_PEAK` append more to the same file.

use super::environment::{self, Variable};
use super::recording::memory;
use super::{forks, generations, recording, registry, snapshot_file, thread_words, triggers, unloading};
use crate::Error;
use crate::os::path::Path;
use crate::os::patience::Patience;
use crate::os::{
    Callbacks, Interposed, Sealing, exit, process, sandbox, set_callbacks, set_interposed, signals, start,
    stderr, thread,
};
use crate::platform::Host;
use crate::sync::*;
use memtrack_format::Cause;

start::run_before_main!(at_start);

// A forked child may not have been noticed before any of these calls.

/// The answers to events of the process.
static CALLBACKS: Callbacks = Callbacks {
    thread_ended: || {
        forks::notice();
        thread_ended();
    },
    signal: |signal, acts| {
        forks::notice();
        triggers::request(signal, acts);
    },
    fault: memory::faulted,
    exit: at_exit,
    before_fork: recording::before_fork,
    after_fork: recording::after_fork,
    in_child: forks::in_child,
};

/// The answers to calls that are interposed.
static INTERPOSED: Interposed = Interposed {
    sealing: |sealing| {
        forks::notice();
        seal(sealing);
    },
    before_unloading: unloading::before,
    after_unloading: || {
        forks::notice();
        unloading::after();
    },
    stop_thread: triggers::stop_thread,
    start_thread: triggers::start_thread,
};

/// Before the first event, which may come before `at_start`: events of the process are reported from now on.
pub(crate) fn begin() {
    set_callbacks(&CALLBACKS);
}

extern "C" fn at_start() {
    begin();
    set_interposed(&INTERPOSED);
    start::begin();
    generations::begin();
    let Some(template) = Variable::Dump.get() else {
        for variable in [Variable::DumpSignal, Variable::DumpInterval, Variable::DumpPeak] {
            variable.get().into_iter().for_each(|value| complain(variable, value, Error::NoFile));
        }
        return;
    };
    let result = Path::template(template).and_then(snapshot_file::open_template);
    match result {
        Ok(()) => exit::ask(),
        Err(error) => return complain(Variable::Dump, template, error),
    }
    const INTERVAL: &str = "a number of seconds from 0.001 on";
    const PEAK: &str = "a number of bytes, KiB, MiB or GiB";
    let wanted = [
        ask(Variable::DumpSignal, signals::EXPECTED, signals::parse, signals::dump_on),
        ask(Variable::DumpInterval, INTERVAL, environment::nanoseconds, triggers::dump_every),
        ask(Variable::DumpPeak, PEAK, environment::bytes, dump_above),
    ];
    wanted.into_iter().flatten().for_each(|(variable, value, error)| complain(variable, value, error));
}

type Complaint = (Variable, &'static [u8], Error);

/// Does what a variable asks for, when it is set. What is to be said when that cannot be done.
fn ask<T>(
    variable: Variable,
    expected: &'static str,
    parse: impl FnOnce(&[u8]) -> Option<T>,
    run: impl FnOnce(T) -> Result<(), Error>,
) -> Option<Complaint> {
    let value = variable.get()?;
    let result = parse(value).ok_or(Error::Variable(expected)).and_then(run);
    result.err().map(|error| (variable, value, error))
}

fn dump_above(bytes: usize) -> Result<(), Error> {
    PEAK.store(!bytes, Release);
    // A tracker under the C library's `malloc` was there before.
    registry::all().for_each(|(_, region)| region.dump_above(bytes));
    Ok(())
}

/// One's complement of `MEMTRACK_DUMP_PEAK`, for trackers that claim their regions later.
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Bytes above which new peaks are dumped.
pub(crate) fn peak_to_dump() -> Option<usize> {
    let bytes = !PEAK.load(Acquire);
    (bytes != usize::MAX).then_some(bytes)
}

/// The running thread ends: its slots are free, and the recordings learn its name.
fn thread_ended() {
    for (number, region) in registry::all() {
        if let Some(slot) = registry::thread_words(number).and_then(thread_words::end) {
            region.thread_ended(slot, thread::name(thread::id()));
        }
    }
    recording::refresh();
}

/// The program is about to forbid itself system calls: does what needs them while it can.
fn seal(sealing: Sealing) {
    if sealing.last_snapshot && snapshot_file::is_set() {
        triggers::write_before_sandbox();
    }
    if sealing.no_thread {
        triggers::end_thread();
    }
    if sealing.no_barrier {
        // A second thread would need it.
        registry::all().for_each(|(_, region)| region.expect_threads());
    }
}

impl Host {
    /// Writes what `MEMTRACK_DUMP` asks for at exit, now: for a program that ends without its exit handlers. Each process
    /// writes it once.
    pub fn dump_at_exit() {
        at_exit();
    }
}

/// The process that has reported that its snapshot at exit cannot be written.
static COMPLAINED: AtomicU32 = AtomicU32::new(0);
/// The process and the heap events in its snapshot, as one number.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Writes the snapshot at exit. Called again it writes another one, if blocks were allocated or freed since.
fn at_exit() {
    forks::notice();
    if !sandbox::allows_snapshots() {
        return;
    }
    let process = process::id();
    let events: u64 = registry::all().map(|(_, region)| region.events()).fold(0, u64::wrapping_add);
    let state = (u64::from(process) << 40).wrapping_add(events);
    snapshot_file::begin_final();
    if WRITTEN.swap(state, AcqRel) == state {
        return;
    }
    let append = || {
        snapshot_file::append(Patience::Seconds, |file| {
            registry::all().try_for_each(|(_, region)| region.dump(file, Cause::Exit))
        })
    };
    let result = triggers::on_stack(Patience::Seconds, append).unwrap_or(Err(Error::DumpRunning));
    if let (Err(error), Some(template)) = (result, Variable::Dump.get())
        && COMPLAINED.swap(process, AcqRel) != process
    {
        complain(Variable::Dump, template, error);
    }
}

/// Nobody can be given the error: reports it where people look.
fn complain(variable: Variable, value: &[u8], error: Error) {
    stderr::of_variable(variable.name(), value, error);
}
