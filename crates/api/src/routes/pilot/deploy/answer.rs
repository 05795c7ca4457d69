use axum::{http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{super::answer::to_the_byte, request::HostAsk};

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

impl From<Done> for Response {
    fn from(done: Done) -> Self {
        to_the_byte(StatusCode::OK, &done)
    }
}
