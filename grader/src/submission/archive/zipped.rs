//! zip.

use std::io::Cursor;

use zip::result::ZipError;
use zip::{ExtraField, ZipArchive};

use super::{Stop, Target};

/// What every entry of the list at the end begins with.
const LISTED: &[u8] = b"PK\x01\x02";

pub(super) fn unpack(bytes: &[u8], target: &mut Target<'_>) -> Result<(), Stop> {
    // The list is read whole into memory: it is counted first.
    let listed = bytes.windows(LISTED.len()).filter(|w| *w == LISTED).count();
    if listed > target.bounds.entries {
        return Err(Stop::too_many(target.bounds.entries));
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| stop(&error))?;
    if archive.is_empty() {
        return Err(Stop::empty());
    }
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|error| stop(&error))?;
        let raw = entry.name_raw().to_vec();
        let Some(name) = target.name(&raw)? else {
            continue;
        };
        if entry.is_dir() || raw.last().is_some_and(|c| matches!(c, b'/' | b'\\')) {
            target.directory(&name)?;
            continue;
        }
        // The kind of file as packers on Unix write it, stat(2).
        const KIND: u32 = 0o170_000;
        const REGULAR: u32 = 0o100_000;
        let mode = entry.unix_mode().unwrap_or(REGULAR | 0o644);
        if mode & KIND != REGULAR && mode & KIND != 0 {
            target.skip(
                &raw,
                "it is a link or a device, not a file",
                "это ссылка или устройство, а не файл",
            );
            continue;
        }
        // The other time that a zip has is local where it was packed, wherever that is.
        let changed = entry.extra_data_fields().find_map(|field| match field {
            ExtraField::ExtendedTimestamp(times) => times.mod_time().map(u64::from),
            _ => None,
        });
        target.file(&name, mode & 0o111 != 0, changed, &mut entry)?;
    }
    Ok(())
}

fn stop(error: &ZipError) -> Stop {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Stop::unfit(
            "encrypted; pack it without a password",
            "зашифрован; упакуйте без пароля",
        ),
        ZipError::UnsupportedArchive(what) => Stop::unfit(
            format!(
                "packed in a way that is not read here ({what}); pack it again as a plain zip or tar.gz"
            ),
            format!(
                "упакован так, что здесь не читается ({what}); упакуйте заново в обычный zip или tar.gz"
            ),
        ),
        error => Stop::damaged(error),
    }
}
