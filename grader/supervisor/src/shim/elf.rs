//! Whether a preloaded library can take effect on a program.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const PT_INTERP: u32 = 3;
/// Headers beyond this are not looked for; linkers put them first.
const HEAD: usize = 1 << 16;

/// Whether a file is a 64-bit ELF program that a dynamic loader starts, so that `LD_PRELOAD`
/// counts. Scripts and statically linked programs are not.
///
/// # Errors
/// When the file cannot be read.
pub fn is_dynamic(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    while filled < head.len() {
        match file.read_at(
            &mut head[filled..],
            u64::try_from(filled).unwrap_or(u64::MAX),
        )? {
            0 => break,
            n => filled += n,
        }
    }
    head.truncate(filled);
    Ok(is_dynamic_image(&head))
}

/// The same of the first bytes of a file (64 KiB are enough).
#[must_use]
pub fn is_dynamic_image(image: &[u8]) -> bool {
    has_interpreter(image).unwrap_or(false)
}

/// Looks for `PT_INTERP` among the program headers (elf(5)).
fn has_interpreter(image: &[u8]) -> Option<bool> {
    let native_order = if cfg!(target_endian = "little") { 1 } else { 2 };
    // Magic, ELFCLASS64, byte order.
    if image.get(..6)? != [0x7f, b'E', b'L', b'F', 2, native_order] {
        return None;
    }
    let table = usize::try_from(u64::from_ne_bytes(image.get(32..40)?.try_into().ok()?)).ok()?;
    let size = usize::from(u16::from_ne_bytes(image.get(54..56)?.try_into().ok()?));
    let count = usize::from(u16::from_ne_bytes(image.get(56..58)?.try_into().ok()?));
    for n in 0..count {
        let at = table.checked_add(n.checked_mul(size)?)?;
        let kind = image.get(at..at.checked_add(4)?)?;
        if u32::from_ne_bytes(kind.try_into().ok()?) == PT_INTERP {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dynamic_and_static_programs_and_scripts_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("a.c");
        std::fs::write(&source, "int main(void) { return 0; }").unwrap();
        let compiled = |option: &str| {
            let out = dir.path().join("a.out");
            let done = std::process::Command::new("cc")
                .arg(option)
                .arg("-o")
                .arg(&out)
                .arg(&source)
                .status();
            assert!(done.unwrap().success());
            is_dynamic(&out).unwrap()
        };
        assert!(compiled("-O0"));
        assert!(!compiled("-static"));
        assert!(!is_dynamic(&source).unwrap());
        assert!(is_dynamic(Path::new("/nonexistent")).is_err());
    }

    proptest! {
        #[test]
        fn no_image_makes_it_panic(tail: Vec<u8>) {
            let mut image = vec![0x7f, b'E', b'L', b'F', 2, 1];
            image.extend_from_slice(&tail);
            let _ = is_dynamic_image(&image);
        }
    }
}
