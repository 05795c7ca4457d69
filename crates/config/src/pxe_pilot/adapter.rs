use std::{collections::BTreeSet, fmt::Display};

use nextboot_model::Secret;
use nextboot_power::{Adapter, Template};

use super::line;
use crate::{
    Complaint,
    yaml::{Item, Table},
};

/// Longest command, pattern or value, in bytes.
const MAX_TEXT: usize = 4096;
/// Most variables of an adapter.
const MAX_VARS: usize = 64;

/// A value, and the line of the file where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The line.
    pub line: usize,
    /// The value.
    pub value: T,
}

/// Commands that switch a kind of machine. All are Go templates in which only `{{.NAME}}` is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PilotAdapter {
    /// Its name, by which hosts name it.
    pub name: String,
    /// Variables of its own, rendered in this order, each from those before it and the host's. May hold passwords.
    pub vars: Vec<(String, At<Secret>)>,
    /// How to see whether a machine is on.
    pub status: Option<PowerCommand>,
    /// How to switch one on.
    pub on: Option<PowerCommand>,
    /// How to switch one off.
    pub off: Option<PowerCommand>,
    /// How to reset one.
    pub reset: Option<PowerCommand>,
}

/// A command, and what its output says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerCommand {
    /// The command line. May hold passwords.
    pub command: At<Secret>,
    /// What is in its output when the machine is on: a regular expression.
    pub pattern_on: Option<At<String>>,
    /// What is in its output when the machine is off: a regular expression.
    pub pattern_off: Option<At<String>>,
}

pub(super) fn read(adapter: &mut Table<'_>) -> Option<PilotAdapter> {
    let vars = vars(adapter);
    let [status, on, off, reset] =
        ["power_status", "power_on", "power_off", "power_reset"].map(|key| command(adapter, key));
    let Some(name) = adapter.get("name", |item| line(item, 64).map(str::to_owned)) else {
        return adapter.missing("name", "hosts name it in management.adapter");
    };
    Some(PilotAdapter { name, vars: vars?, status, on, off, reset })
}

/// Lists of `{name, value}`, as adapters and hosts have them; nothing when one is wrong.
pub(super) fn vars(table: &mut Table<'_>) -> Option<Vec<(String, At<Secret>)>> {
    let Some(item) = table.item("vars") else { return Some(Vec::new()) };
    let items = item.list();
    if items.len() > MAX_VARS {
        return item.wrong(format!("at most {MAX_VARS} variables"));
    }
    let mut names = BTreeSet::new();
    let mut read = |table: &mut Table<'_>| {
        let value = table.item("value").map(|item| match item.as_text() {
            Some(text) if text.len() <= MAX_TEXT && !text.contains('\0') => {
                Some(At { line: item.line(), value: Secret::new(text) })
            }
            _ => item.wrong_secret(format!("use a text of at most {MAX_TEXT} bytes")),
        });
        let name = table.get("name", |item| {
            let (line, name) = (item.line(), item.text()?);
            let sound = (1..=64).contains(&name.len())
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !sound {
                return item.wrong("use letters, digits and _, as in {{.username}}");
            }
            if !names.insert(name.to_owned()) {
                return item.wrong("a variable of this name is there already");
            }
            Some(At { line, value: name.to_owned() })
        });
        match (name, value) {
            (Some(name), None) => Some((name.value, At { line: name.line, value: Secret::new("") })),
            (Some(name), Some(value)) => Some((name.value, value?)),
            (None, _) => None,
        }
    };
    let read: Vec<Option<_>> = items.iter().map(|item| item.as_table(&mut read)).collect();
    read.into_iter().collect()
}

fn command(adapter: &mut Table<'_>, key: &'static str) -> Option<PowerCommand> {
    let item = adapter.item(key)?;
    item.as_table(|table| {
        let text = |item: &Item<'_>| {
            line(item, MAX_TEXT).map(|text| At { line: item.line(), value: text.to_owned() })
        };
        // Patterns are only those of the status; anywhere else pxe-pilot reads none.
        let (pattern_on, pattern_off) = match key {
            "power_status" => (table.get("pattern_on", text), table.get("pattern_off", text)),
            _ => (None, None),
        };
        let command = table.get("cmd", |item| match item.as_text() {
            Some(text) if text.len() <= MAX_TEXT && !text.contains('\0') && !text.trim().is_empty() => {
                Some(At { line: item.line(), value: Secret::new(text.trim()) })
            }
            _ => item.wrong_secret(format!("use a command of at most {MAX_TEXT} bytes")),
        })?;
        Some(PowerCommand { command, pattern_on, pattern_off })
    })
}

impl PilotAdapter {
    /// The same for whoever runs the commands.
    ///
    /// # Errors
    /// Which part cannot be understood, and why.
    pub(crate) fn commands(&self) -> Result<Adapter, Complaint> {
        let wrong = |line: usize, key: &str, why: &dyn Display| {
            let key = format!("host_management_adapters {}.{key}", self.name);
            // They may hold passwords, and are not repeated.
            Complaint { line, key, value: None, remedy: why.to_string() }
        };
        let command = |key: &str, command: &Option<PowerCommand>| {
            let read = |PowerCommand { command, .. }: &PowerCommand| {
                Template::command(command.value.reveal()).map_err(|why| wrong(command.line, key, &why))
            };
            command.as_ref().map(read).transpose()
        };
        let pattern = |key: &str, pattern: Option<&At<String>>| {
            let read = |pattern: &At<String>| {
                Adapter::pattern(&pattern.value).map_err(|why| wrong(pattern.line, key, &why))
            };
            pattern.map(read).transpose()
        };
        let var = |(name, value): &(String, At<Secret>)| {
            let read = Template::value(value.value.reveal());
            Ok((name.clone(), read.map_err(|why| wrong(value.line, &format!("vars {name}"), &why))?))
        };
        let status = self.status.as_ref();
        Ok(Adapter {
            name: self.name.clone(),
            vars: self.vars.iter().map(var).collect::<Result<_, _>>()?,
            status: command("power_status", &self.status)?,
            on_pattern: pattern(
                "power_status.pattern_on",
                status.and_then(|status| status.pattern_on.as_ref()),
            )?,
            off_pattern: pattern(
                "power_status.pattern_off",
                status.and_then(|status| status.pattern_off.as_ref()),
            )?,
            on: command("power_on", &self.on)?,
            off: command("power_off", &self.off)?,
            reset: command("power_reset", &self.reset)?,
            boot_network: None,
        })
    }
}
