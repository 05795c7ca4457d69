//! Hosts files: an address and its names on each line.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};

use super::{
    note::{Notes, Place},
    source::Text,
    value::is_name,
};

/// Most names of all hosts files together.
const MAX_NAMES: usize = 500_000;
/// Most entries of `/etc/ethers`.
const MAX_LINES: usize = 200_000;

/// The addresses of names, whose letters' case does not matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(HashMap<String, (Ipv4Addr, String)>);

impl Names {
    /// Takes a file. Names with IPv6 addresses are passed over.
    pub(super) fn add(&mut self, (path, text): &Text, notes: &mut Notes) {
        for (at, line) in text.lines().enumerate() {
            let place = Place { file: path.clone(), line: at + 1, live: true };
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(first) = words.next() else { continue };
            let address = match first.parse::<IpAddr>() {
                Ok(IpAddr::V4(address)) => address,
                Ok(IpAddr::V6(_)) => continue,
                Err(_) => {
                    let shown: String = first.chars().take(60).collect();
                    notes.wrong(
                        &place,
                        format!("{shown} is not an address; write the address first, then its names"),
                    );
                    continue;
                }
            };
            for name in words {
                if !is_name(name) {
                    let shown: String = name.chars().take(60).collect();
                    notes.wrong(&place, format!("{shown} is not a host's name"));
                } else if self.0.len() < MAX_NAMES {
                    // Of several addresses of one name the first counts.
                    self.0.entry(key(name)).or_insert_with(|| (address, name.to_owned()));
                } else {
                    notes.wrong(&place, format!("there are more than {MAX_NAMES} names"));
                    return;
                }
            }
        }
    }

    /// The address of a name, with or without this domain behind it; and the name as it is written there.
    pub(super) fn find(&self, name: &str, domain: Option<&str>) -> Option<(Ipv4Addr, &str)> {
        let name = key(name);
        let short =
            domain.and_then(|domain| name.strip_suffix(&format!(".{}", key(domain))).map(str::to_owned));
        let long = domain.filter(|_| !name.contains('.')).map(|domain| format!("{name}.{}", key(domain)));
        let names = [Some(name), short, long];
        let found = names.into_iter().flatten().find_map(|name| self.0.get(&name));
        found.map(|(address, name)| (*address, name.as_str()))
    }
}

fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The lines of `/etc/ethers` by their numbers, as `dhcp-host` would have them: hardware address, and name or address.
pub(super) fn ethers(text: &str) -> Vec<(usize, String)> {
    let line = |(at, line): (usize, &str)| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let (hardware, name) = (words.next()?, words.next()?);
        Some((at + 1, format!("{hardware},{name}")))
    };
    text.lines().enumerate().take(MAX_LINES).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_whatever_its_case_and_a_bad_line_spoils_no_other() {
        let text = "192.168.0.21 \tclient1.example.org \tclient1\n# c\n\n192.168.0.22\tHP1 # x\nfe80::1 six\n\
                    rubbish here\n192.168.0.23 bad/name good\n192.168.0.99 client1\n";
        let (mut names, mut notes) = (Names::default(), Notes::default());
        names.add(&("hosts".into(), text.to_owned()), &mut notes);
        let find = |name: &str| names.find(name, Some("Example.org")).map(|(address, _)| address.octets()[3]);
        assert_eq!(find("CLIENT1"), Some(21));
        assert_eq!(find("client1.example.org"), Some(21));
        assert_eq!(find("hp1"), Some(22));
        assert_eq!(names.find("hp1", None).map(|(_, name)| name), Some("HP1"), "as it is written there");
        assert_eq!(find("hp1.example.org"), Some(22), "as expand-hosts makes it");
        assert_eq!(find("good"), Some(23));
        assert_eq!((find("six"), find("nobody")), (None, None));
        let said: Vec<String> = notes.into_list().iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "hosts:6: rubbish is not an address; write the address first, then its names",
                "hosts:7: bad/name is not a host's name"
            ]
        );
    }
}
