//! The part of HTTP that WebDriver needs: one request and one answer, both in JSON.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A browser that is silent for longer has hung, and its test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a request to a port of this machine, and returns status and body.
pub fn request(port: u16, method: &str, path: &str, body: Option<&Value>) -> io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    answer(&mut BufReader::new(stream))
}

/// Reads status, length and body. The driver keeps the connection open, so the length is needed.
fn answer(from: &mut impl BufRead) -> io::Result<(u16, Value)> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let broken = |what: &str| io::Error::other(format!("{what}: {line}"));
    let status =
        line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| broken("no status"))?;
    let mut length = None;
    loop {
        let mut field = String::new();
        from.read_line(&mut field)?;
        match field.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length.ok_or_else(|| broken("no length"))?];
    from.read_exact(&mut body)?;
    Ok((status, serde_json::from_slice(&body)?))
}
