use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, Header};

use super::*;

/// An archive under construction, whose names are written as they are.
struct Made(Builder<Vec<u8>>);

impl Made {
    fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn entry(mut self, kind: EntryType, name: &str, target: &str, size: u64, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o7777);
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(EntryType::Regular, name, "", content.len() as u64, content)
    }

    fn link(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, name, target, 0, b"")
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    fn gzipped(self) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.bytes()).unwrap();
        gzip.finish().unwrap()
    }
}

/// Unpacks into a directory beside which is a file that nothing may touch.
fn unpacked(archive: &[u8]) -> (tempfile::TempDir, Result<Unpacked, BadArchive>) {
    let around = tempfile::tempdir().unwrap();
    fs::write(around.path().join("victim"), "untouched").unwrap();
    let into = around.path().join("into");
    fs::create_dir(&into).unwrap();
    let result = unpack(archive, &into);
    let outside: Vec<_> =
        fs::read_dir(around.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside.len(), 2, "{outside:?}");
    assert_eq!(fs::read(around.path().join("victim")).unwrap(), b"untouched");
    (around, result)
}

fn refused(archive: &[u8]) -> String {
    unpacked(archive).1.expect_err("it must be refused").to_string()
}

#[test]
fn a_tree_with_linked_files_and_directories_comes_out_as_it_is() {
    let made = || {
        Made::new()
            .entry(EntryType::Directory, "./", "", 0, b"")
            .entry(EntryType::Directory, "./d/", "", 0, b"")
            .link("./pxelinux.cfg", "d/amd64/pxelinux.cfg")
            .file("./d/amd64/boot/syslinux.cfg", b"menu")
            .link("./d/amd64/pxelinux.cfg/default", "../boot/syslinux.cfg")
            .entry(EntryType::Link, "./again", "./d/amd64/boot/syslinux.cfg", 0, b"")
    };
    for archive in [made().bytes(), made().gzipped()] {
        let (around, result) = unpacked(&archive);
        assert_eq!(result.unwrap().bytes, 4);
        let into = around.path().join("into");
        assert_eq!(fs::read(into.join("pxelinux.cfg/default")).unwrap(), b"menu");
        assert_eq!(fs::read(into.join("again")).unwrap(), b"menu");
        let mode = fs::metadata(into.join("again")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644, "no bit of the archive's is taken over");
    }
}

#[test]
fn nothing_leads_out_of_the_directory() {
    for (archive, why) in [
        (Made::new().file("../victim", b"x"), "leads out"),
        (Made::new().file("a/../../victim", b"x"), "leads out"),
        (Made::new().file("/victim", b"x"), "leads out"),
        (Made::new().link("out", "../victim"), "leads out"),
        (Made::new().link("out", "/etc/passwd"), "leads out"),
        (Made::new().link("a/b/c", "../..").link("a/b/out", "c/../victim"), "leads out"),
        (Made::new().link("loop", "loop"), "leads out"),
        (Made::new().link("out", "..").file("out/victim", b"x"), "no directory"),
        (Made::new().file("out/victim", b"x").link("out", ".."), "twice"),
        (Made::new().link("in", "d").file("in/x", b"x"), "no directory"),
        (Made::new().link("f", "../victim").file("f", b"x"), "twice"),
        (Made::new().file("f", b"x").file("f", b"y"), "twice"),
        (Made::new().file("f", b"x").file("f/g", b"y"), "no directory"),
        (Made::new().entry(EntryType::Link, "out", "../victim", 0, b""), "leads out"),
        (Made::new().entry(EntryType::Link, "out", "/etc/passwd", 0, b""), "leads out"),
        (
            Made::new().link("l", "../victim").entry(EntryType::Link, "out", "l", 0, b""),
            "no file of the archive",
        ),
        (Made::new().entry(EntryType::Link, "later", "f", 0, b"").file("f", b"x"), "no file of the archive"),
        (Made::new().file("a\\b", b"x"), "no name"),
        (Made::new().file("a\nb", b"x"), "no name"),
    ] {
        let said = refused(&archive.bytes());
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn devices_and_pipes_are_refused() {
    for (kind, said) in [
        (EntryType::Char, "device"),
        (EntryType::Block, "device"),
        (EntryType::Fifo, "pipe"),
        (EntryType::new(b'Z'), "no known kind"),
    ] {
        let archive = Made::new().file("f", b"x").entry(kind, "dev", "", 0, b"").bytes();
        assert!(refused(&archive).contains(said), "{kind:?}");
    }
}

#[test]
fn everything_has_a_bound() {
    // A file that claims more than all may have, and one that is cut short.
    let huge = Made::new().entry(EntryType::Regular, "f", "", MAX_BYTES + 1, b"").bytes();
    assert!(refused(&huge).contains("1024 MB"));
    let short = Made::new().entry(EntryType::Regular, "f", "", 10_000, b"x").bytes();
    assert!(!refused(&short[..600]).is_empty());
    // A long name that is longer than any name: what a few kilobytes of gzip make of it is not read.
    let name =
        Made::new().entry(EntryType::GNULongName, "././@LongLink", "", 100 << 20, &vec![b'x'; 100 << 20]);
    let archive = name.gzipped();
    assert!(archive.len() < 1 << 20, "{}", archive.len());
    assert!(refused(&archive).contains("longer than it may be"));
    // Too many, too deep, too long.
    let many = (0..=MAX_ENTRIES).fold(Made::new(), |made, at| made.file(&format!("f{at}"), b""));
    assert!(refused(&many.gzipped()).contains("20000 files"));
    assert!(refused(&Made::new().file(&"d/".repeat(40), b"").bytes()).contains("no name"));
    for garbage in [&b"no archive at all, whatever its name says"[..], &[0x1f, 0x8b, 8, 0], &[0xff; 2048]] {
        assert!(!refused(garbage).is_empty());
    }
}
