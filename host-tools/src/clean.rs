//! Makes names harmless. Names in a dump or a binary may come from anybody, so they lose control characters
//! for the terminal, characters that XML can't hold, and excessive length.

use std::borrow::Cow;

/// The most characters in a name. Longer names end in `…`.
const MAX_CHARS: usize = 2048;

/// A name that is safe for terminals, XML and tables.
#[must_use]
pub fn clean(name: &str) -> String {
    let mut out = String::with_capacity(name.len().min(MAX_CHARS));
    for (count, character) in name.trim().chars().enumerate() {
        if count == MAX_CHARS {
            out.push('…');
            break;
        }
        out.push(if is_harmful(character) { '\u{fffd}' } else { character });
    }
    out
}

/// The same for bytes that should be UTF-8.
#[must_use]
pub fn clean_bytes(name: &[u8]) -> String {
    clean(&String::from_utf8_lossy(name))
}

/// Whether a character controls a terminal, reorders or hides text, or is forbidden in XML.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// A name as one frame of a folded line. There, `;` separates frames, a number at the end is a
/// count, and `# ` at the start begins a comment.
#[must_use]
pub fn frame(name: &str) -> Cow<'_, str> {
    if name.is_empty() {
        return Cow::Borrowed("[unknown]");
    }
    let mut out = Cow::Borrowed(name);
    if name.contains(';') {
        out = Cow::Owned(name.replace(';', ":"));
    }
    if let Some((head, tail)) = out.rsplit_once(' ')
        && tail.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        out = Cow::Owned(format!("{head}_{tail}"));
    }
    if let Some(rest) = out.strip_prefix("# ") {
        out = Cow::Owned(format!("#_{rest}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(clean("a\x1b[31mb\n\u{202e}c\u{9b}"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}");
        assert_eq!(clean("tab\there\0"), "tab\u{fffd}here\u{fffd}");
        assert_eq!(clean_bytes(b"caf\xc3\xa9 \xff"), "café \u{fffd}");
    }

    #[test]
    fn long_names_end_early() {
        let long = "x".repeat(MAX_CHARS + 1);
        assert_eq!(clean(&long).chars().count(), MAX_CHARS + 1);
        assert!(clean(&long).ends_with('…'));
        assert_eq!(clean(&long[1..]), long[1..]);
    }

    #[test]
    fn a_frame_never_looks_like_syntax() {
        assert_eq!(frame("<[u8; 16] as Debug>::fmt"), "<[u8: 16] as Debug>::fmt");
        assert_eq!(frame("worker 3"), "worker_3");
        assert_eq!(frame("# comment"), "#_comment");
        assert_eq!(frame("operator new(unsigned long)"), "operator new(unsigned long)");
        assert_eq!(frame(""), "[unknown]");
    }
}
