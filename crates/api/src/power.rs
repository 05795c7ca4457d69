use nextboot_model::Power;
use serde::Serialize;
use utoipa::ToSchema;

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
}

impl PowerView {
    pub(crate) fn of(power: &Power) -> Self {
        let secrets = power.secrets();
        Self {
            endpoint: power.clone(),
            has_password: secrets.contains_key("password"),
            vars: secrets.keys().filter_map(|name| name.strip_prefix("var.")).map(str::to_owned).collect(),
        }
    }
}
