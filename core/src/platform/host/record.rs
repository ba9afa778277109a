//! Recordings: the pages of a region are those of a file, which stays when the process is killed, and which another
//! process can look at meanwhile.
//!
//! Behind the region's bytes the file has an annex: what only the process can tell, as fragments of a dump, each with
//! the program, and with its modules when they changed. The last one counts; one that is cut off leaves those before
//! it. `docs/wire-format.md` has the layout.

use super::dump_file::Path;
use super::dump_stack::Patience;
use super::open::Named;
use super::pages::{Pages, PagesFile};
use super::registry::{self, Each, Place, Registered};
use super::variables::Variable;
use super::{Host, due, keep_errno, mask, modules, sandbox, say, start};
use crate::Error;
use crate::lock::Lock;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::try_lock;

struct Recording {
    path: Path,
    /// The variable's value, when the path comes from there.
    template: Option<&'static [u8]>,
    pages: Pages,
    file: PagesFile,
    /// Where the next fragment of the annex goes.
    end: u64,
    /// What the annex knows: news of modules, the modules, thread slots.
    known: (usize, Option<u64>, u32),
}

// `None` is all-zero, so that this adds nothing to the binary.
static RECORDINGS: Each<Lock<Option<Recording>>> = Each::new([const { Lock::new(None) }; _]);
/// Whether there are any: asked without taking a lock.
static ANY: AtomicBool = AtomicBool::new(false);

/// A tracker has just claimed its region: the first one's is recorded when the variable says so.
pub(crate) fn at_claim(place: Place) {
    let Some(template) = Variable::Record.get().filter(|_| place.is_first()) else { return };
    let process = Host.process();
    let path = start::path(template, process);
    let result = path.and_then(|path| match begin(place, path, Named::ByVariable) {
        // A process that this one has started, with the same variables.
        Err(Error::RecordingTaken) => {
            begin(place, start::path(template, process)?.with_pid(process.pid)?, Named::ByVariable)
        }
        other => other,
    });
    if let Err(error) = result {
        complain(template, error);
    }
}

/// Lays the pages of tracker `number` into a file.
pub(crate) fn begin(place: Place, path: Path, named: Named) -> Result<(), Error> {
    let region = registry::get(place).ok_or(Error::TooManyTrackers)?;
    let pages = region.pages()?;
    mask::without(|| {
        let mut slot =
            try_lock(&RECORDINGS[place]).filter(|slot| slot.is_none()).ok_or(Error::RecordingRuns)?;
        if threads() != 1 + due::threads() {
            return Err(Error::RecordingThreads);
        }
        let file = PagesFile::create(&path, pages.len(), named)?;
        pages.share(&file, None)?;
        let end = pages.len() as u64;
        let template = Variable::Record.get().filter(|_| named == Named::ByVariable);
        let recording = slot.insert(Recording { path, template, pages, file, end, known: (0, None, 0) });
        ANY.store(true, Release);
        recording.refresh(region)
    })
}

/// Modules that were met, by their unwind tables.
static MET: [AtomicUsize; 1024] = [const { AtomicUsize::new(0) }; 1024];
/// Counts modules that are met for the first time. It begins at 1, for what a recording begins with.
static NEWS: AtomicUsize = AtomicUsize::new(1);

/// Inside the hook: code of a module is on a stack. A new one is told to the recordings behind the event.
pub(crate) fn met(table: usize) {
    if ANY.load(Acquire) && is_new(table) {
        NEWS.fetch_add(1, AcqRel);
        registry::all().for_each(|(_, region)| region.met_module());
    }
}

/// Whether it is met for the first time. No more than can be remembered are new.
fn is_new(table: usize) -> bool {
    let first = (table >> 4).wrapping_mul(0x9E37_79B1) >> 12;
    let places = MET.iter().cycle().skip(first % MET.len()).take(MET.len());
    for place in places {
        match place.compare_exchange(0, table, Relaxed, Relaxed) {
            Ok(_) => return true,
            Err(known) if known == table => return false,
            Err(_) => {}
        }
    }
    false
}

/// Outside the hook: something was unloaded, and what is loaded in its place is to be told of.
pub(super) fn unloaded() {
    MET.iter().for_each(|place| place.store(0, Relaxed));
    NEWS.fetch_add(1, AcqRel);
    refresh();
}

/// Tells the recordings of modules and threads that are new. No lock of others is waited for.
pub(crate) fn refresh() {
    if !ANY.load(Acquire) || !sandbox::is_none() {
        return;
    }
    due::on_stack(Patience::None, || {
        for (place, region) in registry::all() {
            let Some(mut slot) = try_lock(&RECORDINGS[place]) else { continue };
            if let Some(recording) = slot.as_mut() {
                // A fragment that cannot be written is missing from the file; the next refresh tries again.
                let _ = keep_errno(|| recording.refresh(region));
            }
        }
    });
}

impl Recording {
    fn refresh(&mut self, region: &dyn Registered) -> Result<(), Error> {
        let (news, threads) = (NEWS.load(Acquire), region.threads_used());
        if threads != self.known.2 {
            region.keep_names();
            self.known.2 = threads;
        }
        if news != self.known.0 {
            let modules = modules::fingerprint();
            if modules.is_none() || modules != self.known.1 {
                self.append(region, true)?;
            }
            (self.known.0, self.known.1) = (news, modules);
        }
        Ok(())
    }

    /// Appends a fragment to the annex. One that fails half-way is written over by the next.
    fn append(&mut self, region: &dyn Registered, modules: bool) -> Result<(), Error> {
        let mut to = Annex { file: &self.file, end: self.end };
        region.annex(&mut to, modules)?;
        self.end = to.end;
        Ok(())
    }

    /// In a forked child: a file of its own, or at least pages of its own.
    fn divide(&mut self, region: &dyn Registered) -> Result<(), Error> {
        let process = Host.process();
        let path = match self.template {
            Some(template) => start::path_in_child(template, process),
            None => self.path.with_pid(process.pid),
        };
        let file = path.and_then(|path| {
            let file = PagesFile::create(&path, self.pages.len(), Named::ByVariable)?;
            file.copy(&self.file, self.pages.len() as u64, self.end)?;
            self.pages.share(&file, Some(&self.file))?;
            Ok((path, file))
        });
        match file {
            Ok((path, file)) => {
                (self.path, self.file) = (path, file);
                // The modules are those of the parent.
                self.append(region, false)
            }
            Err(error) => self.pages.keep(&self.file).and(Err(error)),
        }
    }
}

/// Writes behind the pages.
pub(crate) struct Annex<'f> {
    file: &'f PagesFile,
    end: u64,
}

impl memtrack_format::Sink for &mut Annex<'_> {
    type Error = Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_at(bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

std::thread_local! {
    /// The pipe by which a child says that it has pages of its own: until then the parent waits with its next event.
    static PIPE: core::cell::Cell<[libc::c_int; 2]> = const { core::cell::Cell::new([-1; 2]) };
}

/// The longest that a parent waits, in milliseconds: some gigabytes of tables.
const PATIENCE: libc::c_int = 2000;

/// Before a fork, in the parent.
pub(super) extern "C" fn before_fork() {
    let mut pipe = [-1; 2];
    // SAFETY: the array has room for two descriptors.
    if ANY.load(Acquire) && unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } == 0 {
        let _ = PIPE.try_with(|kept| kept.set(pipe));
    }
}

/// After a fork, or when it failed, in the parent.
pub(super) extern "C" fn after_fork() {
    let [read, write] = PIPE.try_with(|kept| kept.replace([-1; 2])).unwrap_or([-1; 2]);
    if read >= 0 {
        let mut end = libc::pollfd { fd: read, events: libc::POLLIN, revents: 0 };
        // SAFETY: the descriptors are open and this thread's own. The pipe ends with the child, or says something.
        unsafe {
            libc::close(write);
            libc::poll(&raw mut end, 1, PATIENCE);
            libc::close(read);
        }
    }
}

/// After a fork, in the child, before its first event.
pub(super) fn in_child() {
    if ANY.load(Acquire) {
        mask::without(|| registry::all().for_each(|(place, region)| divide(place, region)));
    }
    let [read, write] = PIPE.try_with(|kept| kept.replace([-1; 2])).unwrap_or([-1; 2]);
    if read >= 0 {
        // SAFETY: the descriptors are open and this thread's own.
        unsafe {
            libc::write(write, [0u8].as_ptr().cast(), 1);
            libc::close(write);
            libc::close(read);
        }
    }
}

/// In a forked child, once its tables say what it inherited: so does its recording.
pub(super) fn forked() {
    if ANY.load(Acquire) {
        for (place, region) in registry::all() {
            if let Some(mut slot) = RECORDINGS[place].try_lock()
                && let Some(recording) = slot.as_mut()
            {
                // One that cannot be written is missing: then all of the child counts as its own.
                let _ = recording.append(region, false);
            }
        }
    }
}

fn divide(place: Place, region: &dyn Registered) {
    let Some(mut slot) = RECORDINGS[place].try_lock() else { return };
    let Some(recording) = slot.as_mut() else { return };
    if let Err(error) = recording.divide(region) {
        complain(recording.path.as_c_str().to_bytes(), error);
        // Its pages are its own and nobody's file.
        *slot = None;
    }
}

/// How many threads the process has; 0 when that cannot be told.
fn threads() -> u64 {
    // SAFETY: the path is a C string, and the record is filled in when the call returns 0.
    unsafe {
        let mut folder: libc::stat = core::mem::zeroed();
        let told = libc::stat(c"/proc/self/task".as_ptr(), &raw mut folder) == 0;
        // A folder has a link from above, from itself, and from each folder in it.
        if told { (folder.st_nlink as u64).saturating_sub(2) } else { 0 }
    }
}

/// Nobody can be given the error. Inside the first event, or a fork.
fn complain(path: &[u8], error: Error) {
    say::line(format_args!("not recorded: {error}: {}", say::Text(path)));
}
