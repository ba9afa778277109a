//! What runs before `main` and at exit: the environment variables.
//!
//! `MEMTRACK_DUMP=path` writes a snapshot when the program ends, `std::process::exit` included.

use super::dump_file::Path;
use super::{objects, registry, sink, thread};
use crate::Error;
use crate::platform::{Host, Platform, Process};
use crate::sync::*;
use memtrack_format::Cause;
use std::string::String;

#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    objects::refresh();
    // SAFETY: the function has the right signature and lives as long as the program.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    let Some(template) = dump_template() else { return };
    let result = path(template, Host.process()).and_then(sink::open);
    match result {
        // SAFETY: the function has the right signature and lives as long as the program.
        Ok(()) => drop(unsafe { libc::atexit(at_exit) }),
        Err(error) => complain(template, error),
    }
}

/// After a fork, in the child: of all threads only the calling one goes on, so nobody holds a lock.
unsafe extern "C" fn in_child() {
    sink::unlock_after_fork();
    for (number, region) in registry::all() {
        region.forked(thread::slot(number), thread::id());
    }
}

/// The value of `MEMTRACK_DUMP`.
pub(super) fn dump_template() -> Option<&'static [u8]> {
    // SAFETY: the name is a C string; the value stays where it is unless the program changes its environment,
    // which it may not do while other threads read it.
    let value = unsafe {
        let value = libc::getenv(c"MEMTRACK_DUMP".as_ptr());
        if value.is_null() {
            return None;
        }
        core::ffi::CStr::from_ptr(value).to_bytes()
    };
    (!value.is_empty()).then_some(value)
}

fn path(template: &[u8], process: Process) -> Result<Path, Error> {
    Path::expand(template, process.pid, process.unix_ns / 1_000_000_000)
}

/// The file of a forked child: its own by `%p`, or else by its process id behind the name.
pub(super) fn path_in_child(template: &[u8], process: Process) -> Result<Path, Error> {
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

extern "C" fn at_exit() {
    let pid = Host.process().pid;
    if WRITTEN_BY.swap(pid, AcqRel) == pid {
        return;
    }
    let result = sink::append(|first_node, file| {
        for (_, region) in registry::all() {
            region.dump(file, Cause::Exit)?;
        }
        Ok(first_node)
    });
    if let (Err(error), Some(template)) = (result, dump_template()) {
        complain(template, error);
    }
}

/// Nobody can be given the error: say it where people look.
fn complain(template: &[u8], error: Error) {
    eprintln!("memtrack: MEMTRACK_DUMP={}: {error}", String::from_utf8_lossy(template));
}
