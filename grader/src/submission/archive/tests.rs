use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;
use tar::{EntryType, Header};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// Unpacks these bytes; gives the files with their contents, or why not.
fn unpacked_with(bytes: &[u8], bounds: &ArchiveBounds) -> Result<(Vec<String>, Unpacked), String> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("lab30.zip");
    fs::write(&path, bytes).unwrap();
    let unpacked = unpack(&path, bounds).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    list(unpacked.path(), unpacked.path(), &mut files);
    files.sort();
    Ok((files, unpacked))
}

fn unpacked(bytes: &[u8]) -> Result<(Vec<String>, Unpacked), String> {
    unpacked_with(bytes, &ArchiveBounds::default())
}

fn list(root: &Path, dir: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        assert!(kind.is_dir() || kind.is_file(), "{}", path.display());
        if kind.is_dir() {
            list(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.push(format!("{name} {}", fs::metadata(&path).unwrap().len()));
        }
    }
}

fn refused(bytes: &[u8]) -> String {
    unpacked(bytes).map(|(files, _)| files).unwrap_err()
}

/// A tar with one entry of any kind and name.
fn tar_entry(name: &[u8], kind: EntryType, content: &[u8]) -> Vec<u8> {
    tar_of(&[(name, kind, content)])
}

fn tar_of(entries: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        // Past the library, which refuses names that lead outside.
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(*kind);
        header.set_mode(0o4755);
        header.set_size(content.len() as u64);
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        out.append(&header, *content).unwrap();
    }
    out.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        out.start_file(*name, options).unwrap();
        out.write_all(content).unwrap();
    }
    out.finish().unwrap().into_inner()
}

#[test]
fn files_come_out_with_their_contents() {
    let entries: [(&[u8], EntryType, &[u8]); 3] = [
        (b"lab30/", EntryType::Directory, b""),
        (b"lab30/server.c", EntryType::Regular, b"int main;"),
        (b"./lab30/lib/io.c", EntryType::Regular, b""),
    ];
    let tar = tar_of(&entries);
    let zip = zip_of(&[
        ("lab30/server.c", 0o755, b"int main;"),
        ("lab30\\lib\\io.c", 0o644, b""),
    ]);
    for bytes in [tar.clone(), gzip(&tar), zip] {
        let (files, unpacked) = unpacked(&bytes).unwrap();
        assert_eq!(files, ["lab30/lib/io.c 0", "lab30/server.c 9"]);
        let server = unpacked.path().join("lab30/server.c");
        assert_eq!(fs::read(&server).unwrap(), b"int main;");
        // Neither setuid nor writable by others.
        let mode = fs::metadata(&server).unwrap().permissions().mode();
        assert_eq!(mode & 0o7022, 0);
        assert_ne!(mode & 0o100, 0);
    }
}

#[test]
fn names_that_lead_outside_refuse_all() {
    let outside = TempDir::new().unwrap();
    let absolute = outside.path().join("evil.c");
    let absolute = absolute.to_str().unwrap();
    for name in ["../evil.c", absolute, "a/../../evil.c", "..\\evil.c"] {
        let tar = tar_of(&[
            (b"good.c", EntryType::Regular, b"x"),
            (name.as_bytes(), EntryType::Regular, b"x"),
        ]);
        let zip = zip_of(&[("good.c", 0o644, b"x"), (name, 0o644, b"x")]);
        for bytes in [tar.clone(), gzip(&tar), zip] {
            let why = refused(&bytes);
            assert!(
                why.contains("a name that leads outside") || why.contains("an absolute name"),
                "{name}: {why}"
            );
        }
    }
    assert!(!Path::new(absolute).exists());
}

#[test]
fn links_and_devices_are_passed_over() {
    let kinds = [
        (EntryType::Symlink, "link"),
        (EntryType::Link, "link"),
        (EntryType::Char, "device"),
        (EntryType::Block, "device"),
        (EntryType::Fifo, "FIFO"),
    ];
    for (kind, word) in kinds {
        // The second would go through the link.
        let bytes = tar_of(&[
            (b"out", kind, b""),
            (b"out/passwd", EntryType::Regular, b"x"),
        ]);
        let (files, unpacked) = unpacked(&bytes).unwrap();
        assert_eq!(files, ["out/passwd 1"]);
        assert!(unpacked.notes[0].en.contains(word), "{:?}", unpacked.notes);
    }
    let bytes = {
        let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
        out.add_symlink("out", "/etc", SimpleFileOptions::default())
            .unwrap();
        out.start_file("out/passwd", SimpleFileOptions::default())
            .unwrap();
        out.finish().unwrap().into_inner()
    };
    let (files, unpacked) = unpacked(&bytes).unwrap();
    assert_eq!(files, ["out/passwd 0"]);
    assert!(
        unpacked.notes[0].en.contains("link"),
        "{:?}",
        unpacked.notes
    );
}

#[test]
fn odd_names_are_passed_over_and_shown_safely() {
    for name in [&b"a\nb.c"[..], b"\x1b[2J.c", b"caf\xb3.c"] {
        let bytes = tar_of(&[
            (name, EntryType::Regular, b"x"),
            (b"ok.c", EntryType::Regular, b"x"),
        ]);
        let (files, unpacked) = unpacked(&bytes).unwrap();
        assert_eq!(files, ["ok.c 1"]);
        let note = &unpacked.notes[0].en;
        assert!(note.contains("not printable"), "{note}");
        assert!(!note.chars().any(char::is_control), "{note:?}");
    }
}

#[test]
fn names_of_russian_windows_are_read() {
    let bytes = tar_of(&[
        (b"\x8b\xa0\xa1\xa030/server.c", EntryType::Regular, b"x"),
        (b"\x8b\xa0\xa1\xa030/client.c", EntryType::Regular, b"x"),
    ]);
    let (files, unpacked) = unpacked(&bytes).unwrap();
    assert_eq!(files, ["Лаба30/client.c 1", "Лаба30/server.c 1"]);
    assert_eq!(
        unpacked.notes[..]
            .iter()
            .map(|note| &note.en)
            .collect::<Vec<_>>(),
        ["names in the archive are not UTF-8 and were read as Cyrillic: Лаба30/server.c"]
    );
}

#[test]
fn a_bomb_is_stopped_by_what_comes_out_of_it() {
    let zeros = vec![0; 40 << 20];
    let tar = tar_entry(b"zeros", EntryType::Regular, &zeros);
    let packed = [gzip(&tar), zip_of(&[("zeros", 0o644, &zeros)])];
    for bytes in packed {
        assert!(bytes.len() < 100 << 10);
        let why = refused(&bytes);
        assert!(why.contains("times larger unpacked"), "{why}");
    }
    let small = ArchiveBounds {
        total: 1000,
        ..ArchiveBounds::default()
    };
    let tar = tar_entry(b"a", EntryType::Regular, &[7; 2000]);
    let why = unpacked_with(&tar, &small).map(|_| ()).unwrap_err();
    assert!(why.contains("MiB unpacked"), "{why}");
    // A header that promises more than any disk holds.
    let mut header = Header::new_gnu();
    header.set_path("a").unwrap();
    header.set_size(1 << 60);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    assert!(unpacked(header.as_bytes()).is_err());
    // A name that is itself a bomb.
    let long = tar_entry(b"././@LongLink", EntryType::GNULongName, &zeros);
    assert!(refused(&gzip(&long)).contains("larger"));
}

#[test]
fn entries_are_counted() {
    let bounds = ArchiveBounds {
        entries: 10,
        ..ArchiveBounds::default()
    };
    let names: Vec<String> = (0..11).map(|i| format!("{i}.c")).collect();
    let tar: Vec<(&[u8], EntryType, &[u8])> = names
        .iter()
        .map(|name| (name.as_bytes(), EntryType::Regular, &b""[..]))
        .collect();
    let zip: Vec<(&str, u32, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), 0o644, &b""[..]))
        .collect();
    for bytes in [tar_of(&tar), zip_of(&zip)] {
        let why = unpacked_with(&bytes, &bounds).map(|_| ()).unwrap_err();
        assert!(why.contains("more than 10 entries"), "{why}");
    }
}

#[test]
fn what_is_not_read_is_named() {
    assert!(refused(b"7z\xbc\xaf\x27\x1cxxxx").contains("a 7z archive; hand in"));
    assert!(refused(b"Rar!\x1a\x07\0").contains("a RAR archive"));
    assert!(refused(b"int main(void) {}").contains("not an archive"));
    assert!(refused(b"").contains("not an archive"));
    assert!(unpacked(&gzip(b"int main;")).is_err());
    let mut cut = zip_of(&[("a.c", 0o644, b"int main;")]);
    cut.truncate(cut.len() - 10);
    assert!(refused(&cut).contains("damaged"));
    let twice = tar_of(&[
        (b"a", EntryType::Regular, b"1"),
        (b"a", EntryType::Regular, b"22"),
    ]);
    let (files, found) = unpacked(&twice).unwrap();
    assert_eq!(files, ["a 2"]);
    assert!(found.notes[0].en.contains("more than once"));
    let both = tar_of(&[
        (b"a", EntryType::Regular, b"1"),
        (b"a/b", EntryType::Regular, b"1"),
    ]);
    assert!(refused(&both).contains("both a file and a directory"));
    let both = tar_of(&[
        (b"a/b", EntryType::Regular, b"1"),
        (b"a", EntryType::Regular, b"1"),
    ]);
    assert!(refused(&both).contains("both a file and a directory"));
}

#[test]
fn a_fifo_is_not_waited_for() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("lab.zip");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let why = unpack(&path, &ArchiveBounds::default()).unwrap_err();
    assert!(why.to_string().contains("not a regular file"));
}

#[test]
fn archives_are_known_by_their_names() {
    assert_eq!(archive_stem("lab30.tar.gz"), Some("lab30"));
    assert_eq!(archive_stem("Lab30.ZIP"), Some("Lab30"));
    assert_eq!(archive_stem("имя_30.tgz"), Some("имя_30"));
    for name in ["server.c", ".zip", "zip", "lab30.gz"] {
        assert_eq!(archive_stem(name), None, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_is_an_error_and_never_more(at in 0usize..2000, byte: u8, which in 0usize..3) {
        let tar = tar_of(&[
            (b"a/server.c", EntryType::Regular, &[b'x'; 700]),
            (b"a/client.c", EntryType::Regular, b"y"),
        ]);
        let mut bytes = match which {
            0 => tar,
            1 => gzip(&tar),
            _ => zip_of(&[("a/server.c", 0o644, &[b'x'; 700]), ("a/client.c", 0o644, b"y")]),
        };
        let at = at % bytes.len();
        bytes[at] ^= byte;
        let _ = unpacked(&bytes);
    }
}

#[test]
fn files_have_the_times_that_the_archive_tells_and_never_that_of_unpacking() {
    use std::os::unix::fs::MetadataExt as _;
    let changed = |unpacked: &Unpacked| {
        let file = unpacked.path().join("server.c");
        fs::metadata(file).unwrap().mtime()
    };
    let mut header = Header::new_gnu();
    header.set_path("server.c").unwrap();
    header.set_size(1);
    for (told, kept) in [(1_795_000_000, 1_795_000_000), (u64::MAX >> 31, 0)] {
        header.set_mtime(told);
        header.set_cksum();
        let mut out = tar::Builder::new(Vec::new());
        out.append(&header, &b"x"[..]).unwrap();
        let (_, unpacked) = unpacked(&out.into_inner().unwrap()).unwrap();
        assert_eq!(changed(&unpacked), kept);
    }
    // A zip's own time has no zone.
    let (_, unpacked) = unpacked(&zip_of(&[("server.c", 0o644, b"x")])).unwrap();
    assert_eq!(changed(&unpacked), 0);
}

#[test]
fn what_is_wrong_with_an_archive_is_told_in_both_languages() {
    let (dir, path) = (TempDir::new().unwrap(), "lab30.zip");
    let path = dir.path().join(path);
    for (bytes, en, ru) in [
        (
            &b"Rar!\x1a\x07"[..],
            "a RAR archive; hand in",
            "архив RAR; сдавайте",
        ),
        (b"text", "not an archive, whatever", "это не архив, что"),
        (b"PK\x03\x04", "damaged: ", "повреждён: "),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = unpack(&path, &ArchiveBounds::default()).unwrap_err();
        for (lang, says) in [(Lang::En, en), (Lang::Ru, ru)] {
            let told = error.told(lang);
            assert!(told.contains(&format!("lab30.zip: {says}")), "{told}");
        }
    }
    let bytes = tar_of(&[
        (b"../x.c", EntryType::Regular, b"x"),
        (b"a", EntryType::Regular, b""),
    ]);
    fs::write(&path, bytes).unwrap();
    let error = unpack(&path, &ArchiveBounds::default());
    let error = error.unwrap_err().told(Lang::Ru);
    assert!(
        error.ends_with("../x.c: имя ведёт наружу; упакуйте сам каталог"),
        "{error}"
    );
}
