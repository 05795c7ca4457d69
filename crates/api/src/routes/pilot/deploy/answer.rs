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
    /// `NO`, or, when it was asked for, `YES` or `ERROR`.
    rebooted: &'static str,
}

impl Entry {
    /// `rebooted`: whether that was done, where it was tried.
    pub(super) fn of(host: &HostAsk, rebooted: Option<bool>) -> Self {
        Self {
            name: host.name.clone().unwrap_or_default(),
            configuration: "",
            rebooted: match (host.reboot, rebooted) {
                (false, _) => "NO",
                (true, Some(true)) => "YES",
                (true, _) => "ERROR",
            },
        }
    }
}

impl From<Done> for Response {
    fn from(done: Done) -> Self {
        to_the_byte(StatusCode::OK, &done)
    }
}
