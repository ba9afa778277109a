//! CRC-32 (IEEE 802.3: reflected polynomial 0xEDB88320, start and final exclusive-or 0xFFFFFFFF), the CRC of
//! zlib, PNG and Ethernet.
//!
//! The algorithm is slicing (Kounavis and Berry, "A Systematic Approach to Building High Performance, Software-based, CRC
//! Generators", 2005): each step reads several bytes, with a table of 1 KiB for each. The look-ups of a step do not depend on
//! each other.

/// Bytes of a step. On bare metal, flash is dearer than time.
const STEP: usize = if cfg!(target_os = "none") { 2 } else { 8 };

/// `TABLES[n][byte]` is the CRC of a byte with `n` zero bytes behind it.
const TABLES: [[u32; 256]; STEP] = {
    let mut tables = [[0u32; 256]; STEP];
    let mut i = 0;
    while i < 256 {
        let mut c = i as u32;
        let mut bit = 0;
        while bit < 8 {
            c = if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 };
            bit += 1;
        }
        tables[0][i] = c;
        i += 1;
    }
    let mut n = 1;
    while n < STEP {
        let mut i = 0;
        while i < 256 {
            let c = tables[n - 1][i];
            tables[n][i] = tables[0][(c & 0xff) as usize] ^ (c >> 8);
            i += 1;
        }
        n += 1;
    }
    tables
};

/// CRC-32 (IEEE) of `bytes`. `crc32(b"123456789") == 0xCBF43926`.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut c = u32::MAX;
    let mut steps = bytes.chunks_exact(STEP);
    for step in &mut steps {
        let before = c.to_le_bytes();
        c = c.checked_shr(8 * STEP as u32).unwrap_or(0);
        for (i, byte) in step.iter().enumerate() {
            let byte = byte ^ before.get(i).unwrap_or(&0);
            c ^= TABLES[STEP - 1 - i][usize::from(byte)];
        }
    }
    for byte in steps.remainder() {
        c = TABLES[0][usize::from(c as u8 ^ byte)] ^ (c >> 8);
    }
    !c
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn published_check_values() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"a"), 0xE8B7_BE43);
        assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414F_A339);
    }
}
