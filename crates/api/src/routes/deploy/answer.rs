use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::request::HostAsk;
use crate::reply;

/// The hosts of the call, in its order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deployed)]
pub(crate) struct Done {
    pub(super) hosts: Vec<Entry>,
}

/// One host of the call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeployedHost)]
pub(crate) struct Entry {
    /// As the call named it; empty when it gave a MAC address only.
    name: String,
    /// Always empty, as it ever was.
    configuration: &'static str,
    /// `NO`, or `ERROR` when it was asked for.
    rebooted: &'static str,
}

impl Entry {
    pub(super) fn of(host: &HostAsk) -> Self {
        Self {
            name: host.name.clone().unwrap_or_default(),
            configuration: "",
            rebooted: if host.reboot { "ERROR" } else { "NO" },
        }
    }
}

/// Why nothing was assigned.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeployError)]
pub(crate) struct Complaint {
    #[serde(rename = "Message")]
    capital: String,
    message: String,
}

impl Complaint {
    pub(super) fn of(status: StatusCode, text: String) -> Response {
        to_the_byte(status, &Self { capital: text.clone(), message: text })
    }
}

impl From<Done> for Response {
    fn from(done: Done) -> Self {
        to_the_byte(StatusCode::OK, &done)
    }
}

/// JSON as Go writes it: `<`, `>` and `&` stand in it as escapes. They only occur inside strings.
fn to_the_byte(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => {
            let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
            reply::json(status, text.into_bytes())
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
