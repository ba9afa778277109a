//! Fetches debug files by build id from debuginfod servers that the user named. Without any, there are no
//! requests.
//!
//! Fetched files go to the same cache as those of other debuginfod clients, and are shared with them.

#[cfg(feature = "debuginfod")]
use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::binary::{Binary, File};
#[cfg(feature = "debuginfod")]
use super::transfer::{Limits, transfer};
use crate::input::Bytes;
use crate::units::hex;

/// The servers, the cache, and limits on answers.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    /// The addresses of the servers.
    pub urls: Vec<String>,
    /// The cache directory; without it, no file is kept.
    pub cache: Option<PathBuf>,
    /// The time to wait for the first byte of an answer, and for each further part.
    pub patience: Duration,
    /// The time for a whole answer.
    pub deadline: Duration,
    /// The most bytes in an answer.
    pub max_bytes: u64,
}

impl Servers {
    /// Reads `DEBUGINFOD_URLS`, `DEBUGINFOD_CACHE_PATH`, `DEBUGINFOD_TIMEOUT`, `DEBUGINFOD_MAXTIME` and
    /// `DEBUGINFOD_MAXSIZE`, like all clients.
    #[must_use]
    pub fn from_env() -> Self {
        /// Seconds; the default of elfutils.
        const PATIENCE: u64 = 90;
        /// The default deadline, as a multiple of the timeout.
        const WHOLE: u64 = 10;
        /// Debug information is never larger.
        const MAX_BYTES: u64 = 4 << 30;
        let text = |name| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
        let urls = text("DEBUGINFOD_URLS").unwrap_or_default();
        let home = || text("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let below = || text("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let cache = text("DEBUGINFOD_CACHE_PATH").map(PathBuf::from);
        // For other clients, zero means that there is no limit. Here there always is one.
        let number = |name| text(name).and_then(|text| text.parse().ok()).filter(|&number: &u64| number > 0);
        let seconds = number("DEBUGINFOD_TIMEOUT").unwrap_or(PATIENCE);
        let whole = number("DEBUGINFOD_MAXTIME").unwrap_or(seconds.saturating_mul(WHOLE));
        Servers {
            urls: urls.split_whitespace().map(String::from).collect(),
            cache: cache.or_else(|| below().map(|dir| dir.join("debuginfod_client"))),
            patience: Duration::from_secs(seconds),
            deadline: Duration::from_secs(whole),
            max_bytes: number("DEBUGINFOD_MAXSIZE").unwrap_or(MAX_BYTES).min(MAX_BYTES),
        }
    }

    /// The debug file of a build; `None` if no server has it.
    ///
    /// # Errors
    /// Returns the reason why a server failed, if no other server has the file.
    pub(super) fn debug_file(&self, build_id: &[u8]) -> Result<Option<Binary>, String> {
        if self.urls.is_empty() || build_id.is_empty() {
            return Ok(None);
        }
        let id = hex(build_id);
        let kept = self.cache.as_ref().map(|cache| cache.join(&id).join("debuginfo"));
        if let Some(binary) = kept.as_ref().and_then(|path| Binary::open(path, build_id)) {
            return Ok(Some(binary));
        }
        let mut failed = None;
        for url in &self.urls {
            match self.fetch(url, &id) {
                Ok(Some(file)) => match of_build(file, build_id, kept.as_deref()) {
                    Some(binary) => return Ok(Some(binary)),
                    None => failed = Some(format!("{url} sent a file of another build")),
                },
                Ok(None) => {}
                Err(error) => failed = Some(format!("{url} failed: {error}")),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Downloads a debug file; `None` if the server does not have it.
    #[cfg(feature = "debuginfod")]
    fn fetch(&self, url: &str, id: &str) -> Result<Option<tempfile::NamedTempFile>, String> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(self.deadline))
            .timeout_connect(Some(self.patience))
            .timeout_recv_response(Some(self.patience))
            .user_agent(concat!("memtrack-fold/", env!("CARGO_PKG_VERSION")));
        let agent: ureq::Agent = config.build().into();
        let address = format!("{}/buildid/{id}/debuginfo", url.trim_end_matches('/'));
        let answer = match agent.get(address).call() {
            Ok(answer) => answer,
            Err(ureq::Error::StatusCode(404)) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let limits = Limits { patience: self.patience, deadline: self.deadline, max_bytes: self.max_bytes };
        let received = self.file().and_then(|mut file| {
            transfer(answer.into_body().into_reader(), file.as_file_mut(), limits)?;
            Ok(file)
        });
        received.map(Some).map_err(|error| error.to_string())
    }

    /// Downloads nothing.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "debuginfod"))]
    fn fetch(&self, _url: &str, _id: &str) -> Result<Option<tempfile::NamedTempFile>, String> {
        Err("this build has no HTTP client (feature `debuginfod`)".into())
    }

    /// The temporary file of an answer: in the cache if there is one, so that it can be renamed.
    #[cfg(feature = "debuginfod")]
    fn file(&self) -> io::Result<tempfile::NamedTempFile> {
        let in_cache = self.cache.as_ref().and_then(|cache| {
            std::fs::create_dir_all(cache).ok()?;
            tempfile::NamedTempFile::new_in(cache).ok()
        });
        in_cache.map_or_else(tempfile::NamedTempFile::new, Ok)
    }
}

/// The answer, if it is of the requested build. Then it gets its name in the cache.
fn of_build(mut file: tempfile::NamedTempFile, build_id: &[u8], keep: Option<&Path>) -> Option<Binary> {
    file.flush().ok()?;
    let bytes = Bytes::map(file.as_file()).ok()?;
    let binary = File::new(keep.unwrap_or(file.path()), bytes).of_build(build_id)?;
    if let Some(path) = keep
        && path.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
    {
        // If this fails, the nameless file is still mapped.
        let _ = file.persist(path);
    }
    Some(binary)
}
