//! The environment variables of memtrack: their values at the program's start, and the parsers of these.
//!
//! **Problem.** A program may change its environment at any time. And the user of a program with raised privileges (setuid)
//! chooses its environment, but must not choose the files that it writes.
//!
//! **Idea.** The values are copied once, before the program can change them. A process with raised privileges has none.

use crate::os::{environment, path, stderr};
use crate::sync::*;
use core::cell::UnsafeCell;
use core::ffi::CStr;

/// A variable that memtrack reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Dump,
    DumpSignal,
    DumpInterval,
    DumpPeak,
    Record,
}

impl Variable {
    const ALL: [Variable; 5] =
        [Variable::Dump, Variable::DumpSignal, Variable::DumpInterval, Variable::DumpPeak, Variable::Record];

    pub(crate) const fn name(self) -> &'static CStr {
        match self {
            Variable::Dump => c"MEMTRACK_DUMP",
            Variable::DumpSignal => c"MEMTRACK_DUMP_SIGNAL",
            Variable::DumpInterval => c"MEMTRACK_DUMP_INTERVAL",
            Variable::DumpPeak => c"MEMTRACK_DUMP_PEAK",
            Variable::Record => c"MEMTRACK_RECORD",
        }
    }

    /// Returns the value; `None` when it is not set, empty or too long.
    pub(crate) fn get(self) -> Option<&'static [u8]> {
        VALUES.copy_once();
        let value = &VALUES.values[self as usize];
        let length = value.length.load(Acquire);
        // SAFETY: a length above 0 is stored after the bytes are written, and they are never written again.
        (length > 0).then(|| unsafe { &(&*value.bytes.get())[..length] })
    }
}

/// A value has fewer bytes. The longest values are paths.
const MOST: usize = path::MOST;

/// The copies. All-zero at first, so that they add nothing to the binary.
struct Values {
    state: AtomicU32,
    values: [Value; Variable::ALL.len()],
}

struct Value {
    length: AtomicUsize,
    bytes: UnsafeCell<[u8; MOST]>,
}

/// The environment is not copied yet.
const UNKNOWN: u32 = 0;
/// A thread copies the environment, or has copied it.
const TAKEN: u32 = 1;

// SAFETY: only the thread that changes the state writes the bytes, once. Readers read the length first, which is stored
// after the bytes. The rest is atomics.
unsafe impl Sync for Values {}

static VALUES: Values = Values {
    state: AtomicU32::new(UNKNOWN),
    values: [const { Value { length: AtomicUsize::new(0), bytes: UnsafeCell::new([0; MOST]) } };
        Variable::ALL.len()],
};

impl Values {
    /// Copies the environment, at the first call that finds one: the C library has none before it has started.
    fn copy_once(&self) {
        if self.state.load(Acquire) != UNKNOWN || !environment::is_there() {
            return;
        }
        if self.state.compare_exchange(UNKNOWN, TAKEN, AcqRel, Acquire).is_ok() {
            stderr::remember_stream();
            if !environment::is_privileged() {
                for variable in Variable::ALL {
                    environment::get(variable.name(), |value| self.copy(variable, value));
                }
            }
        }
    }

    fn copy(&self, variable: Variable, value: &[u8]) {
        let to = &self.values[variable as usize];
        if value.len() >= MOST {
            let name = variable.name().to_str().unwrap_or_default();
            return stderr::line(format_args!(
                "{name} is longer than {MOST} bytes and ignored: use a shorter value"
            ));
        }
        // SAFETY: only the thread that has changed the state calls this, once for each variable; and nobody reads the bytes
        // before their length is stored.
        unsafe { (&mut *to.bytes.get())[..value.len()].copy_from_slice(value) };
        to.length.store(value.len(), Release);
    }
}

/// Parses a number of seconds with up to three decimals. Returns nanoseconds. It does without floating-point numbers: the
/// code that parses those is as large as the hook.
pub(crate) fn nanoseconds(seconds: &[u8]) -> Option<u64> {
    let (whole, decimals) = text(seconds)?.split_once('.').unwrap_or((text(seconds)?, "0"));
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let thousandths = digits(decimals)? * 10u64.pow(3u32.checked_sub(decimals.len() as u32)?);
    digits(whole)?
        .checked_mul(1000)?
        .checked_add(thousandths)?
        .checked_mul(1_000_000)
        .filter(|&time| time > 0)
}

/// Parses a number of bytes, KiB, MiB or GiB. Returns bytes.
pub(crate) fn bytes(size: &[u8]) -> Option<usize> {
    const UNITS: [(&str, u32); 3] = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let size = text(size)?;
    let unit = UNITS.iter().find_map(|(unit, shift)| Some((size.strip_suffix(unit)?.trim_end(), *shift)));
    let (digits, shift) = unit.unwrap_or((size, 0));
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

fn text(value: &[u8]) -> Option<&str> {
    core::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        assert_eq!(
            (bytes(b"4096"), bytes(b"64MiB"), bytes(b"2 GiB")),
            (Some(4096), Some(64 << 20), Some(2 << 30))
        );
        assert_eq!([bytes(b"64MB"), bytes(b"-1"), bytes(b"99999999999GiB"), bytes(b"")], [None; 4]);
        assert_eq!((nanoseconds(b"0.5"), nanoseconds(b"10")), (Some(500_000_000), Some(10_000_000_000)));
        assert_eq!((nanoseconds(b"0.001"), nanoseconds(b"1.25")), (Some(1_000_000), Some(1_250_000_000)));
        let nothing: [&[u8]; 8] =
            [b"0", b"0.0", b"0.0001", b"nan", b"soon", b"-1", b".", b"99999999999999999999"];
        assert!(nothing.iter().all(|text| nanoseconds(text).is_none()));
    }
}
