use super::{
    Assignment, Attempt, Host, Loader, PastAttempt, Pxelinux, count, or_dash, power,
    preview::with_reason,
    time::{clock, relative},
    timeline,
};
use crate::output::{pairs, plain, table};

/// How long an assignment holds, in words.
fn until(until: &str) -> &str {
    match until {
        "changed" => "until somebody changes it",
        "done" => "until it calls back",
        "once" => "once",
        other => other,
    }
}

/// Since when a host gets what it gets of which nobody has said anything: it came with a file of another program.
const NEVER: u64 = 0;

/// A list of hosts.
pub(crate) fn hosts(hosts: &[Host], now: u64) -> String {
    if hosts.is_empty() {
        return "no hosts yet; `nextboot host add NAME MAC` makes a machine known".into();
    }
    let row = |host: &Host| {
        let Assignment { profile, until: hold, since, failed, .. } = &host.assignment;
        let boots = host.boots.profile.as_ref().unwrap_or(profile);
        let hold = if failed.is_some() {
            "failed, see `nextboot show`"
        } else if boots != profile {
            "by hand, see `nextboot show`"
        } else {
            until(hold)
        };
        vec![
            host.name.clone(),
            host.macs.join(" "),
            or_dash(host.address.as_deref()),
            or_dash(Some(boots)),
            hold.to_owned(),
            if *since == NEVER { "-".into() } else { relative(now, *since) },
            host.attempt.as_ref().map_or_else(|| "-".into(), |attempt| attempt.stage.clone()),
        ]
    };
    table(&["NAME", "MAC", "ADDRESS", "BOOTS", "HOLDS", "SINCE", "NOW"], hosts.iter().map(row).collect())
}

/// One host and what it gets.
pub(crate) fn host(host: &Host, now: u64) -> String {
    let Assignment { profile, class, until: hold, since, by_text, delivered, failed, before } =
        &host.assignment;
    let vars = host.vars.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
    let assigned = if *since == NEVER && profile == "local" {
        "nothing yet".into()
    } else {
        format!(
            "{profile}{} {}, {} ({}), by {}",
            if matches!(class.as_str(), "" | "unclassified" | "local") {
                String::new()
            } else {
                format!(" ({class})")
            },
            until(hold),
            relative(now, *since),
            clock(*since),
            or_dash(by_text.as_deref()),
        )
    };
    let mut lines = vec![
        ("name", Some(host.name.clone())),
        ("mac", Some(host.macs.join(" "))),
        ("uuid", host.uuid.clone()),
        ("address", host.address.clone()),
        ("own loader", host.loader.clone()),
        ("exit", host.exit.clone()),
        ("pxelinux", host.pxelinux.as_ref().map(pxelinux)),
        ("power", host.power.as_ref().map(|power| power::endpoint(power, now))),
        ("vars", Some(vars).filter(|vars| !vars.is_empty())),
        ("boots", Some(host.boots.profile.clone().unwrap_or_else(|| "nothing".into()))),
        ("because", host.boots.why.clone()),
    ];
    lines.extend(loaders(&host.loaders).into_iter().map(|line| ("loader", Some(line))));
    lines.extend([
        ("assigned", Some(assigned)),
        ("afterwards", before.as_ref().map(|before| before.profile.clone())),
        ("delivered", (*delivered > 0).then(|| format!("{} in full", count((*delivered).into(), "time")))),
        ("failed", failed.clone()),
        ("now", host.attempt.as_ref().map(|attempt| under_way(attempt, now))),
    ]);
    pairs(lines)
}

/// What it is when it boots may be several things: firmware and iPXE on it, or, never seen, any. Those that get the same
/// share a line.
fn loaders(all: &[Loader]) -> Vec<String> {
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for Loader { machine, loader, why } in all {
        let line = with_reason(loader.as_deref().unwrap_or("none"), why);
        match lines.iter_mut().find(|(same, _)| *same == line) {
            Some((_, machines)) => machines.push(machine),
            None => lines.push((line, vec![machine])),
        }
    }
    let one = all.len() == 1;
    let told = |(line, machines): (String, Vec<&str>)| {
        if one { line } else { format!("{}: {line}", machines.join(", ")) }
    };
    lines.into_iter().map(told).collect()
}

/// What PXELINUX is told of the host's own.
fn pxelinux(told: &Pxelinux) -> String {
    let text = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name} {text}"));
    let reboot = told.reboot.map(|seconds| format!("reboot after {seconds} s"));
    [text("config", &told.config), text("prefix", &told.prefix), reboot]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn under_way(attempt: &Attempt, now: u64) -> String {
    let parts = [
        Some(attempt.stage.clone()),
        attempt.profile.clone(),
        attempt.arch.map(|arch| arch.to_string()),
        attempt.address.clone(),
        Some(format!("began {}", relative(now, attempt.started))),
        Some(format!("heard {}", relative(now, attempt.heard))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a host gets now, as one line.
pub(crate) fn assigned(host: &Host) -> String {
    let Assignment { profile, until: hold, .. } = &host.assignment;
    plain(&format!("{} boots {profile} {}", host.name, until(hold)))
}

/// A host and the timelines of its last attempts, the newest last: that is where people look.
pub(crate) fn show(record: &Host, attempts: &[PastAttempt], now: u64) -> String {
    let mut text = host(record, now);
    if attempts.is_empty() {
        text.push_str("\nit has not tried to boot yet\n");
    }
    for attempt in attempts.iter().rev() {
        let profile = attempt.profile.as_deref().map(|profile| format!(", {profile}")).unwrap_or_default();
        let end = match (&attempt.outcome, attempt.ended) {
            (Some(outcome), _) => told(outcome),
            (None, Some(_)) => "over".into(),
            (None, None) => "under way".into(),
        };
        text.push_str(&format!(
            "\nattempt of {} ({}){}: {}\n",
            clock(attempt.started),
            relative(now, attempt.started),
            plain(&profile),
            plain(&end)
        ));
        text.push_str(&timeline(attempt.started, &attempt.events));
    }
    text
}

/// An outcome in words, whether it comes as a word or as an object with one.
fn told(outcome: &serde_json::Value) -> String {
    let word = outcome.as_str().or_else(|| outcome.get("outcome").and_then(serde_json::Value::as_str));
    let word = word.unwrap_or("over");
    let known = serde_json::from_value::<nextboot_model::Outcome>(serde_json::json!({ "outcome": word }));
    known.map_or_else(|_| word.to_owned(), |outcome| outcome.to_string())
}
