//! debuginfod: debug files by build id from servers that the user named. Nothing is asked for unless there are any.
//!
//! What was fetched is kept where the other clients of the protocol keep it, and found there by all of them.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::Agent;

use super::binary;
use super::find::hex;
use crate::input::{self, Bytes};

/// Larger answers are not debug information.
const MAX_BYTES: u64 = 4 << 30;

/// Servers, and where to keep what they send.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    /// Their addresses.
    pub urls: Vec<String>,
    /// The folder of files that were fetched before; none are kept without it.
    pub cache: Option<PathBuf>,
    /// How long to wait for each.
    pub patience: Duration,
}

impl Servers {
    /// What `DEBUGINFOD_URLS`, `DEBUGINFOD_CACHE_PATH` and `DEBUGINFOD_TIMEOUT` say, as for all clients.
    #[must_use]
    pub fn from_env() -> Self {
        /// Seconds, as in elfutils.
        const PATIENCE: u64 = 90;
        let text = |name| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
        let urls = text("DEBUGINFOD_URLS").unwrap_or_default();
        let home = || text("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let below = || text("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let cache = text("DEBUGINFOD_CACHE_PATH").map(PathBuf::from);
        let seconds = text("DEBUGINFOD_TIMEOUT").and_then(|text| text.parse().ok()).unwrap_or(PATIENCE);
        Servers {
            urls: urls.split_whitespace().map(String::from).collect(),
            cache: cache.or_else(|| below().map(|dir| dir.join("debuginfod_client"))),
            patience: Duration::from_secs(seconds),
        }
    }

    /// The debug file of a build; `None` when no server has it.
    ///
    /// # Errors
    /// Why a server could not be asked, when none of the others has it.
    pub(super) fn debug_file(&self, build_id: &[u8]) -> Result<Option<Bytes>, String> {
        if self.urls.is_empty() || build_id.is_empty() {
            return Ok(None);
        }
        let id = hex(build_id);
        let kept = self.cache.as_ref().map(|cache| cache.join(&id).join("debuginfo"));
        if let Some(bytes) = kept.as_ref().and_then(|path| input::open_regular(path).ok())
            && is_of(&bytes, build_id)
        {
            return Ok(Some(bytes));
        }
        let mut failed = None;
        for url in &self.urls {
            match self.fetch(url, &id, kept.as_deref()) {
                Ok(bytes) if is_of(&bytes, build_id) => return Ok(Some(bytes)),
                Ok(_) => failed = Some(format!("{url} sent a file of another build")),
                Err(ureq::Error::StatusCode(404)) => {}
                Err(error) => failed = Some(format!("{url} could not be asked: {error}")),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    fn fetch(&self, url: &str, id: &str, keep: Option<&Path>) -> Result<Bytes, ureq::Error> {
        let config = Agent::config_builder()
            .timeout_connect(Some(self.patience))
            .timeout_recv_response(Some(self.patience))
            .user_agent(concat!("memtrack-fold/", env!("CARGO_PKG_VERSION")));
        let agent: Agent = config.build().into();
        let address = format!("{}/buildid/{id}/debuginfo", url.trim_end_matches('/'));
        let mut answer = agent.get(address).call()?;
        let mut body = answer.body_mut().as_reader().take(MAX_BYTES);
        if let Some(path) = keep
            && let Ok(bytes) = store(&mut body, path)
        {
            return Ok(bytes);
        }
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes)?;
        Ok(Bytes::Owned(bytes))
    }
}

/// Keeps what comes under its name once it is complete.
fn store(body: &mut impl Read, path: &Path) -> io::Result<Bytes> {
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::copy(body, &mut file)?;
    file.flush()?;
    file.persist(path).map_err(|e| e.error)?;
    input::open_regular(path).map_err(io::Error::other)
}

fn is_of(bytes: &[u8], build_id: &[u8]) -> bool {
    binary::build_ids(bytes).is_ok_and(|ids| ids == [build_id])
}
