//! Finds and reads a recording: a file, or the file that a process has mapped.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::process::{is_running, recording_of};
use crate::extents::Extents;
use crate::reader::Dump;
use crate::{Error, image};

/// The number of attempts to read a file while its program rewrites it.
const TRIES: usize = 5;

/// A recording.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
}

impl Source {
    /// The recording in a file; or that of the process with this number, if there is no file of that name.
    ///
    /// # Errors
    /// Returns an error if the process does not record.
    pub fn find(target: &Path) -> Result<Source, Error> {
        let pid = target.to_str().and_then(|text| text.parse::<u32>().ok()).filter(|_| !target.exists());
        match pid {
            None => Ok(Source { path: target.into() }),
            Some(pid) => match recording_of(pid) {
                Some(path) => Ok(Source { path }),
                None => Err(Error::NoRecording { pid }),
            },
        }
    }

    /// Reads the recording, and calls `each` with it and with whether its program still runs.
    pub(super) fn look<T>(
        &self,
        mut each: impl FnMut(&Dump<'_>, bool) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut tries = 0;
        loop {
            let result =
                self.read().and_then(|(dump, running)| each(&Dump::open(&self.path, &dump)?, running));
            tries += 1;
            match result {
                Err(Error::NotADump { .. } | Error::NoSnapshot { .. }) if tries < TRIES => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                result => return result,
            }
        }
    }

    fn read(&self) -> Result<(Vec<u8>, bool), Error> {
        let path = || self.path.clone();
        // Opening a pipe would wait for its writer.
        if !fs::metadata(&self.path).map_err(|source| Error::Read { path: path(), source })?.is_file() {
            return Err(Error::NotARecording { path: path() });
        }
        let bytes = fs::read(&self.path).map_err(|source| Error::Read { path: path(), source })?;
        if !image::is_image(&bytes) {
            return Err(Error::NotARecording { path: path() });
        }
        let read = |now| {
            image::read(&bytes, &Extents::default(), now)
                .map_err(|reason| Error::NotADump { path: path(), reason })
        };
        let image = read(None)?;
        let running = image.pid.is_some_and(|pid| is_running(pid, image.started));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let now = now.and_then(|now| u64::try_from(now.as_nanos()).ok()).filter(|_| running);
        Ok((if now.is_some() { read(now)?.dump } else { image.dump }, running))
    }
}
