//! `dhcp-host`, and the lines of `dhcp-hostsfile`.

use std::net::Ipv4Addr;

use nextboot_dhcp::{LeaseTime, Owner};
use nextboot_model::Mac;

use super::{
    line::reveal,
    note::Not,
    value::{Hardware, hardware, hex, is_name, time},
};

/// Who a line is about, and what is said of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) macs: Vec<Mac>,
    /// How hardware addresses begin.
    pub(super) begins: Vec<Vec<u8>>,
    pub(super) client_ids: Vec<Vec<u8>>,
    /// The tags that it sets.
    pub(super) sets: Vec<String>,
    /// The tags that it needs.
    pub(super) needs: Vec<String>,
    pub(super) address: Option<Ipv4Addr>,
    pub(super) name: Option<String>,
    pub(super) lease_time: Option<LeaseTime>,
    pub(super) ignore: bool,
    /// Whether it says something about IPv6, which is passed over.
    pub(super) six: bool,
}

impl Entry {
    /// The machines that it is about, one by one.
    pub(super) fn owners(&self) -> impl Iterator<Item = Owner> {
        let macs = self.macs.iter().copied().map(Owner::Mac);
        macs.chain(self.client_ids.iter().cloned().map(Owner::ClientId))
    }
}

/// Reads the parts of a line.
pub(super) fn read(parts: &[String]) -> Result<Entry, Not> {
    let mut entry = Entry::default();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if let Some(tag) = part.strip_prefix("set:").or_else(|| part.strip_prefix("net:")) {
            entry.sets.push(reveal(tag));
        } else if let Some(tag) = part.strip_prefix("tag:") {
            entry.needs.push(reveal(tag));
        } else if let Some(id) = part.strip_prefix("id:") {
            if id != "*" {
                let id = hex(id).unwrap_or_else(|| reveal(id).into_bytes());
                if !(1..=255).contains(&id.len()) {
                    return Err(Not::Lost("a client identifier has 1 to 255 bytes".into()));
                }
                entry.client_ids.push(id);
            }
        } else if part.starts_with('[') {
            entry.six = true;
        } else if part.contains(':') {
            match hardware(part)? {
                Hardware::Whole(mac) => entry.macs.push(mac),
                Hardware::Begins(begin) => entry.begins.push(begin),
            }
        } else if let Ok(address) = part.parse::<Ipv4Addr>() {
            entry.address = Some(address);
        } else if part == "ignore" {
            entry.ignore = true;
        } else if let Some(lease_time) = time(part) {
            entry.lease_time = Some(lease_time);
        } else {
            let name = reveal(part);
            if !is_name(&name) {
                let shown: String = name.chars().take(60).collect();
                let text = format!("{shown} is no host name, hardware address, address or lease time");
                return Err(Not::Wrong(text));
            }
            entry.name = Some(name);
        }
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnsmasq::line;

    fn entry(line: &str) -> Result<Entry, Not> {
        read(&line::parts(&line::plain(line).unwrap().unwrap()))
    }

    #[test]
    fn what_stands_in_a_line_is_told_by_its_looks() {
        let one = entry("80:EE:73:a9:19:05 , client1,infinite").unwrap();
        assert_eq!(one.macs, [Mac([0x80, 0xee, 0x73, 0xa9, 0x19, 5])]);
        assert_eq!((one.name.as_deref(), one.lease_time), (Some("client1"), Some(LeaseTime::Infinite)));
        let two = entry("02:00:00:00:00:01,02:00:00:00:00:02,id:01:02,id:*,id:text,set:red,tag:lan,10.0.0.9,45m,[fe80::1]").unwrap();
        assert_eq!((two.macs.len(), two.client_ids.len()), (2, 2));
        assert_eq!((two.sets, two.needs, two.six), (vec!["red".to_owned()], vec!["lan".to_owned()], true));
        assert_eq!(
            (two.address, two.lease_time),
            (Some(Ipv4Addr::new(10, 0, 0, 9)), Some(LeaseTime::Seconds(2700)))
        );
        assert!(
            entry("02:00:00:*:*:*,ignore").is_ok_and(|entry| entry.ignore && entry.begins == [[2, 0, 0]])
        );
        for wrong in ["ma:ca:dd:re:ss,client1", "02:00:00:00:00:01,bad/name", "!!!"] {
            assert!(entry(wrong).is_err(), "{wrong}");
        }
    }
}
