use std::path::Path;

use toml::Value;

use super::PxePilot;
use crate::{Files, api};

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

impl PxePilot {
    /// What of this belongs into our own configuration, and is no host: as text that can be put there.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut text = String::new();
        let usual = Files::default().roots;
        let roots = self.root.iter().cloned().collect::<Vec<_>>();
        if let Some(root) = self.root.as_deref().filter(|root| usual != [root.to_path_buf()]) {
            text.push_str(&format!("[tftp]\nroots = [{}]\n\n", quoted(&root.display().to_string())));
        }
        if let Some((port, _)) = self.port.filter(|(port, _)| *port != api::PORT) {
            text.push_str(&format!("[api]\nport = {port}\n\n"));
        }
        let roots = if roots.is_empty() { usual } else { roots };
        // Where they are beneath no root, whoever starts the server with them is told.
        let directories = self.profile_dirs(&roots, Path::new("")).unwrap_or_default();
        let known = nextboot_boot::ProfileDirs::default();
        if directories.iter().any(|directory| !known.iter().any(|known| known == directory)) {
            let all = directories.iter().chain(known.iter().filter(|known| !directories.contains(known)));
            let all: Vec<String> = all.map(|directory| quoted(&directory.to_string())).collect();
            text.push_str(&format!("[boot]\nprofile_dirs = [{}]\n\n", all.join(", ")));
        }
        text
    }
}
