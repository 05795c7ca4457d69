use super::{Power, Rescued, Switched, or_dash, time::relative};
use crate::output::{plain, table};

/// What switches a host, as one line: `ipmi at 10.0.9.11 as admin, with a password; on 3 min ago`.
pub(super) fn endpoint(power: &Power, now: u64) -> String {
    let place = power.url.as_ref().or(power.at.as_ref()).or(power.address.as_ref()).or(power.mac.as_ref());
    let word = |before: &str, value: Option<&String>| value.map(|value| format!(" {before} {value}"));
    let parts = [
        word("adapter", power.adapter.as_ref()),
        word("at", place),
        word("by", power.interface.as_ref()),
        word("as", power.user.as_ref()),
        power.has_password.then(|| ", with a password".to_owned()),
    ];
    let seen = power.state.as_ref().zip(power.seen);
    let seen = seen.map(|(state, at)| format!("; {state} {}", relative(now, at))).unwrap_or_default();
    format!("{}{}{seen}", power.kind, parts.into_iter().flatten().collect::<String>())
}

/// What came of switching hosts.
pub(crate) fn switched(hosts: &[Switched]) -> String {
    let row = |host: &Switched| vec![host.host.clone(), host.state(), host.told()];
    table(&["HOST", "POWER", "RESULT"], hosts.iter().map(row).collect())
}

impl Switched {
    fn state(&self) -> String {
        if self.ok { self.state.clone() } else { "-".into() }
    }

    fn told(&self) -> String {
        if let Some(error) = &self.error {
            return error.message.clone();
        }
        let did = match self.did.as_deref() {
            Some("status") => return "-".into(),
            Some("on") => "switched on",
            Some("off") => "switched off",
            Some("reset") => "reset",
            Some("cycle") => "switched off and on",
            Some(other) => other,
            None => "done",
        };
        let was = self.was.as_deref().filter(|was| *was != "unknown").map(|was| format!(", was {was}"));
        let remark = self.remark.as_ref().map(|remark| format!("; {remark}"));
        [Some(did.to_owned()), was, remark].into_iter().flatten().collect()
    }

    /// True when nothing switches the host, or what does cannot do this.
    pub(crate) fn is_unswitchable(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.code == "no-power")
    }
}

/// What became of hosts that were to be rescued, or no longer.
pub(crate) fn rescued(hosts: &[Rescued], off: bool) -> String {
    let line = |host: &Rescued| {
        if off && !host.changed {
            return format!("{} is not being rescued; it boots {}, as before", host.host, host.boots);
        }
        let power = match &host.power {
            None => "at its next boot".into(),
            Some(power) if power.is_unswitchable() => {
                "nothing is known that switches it: reset it by hand, and have it boot from the network"
                    .into()
            }
            Some(power) if power.ok => power.told(),
            Some(power) => format!("not restarted: {}", power.told()),
        };
        format!("{} boots {}: {power}", host.host, host.boots)
    };
    hosts.iter().map(|host| plain(&line(host))).collect::<Vec<_>>().join("\n")
}

/// Where controllers are that are known by their MAC addresses.
pub(crate) fn controllers(controllers: &[super::Controller]) -> String {
    if controllers.is_empty() {
        return "no host has a controller that is to be found by its MAC address".into();
    }
    let row = |known: &super::Controller| {
        vec![known.host.clone(), known.mac.clone(), or_dash(known.address.as_deref())]
    };
    table(&["HOST", "CONTROLLER", "ADDRESS"], controllers.iter().map(row).collect())
}
