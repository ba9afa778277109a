//! An HTTP server: it takes documents as JSON, and answers with the words that each has most often.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;

use crate::Options;

/// Words in an answer.
const MOST: usize = 20;

/// A request: a text with its name.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Document {
    /// Its words: letters and digits in a row.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
    }
}

/// The answer to a document.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Summary {
    pub(crate) name: String,
    /// Its words.
    pub(crate) words: usize,
    /// Different words.
    different: usize,
    /// The words that it has most often, and how often.
    pub(crate) frequent: Vec<(String, usize)>,
}

/// Serves the load until it ends. The load is a process of its own: its time is not that of the server. The result is what it says.
///
/// # Errors
/// When the server or the load fails.
pub fn run(options: &Options) -> Result<String> {
    Runtime::new()?.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut load = Command::new(std::env::current_exe()?.with_file_name("http-load"));
    // A tool that is preloaded measures the server alone.
    load.arg(listener.local_addr()?.to_string()).arg(&options.metadata).env_remove("LD_PRELOAD");
    let load = load.stdout(Stdio::piped()).spawn().context("cannot start http-load")?;
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("TCP has this option"));
    let router = Router::new().route("/summary", post(async |Json(document)| Json(summary(document))));
    tokio::select! {
        ended = spawn_blocking(|| load.wait_with_output()) => {
            let output = ended??;
            ensure!(output.status.success(), "http-load failed: {}", output.status);
            Ok(String::from_utf8(output.stdout)?)
        }
        stopped = axum::serve(listener, router) => bail!("the server has stopped: {stopped:?}"),
    }
}

/// Counts the words of a document.
fn summary(document: Document) -> Summary {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for word in document.words() {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    let (words, different) = (counts.values().sum(), counts.len());
    let mut frequent: Vec<_> = counts.into_iter().collect();
    frequent.sort_unstable_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    frequent.truncate(MOST);
    Summary { name: document.name, words, different, frequent }
}
