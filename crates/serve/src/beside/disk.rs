use std::{
    collections::HashMap,
    io::Read as _,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use nextboot_config::dnsmasq::{Source, Text, is_passed_over};

use crate::appliance::Mutex;

/// Longest file, in bytes: hosts files that list every advertiser of the world have a few million.
const MAX_FILE: u64 = 32 * 1024 * 1024;
/// Most files of one directory.
const MAX_FILES: usize = 4096;

/// The files, each as it was when it was first read since [`Disk::forget`]; those of watched directories as they are.
#[derive(Debug)]
pub(super) struct Disk(Mutex<HashMap<PathBuf, Result<Vec<Text>, String>>>);

impl Default for Disk {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl Disk {
    /// Reads files anew from now on.
    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }
}

impl Source for Disk {
    fn read(&self, path: &Path, watched: bool) -> Result<Vec<Text>, String> {
        if watched {
            return texts(path);
        }
        self.0.lock().entry(path.to_owned()).or_insert_with(|| texts(path)).clone()
    }
}

fn texts(path: &Path) -> Result<Vec<Text>, String> {
    let kind = std::fs::metadata(path).map_err(|error| error.to_string())?;
    // Opening one waits for somebody who writes into it, maybe for ever, and a reload with it.
    if kind.file_type().is_fifo() {
        return Err("it is a FIFO; a file is wanted".into());
    }
    if !kind.is_dir() {
        return Ok(vec![(path.to_owned(), text(path)?)]);
    }
    files_of(path)?.into_iter().map(|file| Ok((file.clone(), text(&file)?))).collect()
}

/// The files of a directory that dnsmasq would read, by their names.
pub(super) fn files_of(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(directory).map_err(|error| error.to_string())?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| !is_passed_over(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .take(MAX_FILES + 1)
        .collect();
    if files.len() > MAX_FILES {
        return Err(format!("there are more than {MAX_FILES} files"));
    }
    files.sort_unstable();
    Ok(files)
}

fn text(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("it is longer than {MAX_FILE} bytes"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn nobody_waits_for_the_writer_of_a_fifo() {
        let place = tempfile::tempdir().unwrap();
        let fifo = place.path().join("hosts");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let error = Disk::default().read(&fifo, false).unwrap_err();
        assert!(error.contains("FIFO"), "{error}");
        assert_eq!(texts(Path::new("/dev/null")).unwrap(), [(PathBuf::from("/dev/null"), String::new())]);
    }
}
