//! Networks, in rows.

use std::collections::HashMap;

use nextboot_model::{Net, NetAssignment, Network};
use rusqlite::{Connection, Row};

use crate::{
    failure::Failure,
    rows::{read, read_class, read_moment, some_moment},
};

/// Writes networks over those that the name had.
pub(crate) fn put(connection: &Connection, net: &Net) -> Result<(), Failure> {
    let assigned = net.assignment.as_ref();
    let by = assigned.map(|assigned| serde_json::to_string(&assigned.by)).transpose()?;
    let name = net.name.as_str();
    let mut put = connection.prepare_cached(
        "INSERT INTO net (name, profile, class, since, by) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET profile = ?2, class = ?3, since = ?4, by = ?5",
    )?;
    put.execute((
        name,
        assigned.map(|assigned| assigned.profile.as_str()),
        assigned.map(|assigned| assigned.class.to_string()),
        assigned.map(|assigned| some_moment(assigned.since)),
        by,
    ))?;
    connection.prepare_cached("DELETE FROM network WHERE net = ?1")?.execute([name])?;
    let mut put =
        connection.prepare_cached("INSERT INTO network (network, net, place) VALUES (?1, ?2, ?3)")?;
    for (place, network) in (0_i64..).zip(&net.networks) {
        put.execute((network.to_string(), name, place))?;
    }
    Ok(())
}

/// Forgets the networks of a name.
pub(crate) fn remove(connection: &Connection, name: &str) -> Result<(), Failure> {
    let rows = connection.prepare_cached("DELETE FROM net WHERE name = ?1")?.execute([name])?;
    if rows == 1 { Ok(()) } else { Err(Failure::meddled(name)) }
}

/// The columns that [`read_network`] wants, in its order.
pub(crate) const NETWORK: &str = "SELECT network, net FROM network ORDER BY net, place";

/// A network, and whose it is.
pub(crate) fn read_network(row: &Row<'_>) -> Result<(Network, String), String> {
    let text = |at: usize| row.get::<_, String>(at).map_err(|error| error.to_string());
    let network: Network = read(&text(0)?)?;
    if network.to_string() != text(0)? {
        return Err(format!("write it as {network}, or it may get two owners"));
    }
    Ok((network, text(1)?))
}

/// The columns that [`read_net`] wants, in its order.
pub(crate) const NET: &str = "SELECT name, profile, class, since, by FROM net ORDER BY name";

/// A name and its assignment; its networks are taken out of those of all names.
pub(crate) fn read_net(row: &Row<'_>, networks: &mut HashMap<String, Vec<Network>>) -> Result<Net, String> {
    let text = |at: usize| row.get::<_, String>(at).map_err(|error| error.to_string());
    let maybe = |at: usize| row.get::<_, Option<String>>(at).map_err(|error| error.to_string());
    let assignment = match maybe(1)? {
        None => None,
        Some(profile) => Some(NetAssignment {
            profile: read(&profile)?,
            class: read_class(&text(2)?)?,
            since: read_moment(row.get(3).map_err(|error| error.to_string())?)?,
            by: serde_json::from_str(&text(4)?).map_err(|error| format!("by: {error}"))?,
        }),
    };
    let name = text(0)?;
    let net = Net { name: read(&name)?, networks: networks.remove(&name).unwrap_or_default(), assignment };
    // The very check that let it in.
    net.check().map_err(|wrong| wrong.to_string())?;
    Ok(net)
}
