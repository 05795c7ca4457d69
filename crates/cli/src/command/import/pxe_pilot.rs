use nextboot_config::{PilotHost, PxePilot};
use nextboot_model::Power;
use serde_json::{Map, Value, json};

use super::{Taking, read_text};
use crate::{args::ImportFile, command::Session, failure::Failure, output};

/// Largest file, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

impl Session {
    pub(super) async fn import_pxe_pilot(&self, from: &ImportFile) -> Result<(), Failure> {
        let text = read_text(&from.file, MAX_FILE)?;
        let pilot = PxePilot::parse(&text, &from.file)
            .map_err(|complaints| Failure::Refused(complaints.to_string()))?;
        let mut taking = Taking::new(self, from.dry_run);
        for host in &pilot.hosts {
            taking.host(&new_host(host)?, &["power"]).await?;
        }
        let toml = pilot.toml();
        let file = from.file.display();
        let notes: Vec<String> =
            pilot.notes.iter().map(|note| format!("{file}:{}: {note}", note.line)).collect();
        if self.json {
            let mut answer = taking.json();
            answer["toml"] = json!(toml);
            answer["notes"] = json!(notes);
            output::json(&answer)?;
        } else {
            let mut text = taking.text();
            if !notes.is_empty() {
                text.push_str(&format!("\nnot taken over:\n  {}\n", notes.join("\n  ")));
            }
            if !toml.is_empty() {
                text.push_str(&format!(
                    "\nThis belongs into nextboot.toml; then restart nextboot:\n\n{toml}"
                ));
            }
            output::print(&text)?;
        }
        taking.outcome()
    }
}

/// A host as the API takes a new one. It has heard nothing yet: what is linked for it in the tree goes on deciding.
fn new_host(host: &PilotHost) -> Result<Value, Failure> {
    let mut new = json!({ "name": host.name, "macs": host.macs, "held": {} });
    if let Some(power) = &host.power {
        new["power"] = with_secrets(power)?;
    }
    Ok(new)
}

/// What switches a machine, with what its serialized form leaves out.
fn with_secrets(power: &Power) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(power).map_err(|error| Failure::Refused(error.to_string()))?;
    let secrets = power.secrets();
    if let Some(password) = secrets.get("password") {
        value["password"] = json!(password.reveal());
    }
    let vars: Map<String, Value> = secrets
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("var.")?.to_owned(), json!(value.reveal()))))
        .collect();
    if !vars.is_empty() {
        value["vars"] = vars.into();
    }
    Ok(value)
}
