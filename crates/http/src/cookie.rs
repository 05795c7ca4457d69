//! What PXELINUX says about its machine.

use nextboot_model::Mac;

use crate::request::Fields;

/// The MAC in the cookie that lpxelinux.0 and syslinux.efi send with every request:
/// `_Syslinux_ip=...; _Syslinux_BOOTIF=01-52-54-00-aa-bb-0c; ...`.
pub(crate) fn mac_hint(fields: Fields<'_>) -> Option<Mac> {
    let mut pairs = fields
        .all("Cookie")
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, mac) = pairs.find(|(name, _)| *name == "_Syslinux_BOOTIF")?;
    mac.parse().ok().filter(Mac::is_machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_is_found_among_the_others() {
        let hint = |cookie: &'static str| {
            let field = httparse::Header { name: "cookie", value: cookie.as_bytes() };
            mac_hint(Fields(&[field])).map(|mac| mac.to_string())
        };
        let mac = Some("52:54:00:aa:bb:0c".to_owned());
        assert_eq!(hint("_Syslinux_ip=10.0.0.1::; _Syslinux_BOOTIF=01-52-54-00-aa-bb-0c; x=y"), mac);
        assert_eq!(hint("_Syslinux_BOOTIF=01-52-54-00-aa-bb-0c"), mac);
        for cookie in [
            "",
            "x",
            "_Syslinux_BOOTIF=",
            "_Syslinux_BOOTIF=01-ff-ff-ff-ff-ff-ff",
            "BOOTIF=01-52-54-00-aa-bb-0c",
        ] {
            assert_eq!(hint(cookie), None, "{cookie}");
        }
    }
}
