//! tar and tar.gz.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::{Stop, Target};

/// Headers and padding of an entry, generously: long names have entries of their own.
const HEADERS: u64 = 8192;

pub(super) fn unpack(bytes: &[u8], target: &mut Target<'_>) -> Result<(), Stop> {
    entries(bytes, target)
}

pub(super) fn unpack_gzip(bytes: &[u8], target: &mut Target<'_>) -> Result<(), Stop> {
    entries(MultiGzDecoder::new(bytes), target)
}

fn entries(stream: impl Read, target: &mut Target<'_>) -> Result<(), Stop> {
    let headers = (target.bounds.entries as u64 + 1).saturating_mul(HEADERS);
    let mut stream = Bounded {
        stream,
        left: target.room.saturating_add(headers),
        exceeded: false,
    };
    let result = walk(&mut stream, target);
    // The decoder wraps the error; what it stands for is known here.
    if stream.exceeded {
        return Err(target.too_large());
    }
    result
}

fn walk(stream: &mut dyn Read, target: &mut Target<'_>) -> Result<(), Stop> {
    let mut archive = Archive::new(stream);
    let mut any = false;
    for entry in archive.entries().map_err(|error| Stop::damaged(&error))? {
        let mut entry = entry.map_err(|error| Stop::damaged(&error))?;
        any = true;
        let raw = entry.path_bytes().into_owned();
        let what = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => None,
            EntryType::Directory => {
                if let Some(name) = target.name(&raw)? {
                    target.directory(&name)?;
                }
                continue;
            }
            EntryType::Symlink | EntryType::Link => {
                Some(("it is a link, not a file", "это ссылка, а не файл"))
            }
            EntryType::Fifo => Some(("it is a FIFO, not a file", "это FIFO, а не файл")),
            EntryType::Char | EntryType::Block => {
                Some(("it is a device, not a file", "это устройство, а не файл"))
            }
            EntryType::XGlobalHeader | EntryType::XHeader => continue,
            _ => Some(("it is no file", "это не файл")),
        };
        let Some(name) = target.name(&raw)? else {
            continue;
        };
        if let Some((en, ru)) = what {
            target.skip(&raw, en, ru);
            continue;
        }
        let mode = entry.header().mode().unwrap_or_default();
        let changed = entry.header().mtime().ok();
        target.file(&name, mode & 0o111 != 0, changed, &mut entry)?;
    }
    if any { Ok(()) } else { Err(Stop::empty()) }
}

/// Ends with an error when more comes than may.
struct Bounded<R> {
    stream: R,
    left: u64,
    exceeded: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => {
                self.exceeded = true;
                Err(io::Error::other("too large"))
            }
        }
    }
}
