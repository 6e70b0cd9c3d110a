//! The encodings in which spreadsheets save a table, read and written back.

/// How the text of a file was encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, with or without its mark.
    #[default]
    Utf8,
    /// The UTF-16 that Excel calls Unicode text, low bytes first.
    Utf16Le,
    /// The same, high bytes first.
    Utf16Be,
    /// Windows in Russian: what Excel there calls CSV.
    Cp1251,
}

/// Whether a file is what a spreadsheet saves when nobody asks it for CSV: `.xlsx`, `.ods`, `.xls`.
#[must_use]
pub fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0")
}

impl Charset {
    /// The text of a file and how it was encoded; `None` where that cannot be told. A mark of Unicode
    /// stays in the text, so that it is written back.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<(String, Self)> {
        let wide = |unit: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty())
        };
        if bytes.starts_with(&[0xff, 0xfe]) {
            return Some((wide(u16::from_le_bytes)?, Self::Utf16Le));
        }
        if bytes.starts_with(&[0xfe, 0xff]) {
            return Some((wide(u16::from_be_bytes)?, Self::Utf16Be));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Some((text.to_owned(), Self::Utf8)),
            Err(_) => Some((russian(bytes)?, Self::Cp1251)),
        }
    }

    /// The text in this encoding, and how many of its characters it does not have: they are `?`.
    #[must_use]
    pub fn encode(self, text: &str) -> (Vec<u8>, usize) {
        let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
        match self {
            Self::Utf8 => (text.as_bytes().to_owned(), 0),
            Self::Utf16Le => (wide(u16::to_le_bytes), 0),
            Self::Utf16Be => (wide(u16::to_be_bytes), 0),
            Self::Cp1251 => {
                let mut lost = 0;
                let byte = |c: char| {
                    let byte = (0..=u8::MAX).find(|byte| cp1251(*byte) == Some(c));
                    lost += usize::from(byte.is_none());
                    byte.unwrap_or(b'?')
                };
                let bytes = text.chars().map(byte).collect();
                (bytes, lost)
            }
        }
    }
}

/// The character of a byte, of those that Russian texts are made of.
fn cp1251(byte: u8) -> Option<char> {
    Some(match byte {
        0..=0x7f => char::from(byte),
        0xc0..=0xff => char::from_u32(0x410 + u32::from(byte - 0xc0))?,
        0x85 => '…',
        0x91 => '‘',
        0x92 => '’',
        0x93 => '“',
        0x94 => '”',
        0x96 => '–',
        0x97 => '—',
        0xa0 => '\u{a0}',
        0xa8 => 'Ё',
        0xab => '«',
        0xb8 => 'ё',
        0xb9 => '№',
        0xbb => '»',
        _ => return None,
    })
}

/// Reads CP1251 where it can be nothing else: in another encoding its words would have Latin letters
/// among them (`Müller`), capitals behind small letters (KOI8), or bytes that no Russian text has (CP866).
fn russian(bytes: &[u8]) -> Option<String> {
    let text: String = bytes
        .iter()
        .map(|byte| cp1251(*byte))
        .collect::<Option<_>>()?;
    let is_russian = |word: &str| {
        let latin = word.chars().filter(char::is_ascii).count();
        let mixed = latin > 0 && latin < word.chars().count();
        let mut pairs = word.chars().zip(word.chars().skip(1));
        !mixed && (latin > 0 || !pairs.any(|(a, b)| a.is_lowercase() && b.is_uppercase()))
    };
    let mut words = text.split(|c: char| !c.is_alphabetic());
    words.all(is_russian).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_write_is_read_and_written_back_as_it_was() {
        let text = "группа;студент\r\n21214;Семёнов-Тян Пётр\r\n№ 5;«Ivanov» – x\r\n";
        let all = [Charset::Utf8, Charset::Cp1251].map(|charset| (charset, text.to_owned()));
        let wide = [Charset::Utf16Le, Charset::Utf16Be];
        let wide = wide.map(|charset| (charset, format!("\u{feff}{text}")));
        for (charset, text) in all.into_iter().chain(wide) {
            let (bytes, lost) = charset.encode(&text);
            assert_eq!(lost, 0);
            assert_eq!(Charset::decode(&bytes), Some((text, charset)));
        }
        let (bytes, lost) = Charset::Cp1251.encode("✗ é я");
        assert_eq!((&bytes[..], lost), (&b"? ? \xff"[..], 2));
        assert_eq!(Charset::decode(b"\xff\xfe\x41"), None);
    }

    #[test]
    fn other_encodings_are_not_taken_for_the_one_of_russian_windows() {
        for bytes in [
            &b"student\nM\xfcller\n"[..],
            b"student\nRen\xe9 Fran\xe7ois\n",
            // CP866 and KOI8-R: Иванов Иван.
            b"\x88\xa2\xa0\xad\xae\xa2 \x88\xa2\xa0\xad",
            b"\xe9\xd7\xc1\xce\xcf\xd7 \xe9\xd7\xc1\xce",
            b"\x80\x81",
        ] {
            assert_eq!(Charset::decode(bytes), None, "{bytes:?}");
        }
        assert!(Charset::decode(b"\xc8\xe2\xe0\xed\xee\xe2 Ivan").is_some());
    }
}
