//! The load of the HTTP server: connections that stay open, each with one request at a time.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ignore::WalkBuilder;

use crate::http_server::{Document, Summary};
use crate::sources;

const CONNECTIONS: usize = 8;
/// Requests of all connections together.
const REQUESTS: usize = 8000;
/// Different documents.
const DOCUMENTS: usize = 500;
/// The longest document, in bytes.
const LONGEST: u64 = 16 << 10;
/// The server must answer a request within this time, and all of them within twelve times as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends all requests to the server at this address, checks the answers, and says how many there were. `metadata` is the output
/// of `cargo metadata`.
///
/// # Errors
/// When the server does not answer as it should, or too late.
pub fn run(address: &str, metadata: &Path) -> Result<()> {
    let documents = documents(metadata)?;
    let end = Instant::now() + 12 * PATIENCE;
    let talk = |number: usize| {
        let mut connection = Connection::open(address)?;
        for document in documents.iter().cycle().take(REQUESTS).skip(number).step_by(CONNECTIONS) {
            ensure!(Instant::now() < end, "the server is too slow");
            connection.ask(document)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let talks: Vec<_> = (0..CONNECTIONS).map(|number| scope.spawn(move || talk(number))).collect();
        talks.into_iter().try_for_each(|talk| talk.join().expect("no connection panics"))
    })?;
    println!("{REQUESTS} requests of {} documents", documents.len());
    Ok(())
}

/// Short files of the sources.
fn documents(metadata: &Path) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for folder in sources::folders(metadata)? {
        let walk = WalkBuilder::new(&folder).standard_filters(false).sort_by_file_name(Ord::cmp).build();
        for entry in walk {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "rs") || entry.metadata()?.len() > LONGEST
            {
                continue;
            }
            if let Ok(text) = fs::read_to_string(path) {
                documents.push(Document { name: path.display().to_string(), text });
            }
            if documents.len() == DOCUMENTS {
                return Ok(documents);
            }
        }
    }
    ensure!(!documents.is_empty(), "no file is short enough");
    Ok(documents)
}

/// A connection that stays open.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a document, and reads the answer.
    fn ask(&mut self, document: &Document) -> Result<()> {
        let body = serde_json::to_vec(document)?;
        let mut request = format!(
            "POST /summary HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        self.0.get_mut().write_all(&request)?;
        let summary: Summary = serde_json::from_slice(&self.answer()?)?;
        ensure!(summary.name == document.name, "{} is the answer to {}", summary.name, document.name);
        let is_right = summary.words == document.words().count()
            && summary.frequent.is_sorted_by(|(_, more), (_, less)| more >= less);
        ensure!(is_right, "the answer to {} is wrong: {summary:?}", document.name);
        Ok(())
    }

    /// The body of the next answer.
    fn answer(&mut self) -> Result<Vec<u8>> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        ensure!(line.starts_with("HTTP/1.1 200 "), "the server says {line:?}");
        let mut length = None;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
        let mut body = vec![0; length.context("an answer without a length")?];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }
}
