//! CRC-32 (IEEE 802.3: reflected polynomial 0xEDB88320, start and final exclusive-or 0xFFFFFFFF), the CRC of
//! zlib, PNG and Ethernet. Two tables of 1 KiB let a step take two bytes: half the dependent look-ups of the
//! classic loop, an eighth of the flash of slicing by eight.

const TABLES: [[u32; 256]; 2] = {
    let mut tables = [[0u32; 256]; 2];
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
    let mut i = 0;
    while i < 256 {
        let c = tables[0][i];
        tables[1][i] = tables[0][(c & 0xff) as usize] ^ (c >> 8);
        i += 1;
    }
    tables
};

/// CRC-32 (IEEE) of `bytes`. `crc32(b"123456789") == 0xCBF43926`.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut c = u32::MAX;
    let mut pairs = bytes.chunks_exact(2);
    for pair in &mut pairs {
        c ^= u32::from(pair[0]) | u32::from(pair[1]) << 8;
        c = TABLES[1][(c & 0xff) as usize] ^ TABLES[0][(c >> 8 & 0xff) as usize] ^ (c >> 16);
    }
    for &byte in pairs.remainder() {
        c = TABLES[0][((c ^ u32::from(byte)) & 0xff) as usize] ^ (c >> 8);
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
