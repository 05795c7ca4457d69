use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead as _, BufReader, Read},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use super::{
    BadArchive,
    links::{Kind, stays_inside},
    metered::{Meter, Metered},
};

/// Most bytes of all files together. Debian 12's has 55 MB, that with the graphical installer 110.
const MAX_BYTES: u64 = 1 << 30;
/// Most files, directories and links. Debian 12's has 300.
const MAX_ENTRIES: usize = 20_000;
/// Longest name, and longest target of a link, in bytes.
const MAX_NAME: usize = 1024;
/// Most directories in one another.
const MAX_DEPTH: usize = 32;
/// Most bytes of headers before one entry, long names among them.
const MAX_HEADERS: u64 = 64 * 1024;

/// What was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub(crate) entries: usize,
    pub(crate) bytes: u64,
}

/// Unpacks an archive, with gzip around it or without, into an empty directory that nobody else writes to.
pub(crate) fn unpack(archive: impl Read, into: &Path) -> Result<Unpacked, BadArchive> {
    let mut archive = BufReader::new(archive);
    let begins = archive.fill_buf().map_err(BadArchive::Unreadable)?;
    let reader: Box<dyn Read> = match begins {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(archive)),
        _ => Box::new(archive),
    };
    let meter = Meter::default();
    let mut archive = Archive::new(Metered::new(reader, meter.clone()));
    let mut into = Unpacking { directory: into, all: BTreeMap::new(), bytes: 0 };
    meter.allow(MAX_HEADERS);
    for entry in archive.entries().map_err(BadArchive::Unreadable)? {
        let mut entry = entry.map_err(BadArchive::Unreadable)?;
        // Its content, and what fills it up to whole blocks.
        meter.allow(entry.size().min(MAX_BYTES).saturating_add(MAX_HEADERS));
        into.take(&mut entry)?;
        meter.allow(MAX_HEADERS);
    }
    into.link()?;
    Ok(Unpacked { entries: into.all.len(), bytes: into.bytes })
}

struct Unpacking<'a> {
    directory: &'a Path,
    all: BTreeMap<String, Kind>,
    bytes: u64,
}

impl Unpacking<'_> {
    fn take(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), BadArchive> {
        let Some(name) = clean(&entry.path_bytes())? else { return Ok(()) };
        match entry.header().entry_type() {
            EntryType::Directory => self.directory(&name),
            EntryType::Regular | EntryType::Continuous => {
                self.bytes = self.bytes.saturating_add(entry.size());
                if self.bytes > MAX_BYTES {
                    return Err(BadArchive::TooMuch(format!("{} MB", MAX_BYTES >> 20)));
                }
                self.place(&name, Kind::File)?;
                self.write(&name, entry)
            }
            EntryType::Symlink => {
                let target = text(&entry.link_name_bytes().unwrap_or_default())?;
                self.place(&name, Kind::Link(target))
            }
            EntryType::Link => {
                let target = text(&entry.link_name_bytes().unwrap_or_default())?;
                let from = clean(target.as_bytes())?.filter(|from| self.all.get(from) == Some(&Kind::File));
                let Some(from) = from else { return Err(BadArchive::HardLink { name, target }) };
                self.place(&name, Kind::File)?;
                let to = self.directory.join(&name);
                fs::hard_link(self.directory.join(from), &to)
                    .map_err(|error| BadArchive::Write { path: to, error })
            }
            other => Err(BadArchive::Kind { name, kind: kind(other) }),
        }
    }

    /// Takes note of something at a name, and makes the directories that it lies in. Links are made last, so what is beneath a
    /// name here is what we made.
    fn place(&mut self, name: &str, kind: Kind) -> Result<(), BadArchive> {
        if let Some((above, _)) = name.rsplit_once('/') {
            self.directory(above)?;
        }
        self.note(name, kind)
    }

    fn note(&mut self, name: &str, kind: Kind) -> Result<(), BadArchive> {
        if self.all.len() >= MAX_ENTRIES {
            return Err(BadArchive::TooMuch(format!("{MAX_ENTRIES} files")));
        }
        match self.all.insert(name.to_owned(), kind) {
            None => Ok(()),
            Some(_) => Err(BadArchive::Twice { name: name.to_owned() }),
        }
    }

    fn directory(&mut self, name: &str) -> Result<(), BadArchive> {
        match self.all.get(name) {
            Some(Kind::Directory) => return Ok(()),
            Some(_) => return Err(BadArchive::Twice { name: name.to_owned() }),
            None => {}
        }
        if let Some((above, _)) = name.rsplit_once('/') {
            self.directory(above)?;
        }
        self.note(name, Kind::Directory)?;
        let path = self.directory.join(name);
        let made = fs::create_dir(&path).and_then(|()| mode(&path, 0o755));
        made.map_err(|error| BadArchive::Write { path, error })
    }

    fn write(&self, name: &str, entry: &mut impl Read) -> Result<(), BadArchive> {
        let path = self.directory.join(name);
        let wrong = |error| BadArchive::Write { path: path.clone(), error };
        let mut file = fs::File::create_new(&path).map_err(wrong)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = entry.read(&mut buffer).map_err(BadArchive::Unreadable)?;
            if read == 0 {
                break;
            }
            io::Write::write_all(&mut file, buffer.get(..read).unwrap_or_default()).map_err(wrong)?;
        }
        mode(&path, 0o644).map_err(wrong)
    }

    /// Makes the symbolic links, each of which stays inside.
    fn link(&self) -> Result<(), BadArchive> {
        for (name, kind) in &self.all {
            let Kind::Link(target) = kind else { continue };
            if target.is_empty() || !stays_inside(&self.all, name) {
                return Err(BadArchive::Outside { name: format!("{name} -> {target}") });
            }
            let path = self.directory.join(name);
            symlink(target, &path).map_err(|error| BadArchive::Write { path, error })?;
        }
        Ok(())
    }
}

fn mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn text(bytes: &[u8]) -> Result<String, BadArchive> {
    let shown = || String::from_utf8_lossy(bytes).chars().take(80).collect();
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= MAX_NAME && !text.contains(|c: char| c.is_control() || c == '\\') => {
            Ok(text.to_owned())
        }
        _ => Err(BadArchive::Name { name: shown() }),
    }
}

/// A name without `.`; nothing for the archive's own directory.
fn clean(bytes: &[u8]) -> Result<Option<String>, BadArchive> {
    let name = text(bytes)?;
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if name.starts_with('/') || parts.contains(&"..") {
        return Err(BadArchive::Outside { name });
    }
    if parts.len() > MAX_DEPTH || parts.iter().any(|part| part.len() > 255) {
        return Err(BadArchive::Name { name });
    }
    Ok(Some(parts.join("/")).filter(|name| !name.is_empty()))
}

fn kind(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Block | EntryType::Char => "device",
        EntryType::Fifo => "pipe",
        EntryType::GNUSparse => "file with holes",
        _ => "thing of no known kind",
    }
}

#[cfg(test)]
mod tests;
