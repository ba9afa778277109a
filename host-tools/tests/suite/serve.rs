//! `memtrack-fold serve` shows the report on a port of this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::dumps;
use crate::program::{Place, command};

/// A server, which is ended with its test.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = command(place.dir.path());
        let mut child = command.arg("serve").args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("http://").and_then(|url| url.strip_suffix('/')).map(String::from);
        Serving { child, address: address.unwrap_or_else(|| panic!("no address: {line}")) }
    }

    fn answer(&self, method: &str, path: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_report_is_served_and_nothing_else() {
    let place = Place::with(&dumps::full());
    place.run("dump.bin -o report.html").ok();
    let report = std::fs::read_to_string(place.path("report.html")).unwrap();
    let serving = Serving::start(&place, &["dump.bin"]);
    let host = serving.address.clone();
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    let page = serving.answer("GET", "/", &host);
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("text/html; charset=utf-8"), "{head}");
    assert!(body == report, "not the report: {} bytes", body.len());
    assert!(serving.answer("GET", "/?again", &host).starts_with("HTTP/1.1 200 "));
    let head = serving.answer("HEAD", "/", &host);
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(serving.answer("GET", "/dump.bin", &host).starts_with("HTTP/1.1 404 "));
    assert!(serving.answer("POST", "/", &host).starts_with("HTTP/1.1 405 "));
    let named = host.replace("127.0.0.1", "localhost");
    assert!(serving.answer("GET", "/", &named).starts_with("HTTP/1.1 200 "));
    assert!(serving.answer("GET", "/", "evil.example").starts_with("HTTP/1.1 421 "));
}

#[test]
fn only_the_head_of_a_request_is_read() {
    let place = Place::with(&dumps::full());
    let serving = Serving::start(&place, &["dump.bin"]);
    let host = serving.address.clone();
    let send = |text: &str| {
        let mut stream = TcpStream::connect(&serving.address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_string()
    };
    // Silent connections hold up nobody.
    let idle: Vec<_> = (0..100).map(|_| TcpStream::connect(&serving.address).unwrap()).collect();
    for (head, status) in [
        ("POST / HTTP/1.1\r\nContent-Length: 18446744073709551615", "405"),
        ("POST / HTTP/1.1\r\nContent-Length: 9999999999999", "405"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked", "405"),
        ("GET / HTTP/1.1\r\nContent-Length: 9999999999999", "413"),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked", "413"),
        ("DELETE / HTTP/1.1", "405"),
    ] {
        let line = send(&format!("{head}\r\nHost: {host}\r\n\r\n"));
        assert!(line.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {line}");
    }
    let long = format!("GET / HTTP/1.1\r\nHost: {host}\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    assert!(send(&long).starts_with("HTTP/1.1 431 "));
    assert!(send("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(serving.answer("GET", "/", &host).starts_with("HTTP/1.1 200 "), "it still serves");
    drop(idle);
}

#[test]
fn a_used_port_is_an_error() {
    let place = Place::with(&dumps::full());
    let serving = Serving::start(&place, &["dump.bin", "--port", "0", "-m", "bytes"]);
    let (_, port) = serving.address.split_once(':').unwrap();
    let line = place.run(&format!("serve dump.bin --port {port}")).refused(4);
    assert!(line.contains(&format!("cannot listen on port {port}")) && line.contains("--port"), "{line}");
    assert_eq!(place.run("serve missing").code, 4);
    assert_eq!(place.run("serve dump.bin --port 65536").code, 2);
}
