use std::path::{Path, PathBuf};

/// A text and where it came from.
pub type Text = (PathBuf, String);

/// Gives the files that dnsmasq's configuration names.
pub trait Source {
    /// The text of a file; of a directory those of its files, by their names. `watched` is true for directories whose files
    /// dnsmasq takes as they come, without a signal.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn read(&self, path: &Path, watched: bool) -> Result<Vec<Text>, String>;
}

/// The names that dnsmasq passes over in a directory: what editors leave, and what is hidden.
pub fn is_passed_over(name: &str) -> bool {
    name.is_empty()
        || name.ends_with('~')
        || name.starts_with('.')
        || (name.starts_with('#') && name.ends_with('#'))
}
