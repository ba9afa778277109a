//! A service whose heap Prometheus scrapes while it runs.
//!
//! ```text
//! cargo run --release -p memtrack-examples --example metrics -- 127.0.0.1:9187
//! curl http://127.0.0.1:9187/metrics
//! curl http://127.0.0.1:9187/keep/1000000      # keeps that many bytes more
//! curl http://127.0.0.1:9187/forget            # frees all of them
//! ```
//!
//! Without an address it listens on a free port and prints the address.

use memtrack::Tracker;
use std::alloc::System;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

/// The content type of Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let listener = TcpListener::bind(&address)?;
    println!("http://{}/metrics", listener.local_addr()?);
    let mut kept = Vec::with_capacity(1024);
    for stream in listener.incoming() {
        // The service continues when a client disconnects early.
        if let Err(error) = answer(stream?, &mut kept) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

fn answer(mut stream: TcpStream, kept: &mut Vec<Vec<u8>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    // Room for all of it, and below for the whole body: a line arrives in pieces.
    let mut line = String::with_capacity(1 << 10);
    reader.read_line(&mut line)?;
    // The headers are ignored.
    let mut header = String::with_capacity(1 << 10);
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = line.split(' ').nth(1).unwrap_or("/");
    let (status, content, body) = match path.trim_start_matches('/').split_once('/') {
        None if path == "/metrics" => {
            // Room for all of it: text that grows while it is written would change the figures in it.
            let mut body = Vec::with_capacity(64 << 10);
            HEAP.metrics(&mut body).map_err(io::Error::other)?;
            ("200 OK", METRICS, body)
        }
        None if path == "/forget" => {
            kept.clear();
            ("200 OK", TEXT, b"nothing is kept\n".to_vec())
        }
        Some(("keep", size)) if size.parse::<usize>().is_ok() && kept.len() < kept.capacity() => {
            let _keep = HEAP.stage("keep");
            kept.push(vec![1; size.parse().unwrap_or_default()]);
            ("200 OK", TEXT, format!("{} kept\n", kept.len()).into_bytes())
        }
        _ => ("404 Not Found", TEXT, b"there are /metrics, /keep/BYTES and /forget\n".to_vec()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {content}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}
