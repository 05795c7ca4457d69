use nextboot_model::{HostName, PowerAction, PowerState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::PowerOutcome;

/// What came of it for one host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PowerResult {
    #[schema(value_type = String)]
    host: HostName,
    /// Whether it was done.
    ok: bool,
    /// What it is now, as far as is known: `on`, `off` or `unknown`.
    #[schema(value_type = String)]
    state: PowerState,
    /// What it was before, where that was looked at.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<PowerState>,
    /// What was really done: `on` for a machine that was to be cycled and was off.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    did: Option<PowerAction>,
    /// What you should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<PowerErrorView>,
}

/// Why a host was not switched.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PowerError)]
struct PowerErrorView {
    /// For programs: `no-power`, `bmc-not-found`, `unreachable`, `slow`, `not-allowed`, `refused`, `cannot`, `no-adapter`,
    /// `no-value`, `no-program`, `state-unknown` or `busy`.
    code: &'static str,
    /// For people.
    message: String,
}

impl PowerResult {
    pub(super) fn of(outcome: PowerOutcome) -> Self {
        let host = outcome.host;
        match outcome.result {
            Ok(done) => Self {
                host,
                ok: true,
                state: done.state,
                was: done.was,
                did: Some(done.did),
                remark: done.remark,
                error: None,
            },
            Err(failure) => Self {
                host,
                ok: false,
                state: PowerState::Unknown,
                was: None,
                did: None,
                remark: None,
                error: Some(PowerErrorView { code: failure.code, message: failure.message }),
            },
        }
    }
}
