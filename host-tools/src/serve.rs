//! Serves a report on a port of this machine, for this machine only.
//!
//! There is one page, and one kind of request for it. So the server reads only the head of a request, limits
//! its size and time, and limits the number of open connections. No client can keep another from getting the
//! page.

mod request;
mod status;

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;
use request::{Head, Method};
use status::Status;

/// The names under which a browser of this machine reaches the server. A hostile site may let its own name
/// resolve to this machine: its requests have that name in `Host`, and are refused.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Headers of the page. No cache may store it, and no browser may guess its type.
const HEADERS: &str = "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\
                       X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
const ELSEWHERE: &[u8] = b"memtrack-fold shows its report at /\n";

/// The most connections at a time. More are closed at once.
const MAX_CONNECTIONS: usize = 512;
/// The stack size of a thread that serves a connection.
const STACK: usize = 256 << 10;
/// The time for a browser to send its request, and the time for it to receive the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The rest of a request is read up to this size and time: closing a connection with unread bytes could
/// discard the answer.
const LEFTOVER: u64 = 64 << 10;
const LINGER: Duration = Duration::from_millis(500);

/// A port on which the server listens.
pub struct Server {
    listener: TcpListener,
    port: u16,
}

impl Server {
    /// Listens on a port of the loopback interface; 0 selects any free port.
    ///
    /// # Errors
    /// Returns an error if the port is in use or not permitted.
    pub fn listen(port: u16) -> Result<Self, Error> {
        let failed = |e: io::Error| Error::Listen { port, reason: e.to_string() };
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Server { listener, port })
    }

    /// The address of the report.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Answers requests until the program is stopped.
    ///
    /// # Errors
    /// Returns an error if the port no longer accepts connections.
    pub fn run(&self, page: &[u8]) -> Result<Infallible, Error> {
        let open = AtomicUsize::new(0);
        thread::scope(|scope| {
            loop {
                let stream = match self.listener.accept() {
                    Ok((stream, _)) => stream,
                    // The failure is of one connection, or of too many open files. Later connections may
                    // succeed.
                    Err(e) if is_passing(&e) => {
                        thread::sleep(Duration::from_millis(10));
                        continue;
                    }
                    Err(e) => return Err(Error::Listen { port: self.port, reason: e.to_string() }),
                };
                if open.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
                    open.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                let open = &open;
                let serve = move || {
                    // A failed answer means that the browser has gone away: nobody needs a report.
                    let _ = self.answer(&stream, page);
                    open.fetch_sub(1, Ordering::Relaxed);
                };
                if thread::Builder::new().stack_size(STACK).spawn_scoped(scope, serve).is_err() {
                    open.fetch_sub(1, Ordering::Relaxed);
                }
            }
        })
    }

    /// Reads the head of a request and answers it.
    fn answer(&self, stream: &TcpStream, page: &[u8]) -> io::Result<()> {
        let mut timed = Timed { stream, until: Instant::now() + PATIENCE };
        let head = request::read(&mut timed)?;
        let status = self.status(&head);
        let (headers, body) = if status == Status::OK { (HEADERS, page) } else { ("", ELSEWHERE) };
        let allow = if status.code == 405 { "Allow: GET, HEAD\r\n" } else { "" };
        let answer = format!(
            "HTTP/1.1 {} {}\r\n{headers}{allow}Content-Length: {}\r\nConnection: close\r\n\r\n",
            status.code,
            status.reason,
            body.len()
        );
        timed.until = Instant::now() + PATIENCE;
        timed.write_all(answer.as_bytes())?;
        if !head.as_ref().is_ok_and(|head| head.method == Method::Head) {
            timed.write_all(body)?;
        }
        stream.shutdown(Shutdown::Write)?;
        timed.until = Instant::now() + LINGER;
        io::copy(&mut timed.take(LEFTOVER), &mut io::sink())?;
        Ok(())
    }

    fn status(&self, head: &Result<Head, Status>) -> Status {
        let head = match head {
            Ok(head) => head,
            Err(status) => return *status,
        };
        let here = |host: &str| NAMES.iter().any(|name| host == format!("{name}:{}", self.port));
        match head.target.split(['?', '#']).next() {
            _ if !head.host.as_deref().is_some_and(here) => Status::new(421, "Misdirected Request"),
            _ if head.method == Method::Other => Status::new(405, "Method Not Allowed"),
            // Nobody would read the body.
            _ if head.has_body => Status::new(413, "Content Too Large"),
            Some("/") => Status::OK,
            _ => Status::new(404, "Not Found"),
        }
    }
}

/// A connection with one deadline for all of its reads and writes, however small they are.
struct Timed<'s> {
    stream: &'s TcpStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_passing(error: &io::Error) -> bool {
    /// Too many open files, in this process or on this machine.
    #[cfg(unix)]
    const TOO_MANY: [i32; 2] = [libc::EMFILE, libc::ENFILE];
    #[cfg(windows)]
    const TOO_MANY: [i32; 1] = [windows_sys::Win32::Networking::WinSock::WSAEMFILE];
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted)
        || error.raw_os_error().is_some_and(|code| TOO_MANY.contains(&code))
}
