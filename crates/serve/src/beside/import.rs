use std::path::Path;

use nextboot_config::{BesideDnsmasq, Config, dnsmasq};

use super::whole;
use crate::BadConfig;

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
