use std::{collections::HashMap, fmt, net::Ipv4Addr};

use nextboot_model::{Mac, Uuid};

use super::{LeaseTime, Parameters, Subnet};
use crate::packet::RelayInfo;

/// What a machine is recognised by that has an address reserved. Of several reservations that fit one packet the first in
/// this order counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The hardware address.
    Mac(Mac),
    /// The client identifier (option 61), all its bytes.
    ClientId(Vec<u8>),
    /// The SMBIOS UUID (option 97), in either byte order: firmware disagrees about it. It holds for the system behind the
    /// firmware too, as long as the machine keeps its hardware address.
    Uuid(Uuid),
    /// The place that the relay names (option 82): one port of one switch.
    Circuit {
        /// Its circuit-id (sub-option 1).
        circuit: Vec<u8>,
        /// Its remote-id (sub-option 2), where the circuit-id alone is not unique. Goes before a reservation without one.
        remote: Option<Vec<u8>>,
    },
}

impl Owner {
    /// The same for everything that means the same machine.
    #[must_use]
    pub fn key(&self) -> Self {
        match self {
            Self::Uuid(uuid) => Self::Uuid((*uuid).min(uuid.to_wire())),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":");
        match self {
            Self::Mac(mac) => mac.fmt(out),
            Self::ClientId(id) => write!(out, "client identifier {}", hex(id)),
            Self::Uuid(uuid) => uuid.fmt(out),
            Self::Circuit { circuit, remote: None } => write!(out, "circuit {}", hex(circuit)),
            Self::Circuit { circuit, remote: Some(remote) } => {
                write!(out, "circuit {} of {}", hex(circuit), hex(remote))
            }
        }
    }
}

/// What one machine has, whoever else asks. Several machines may have one address: the one that asks last gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The machine.
    pub owner: Owner,
    /// Its address, inside or outside the pools; without one it gets one of the pools, and all else that is said here.
    pub address: Option<Ipv4Addr>,
    /// The name it is told (option 12).
    pub host_name: Option<String>,
    /// How long its leases hold, where it is not as long as its classes or its subnet say.
    pub lease_time: Option<LeaseTime>,
    /// What else it is told.
    pub parameters: Parameters,
}

impl Reservation {
    /// Nothing yet for this machine.
    #[must_use]
    pub fn new(owner: Owner) -> Self {
        Self { owner, address: None, host_name: None, lease_time: None, parameters: Parameters::default() }
    }
}

/// What a client shows of itself, in this packet or, where this one does not tell, in earlier ones.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) mac: Mac,
    pub(super) client_id: Option<Vec<u8>>,
    pub(super) uuid: Option<Uuid>,
    /// Option 82, raw.
    pub(super) relay_info: Option<Vec<u8>>,
}

impl Shown {
    /// The owners this may be, best first.
    fn owners(&self) -> impl Iterator<Item = Owner> {
        let info = self.relay_info.as_deref().map(RelayInfo::read).unwrap_or_default();
        let (circuit, remote) = (info.circuit().map(<[u8]>::to_vec), info.remote().map(<[u8]>::to_vec));
        let here = |remote: Option<Vec<u8>>| Some(Owner::Circuit { circuit: circuit.clone()?, remote });
        let owners = [
            Some(Owner::Mac(self.mac)),
            self.client_id.clone().map(Owner::ClientId),
            self.uuid.map(|uuid| Owner::Uuid(uuid).key()),
            remote.and_then(|remote| here(Some(remote))),
            here(None),
        ];
        owners.into_iter().flatten()
    }
}

/// The reservations of the configuration, by owner and by address.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    by_owner: HashMap<Owner, Vec<(usize, usize)>>,
    /// Who has each address.
    addresses: HashMap<Ipv4Addr, Vec<Owner>>,
}

impl Book {
    pub(super) fn new(subnets: &[Subnet]) -> Self {
        let mut book = Self::default();
        for (at, subnet) in subnets.iter().enumerate() {
            for (nth, reservation) in subnet.reservations.iter().enumerate() {
                let owner = reservation.owner.key();
                book.by_owner.entry(owner.clone()).or_default().push((at, nth));
                if let Some(address) = reservation.address {
                    book.addresses.entry(address).or_default().push(owner);
                }
            }
        }
        book
    }

    /// The reservation of this client in this subnet, by its number there.
    pub(super) fn find(&self, shown: &Shown, at: usize) -> Option<usize> {
        let in_subnet = |owner: Owner| {
            let places = self.by_owner.get(&owner)?;
            places.iter().find(|(place, _)| *place == at).map(|(_, nth)| *nth)
        };
        shown.owners().find_map(in_subnet)
    }

    /// True if something is reserved for this client, wherever it is.
    pub(super) fn knows(&self, shown: &Shown) -> bool {
        !self.by_owner.is_empty() && shown.owners().any(|owner| self.by_owner.contains_key(&owner))
    }

    pub(super) fn has(&self, address: Ipv4Addr) -> bool {
        self.addresses.contains_key(&address)
    }

    /// True if the address is reserved for this hardware address too.
    pub(super) fn has_for(&self, address: Ipv4Addr, mac: Mac) -> bool {
        self.addresses.get(&address).is_some_and(|owners| owners.contains(&Owner::Mac(mac)))
    }
}
