//! Text in the system's form: UTF-16, in which a surrogate may stand alone.
//!
//! memtrack has text as UTF-8, in which a lone surrogate takes three bytes like any other number of its size (WTF-8). So
//! each name of the system has a form in bytes, and only one. The standard library does the same.

/// Writes text as UTF-16, with a NUL at its end, and returns its length without the NUL; `None` when it does not fit.
pub(super) fn encode(text: &[u8], to: &mut [u16]) -> Option<usize> {
    let mut length = 0;
    let mut push = |unit: u16| {
        *to.get_mut(length)? = unit;
        length += 1;
        Some(())
    };
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = first(rest);
        rest = after;
        if let Some(above) = number.checked_sub(0x1_0000) {
            push(0xd800 | (above >> 10) as u16)?;
            push(0xdc00 | (above & 0x3ff) as u16)?;
        } else {
            push(number as u16)?;
        }
    }
    push(0)?;
    Some(length - 1)
}

/// The first number of a text, and the rest of it. U+FFFD in the place of a byte that begins none.
fn first(text: &[u8]) -> (u32, &[u8]) {
    const UNKNOWN: u32 = 0xfffd;
    let follows = |at: usize| match text.get(at) {
        Some(&byte) if byte & 0xc0 == 0x80 => Some(u32::from(byte & 0x3f)),
        _ => None,
    };
    let long = |number: u32, length: usize| {
        let number = (1..length).try_fold(number, |number, at| Some(number << 6 | follows(at)?))?;
        (number <= 0x10_ffff).then_some((number, length))
    };
    let found = match text.first().map_or(0, |&byte| u32::from(byte)) {
        byte @ 0..0x80 => Some((byte, 1)),
        byte @ 0xc0..0xe0 => long(byte & 0x1f, 2),
        byte @ 0xe0..0xf0 => long(byte & 0xf, 3),
        byte @ 0xf0..0xf8 => long(byte & 7, 4),
        _ => None,
    };
    let (number, length) = found.unwrap_or((UNKNOWN, 1));
    (number, text.get(length..).unwrap_or_default())
}

/// Writes UTF-16 as text, and returns its length in bytes. A text that is too long is cut off after a character.
pub(super) fn decode(wide: &[u16], to: &mut [u8]) -> usize {
    let mut length = 0;
    for character in char::decode_utf16(wide.iter().copied()) {
        let mut bytes = [0; 4];
        let bytes = match character {
            Ok(character) => character.encode_utf8(&mut bytes).as_bytes(),
            Err(lone) => {
                let unit = lone.unpaired_surrogate();
                bytes = [
                    0xe0 | (unit >> 12) as u8,
                    0x80 | (unit >> 6 & 0x3f) as u8,
                    0x80 | (unit & 0x3f) as u8,
                    0,
                ];
                &bytes[..3]
            }
        };
        let Some(room) = to.get_mut(length..length + bytes.len()) else { break };
        room.copy_from_slice(bytes);
        length += bytes.len();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_the_system_has_one_form_in_bytes() {
        for wide in [&[0x61, 0xe9, 0x20ac][..], &[0xd83d, 0xde00], &[0xd800], &[0xdc00, 0x41, 0xd800], &[]] {
            let (mut bytes, mut back) = ([0; 32], [7; 32]);
            let length = decode(wide, &mut bytes);
            assert_eq!(encode(&bytes[..length], &mut back), Some(wide.len()));
            assert_eq!((&back[..wide.len()], back[wide.len()]), (wide, 0));
        }
    }

    #[test]
    fn what_is_too_long_or_no_text_is_noticed() {
        let mut bytes = [0; 4];
        assert_eq!((decode(&[0x61, 0x20ac, 0x62], &mut bytes[..3]), bytes[0]), (1, b'a'));
        assert_eq!(encode(b"abc", &mut [0; 3]), None);
        let mut wide = [0; 8];
        assert_eq!(encode(b"a\xffb\xe2\x82", &mut wide), Some(5));
        assert_eq!(wide[..5], [0x61, 0xfffd, 0x62, 0xfffd, 0xfffd]);
    }
}
