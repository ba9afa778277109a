//! Receives an answer from a server within limits: on its size, on its total time, and on the time for each
//! part. So a server that sends one byte now and then is abandoned.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// The bytes that must arrive within [`Limits::patience`], as in elfutils.
const PART: u64 = 100 << 10;
/// The most bytes per read.
const PIECE: usize = 64 << 10;

/// The limits.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The time for [`PART`] bytes or for the end of the answer.
    pub(super) patience: Duration,
    /// The time for the whole answer.
    pub(super) deadline: Duration,
    /// The most bytes.
    pub(super) max_bytes: u64,
}

/// Copies all of `from`. If a read blocks, it is abandoned with its thread.
///
/// # Errors
/// Returns an error if a limit is exceeded, or if reading or writing fails.
pub(super) fn transfer(
    mut from: impl Read + Send + 'static,
    to: &mut impl Write,
    limits: Limits,
) -> io::Result<()> {
    let (send, received) = mpsc::sync_channel(4);
    thread::spawn(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = from.read(&mut piece);
            let last = !matches!(read, Ok(1..));
            if send
                .send(read.map(|length| {
                    piece.truncate(length);
                    piece
                }))
                .is_err()
                || last
            {
                return;
            }
        }
    });
    let slow = |why: &str| io::Error::new(io::ErrorKind::TimedOut, why.to_string());
    let begin = Instant::now();
    let (mut all, mut part, mut part_began) = (0u64, 0u64, begin);
    loop {
        let left = limits.deadline.saturating_sub(begin.elapsed());
        let left_of_part = limits.patience.saturating_sub(part_began.elapsed());
        let piece = match received.recv_timeout(left.min(left_of_part)) {
            Ok(piece) => piece?,
            Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(RecvTimeoutError::Timeout) if left <= left_of_part => {
                return Err(slow("it takes longer than DEBUGINFOD_MAXTIME"));
            }
            Err(RecvTimeoutError::Timeout) => {
                return Err(slow("it sends less than 100 KiB within DEBUGINFOD_TIMEOUT"));
            }
        };
        if piece.is_empty() {
            return Ok(());
        }
        to.write_all(&piece)?;
        all += piece.len() as u64;
        part += piece.len() as u64;
        if all > limits.max_bytes {
            return Err(io::Error::other(format!(
                "it sends more than {} bytes (DEBUGINFOD_MAXSIZE)",
                limits.max_bytes
            )));
        }
        if part >= PART {
            (part, part_began) = (0, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Limits =
        Limits { patience: Duration::from_secs(3600), deadline: Duration::from_secs(3600), max_bytes: 1000 };

    /// Sends one byte every few milliseconds for ever.
    struct Trickle;

    impl Read for Trickle {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            thread::sleep(Duration::from_millis(5));
            out[0] = 7;
            Ok(1)
        }
    }

    fn failure(from: impl Read + Send + 'static, limits: Limits) -> String {
        transfer(from, &mut Vec::new(), limits).expect_err("a bound is passed").to_string()
    }

    #[test]
    fn a_slow_transfer_is_abandoned() {
        let patience = Duration::from_millis(50);
        assert!(failure(Trickle, Limits { patience, ..QUICK }).contains("DEBUGINFOD_TIMEOUT"));
        assert!(failure(Trickle, Limits { deadline: patience, ..QUICK }).contains("DEBUGINFOD_MAXTIME"));
    }

    #[test]
    fn a_large_transfer_is_abandoned() {
        assert!(failure(io::repeat(1), QUICK).contains("more than 1000 bytes"));
        let mut out = Vec::new();
        transfer(io::repeat(1).take(1000), &mut out, QUICK).expect("fits");
        assert_eq!(out, [1; 1000]);
    }
}
