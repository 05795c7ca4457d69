use std::net::{IpAddr, Ipv4Addr};

use nextboot_model::{Mac, Network, State, Uuid};

use crate::{
    Client, Hand, Plan, Site, Tree,
    decide::{ByName, at_network, beside_the_loader, decide_with},
};

/// Whose configuration a loader asks for by a name.
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
    /// Reads the part of a name that tells one machine from another.
    pub(crate) fn machine(text: &str) -> Option<Self> {
        if text.len() == 20 && text.starts_with("01-") {
            return text.to_ascii_lowercase().parse().ok().map(Self::Mac);
        }
        if text.len() == 36 {
            return text.parse().ok().map(Self::Uuid);
        }
        let digits =
            (1..=8).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
        digits.then(|| Self::Address(text.to_owned()))
    }

    /// Decides what is at this name. `requester` is who asks, as far as its address tells.
    ///
    /// Returns the client that the name stands for and its plan; nothing when this name is not where the client finds
    /// its configuration (it goes on with its next name). `by_name` is what a person put at that very name, where that is
    /// not in `pxelinux.cfg/`.
    #[must_use]
    pub(crate) fn decide(
        &self,
        site: &Site,
        state: &State,
        tree: &dyn Tree,
        requester: &Client,
        by_name: Option<&Hand>,
    ) -> Option<(Client, Plan)> {
        let network = match self {
            Self::Address(digits) => Network::of_pxelinux(digits),
            _ => None,
        };
        let by_name = by_name.map(|hand| ByName { hand, network });
        let plan = |client: Client| {
            let plan = decide_with(site, state, tree, &client, by_name);
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
                let by_hand = by_name.is_some()
                    || [usual, other].iter().any(|uuid| tree.hand(&uuid.to_string()).is_some());
                (known || by_hand).then(|| plan(Client { uuid: Some(usual), ..*requester })).flatten()
            }
            Self::Default(name) => {
                let plan = decide_with(site, state, tree, requester, None);
                let plan = beside_the_loader(site, tree, plan, name);
                plan.profile.is_some().then_some((*requester, plan))
            }
            Self::Address(digits) => {
                let whole = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8);
                let address = whole.map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
                // Somebody who is not in that network looks what it gets.
                if let Some(network) =
                    Network::of_pxelinux(digits).filter(|network| !is_in(requester, *network))
                    && state.net_of(network).is_some()
                    && !address.is_some_and(|address| is_reserved(state, address))
                {
                    return at_network(site, state, tree, network, by_name);
                }
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
                let network = Network::of_pxelinux(digits);
                let assigned = network.is_some_and(|network| state.net_of(network).is_some());
                if by_name.is_none() && !assigned {
                    tree.hand(digits)?;
                }
                plan(Client { address: address.or(requester.address), ..Client::default() })
            }
        }
    }
}

fn is_in(requester: &Client, network: Network) -> bool {
    matches!(requester.address, Some(IpAddr::V4(address)) if network.contains(address))
}

fn is_reserved(state: &State, address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if state.by_address(address).is_some())
}
