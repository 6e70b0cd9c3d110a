//! Packs archives by hand, so that they may lie: `fixtures/attacks/archives/*.toml`.

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use serde::Deserialize;
use std::io::Write;

/// How the whole is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Format {
    #[serde(rename = "zip")]
    Zip,
    #[serde(rename = "tar")]
    Tar,
    #[serde(rename = "tar.gz")]
    TarGz,
    /// Each block of a tar is a member of its own.
    #[serde(rename = "tar.gz in members")]
    Members,
}

impl Format {
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz | Self::Members => "tar.gz",
        }
    }
}

/// What an entry is said to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    File,
    Directory,
    Symlink,
    Hardlink,
    Char,
    Block,
    Fifo,
    Socket,
    /// A GNU sparse file: one byte at its end.
    Sparse,
}

/// An entry, or many that differ by a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// `{n}` is the number; `%1b` is a byte.
    pub(crate) name: String,
    /// The name is as long: its last letter again and again.
    #[serde(default)]
    pub(crate) long: usize,
    #[serde(default)]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) text: String,
    /// Zeros that follow the text.
    #[serde(default)]
    pub(crate) zeros: usize,
    /// Where a link leads.
    #[serde(default)]
    pub(crate) to: String,
    #[serde(default = "once")]
    pub(crate) times: usize,
    /// The size it claims to have.
    pub(crate) claims: Option<u64>,
    /// Of a zip: its content is where the first entry's is.
    #[serde(default)]
    pub(crate) overlaps: bool,
    /// Of a zip.
    #[serde(default)]
    pub(crate) encrypted: bool,
    /// An archive of these is its content.
    #[serde(default)]
    pub(crate) inside: Option<Format>,
}

fn once() -> usize {
    1
}

/// An entry as it is packed.
struct One {
    name: Vec<u8>,
    content: Vec<u8>,
}

impl Entry {
    pub(crate) fn file(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            long: 0,
            kind: Kind::File,
            text: text.to_owned(),
            zeros: 0,
            to: String::new(),
            times: 1,
            claims: None,
            overlaps: false,
            encrypted: false,
            inside: None,
        }
    }

    fn all(&self, good: &str) -> impl Iterator<Item = One> {
        let mut content = self.text.clone().into_bytes();
        content.resize(content.len() + self.zeros, 0);
        if let Some(format) = self.inside {
            content = pack(format, &[Self::file("attacker.c", good)], good);
        }
        (0..self.times).map(move |n| {
            let mut name = bytes(&self.name.replace("{n}", &n.to_string()));
            if let Some(last) = name.last().copied() {
                name.resize(name.len().max(self.long), last);
            }
            One {
                name,
                content: content.clone(),
            }
        })
    }
}

/// `%41` is a byte.
fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        out.push(u8::from_str_radix(code, 16).unwrap());
        out.extend(rest.as_bytes());
    }
    out
}

/// The archive of these entries. `good` is what archives inside contain.
pub(crate) fn pack(format: Format, entries: &[Entry], good: &str) -> Vec<u8> {
    match format {
        Format::Zip => zip(entries, good),
        Format::Tar => tar(entries, good),
        Format::TarGz => gzip(&tar(entries, good)),
        Format::Members => tar(entries, good).chunks(512).flat_map(gzip).collect(),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// POSIX ustar with GNU's long names and sparse files.
fn tar(entries: &[Entry], good: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        let kind = match entry.kind {
            Kind::File => b'0',
            Kind::Hardlink => b'1',
            Kind::Symlink => b'2',
            Kind::Char => b'3',
            Kind::Block => b'4',
            Kind::Directory => b'5',
            Kind::Fifo => b'6',
            // As some packers write what tar has no letter for.
            Kind::Socket => b's',
            Kind::Sparse => b'S',
        };
        for one in entry.all(good) {
            if one.name.len() > 100 {
                let name: Vec<u8> = one.name.iter().copied().chain([0]).collect();
                let size = name.len() as u64;
                member(&mut out, b"././@LongLink", b'L', size, "", &name);
            }
            let size = entry.claims.unwrap_or(one.content.len() as u64);
            let cut = one.name.len().min(100);
            let name = &one.name[..cut];
            member(&mut out, name, kind, size, &entry.to, &one.content);
        }
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn member(out: &mut Vec<u8>, name: &[u8], kind: u8, size: u64, to: &str, content: &[u8]) {
    let mut header = [0u8; 512];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name);
    put(100, b"0006777\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(136, b"00000000000\0");
    put(156, &[kind]);
    put(157, &to.as_bytes()[..to.len().min(100)]);
    put(257, b"ustar  \0");
    let mut held = content.len() as u64;
    if kind == b'S' {
        // The content at its end, and nothing before it.
        held = content.len() as u64;
        put(
            386,
            format!("{:011o}\0", size.saturating_sub(held)).as_bytes(),
        );
        put(398, format!("{held:011o}\0").as_bytes());
        put(483, format!("{size:011o}\0").as_bytes());
    }
    let claimed = if kind == b'S' { held } else { size };
    if claimed < 1 << 33 {
        put(124, format!("{claimed:011o}\0").as_bytes());
    } else {
        // Base 256.
        put(124, &[0x80, 0, 0, 0]);
        put(128, &claimed.to_be_bytes());
    }
    put(148, b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend(header);
    out.extend(content);
    out.resize(out.len().next_multiple_of(512), 0);
}

/// APPNOTE.TXT 4.3: local headers with their contents, the list, its end.
fn zip(entries: &[Entry], good: &str) -> Vec<u8> {
    let (mut out, mut list) = (Vec::new(), Vec::new());
    let mut count = 0u32;
    let mut first: Option<(u32, Vec<u8>, usize)> = None;
    for entry in entries {
        let unix: u32 = match entry.kind {
            Kind::File | Kind::Sparse | Kind::Hardlink => 0o100_644,
            Kind::Directory => 0o040_755,
            Kind::Symlink => 0o120_777,
            Kind::Char => 0o020_666,
            Kind::Block => 0o060_666,
            Kind::Fifo => 0o010_666,
            Kind::Socket => 0o140_777,
        };
        for one in entry.all(good) {
            let content = if entry.to.is_empty() {
                &one.content
            } else {
                entry.to.as_bytes()
            };
            let mut crc = Crc::new();
            crc.update(content);
            let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
            packed.write_all(content).unwrap();
            let packed = packed.finish().unwrap();
            let at = u32::try_from(out.len()).unwrap();
            let mut size = content.len() as u64;
            let mut common = Vec::new();
            let flags = u16::from(entry.encrypted) | 0x800;
            let (at, sum, held) = match &first {
                // All that is said of it in the list is true, but for its place.
                Some((at, sum, held)) if entry.overlaps => (*at, sum.clone(), *held),
                _ => (at, crc.sum().to_le_bytes().to_vec(), packed.len()),
            };
            if entry.overlaps {
                size = entries[0].text.len() as u64 + entries[0].zeros as u64;
            }
            let mut extra = Vec::new();
            let size32 = match entry.claims {
                Some(claimed) if claimed > u64::from(u32::MAX) => {
                    // zip64: the true sizes, so to speak.
                    extra.extend(1u16.to_le_bytes());
                    extra.extend(8u16.to_le_bytes());
                    extra.extend(claimed.to_le_bytes());
                    u32::MAX
                }
                Some(claimed) => u32::try_from(claimed).unwrap(),
                None => u32::try_from(size).unwrap(),
            };
            for word in [45u16, flags, 8, 0, 0x5b8d] {
                common.extend(word.to_le_bytes());
            }
            common.extend(&sum);
            common.extend(u32::try_from(held).unwrap().to_le_bytes());
            common.extend(size32.to_le_bytes());
            common.extend(u16::try_from(one.name.len()).unwrap().to_le_bytes());
            common.extend(u16::try_from(extra.len()).unwrap().to_le_bytes());
            if !entry.overlaps {
                out.extend(b"PK\x03\x04");
                out.extend(&common);
                out.extend(&one.name);
                out.extend(&extra);
                out.extend(&packed);
            }
            list.extend(b"PK\x01\x02\x2d\x03");
            list.extend(&common);
            list.extend([0; 6]);
            list.extend((unix << 16).to_le_bytes());
            list.extend(at.to_le_bytes());
            list.extend(&one.name);
            list.extend(&extra);
            count += 1;
            first.get_or_insert((at, sum, held));
        }
    }
    let at = u32::try_from(out.len()).unwrap();
    let size = u32::try_from(list.len()).unwrap();
    out.extend(list);
    out.extend(b"PK\x05\x06\0\0\0\0");
    // More than can be said without zip64 is said as "many"; readers count themselves.
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0; 2]);
    out
}
