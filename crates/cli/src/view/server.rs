use super::{
    Attempt, Lease, Reloaded, Status, or_dash,
    time::{clock, relative},
};
use crate::output::{pairs, table};

/// The server itself.
pub(crate) fn status(status: &Status, now: u64) -> String {
    let dhcp = match status.mode.as_str() {
        "server" => "server: gives addresses",
        "proxy" => "proxy: beside the subnet's own DHCP server",
        other => other,
    };
    pairs(vec![
        ("version", Some(status.version.clone())),
        ("started", Some(format!("{} ({})", clock(status.started), relative(now, status.started)))),
        ("hosts", Some(status.hosts.to_string())),
        ("dhcp", Some(dhcp.to_owned())),
        ("interfaces", Some(status.interfaces.join(" "))),
        ("config", Some(status.config.clone().unwrap_or_else(|| "none, the defaults hold".into()))),
        ("revision", Some(status.revision.to_string())),
    ])
}

/// What a reload led to.
pub(crate) fn reloaded(reloaded: &Reloaded) -> String {
    let mut text = "the configuration was read again and is in force".to_owned();
    if !reloaded.needs_restart.is_empty() {
        text.push_str(&format!(
            "\nbut these settings changed and hold only after a restart: {}",
            reloaded.needs_restart.join(", ")
        ));
    }
    text
}

/// The leases.
pub(crate) fn leases(leases: &[Lease], now: u64) -> String {
    if leases.is_empty() {
        return "no leases; in proxy mode the subnet's own DHCP server has them".into();
    }
    let row = |lease: &Lease| {
        vec![
            lease.address.clone(),
            lease.mac.clone(),
            or_dash(lease.host.as_deref()),
            or_dash(lease.hostname.as_deref()),
            lease.state.clone(),
            relative(now, lease.expires),
            relative(now, lease.heard),
        ]
    };
    table(
        &["ADDRESS", "MAC", "HOST", "CALLS ITSELF", "STATE", "EXPIRES", "HEARD"],
        leases.iter().map(row).collect(),
    )
}

/// The machines that boot now or did lately.
pub(crate) fn machines(attempts: &[Attempt], now: u64) -> String {
    if attempts.is_empty() {
        return "no machine has asked to boot lately".into();
    }
    let row = |attempt: &Attempt| {
        vec![
            or_dash(attempt.mac.as_deref()),
            attempt.host.clone().unwrap_or_else(|| "(unknown)".into()),
            or_dash(attempt.address.as_deref()),
            attempt.arch.map_or_else(|| "-".into(), |arch| arch.to_string()),
            or_dash(attempt.profile.as_deref()),
            attempt.stage.clone(),
            relative(now, attempt.started),
            relative(now, attempt.heard),
        ]
    };
    table(
        &["MAC", "HOST", "ADDRESS", "FIRMWARE", "BOOTS", "STAGE", "BEGAN", "HEARD"],
        attempts.iter().map(row).collect(),
    )
}
