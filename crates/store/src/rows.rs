//! Between rows and what they mean.

use std::{collections::BTreeMap, fmt::Display, net::Ipv4Addr, str::FromStr};

use nextboot_model::{
    Assignment, Class, Door, Host, Lease, LeaseState, Mac, Power, Record, Secret, Timestamp, Until, Used,
};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize, de::IntoDeserializer};

use crate::failure::Failure;

/// What an assignment holds beside its columns.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rest {
    by: Door,
    #[serde(default, skip_serializing_if = "is_zero")]
    delivered: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Box<Assignment>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<Used>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A moment as the database holds it; [`Timestamp::NEVER`] (and anything beyond SQLite's integers) is nothing.
fn moment(at: Timestamp) -> Option<i64> {
    i64::try_from(at.0).ok()
}

pub(crate) fn some_moment(at: Timestamp) -> i64 {
    moment(at).unwrap_or(i64::MAX)
}

/// A moment from the database.
pub(crate) fn read_moment(at: i64) -> Result<Timestamp, String> {
    u64::try_from(at).map(Timestamp).map_err(|_| format!("{at} is before 1970"))
}

pub(crate) fn read<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

pub(crate) fn read_class(text: &str) -> Result<Class, String> {
    let class: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    Class::deserialize(class).map_err(|error| format!("class: {error}"))
}

fn rest(assignment: &Assignment) -> Result<String, Failure> {
    let Assignment { by, delivered, failed, before, used, .. } = assignment.clone();
    Ok(serde_json::to_string(&Rest { by, delivered, failed, before, used })?)
}

/// Writes a record over the one that was there, and of it no more than has changed.
pub(crate) fn put_record(connection: &Connection, old: Option<&Record>, new: &Record) -> Result<(), Failure> {
    let Record { host, assignment } = new;
    let doc = rest(assignment)?;
    let (class, until) = (assignment.class.to_string(), assignment.until.to_string());
    let (profile, since) = (assignment.profile.as_str(), some_moment(assignment.since));
    if old.is_some_and(|old| old.host == *host) {
        let mut flip = connection.prepare_cached(
            "UPDATE host SET profile = ?2, class = ?3, until = ?4, since = ?5, doc = ?6 WHERE name = ?1",
        )?;
        let rows = flip.execute((host.name.as_str(), profile, class, until, since, doc))?;
        return if rows == 1 { Ok(()) } else { Err(Failure::meddled(host.name.as_str())) };
    }
    let vars = if host.vars.is_empty() { None } else { Some(serde_json::to_string(&host.vars)?) };
    let pxelinux = if host.pxelinux.is_empty() { None } else { Some(serde_json::to_string(&host.pxelinux)?) };
    let mut put = connection.prepare_cached(
        "INSERT INTO host (name, uuid, address, vars, profile, class, until, since, doc, loader, exit, pxelinux,
             power, secrets)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (name) DO UPDATE SET uuid = ?2, address = ?3, vars = ?4, profile = ?5, class = ?6, until = ?7,
             since = ?8, doc = ?9, loader = ?10, exit = ?11, pxelinux = ?12, power = ?13, secrets = ?14",
    )?;
    put.execute((
        host.name.as_str(),
        host.uuid.map(|uuid| uuid.to_string()),
        host.address.map(|address| address.to_string()),
        vars,
        profile,
        class,
        until,
        since,
        doc,
        host.loader.as_ref().map(ToString::to_string),
        host.exit.map(nextboot_model::Exit::name),
        pxelinux,
        host.power.as_ref().map(serde_json::to_string).transpose()?,
        host.power.as_ref().map(secrets).transpose()?.flatten(),
    ))?;
    if old.is_none_or(|old| old.host.macs != host.macs) {
        connection.prepare_cached("DELETE FROM mac WHERE host = ?1")?.execute([host.name.as_str()])?;
        let mut put = connection.prepare_cached("INSERT INTO mac (mac, host, place) VALUES (?1, ?2, ?3)")?;
        for (place, mac) in (0_i64..).zip(&host.macs) {
            put.execute((mac.to_string(), host.name.as_str(), place))?;
        }
    }
    Ok(())
}

/// What the serialized form of a power endpoint leaves out. The database is its owner's only.
fn secrets(power: &Power) -> Result<Option<String>, Failure> {
    let secrets = power.secrets();
    let revealed: BTreeMap<&str, &str> =
        secrets.iter().map(|(name, secret)| (name.as_str(), secret.reveal())).collect();
    if revealed.is_empty() { Ok(None) } else { Ok(Some(serde_json::to_string(&revealed)?)) }
}

/// Its two columns put together. What is wrong with secrets is told without them.
fn read_power(power: Option<String>, secrets: Option<String>) -> Result<Option<Power>, String> {
    let Some(power) = power else { return Ok(None) };
    let power: Power = serde_json::from_str(&power).map_err(|error| format!("power: {error}"))?;
    let secrets: BTreeMap<String, Secret> = match secrets {
        Some(text) => serde_json::from_str(&text)
            .map_err(|error| format!("secrets: not an object of texts (column {})", error.column()))?,
        None => BTreeMap::new(),
    };
    Ok(Some(power.with_secrets(secrets)))
}

/// Forgets a host and its MACs.
pub(crate) fn remove_record(connection: &Connection, name: &str) -> Result<(), Failure> {
    let rows = connection.prepare_cached("DELETE FROM host WHERE name = ?1")?.execute([name])?;
    if rows == 1 { Ok(()) } else { Err(Failure::meddled(name)) }
}

/// The columns that [`read_record`] wants, in its order.
pub(crate) const RECORD: &str =
    "SELECT name, uuid, address, vars, profile, class, until, since, doc, loader, exit, pxelinux, power, secrets
    FROM host ORDER BY name";

/// Reads a record; its MACs come from another table.
pub(crate) fn read_record(row: &Row<'_>, macs: Vec<Mac>) -> Result<Record, String> {
    let text = |at: usize| row.get::<_, String>(at).map_err(|error| error.to_string());
    let maybe = |at: usize| row.get::<_, Option<String>>(at).map_err(|error| error.to_string());
    let vars = maybe(3)?.map(|vars| serde_json::from_str(&vars)).transpose();
    let pxelinux = maybe(11)?.map(|told| serde_json::from_str(&told)).transpose();
    let host = Host {
        name: read(&text(0)?)?,
        macs,
        uuid: maybe(1)?.map(|uuid| read(&uuid)).transpose()?,
        address: maybe(2)?.map(|address| read(&address)).transpose()?,
        loader: maybe(9)?.map(|loader| read(&loader)).transpose()?,
        exit: maybe(10)?.map(|exit| read(&exit)).transpose()?,
        pxelinux: pxelinux.map_err(|error| format!("pxelinux: {error}"))?.unwrap_or_default(),
        power: read_power(maybe(12)?, maybe(13)?)?,
        vars: vars.map_err(|error| format!("vars: {error}"))?.unwrap_or_default(),
    };
    let rest: Rest = serde_json::from_str(&text(8)?).map_err(|error| format!("doc: {error}"))?;
    let assignment = Assignment {
        profile: read(&text(4)?)?,
        class: read_class(&text(5)?)?,
        until: read(&text(6)?)?,
        since: read_moment(row.get(7).map_err(|error| error.to_string())?)?,
        by: rest.by,
        delivered: rest.delivered,
        failed: rest.failed,
        before: rest.before,
        used: rest.used,
    };
    check_before(&assignment)?;
    Ok(Record { host, assignment })
}

/// What holds once gives way to something that holds longer, a rescue to what is none, and nothing else gives way.
fn check_before(assignment: &Assignment) -> Result<(), String> {
    let gives_way_to_none = |held: &Assignment| match &held.before {
        Some(before) => {
            held.until == Until::Changed && before.until != Until::Once && before.before.is_none()
        }
        None => held.until != Until::Once,
    };
    let sound = match &assignment.before {
        Some(before) if assignment.until == Until::Once => gives_way_to_none(before),
        _ => gives_way_to_none(assignment),
    };
    if sound { Ok(()) } else { Err("what was assigned before does not fit `until`".into()) }
}

fn state_name(state: LeaseState) -> &'static str {
    match state {
        LeaseState::Offered => "offered",
        LeaseState::Bound => "bound",
        LeaseState::Released => "released",
        LeaseState::Declined => "declined",
    }
}

fn read_state(name: &str) -> Result<LeaseState, String> {
    use LeaseState::{Bound, Declined, Offered, Released};
    let found = [Offered, Bound, Released, Declined].into_iter().find(|state| state_name(*state) == name);
    found.ok_or_else(|| format!("{name:?} is no state of a lease"))
}

/// Writes a lease over the one of its address.
pub(crate) fn put_lease(connection: &Connection, lease: &Lease) -> Result<(), Failure> {
    let mut put = connection.prepare_cached(
        "INSERT INTO lease (address, mac, client_id, hostname, state, expires, heard, uuid, relay_info)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (address) DO UPDATE SET mac = ?2, client_id = ?3, hostname = ?4, state = ?5, expires = ?6,
             heard = ?7, uuid = ?8, relay_info = ?9",
    )?;
    put.execute((
        lease.address.to_string(),
        lease.mac.to_string(),
        &lease.client_id,
        &lease.hostname,
        state_name(lease.state),
        moment(lease.expires),
        some_moment(lease.heard),
        lease.uuid.map(|uuid| uuid.to_string()),
        &lease.relay_info,
    ))?;
    Ok(())
}

/// Forgets the lease of an address, if there is one.
pub(crate) fn remove_lease(connection: &Connection, address: Ipv4Addr) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM lease WHERE address = ?1")?.execute([address.to_string()])?;
    Ok(())
}

/// The columns that [`read_lease`] wants, in its order.
pub(crate) const LEASE: &str =
    "SELECT address, mac, client_id, hostname, state, expires, heard, uuid, relay_info
    FROM lease ORDER BY address";

pub(crate) fn read_lease(row: &Row<'_>) -> Result<Lease, String> {
    let text = |at: usize| row.get::<_, String>(at).map_err(|error| error.to_string());
    let expires: Option<i64> = row.get(5).map_err(|error| error.to_string())?;
    let client_id: Option<Vec<u8>> = row.get(2).map_err(|error| error.to_string())?;
    if client_id.as_ref().is_some_and(|id| id.len() > 255) {
        return Err("the client identifier is longer than 255 bytes".into());
    }
    let uuid: Option<String> = row.get(7).map_err(|error| error.to_string())?;
    let relay_info: Option<Vec<u8>> = row.get(8).map_err(|error| error.to_string())?;
    if relay_info.as_ref().is_some_and(|info| info.len() > 255) {
        return Err("the relay's information is longer than 255 bytes".into());
    }
    Ok(Lease {
        address: read(&text(0)?)?,
        mac: read(&text(1)?)?,
        client_id,
        hostname: row.get(3).map_err(|error| error.to_string())?,
        state: read_state(&text(4)?)?,
        expires: expires.map_or(Ok(Timestamp::NEVER), read_moment)?,
        heard: read_moment(row.get(6).map_err(|error| error.to_string())?)?,
        uuid: uuid.map(|uuid| read(&uuid)).transpose()?,
        relay_info,
    })
}
