//! The capacities of a firmware's default region, which the build may choose.
//!
//! A firmware in Rust names a [`Region`](super::region::Region) of its own. A firmware in C cannot: it links a library. So
//! whoever builds that library sets environment variables.

/// The number that an environment variable of the build has; `otherwise` where it is not set.
pub(crate) const fn capacity(variable: Option<&str>, otherwise: usize) -> usize {
    let Some(text) = variable else { return otherwise };
    let digits = text.as_bytes();
    assert!(
        !digits.is_empty() && digits.len() <= 7,
        "a capacity of the region (MEMTRACK_REGION_…) is a number below 10000000"
    );
    let (mut number, mut at) = (0, 0);
    while at < digits.len() {
        assert!(
            digits[at].is_ascii_digit(),
            "a capacity of the region (MEMTRACK_REGION_…) consists of digits"
        );
        number = number * 10 + (digits[at] - b'0') as usize;
        at += 1;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::capacity;

    #[test]
    fn the_builds_number_is_taken_if_there_is_one() {
        assert_eq!([capacity(None, 6), capacity(Some("12"), 6), capacity(Some("0256"), 6)], [6, 12, 256]);
    }

    #[test]
    fn other_text_ends_the_build() {
        for text in ["", "twelve", "1 ", "-1", "99999999"] {
            assert!(std::panic::catch_unwind(|| capacity(Some(text), 6)).is_err(), "{text:?}");
        }
    }
}
