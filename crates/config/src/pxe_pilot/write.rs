use std::path::Path;

use toml::Value;

use super::{At, PilotAdapter, PowerCommand, PxePilot};
use crate::{Files, api, power};

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

impl PilotAdapter {
    fn toml(&self) -> String {
        let status = self.status.as_ref();
        let pattern = |at: Option<&At<String>>| at.map(|at| at.value.clone());
        let on_pattern = pattern(status.and_then(|status| status.pattern_on.as_ref()));
        let off_pattern = pattern(status.and_then(|status| status.pattern_off.as_ref()));
        let command =
            |command: Option<&PowerCommand>| command.map(|command| command.command.value.reveal().to_owned());
        // Nothing can be read from what it says.
        let status = status.filter(|_| on_pattern.is_some() || off_pattern.is_some());
        let keys = [
            ("name", Some(self.name.clone())),
            ("status", command(status)),
            ("on_pattern", on_pattern),
            ("off_pattern", off_pattern),
            ("on", command(self.on.as_ref())),
            ("off", command(self.off.as_ref())),
            ("reset", command(self.reset.as_ref())),
        ];
        let mut text = "[[power.adapter]]\n".to_owned();
        for (key, value) in keys {
            text.extend(value.map(|value| format!("{key} = {}\n", quoted(&value))));
        }
        for (name, value) in &self.vars {
            let (name, value) = (quoted(name), quoted(value.value.reveal()));
            text.push_str(&format!("[[power.adapter.vars]]\nname = {name}\nvalue = {value}\n"));
        }
        text.push('\n');
        text
    }
}

impl PxePilot {
    /// What of this belongs into our own configuration, and is no host: as text that can be put there. The commands of
    /// adapters stand in it as they are, with the passwords that they may hold.
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
        // No host can name one that is called otherwise.
        let named = |adapter: &&PilotAdapter| power::is_name(&adapter.name);
        text.extend(self.adapters.iter().filter(named).map(PilotAdapter::toml));
        text
    }
}
