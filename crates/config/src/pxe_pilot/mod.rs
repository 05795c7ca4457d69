//! The configuration of pxe-pilot (`/etc/pxe-pilot/pxe-pilot.yml`, releases 0.1 to 0.7), as it is or to be taken over once.
//!
//! Read from pxe-pilot's source (f9b5611, 2020-04-19). Two layouts of `configuration.directory` are in use and both are read:
//! one directory for each boot loader in `configuration.bootloaders` (since 0.6), and all files flat in it (before).
//!
//! What pxe-pilot took without a word and could not work is a complaint: a MAC address that is none, a name or MAC that two
//! hosts have, `ipmi` beside `management`. What it never read (`arp`, `discovery`, keys that it does not know) is noted.

mod adapter;
mod host;
mod write;

use std::path::{Path, PathBuf};

use nextboot_boot::ProfileDir;

pub use self::{
    adapter::{At, PilotAdapter, PowerCommand},
    host::PilotHost,
};
use crate::{
    Complaint, Complaints,
    yaml::{self, Item, Table},
};

/// Most boot loaders.
const MAX_BOOTLOADERS: usize = 16;
/// Longest name of a boot loader, and of a file, in bytes.
const MAX_NAME: usize = 255;

/// What pxe-pilot's configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PxePilot {
    /// The machines, in the order of the file.
    pub hosts: Vec<PilotHost>,
    /// `host_management_adapters`: commands that switch machines.
    pub adapters: Vec<PilotAdapter>,
    /// `tftp.root`: the directory that the TFTP server serves.
    pub root: Option<PathBuf>,
    /// `configuration.directory`: where the configurations are, and the line that says so.
    pub directory: Option<(PathBuf, usize)>,
    /// `configuration.bootloaders`, in the order of the file.
    pub bootloaders: Vec<Bootloader>,
    /// `server.port`: where the API listens, and the line that says so.
    pub port: Option<(u16, usize)>,
    /// What is in the file and not taken over, with its lines.
    pub notes: Vec<Complaint>,
}

/// A boot loader of pxe-pilot: a word for the configurations that stand in the directory of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootloader {
    /// Its name, and that of its directory beneath `configuration.directory`.
    pub name: String,
    /// The file that machines load; only shown.
    pub file: String,
    /// Where it looks for its configuration; only shown.
    pub config_path: String,
}

impl PxePilot {
    /// Reads the text of such a file; `file` is for the complaints and not opened.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Complaints> {
        match yaml::read(text, Self::read) {
            Ok((read, notes)) => {
                let wrong: Vec<Complaint> =
                    read.adapters.iter().filter_map(|adapter| adapter.commands().err()).collect();
                if wrong.is_empty() { Ok(Self { notes, ..read }) } else { Err(Complaints::new(file, wrong)) }
            }
            Err(complaints) => Err(Complaints::new(file, complaints)),
        }
    }

    fn read(top: &mut Table<'_>) -> Self {
        let adapters: Vec<PilotAdapter> = list(top, "host_management_adapters", adapter::read);
        let hosts = host::read_all(top, &adapters);
        let root = top.table("tftp", |tftp| tftp.get("root", directory));
        let (directory, bootloaders) = top.table("configuration", |configuration| {
            let found = configuration.get("directory", |item| Some((directory(item)?, item.line())));
            let loaders = configuration.item("bootloaders").map(|item| bootloaders(&item));
            (found, loaders.unwrap_or_default())
        });
        let port = top.table("server", |server| {
            server.get("port", |item| {
                let port = item.parse("use a port, e.g. 3478")?;
                if port == 0 {
                    item.wrong("use 1 to 65535; 3478 is the usual one")
                } else {
                    Some((port, item.line()))
                }
            })
        });
        for key in ["discovery", "arp"] {
            if let Some(item) = top.item(key) {
                item.note("pxe-pilot never read this; nextboot finds controllers by itself");
            }
        }
        Self { hosts, adapters, root, directory, bootloaders, port, notes: Vec::new() }
    }

    /// The directories of configurations beneath one of these roots, those of boot loaders first.
    ///
    /// # Errors
    /// That they are beneath no root: such files could not be served.
    pub fn profile_dirs(&self, roots: &[PathBuf], file: &Path) -> Result<Vec<ProfileDir>, Complaints> {
        let Some((directory, line)) = &self.directory else { return Ok(Vec::new()) };
        let wrong = |remedy: String| {
            let key = "configuration.directory".to_owned();
            let value = Some(format!("{:?}", directory.display().to_string()));
            Complaints::new(file, vec![Complaint { line: *line, key, value, remedy }])
        };
        let beneath = roots.iter().find_map(|root| directory.strip_prefix(root).ok());
        let Some(beneath) = beneath.filter(|beneath| !beneath.as_os_str().is_empty()) else {
            let roots: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
            return Err(wrong(format!(
                "this is no directory beneath the served {}; name the directory above it in tftp.root, or in [tftp] roots \
                 of nextboot.toml",
                roots.join(", ")
            )));
        };
        let beneath = beneath.to_string_lossy();
        let loaders = self.bootloaders.iter().map(|loader| format!("{beneath}/{}", loader.name));
        let directories = loaders.chain([beneath.to_string()]);
        directories
            .map(|directory| {
                directory.parse().map_err(|error: nextboot_boot::BadProfileDir| wrong(error.to_string()))
            })
            .collect()
    }
}

/// Reads each of several tables; those that are wrong are left out, with a complaint.
fn list<'a, T>(
    table: &mut Table<'a>,
    key: &'static str,
    mut read: impl FnMut(&mut Table<'a>) -> Option<T>,
) -> Vec<T> {
    let items = table.item(key).map(|item| item.list()).unwrap_or_default();
    items.iter().filter_map(|item| item.as_table(&mut read)).collect()
}

/// A text of one line; an empty one is none.
fn line<'a>(item: &Item<'a>, longest: usize) -> Option<&'a str> {
    let text = item.text()?.trim();
    if text.is_empty() {
        return None;
    }
    if text.len() > longest || text.contains(char::is_control) {
        return item.wrong(format!("use one line of at most {longest} bytes"));
    }
    Some(text)
}

fn directory(item: &Item<'_>) -> Option<PathBuf> {
    let path = Path::new(line(item, 4096)?);
    if !path.is_absolute() {
        return item.wrong("use a whole path, from / on");
    }
    // As the text of a path has it; a slash at the end means nothing.
    Some(path.components().collect())
}

fn bootloaders(item: &Item<'_>) -> Vec<Bootloader> {
    let items = item.list();
    if items.len() > MAX_BOOTLOADERS {
        item.wrong::<()>(format!("at most {MAX_BOOTLOADERS} boot loaders"));
        return Vec::new();
    }
    let read = |table: &mut Table<'_>| {
        let text = |item: Option<Item<'_>>| {
            item.and_then(|item| line(&item, MAX_NAME).map(str::to_owned)).unwrap_or_default()
        };
        let name = table.item("name");
        let (file, config_path) = (text(table.item("file")), text(table.item("config_path")));
        let Some(name) = name else {
            return table.missing("name", "it is also the name of the directory with its configurations");
        };
        let is_directory = |text: &str| !matches!(text, "." | "..") && !text.contains(['/', '\\', '*', ':']);
        match line(&name, MAX_NAME) {
            Some(text) if is_directory(text) => Some(Bootloader { name: text.to_owned(), file, config_path }),
            _ => name.wrong("use the name of a directory in configuration.directory, e.g. pxelinux"),
        }
    };
    items.iter().filter_map(|item| item.as_table(read)).collect()
}

#[cfg(test)]
mod tests;
