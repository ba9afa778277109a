//! The command line: one text, which each program divides into arguments itself, by the rules of Microsoft's C library.

use super::wide;

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;

fn is_blank(unit: u16) -> bool {
    unit == u16::from(b' ') || unit == u16::from(b'\t')
}

/// Writes the arguments of a command line, with a NUL after each, and returns their length in bytes. What does not fit is
/// cut off.
pub(super) fn split(text: &[u16], to: &mut [u8]) -> usize {
    let mut length = 0;
    let mut push = |wide: &[u16]| {
        if let Some(room) = to.get_mut(length..) {
            length += wide::decode(wide, room);
        }
    };
    // The program's own name ends at a blank or, in quotes, at the next quote. Backslashes mean nothing in it.
    let (name, mut rest) = match text.strip_prefix(&[QUOTE]) {
        Some(quoted) => cut(quoted, quoted.iter().position(|&unit| unit == QUOTE)),
        None => cut(text, text.iter().position(|&unit| is_blank(unit))),
    };
    push(name);
    push(&[0]);
    if let Some((&QUOTE, after)) = rest.split_first() {
        rest = after;
    }
    loop {
        while let Some((_, after)) = rest.split_first().filter(|(unit, _)| is_blank(**unit)) {
            rest = after;
        }
        if rest.is_empty() {
            return length;
        }
        rest = argument(rest, &mut push);
        push(&[0]);
    }
}

/// The part before a place, and the part from there on; without a place, all and nothing.
fn cut(text: &[u16], at: Option<usize>) -> (&[u16], &[u16]) {
    text.split_at(at.unwrap_or(text.len()))
}

/// Passes the first argument to `push`, and returns the text behind it.
///
/// Backslashes before a quote are half as many, and an odd one makes the quote a part of the argument. Two quotes within
/// quotes are one.
fn argument<'t>(text: &'t [u16], push: &mut impl FnMut(&[u16])) -> &'t [u16] {
    let (mut rest, mut is_quoted) = (text, false);
    while let Some(&unit) = rest.first().filter(|unit| is_quoted || !is_blank(**unit)) {
        let backslashes = rest.iter().take_while(|&&unit| unit == BACKSLASH).count();
        let (slashes, after) = rest.split_at(backslashes);
        match (backslashes, after) {
            (0, [QUOTE, QUOTE, after @ ..]) if is_quoted => {
                push(&[QUOTE]);
                rest = after;
            }
            (0, [QUOTE, after @ ..]) => {
                is_quoted = !is_quoted;
                rest = after;
            }
            (0, _) => {
                // Two units may be one character.
                let units = if (0xd800..0xdc00).contains(&unit) { 2.min(rest.len()) } else { 1 };
                let (character, after) = rest.split_at(units);
                push(character);
                rest = after;
            }
            (count, [QUOTE, after @ ..]) if count % 2 == 1 => {
                push(&slashes[..count / 2]);
                push(&[QUOTE]);
                rest = after;
            }
            (count, [QUOTE, ..]) => {
                push(&slashes[..count / 2]);
                rest = after;
            }
            _ => {
                push(slashes);
                rest = after;
            }
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn arguments(text: &str, room: usize) -> String {
        let wide: Vec<u16> = text.encode_utf16().collect();
        let mut buffer = std::vec![0; room];
        let length = split(&wide, &mut buffer);
        String::from_utf8(buffer[..length].to_vec()).unwrap().replace('\0', "|")
    }

    #[test]
    fn arguments_are_those_of_microsofts_rules() {
        let all = |text| arguments(text, 100);
        assert_eq!(all(r#"a.exe b  c"#), "a.exe|b|c|");
        assert_eq!(all(r#""C:\a b.exe" "d e"	f"#), r"C:\a b.exe|d e|f|");
        assert_eq!(all(r#"a "b c" d\e "f\\" g\"h i\\\"j """#), r#"a|b c|d\e|f\|g"h|i\"j||"#);
        assert_eq!(all(r#"a "b""c" é😀"#), r#"a|b"c|é😀|"#);
        assert_eq!(all(""), "|");
    }

    #[test]
    fn a_long_line_is_cut_off() {
        assert_eq!(arguments("abc def", 5), "abc|d");
        assert_eq!(arguments("abc def", 0), "");
    }
}
