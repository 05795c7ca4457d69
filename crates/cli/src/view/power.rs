use super::Power;

/// What switches a host, as one line: `ipmi at 10.0.9.11 as admin, with a password`.
pub(super) fn endpoint(power: &Power) -> String {
    let place = power.url.as_ref().or(power.address.as_ref()).or(power.mac.as_ref());
    let word = |before: &str, value: Option<&String>| value.map(|value| format!(" {before} {value}"));
    let parts = [
        word("adapter", power.adapter.as_ref()),
        word("at", place),
        word("by", power.interface.as_ref()),
        word("as", power.user.as_ref()),
        power.has_password.then(|| ", with a password".to_owned()),
    ];
    format!("{}{}", power.kind, parts.into_iter().flatten().collect::<String>())
}
