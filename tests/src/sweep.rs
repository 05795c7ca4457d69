//! Clearing away what tests left behind that were killed before they could clean up.

use std::fs;
use std::path::Path;
use std::sync::Once;

use crate::namespace::{PREFIX, remove};

/// Removes the namespaces and scratch directories of laboratories whose process is no more. Once per process.
pub(crate) fn sweep_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for name in leftovers(Path::new("/run/netns")) {
            // Another test may sweep at the same moment; whoever is second finds nothing.
            let _ = remove(&name);
        }
        for name in leftovers(&std::env::temp_dir()) {
            let _ = fs::remove_dir_all(std::env::temp_dir().join(name));
        }
    });
}

fn leftovers(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        // A zombie has no `exe`.
        .filter(|name| owner(name).is_some_and(|pid| !Path::new(&format!("/proc/{pid}/exe")).exists()))
        .collect()
}

/// The process that made `nb-<pid>-<anything>`.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_laboratory_have_an_owner() {
        assert_eq!(owner("nb-123-0"), Some(123));
        assert_eq!(owner("nb-123-a.b"), Some(123));
        assert_eq!(owner("nb-demo-1"), None);
        assert_eq!(owner("other"), None);
    }
}
