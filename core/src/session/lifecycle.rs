//! What runs before `main` and at exit: the environment variables.
//!
//! `MEMTRACK_DUMP=path` writes a snapshot when the program ends, `std::process::exit` included. `MEMTRACK_DUMP_SIGNAL`,
//! `MEMTRACK_DUMP_INTERVAL` and `MEMTRACK_DUMP_PEAK` append more to the same file.

use crate::Error;
use crate::os::linux::file::Path;
use crate::os::linux::{exit, interpose, resident, sandbox, signals, stderr, thread, unwind_tables};
use crate::platform::{Host, Platform, Process};
use crate::session::dump_stack;
use crate::session::dump_stack::Patience;
use crate::session::environment;
use crate::session::environment::Variable;
use crate::session::{forks, generations, registry, snapshot_file, triggers, unloading};
use crate::sync::*;
use memtrack_format::Cause;

// Not under the model checkers, whose atomics work in a model alone.
#[cfg_attr(not(models), used, unsafe(link_section = ".init_array"))]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    resident::keep();
    dump_stack::begin();
    unwind_tables::begin();
    generations::begin();
    unloading::begin();
    interpose::begin();
    // The system prepares for it at the first call, which waits for milliseconds when there are other threads.
    thread::barrier();
    forks::begin();
    let Some(template) = dump_template() else {
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
    let wanted = [
        ask(Variable::DumpSignal, signals::EXPECTED, signals::parse, signals::dump_on),
        ask(
            Variable::DumpInterval,
            "a number of seconds from 0.001 on",
            environment::nanoseconds,
            triggers::every,
        ),
        ask(Variable::DumpPeak, "a number of bytes, KiB, MiB or GiB", environment::bytes, |bytes| {
            PEAK.store(!bytes, Release);
            // A tracker under the C library's `malloc` was there before.
            registry::all().for_each(|(_, region)| region.dump_above(bytes));
            Ok(())
        }),
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

/// One's complement of `MEMTRACK_DUMP_PEAK`, for trackers that claim their regions later.
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Bytes above which new peaks are dumped.
pub(crate) fn peak_to_dump() -> Option<usize> {
    let bytes = !PEAK.load(Acquire);
    (bytes != usize::MAX).then_some(bytes)
}

/// The value of `MEMTRACK_DUMP`.
pub(crate) fn dump_template() -> Option<&'static [u8]> {
    Variable::Dump.get()
}

pub(crate) fn path(template: &[u8], process: Process) -> Result<Path, Error> {
    Path::expand(template, process.pid, process.unix_ns / 1_000_000_000)
}

/// The file of a forked child: its own by `%p`, or else by its process id behind the name.
pub(crate) fn path_in_child(template: &[u8], process: Process) -> Result<Path, Error> {
    let path = path(template, process)?;
    if template.windows(2).any(|pair| pair == b"%p") { Ok(path) } else { path.with_pid(process.pid) }
}

impl Host {
    /// Writes what `MEMTRACK_DUMP` asks for at exit, now: for a program that ends without its exit handlers. Each process
    /// writes it once.
    pub fn dump_at_exit() {
        at_exit();
    }
}

/// The process that has written its snapshot at exit.
static WRITTEN_BY: AtomicU32 = AtomicU32::new(0);
/// The process that has said that its snapshot at exit cannot be written.
static SAID_BY: AtomicU32 = AtomicU32::new(0);
/// The process and the heap events in its snapshot, as one number.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Whether the snapshot at exit is written, or about to be: none comes behind it.
pub(crate) fn is_ending() -> bool {
    WRITTEN_BY.load(Acquire) == Host.process().pid
}

/// Writes the snapshot at exit. Called again it writes another one, if blocks were allocated or freed since.
pub(crate) fn at_exit() {
    forks::notice();
    let pid = Host.process().pid;
    if !sandbox::allows_dumps() {
        return;
    }
    let events: u64 = registry::all().map(|(_, region)| region.events()).fold(0, u64::wrapping_add);
    let state = (u64::from(pid) << 40).wrapping_add(events);
    WRITTEN_BY.store(pid, Release);
    if WRITTEN.swap(state, AcqRel) == state {
        return;
    }
    let append = || {
        snapshot_file::append(snapshot_file::Patience::Last, |first_node, file| {
            for (_, region) in registry::all() {
                region.dump(file, Cause::Exit)?;
            }
            Ok(first_node)
        })
    };
    let result = triggers::on_stack(Patience::Seconds, append).unwrap_or(Err(Error::DumpRunning));
    if let (Err(error), Some(template)) = (result, dump_template())
        && SAID_BY.swap(pid, AcqRel) != pid
    {
        complain(Variable::Dump, template, error);
    }
}

/// Nobody can be given the error: say it where people look.
fn complain(variable: Variable, value: &[u8], error: Error) {
    stderr::of_variable(variable.name(), value, error);
}
