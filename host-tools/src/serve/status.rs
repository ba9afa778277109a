//! The status line of an answer.

/// The status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl Status {
    pub(super) const OK: Status = Status::new(200, "OK");

    pub(super) const fn new(code: u16, reason: &'static str) -> Self {
        Status { code, reason }
    }
}
