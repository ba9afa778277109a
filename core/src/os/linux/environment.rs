//! Environment variables, which are read while the program starts.

use super::errno::{errno, keep_errno, set_errno};

pub(crate) use super::super::unix::environment::{get, is_there};

/// Whether the process may have more rights than the user who started it: from a set-user-id or set-group-id program,
/// or from a file's capabilities. Then it must not obey variables. `secure_getenv` asks the same, but not in statically
/// linked programs.
pub(crate) fn is_privileged() -> bool {
    keep_errno(|| {
        set_errno(0);
        // SAFETY: the call only reads the auxiliary vector, which the kernel wrote for the program.
        let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
        let is_unknown = errno() == libc::ENOENT;
        // SAFETY: the calls only return numbers.
        let differs = || unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() };
        secure || is_unknown && differs()
    })
}
