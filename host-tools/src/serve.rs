//! A report on a port of this machine, for nobody but this machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use tiny_http::{Header, Method, Request, Response};

use crate::Error;

/// Names under which a browser of this machine reaches it. A page of another site that makes its own name lead here
/// sends that name, and gets nothing.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Sent with the page: it stays out of caches and is what it says it is.
const HEADERS: [(&str, &str); 4] = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
];

/// A port that is listened on.
pub struct Server {
    http: tiny_http::Server,
    port: u16,
}

impl Server {
    /// Listens on a port of the loopback interface; 0 is any that is free.
    ///
    /// # Errors
    /// When the port is taken or may not be used.
    pub fn listen(port: u16) -> Result<Self, Error> {
        let failed = |reason: String| Error::Listen { port, reason };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let http = tiny_http::Server::http(address).map_err(|e| failed(e.to_string()))?;
        let bound = http.server_addr().to_ip().ok_or_else(|| failed("it is no port".into()))?;
        Ok(Server { http, port: bound.port() })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Answers with the page until the program is stopped.
    ///
    /// # Errors
    /// When the port can't be listened on any more.
    pub fn run(&self, page: &[u8]) -> Result<Infallible, Error> {
        loop {
            let failed = |e: std::io::Error| Error::Listen { port: self.port, reason: e.to_string() };
            let request = self.http.recv().map_err(failed)?;
            let status = self.status(&request);
            let body = if status == 200 { page } else { b"memtrack-fold shows its report at /\n" };
            let headers = HEADERS.iter().filter(|(name, _)| status == 200 || *name != "Content-Type");
            let headers = headers.filter_map(|(name, value)| Header::from_bytes(*name, *value).ok());
            let response = Response::new(status.into(), headers.collect(), body, Some(body.len()), None);
            // The length is known: no chunks.
            let response = response.with_chunked_threshold(usize::MAX);
            // A browser that went away is not waited for.
            let _ = request.respond(response);
        }
    }

    fn status(&self, request: &Request) -> u16 {
        let host = request.headers().iter().find(|header| header.field.equiv("Host"));
        let here = |host: &str| NAMES.iter().any(|name| host == format!("{name}:{}", self.port));
        match request.url().split(['?', '#']).next() {
            _ if !host.is_some_and(|host| here(host.value.as_str())) => 421,
            _ if !matches!(request.method(), Method::Get | Method::Head) => 405,
            Some("/") => 200,
            _ => 404,
        }
    }
}
