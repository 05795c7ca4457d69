use nextboot_model::{Power, PowerState, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::PowerKnown;

/// What switches a host, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Power)]
pub(crate) struct PowerView {
    /// `kind` is `ipmi`, `redfish`, `wol` or `command`; what else there is depends on it, and is what the call that set it
    /// gave, without `password` and `vars`.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    #[serde(flatten)]
    endpoint: Power,
    /// Whether it has a password. Nobody is ever told which.
    has_password: bool,
    /// The names of what a command adapter is told of the host; the values are secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vars: Vec<String>,
    /// `on`, `off` or `unknown`, as it was seen last.
    #[schema(value_type = String)]
    state: PowerState,
    /// When that was.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<Timestamp>,
    /// Where its controller is: the address it was given, or the one that was found for its MAC address.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl PowerView {
    pub(crate) fn of(power: &Power, known: PowerKnown) -> Self {
        let secrets = power.secrets();
        Self {
            endpoint: power.clone(),
            has_password: secrets.contains_key("password"),
            vars: secrets.keys().filter_map(|name| name.strip_prefix("var.")).map(str::to_owned).collect(),
            state: known.state,
            seen: known.seen,
            at: known.address,
        }
    }
}
