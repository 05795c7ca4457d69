//! Commands of the site's own that switch machines.

mod template;

use std::{collections::BTreeMap, path::PathBuf};

use nextboot_model::{PowerAction, PowerState, Secret};
use regex::{Regex, RegexBuilder};

use crate::{PowerError, Settings, child};
pub use template::{BadTemplate, Template, Values};

/// Most memory that a pattern may need, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// Shortest word of a site's own value that is taken for a secret, in bytes.
const SHORTEST_OWN: usize = 6;

/// What a site says of one way to switch machines. Everything but the name may be missing.
#[derive(Debug, Clone, Default)]
pub struct Adapter {
    /// What hosts call it.
    pub name: String,
    /// Values that are made of the host's, in this order; each sees those before it.
    pub vars: Vec<(String, Template)>,
    /// The command whose output tells whether a machine is on.
    pub status: Option<Template>,
    /// What that output has in it when the machine is on.
    pub on_pattern: Option<Regex>,
    /// And when it is off.
    pub off_pattern: Option<Regex>,
    /// The command that switches on.
    pub on: Option<Template>,
    /// The command that switches off.
    pub off: Option<Template>,
    /// The command that resets.
    pub reset: Option<Template>,
    /// The command that has the machine boot from the network at its next start.
    pub boot_network: Option<Template>,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a regular expression: {0}")]
pub struct BadAdapter(String);

impl Adapter {
    /// Reads a pattern: RE2's syntax, which pxe-pilot's have, too.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn pattern(text: &str) -> Result<Regex, BadAdapter> {
        let built = RegexBuilder::new(text).size_limit(MAX_PATTERN).build();
        built.map_err(|error| {
            BadAdapter(error.to_string().lines().last().unwrap_or_default().trim().to_owned())
        })
    }
}

/// An adapter with what it is told of one host.
#[derive(Debug)]
pub(crate) struct Commands<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) adapter: &'a Adapter,
    pub(crate) address: Option<&'a str>,
    pub(crate) vars: &'a BTreeMap<String, Secret>,
}

impl Commands<'_> {
    pub(crate) fn place(&self) -> String {
        match self.address {
            Some(address) => format!("adapter {} for {address}", self.adapter.name),
            None => format!("adapter {}", self.adapter.name),
        }
    }

    fn values(&self) -> Result<Values, PowerError> {
        let one = |(name, value): (&String, &Secret)| (name.clone(), vec![value.reveal().to_owned()]);
        let mut values: Values = self.vars.iter().map(one).collect();
        if let Some(address) = self.address {
            values.insert("ip_address".into(), vec![address.to_owned()]);
        }
        for (name, template) in &self.adapter.vars {
            let value = template.render(&values).map_err(PowerError::NoValue)?;
            values.insert(name.clone(), value);
        }
        Ok(values)
    }

    async fn run(&self, template: &Template) -> Result<child::Output, PowerError> {
        let values = self.values()?;
        let words = template.render(&values).map_err(PowerError::NoValue)?;
        let Some((program, arguments)) = words.split_first() else {
            return Err(PowerError::Refused { place: self.place(), why: "its command is empty".into() });
        };
        let secrets = self.secrets(&values);
        let (limit, place) = (self.settings.limit, self.place());
        child::run(&PathBuf::from(program), arguments, &[], &secrets, limit, &place).await
    }

    /// What must not be repeated: the host's values, and what the site keeps in values of its own, where it could be a
    /// password.
    fn secrets(&self, values: &Values) -> Vec<Secret> {
        let own = self.adapter.vars.iter().filter_map(|(name, _)| values.get(name));
        let words = own.flat_map(|words| words.iter().skip(usize::from(words.len() > 1)));
        let may_be = |word: &&String| {
            word.len() >= SHORTEST_OWN && !word.starts_with('-') && self.address != Some(word.as_str())
        };
        self.vars.values().cloned().chain(words.filter(may_be).map(Secret::new)).collect()
    }

    async fn switch(&self, template: &Template) -> Result<(), PowerError> {
        let output = self.run(template).await?;
        if output.status.success() {
            return Ok(());
        }
        Err(PowerError::Refused { place: self.place(), why: output.complaint() })
    }

    pub(crate) async fn status(&self) -> Result<PowerState, PowerError> {
        let Some(status) = &self.adapter.status else { return Ok(PowerState::Unknown) };
        let output = self.run(status).await?;
        let says =
            |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(&output.out));
        if says(&self.adapter.on_pattern) {
            Ok(PowerState::On)
        } else if says(&self.adapter.off_pattern) {
            Ok(PowerState::Off)
        } else if output.status.success() {
            Ok(PowerState::Unknown)
        } else {
            Err(PowerError::Refused { place: self.place(), why: output.complaint() })
        }
    }

    pub(crate) async fn on(&self) -> Result<(), PowerError> {
        self.switch(self.need(self.adapter.on.as_ref(), PowerAction::On, "on")?).await
    }

    pub(crate) async fn off(&self) -> Result<(), PowerError> {
        self.switch(self.need(self.adapter.off.as_ref(), PowerAction::Off, "off")?).await
    }

    /// Off and on where there is no command for it: a socket strip has no reset button.
    pub(crate) async fn reset(&self) -> Result<(), PowerError> {
        match (&self.adapter.reset, &self.adapter.off, &self.adapter.on) {
            (None, Some(off), Some(on)) => {
                self.switch(off).await?;
                self.switch(on).await
            }
            (reset, ..) => self.switch(self.need(reset.as_ref(), PowerAction::Reset, "reset")?).await,
        }
    }

    /// What cannot be told to boot from the network is taken to do so by itself: that is how its firmware is set up.
    pub(crate) async fn boot_network(&self) -> Result<(), PowerError> {
        match &self.adapter.boot_network {
            Some(command) => self.switch(command).await,
            None => Ok(()),
        }
    }

    fn need<'t>(
        &self,
        template: Option<&'t Template>,
        action: PowerAction,
        key: &str,
    ) -> Result<&'t Template, PowerError> {
        template.ok_or_else(|| PowerError::Cannot {
            kind: self.place(),
            action,
            remedy: format!("; give its [[power.adapter]] a command {key}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(status: &str) -> Adapter {
        let template = |text: &str| Template::command(text).unwrap();
        Adapter {
            name: "pdu".into(),
            vars: vec![
                ("place".into(), Template::value("{{.ip_address}}:{{.port}}").unwrap()),
                ("whole".into(), Template::value("http://{{.place}}/").unwrap()),
            ],
            status: Some(template(status)),
            on_pattern: Some(Adapter::pattern("(?i)power: on$").unwrap()),
            off_pattern: Some(Adapter::pattern("^Power: off").unwrap()),
            on: Some(template("test {{.whole}} = http://10.0.9.1:7/")),
            ..Adapter::default()
        }
    }

    fn vars(port: &str) -> BTreeMap<String, Secret> {
        BTreeMap::from([("port".into(), Secret::new(port))])
    }

    #[tokio::test]
    async fn values_are_made_of_values_in_their_order() {
        let (settings, vars) = (Settings::default(), vars("7"));
        let adapter = adapter("printf 'Power: %s' off");
        let commands =
            Commands { settings: &settings, adapter: &adapter, address: Some("10.0.9.1"), vars: &vars };
        commands.on().await.unwrap();
        assert_eq!(commands.status().await, Ok(PowerState::Off));
        let error = commands.off().await.unwrap_err();
        assert_eq!(error.code(), "cannot");
        let lost = Commands { address: None, ..commands };
        assert_eq!(lost.on().await, Err(PowerError::NoValue("ip_address".into())));
    }

    #[tokio::test]
    async fn a_command_that_fails_says_why_without_what_it_was_told() {
        let (settings, vars) = (Settings::default(), vars("s3cr3t"));
        let adapter = adapter("sh -c 'echo no {{.whole}} >&2; exit 1'");
        let commands =
            Commands { settings: &settings, adapter: &adapter, address: Some("10.0.9.1"), vars: &vars };
        let error = commands.status().await.unwrap_err().to_string();
        assert!(error.starts_with("adapter pdu for 10.0.9.1: no "), "{error}");
        assert!(!error.contains("s3cr3t"), "{error}");
    }

    #[test]
    fn patterns_are_checked() {
        assert!(Adapter::pattern("(").unwrap_err().to_string().contains("unclosed group"));
        assert!(Adapter::pattern("(a{1000}){1000}").is_err());
    }
}
