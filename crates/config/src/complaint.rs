use std::{
    fmt,
    path::{Path, PathBuf},
};

/// One thing that is wrong in a configuration, and what would be right.
///
/// Written as `dhcp.mode = "severs": use "server", "proxy" or "off"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The line it is about, from 1.
    pub line: usize,
    /// The key with the tables it stands in, e.g. `dhcp.subnet.pool`; empty when the text is no TOML.
    pub key: String,
    /// The value as it is written in the file, shortened; nothing when it is missing.
    pub value: Option<String>,
    /// What is wrong and what would be right.
    pub remedy: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.as_str(), &self.value) {
            ("", _) => {}
            (key, Some(value)) => write!(out, "{key} = {value}: ")?,
            (key, None) => write!(out, "{key}: ")?,
        }
        out.write_str(&self.remedy)
    }
}

/// Everything that is wrong in a configuration, in the order of the lines. Never empty.
///
/// Prints one complaint per line, as `FILE:LINE: COMPLAINT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaints {
    file: PathBuf,
    list: Vec<Complaint>,
}

impl Complaints {
    pub(crate) fn new(file: &Path, mut list: Vec<Complaint>) -> Self {
        list.sort_by_key(|complaint| complaint.line);
        Self { file: file.to_owned(), list }
    }

    /// The file they are about.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The complaints, in the order of the lines.
    #[must_use]
    pub fn list(&self) -> &[Complaint] {
        &self.list
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, complaint) in self.list.iter().enumerate() {
            if at > 0 {
                out.write_str("\n")?;
            }
            write!(out, "{}:{}: {complaint}", self.file.display(), complaint.line)?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaints {}
