use std::path::Path;

use anyhow::Context as _;
use nextboot_config::{BesideDnsmasq, Config, dnsmasq};
use nextboot_store::{Limits, Store};

use super::{
    leases::{TakenOver, read_in},
    whole,
};
use crate::{BadConfig, clock};

/// What dnsmasq's configuration says, as the text of a `nextboot.toml`; and each line that is to be read by somebody, because it
/// is not taken over or in another way.
///
/// # Errors
/// What dnsmasq would not start with either.
pub fn import(file: &Path) -> Result<(String, Vec<String>), BadConfig> {
    let own = BesideDnsmasq { file: file.to_owned(), ..BesideDnsmasq::default() };
    let whole = whole(Config { dnsmasq: Some(own), ..Config::default() })?;
    let settled = dnsmasq::Settled {
        config: whole.config,
        notes: whole.notes,
        lease_file: whole.lease_file.unwrap_or_default(),
        watched: Vec::new(),
    };
    let said = settled.notes.iter().map(ToString::to_string).collect();
    Ok((dnsmasq::write(&settled), said))
}

/// Takes over the leases of a file that dnsmasq kept, while no server runs on this configuration's data. Returns how many, and
/// each line that is not taken over.
///
/// # Errors
/// That a server runs, or what cannot be read or written.
pub async fn import_leases(config: &Config, file: &Path) -> anyhow::Result<(usize, Vec<String>)> {
    std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    let limits = Limits { events: config.journal_events, ..Limits::default() };
    let (store, mut loaded) = Store::open(&config.data_dir.join("state.sqlite"), limits)?;
    let taken = read_in(&store, file, &mut loaded.leases, clock::now()).await;
    store.close().await;
    let TakenOver { leases, notes } = taken?;
    Ok((leases, notes.iter().map(ToString::to_string).collect()))
}
