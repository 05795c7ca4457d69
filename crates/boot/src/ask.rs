use std::net::{IpAddr, Ipv4Addr};

use nextboot_model::{Mac, State, Uuid};

use crate::{Client, Plan, Site, Tree, decide, decide::beside_the_loader};

/// A name beneath `pxelinux.cfg/` by which a PXELINUX looks for its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The SMBIOS UUID, in whichever byte order it was written.
    Uuid(Uuid),
    /// `01-` and the MAC.
    Mac(Mac),
    /// One to eight upper-case hexadecimal digits of the IPv4 address.
    Address(String),
    /// `default`, by its whole name: it may be beside a loader in a directory of its own.
    Default(String),
}

impl Ask {
    /// Reads a clean name (`pxelinux.cfg/...`), also one further down (`debian/pxelinux.cfg/...`): the loader puts its
    /// own directory before it. Returns nothing for any other file.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        let (directory, last) = name.rsplit_once('/')?;
        if directory != "pxelinux.cfg" && !directory.ends_with("/pxelinux.cfg") {
            return None;
        }
        if last == "default" {
            return Some(Self::Default(name.to_owned()));
        }
        if last.len() == 20 && last.starts_with("01-") {
            return last.to_ascii_lowercase().parse().ok().map(Self::Mac);
        }
        if last.len() == 36 {
            return last.parse().ok().map(Self::Uuid);
        }
        let digits =
            (1..=8).contains(&last.len()) && last.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
        digits.then(|| Self::Address(last.to_owned()))
    }

    /// Decides what is at this name. `requester` is who asks, as far as its address tells.
    ///
    /// Returns the client that the name stands for and its plan; nothing when this name is not where the client finds
    /// its configuration (it goes on with its next name).
    #[must_use]
    pub fn decide(
        &self,
        site: &Site,
        state: &State,
        tree: &dyn Tree,
        requester: &Client,
    ) -> Option<(Client, Plan)> {
        let plan = |client: Client| {
            let plan = decide(site, state, tree, &client);
            plan.profile.is_some().then_some((client, plan))
        };
        match self {
            Self::Mac(mac) => {
                // What else we know of the requester holds for this machine only if it is this machine.
                let same = requester.mac == Some(*mac);
                let of = |client: &Client| Client { mac: Some(*mac), ..*client };
                let stranger = requester.mac.is_none();
                plan(if same || stranger { of(requester) } else { Client::of(*mac) })
            }
            Self::Uuid(uuid) => {
                // On the wire in option 97's order; a person may have written it in the other.
                let [usual, other] = [uuid.to_wire(), *uuid];
                let known = state.by_uuid(usual).is_some();
                let by_hand = [usual, other].iter().any(|uuid| tree.hand(&uuid.to_string()).is_some());
                (known || by_hand).then(|| plan(Client { uuid: Some(usual), ..*requester })).flatten()
            }
            Self::Default(name) => {
                let (client, plan) = plan(*requester)?;
                let plan = beside_the_loader(site, tree, plan, name);
                plan.profile.is_some().then_some((client, plan))
            }
            Self::Address(digits) => {
                let whole = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8);
                let address = whole.map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
                let own = address.is_none() || requester.address == address;
                if own && requester.mac.is_some() {
                    return plan(*requester);
                }
                let reserved = match address {
                    Some(IpAddr::V4(address)) => state.by_address(address),
                    _ => None,
                };
                if let Some(record) = reserved {
                    let mac = record.host.macs.first().copied();
                    return plan(Client { mac, address, ..Client::default() });
                }
                tree.hand(digits)?;
                plan(Client { address: address.or(requester.address), ..Client::default() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pxelinux_search_names_are_read() {
        let read = |name: &str| Ask::read(name);
        assert_eq!(
            read("pxelinux.cfg/01-52-54-00-aa-bb-0c"),
            Some(Ask::Mac("52:54:00:aa:bb:0c".parse().unwrap()))
        );
        assert_eq!(
            read("pxelinux.cfg/085994b8-a6d6-a941-a11d-74a6ab80b83d"),
            Some(Ask::Uuid("085994b8-a6d6-a941-a11d-74a6ab80b83d".parse().unwrap()))
        );
        assert_eq!(read("pxelinux.cfg/0A00005B"), Some(Ask::Address("0A00005B".into())));
        assert_eq!(read("pxelinux.cfg/0"), Some(Ask::Address("0".into())));
        let default = "debian/pxelinux.cfg/default";
        assert_eq!(read(default), Some(Ask::Default(default.into())));
        for other in [
            "pxelinux.cfg",
            "default",
            "pxelinux.cfg/conf/local",
            "pxelinux.cfg/0a00005b",
            "pxelinux.cfg/menu.cfg",
            "xpxelinux.cfg/default",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
