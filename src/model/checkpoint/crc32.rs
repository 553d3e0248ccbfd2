//! CRC-32 as zip archives use it (ISO 3309: polynomial 0xEDB88320, reflected).

/// `TABLES[k][b]`: what byte `b` contributes from `k` bytes before the end of a block.
const TABLES: [[u32; 256]; 8] = tables();

/// The checksum of these bytes, eight at a time.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let (blocks, rest) = bytes.as_chunks::<8>();
    let crc = blocks.iter().fold(!0, |crc: u32, block| {
        let [b0, b1, b2, b3] = crc.to_le_bytes();
        let mixed =
            [block[0] ^ b0, block[1] ^ b1, block[2] ^ b2, block[3] ^ b3, block[4], block[5], block[6], block[7]];
        (0..8).fold(0, |sum, index| sum ^ TABLES[7 - index][usize::from(mixed[index])])
    });
    !rest.iter().fold(crc, |crc, &byte| crc >> 8 ^ TABLES[0][usize::from(crc as u8 ^ byte)])
}

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        tables[0][byte] = shift_out(byte as u32);
        byte += 1;
    }
    let mut index = 256;
    while index < 8 * 256 {
        let before = tables[index / 256 - 1][index % 256];
        tables[index / 256][index % 256] = before >> 8 ^ tables[0][(before & 0xff) as usize];
        index += 1;
    }
    tables
}

const fn shift_out(mut register: u32) -> u32 {
    let mut bit = 0;
    while bit < 8 {
        register = if register & 1 == 1 { register >> 1 ^ 0xedb8_8320 } else { register >> 1 };
        bit += 1;
    }
    register
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_check_values_of_the_standard_come_out() {
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414f_a339);
    }
}
