use nextboot_boot::{Client, Kind, decide};
use nextboot_model::{HostName, Record, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// The loader that a host gets when it is such a machine.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Loader)]
pub(crate) struct LoaderView {
    /// Which machine it was when it last asked; one for each kind when it never did. `http-` before it is UEFI's HTTP Boot.
    #[serde(rename = "as")]
    #[schema(example = "uefi-x64")]
    machine: String,
    /// Nothing when it is left to its next boot device.
    loader: Option<String>,
    /// Why, in words.
    why: String,
}

impl LoaderView {
    /// Looks at files: not on a thread that may not wait.
    pub(crate) fn all(app: &App, state: &State, record: &Record) -> Vec<Self> {
        let mut clients = app.control.sightings(&record.host.name);
        if clients.is_empty() {
            clients = Kind::ALL.iter().filter_map(|kind| Kind::client(kind.key())).collect();
        }
        clients.into_iter().filter_map(|client| Self::of(app, state, &as_host(client, record))).collect()
    }

    fn of(app: &App, state: &State, client: &Client) -> Option<Self> {
        let plan = decide(&app.control.site(), state, &*app.control.tree(), client);
        let loader = plan.loader.map(|loader| loader.to_string());
        Some(Self { machine: Kind::word(client)?, loader, why: plan.loader_why })
    }
}

/// The machine that a host was when it last asked, by its word.
pub(crate) fn last_seen(app: &App, host: &HostName) -> Option<Client> {
    app.control.sightings(host).first().copied()
}

/// The client as which this host would come.
pub(crate) fn as_host(client: Client, record: &Record) -> Client {
    let host = &record.host;
    Client {
        mac: client.mac.or_else(|| host.macs.first().copied()),
        uuid: client.uuid.or(host.uuid),
        // Where it was not seen yet it will be where its address is.
        network: client.network.or(host.address),
        ..client
    }
}
