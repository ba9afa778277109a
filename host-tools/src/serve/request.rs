//! Reads the head of a request; the rest is never read.

use std::io::{self, Read};

use super::status::Status;

/// The most bytes in a head.
const MAX_HEAD: usize = 16 << 10;
/// The most headers in a head.
const MAX_HEADERS: usize = 64;

/// The parts of a head that the server needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) host: Option<String>,
    /// Whether it announces a body.
    pub(super) has_body: bool,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Other,
}

/// Reads a head, or returns the status that answers an invalid one.
///
/// # Errors
/// Returns an error if the connection fails or ends too early.
pub(super) fn read(from: &mut impl Read) -> io::Result<Result<Head, Status>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&piece[..read]);
        match parse(&bytes) {
            Ok(None) if bytes.len() < MAX_HEAD => {}
            Ok(None) | Err(httparse::Error::TooManyHeaders) => {
                return Ok(Err(Status::new(431, "Request Header Fields Too Large")));
            }
            Ok(Some(head)) => return Ok(Ok(head)),
            Err(_) => return Ok(Err(Status::new(400, "Bad Request"))),
        }
    }
}

/// `None` if the head is incomplete.
fn parse(bytes: &[u8]) -> Result<Option<Head>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    if request.parse(bytes)?.is_partial() {
        return Ok(None);
    }
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => Method::Other,
    };
    let named = |name: &str| {
        let header = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(header.value).into_owned())
    };
    let length = named("Content-Length");
    let has_body = named("Transfer-Encoding").is_some() || length.is_some_and(|length| length != "0");
    Ok(Some(Head { method, target: request.path.unwrap_or_default().into(), host: named("Host"), has_body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &[u8]) -> Result<Head, u16> {
        read(&mut &text[..]).expect("complete").map_err(|status| status.code)
    }

    #[test]
    fn a_head_has_method_target_and_host() {
        let head = Head {
            method: Method::Get,
            target: "/?x".into(),
            host: Some("localhost:1".into()),
            has_body: false,
        };
        assert_eq!(status(b"GET /?x HTTP/1.1\r\nhost: localhost:1\r\n\r\nmore"), Ok(head));
        let posted =
            status(b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n").expect("a head");
        assert_eq!((posted.method, posted.has_body), (Method::Other, true));
    }

    #[test]
    fn invalid_heads_are_answered() {
        assert_eq!(status(b"\x16\x03\x01\x02\0"), Err(400));
        let long = [b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'a'; 2 * MAX_HEAD]].concat();
        assert_eq!(status(&long), Err(431));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(status(many.as_bytes()), Err(431));
        assert!(read(&mut &b"GET / HTTP/1.1\r\n"[..]).is_err(), "cut off");
    }
}
