//! Names in a code page that is not UTF-8: what Windows in Russian packs a zip with.

/// Reads `raw` as CP866, or else as CP1251, if all that is not ASCII is then a Cyrillic letter.
pub(super) fn cyrillic(raw: &[u8]) -> Option<String> {
    [cp866, cp1251]
        .iter()
        .find_map(|letter| raw.iter().map(|byte| read(*byte, *letter)).collect())
}

fn read(byte: u8, letter: fn(u8) -> Option<char>) -> Option<char> {
    if byte.is_ascii() {
        Some(byte.into())
    } else {
        letter(byte)
    }
}

fn cp866(byte: u8) -> Option<char> {
    match byte {
        0x80..=0xaf => char::from_u32(0x410 + u32::from(byte - 0x80)),
        0xe0..=0xef => char::from_u32(0x440 + u32::from(byte - 0xe0)),
        0xf0 => Some('Ё'),
        0xf1 => Some('ё'),
        // Explorer in Russian knows this sign.
        0xfc => Some('№'),
        _ => None,
    }
}

fn cp1251(byte: u8) -> Option<char> {
    match byte {
        0xc0..=0xff => char::from_u32(0x410 + u32::from(byte - 0xc0)),
        0xa8 => Some('Ё'),
        0xb8 => Some('ё'),
        0xb9 => Some('№'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_code_pages_of_russian_windows_are_read() {
        for (raw, is) in [
            (&b"\x8b\xa0\xa1\xa0 30"[..], "Лаба 30"),
            (b"\xcb\xe0\xe1\xe0 30", "Лаба 30"),
            (b"\xf0\xf1 \xfc1", "Ёё №1"),
            (b"\xc8\xe2\xe0\xed\xee\xe2 \xb91", "Иванов №1"),
            (b"server.c", "server.c"),
        ] {
            assert_eq!(cyrillic(raw).as_deref(), Some(is), "{raw:?}");
        }
        assert_eq!(cyrillic(b"caf\xb3.c"), None);
        assert_eq!(cyrillic(b"\x8b\xc0"), None);
    }
}
