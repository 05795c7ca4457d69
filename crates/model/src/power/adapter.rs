use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BadPower, Place, Secret};
use crate::{MAX_VAR_NAME, MAX_VAR_VALUE, MAX_VARS};

/// Longest name of a command adapter, in bytes.
pub const MAX_ADAPTER_NAME: usize = 64;

/// Commands that the configuration names, and what they are told of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adapter {
    /// The name of a `[[power.adapter]]`.
    pub adapter: String,
    /// Where that is which the commands talk to; they see its address as `{{.ip_address}}`.
    #[serde(flatten)]
    pub place: Place,
    /// What the commands see as `{{.NAME}}`. Secret: passwords are what these are for.
    #[serde(skip_serializing)]
    pub vars: BTreeMap<String, Secret>,
}

impl Adapter {
    pub(super) fn check(&self) -> Result<(), BadPower> {
        let named = |name: &str, longest: usize| {
            (1..=longest).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        };
        if !named(&self.adapter, MAX_ADAPTER_NAME) {
            return Err(BadPower::new("adapter", "use the name of a [[power.adapter]] of the configuration"));
        }
        self.place.check()?;
        let sound = |name: &str| {
            (1..=MAX_VAR_NAME).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        let odd = self.vars.iter().any(|(name, value)| {
            !sound(name) || value.reveal().len() > MAX_VAR_VALUE || value.reveal().contains('\0')
        });
        if odd || self.vars.len() > MAX_VARS {
            return Err(BadPower::new(
                "vars",
                format!(
                    "there may be {MAX_VARS} variables, named with letters, digits and '_', of at most {MAX_VAR_VALUE} bytes \
                     each"
                ),
            ));
        }
        Ok(())
    }
}
