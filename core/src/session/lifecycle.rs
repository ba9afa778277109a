//! The life of a process: its start before `main`, its exit, and the reports of the system between them.
//!
//! - **Start** ([`at_start`], before `main`): reads the environment variables. `MEMTRACK_DUMP` names the file that collects
//!   snapshots; the other variables of dumps add triggers.
//! - **First event**: may come before the start, so it [begins](begin) the reports too.
//! - **Reports** ([`CALLBACKS`], [`INTERPOSED`]): one may be the first code of memtrack that runs in a forked child. So
//!   those that use the tables begin with [`forks::notice`].
//! - **Exit**: writes the last snapshot.

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
    before_fork: forks::before,
    after_fork: recording::after_fork,
    in_child: forks::in_child,
};

/// The answers to calls that memtrack interposes.
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

/// Makes the system report events of the process. Called at the start and at each tracker's first event, whichever comes
/// first.
pub(crate) fn begin() {
    set_callbacks(&CALLBACKS);
}

/// Runs before `main`.
extern "C" fn at_start() {
    begin();
    set_interposed(&INTERPOSED);
    start::begin();
    generations::begin();
    let Some(template) = Variable::Dump.get() else {
        for variable in [Variable::DumpSignal, Variable::DumpInterval, Variable::DumpPeak] {
            variable.get().into_iter().for_each(|value| report(variable, value, Error::NoFile));
        }
        return;
    };
    let result = Path::template(template).and_then(snapshot_file::open_template);
    match result {
        Ok(()) => exit::request(),
        Err(error) => return report(Variable::Dump, template, error),
    }
    const INTERVAL: &str = "a number of seconds from 0.001 on";
    const PEAK: &str = "a number of bytes, KiB, MiB or GiB";
    obey(Variable::DumpSignal, signals::EXPECTED, signals::parse, signals::dump_on);
    obey(Variable::DumpInterval, INTERVAL, environment::nanoseconds, triggers::dump_every);
    obey(Variable::DumpPeak, PEAK, environment::bytes, dump_above);
}

/// If a variable is set, parses its value and passes it to `run`. Reports an error. `expected` describes the values that
/// `parse` accepts.
fn obey<T>(
    variable: Variable,
    expected: &'static str,
    parse: impl FnOnce(&[u8]) -> Option<T>,
    run: impl FnOnce(T) -> Result<(), Error>,
) {
    let Some(value) = variable.get() else { return };
    if let Err(error) = parse(value).ok_or(Error::Variable(expected)).and_then(run) {
        report(variable, value, error);
    }
}

/// Writes a snapshot at each new peak above `bytes`.
fn dump_above(bytes: usize) -> Result<(), Error> {
    PEAK_LIMIT.store(!bytes, Release);
    // A tracker that replaces the C library's `malloc` has had its first event before the start.
    registry::all().for_each(|(_, region)| region.dump_above(bytes));
    Ok(())
}

/// The limit of `MEMTRACK_DUMP_PEAK`, for trackers whose first event comes later. It is stored as its complement, so that 0
/// means none.
static PEAK_LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Returns the bytes above which new peaks write a snapshot; `None` when there is no such limit.
pub(crate) fn peak_to_dump() -> Option<usize> {
    let bytes = !PEAK_LIMIT.load(Acquire);
    (bytes != usize::MAX).then_some(bytes)
}

/// The running thread ends: frees its slots, and stores its name there.
fn thread_ended() {
    for (number, region) in registry::all() {
        if let Some(slot) = registry::thread_words(number).and_then(thread_words::end) {
            region.thread_ended(slot, thread::name(thread::id()));
        }
    }
    recording::refresh();
}

/// The program is about to forbid system calls to itself: uses them for the last time.
fn seal(sealing: Sealing) {
    if sealing.last_snapshot && snapshot_file::is_set() {
        triggers::write_before_sandbox();
    }
    if sealing.no_thread {
        triggers::end_thread();
    }
    if sealing.no_barrier {
        // The first event of a second thread would make the barrier.
        registry::all().for_each(|(_, region)| region.expect_threads());
    }
}

impl Host {
    /// Writes now the snapshot that `MEMTRACK_DUMP` asks for at exit. Call this before a program ends without its exit
    /// handlers, as by `_exit`.
    pub fn dump_at_exit() {
        at_exit();
    }
}

/// The id of the process that has reported that it cannot write its snapshot at exit.
static REPORTED: AtomicU32 = AtomicU32::new(0);
/// The process and its count of events at its last snapshot at exit, as one number.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Writes the snapshot at exit. A second call writes another one, if there were events since the first.
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
        && REPORTED.swap(process, AcqRel) != process
    {
        report(Variable::Dump, template, error);
    }
}

/// Writes an error to standard error: there is no caller who could take it.
fn report(variable: Variable, value: &[u8], error: Error) {
    stderr::of_variable(variable.name(), value, error);
}
