use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use futures_util::TryStreamExt;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use rtnetlink::packet_route::route::{RouteAttribute, RouteHeader, RouteMessage, RouteType};

use super::{Connection, NetlinkError, Network};
use crate::HardwareAddr;

/// One network interface as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's number for it; never 0.
    pub index: u32,
    /// Its name, like `eth0`.
    pub name: String,
    /// Its hardware address; `None` on links that have no Ethernet address.
    pub mac: Option<HardwareAddr>,
    /// The largest IP packet it carries, in bytes.
    pub mtu: u32,
    /// True when an administrator switched it on.
    pub up: bool,
    /// True when it has a carrier too: the cable is in.
    pub running: bool,
    /// True for the loopback interface.
    pub loopback: bool,
    /// Its own addresses, each with the length of its prefix in bits, in the kernel's order.
    pub addresses: Vec<(IpAddr, u8)>,
}

impl Interface {
    /// Its IPv4 addresses, each with the length of its prefix in bits.
    pub fn ipv4(&self) -> impl Iterator<Item = (Ipv4Addr, u8)> + '_ {
        self.addresses.iter().filter_map(|(ip, prefix)| match ip {
            IpAddr::V4(ip) => Some((*ip, *prefix)),
            IpAddr::V6(_) => None,
        })
    }
}

impl Network {
    /// All interfaces, by index.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub async fn interfaces(&self) -> Result<Vec<Interface>, NetlinkError> {
        let walk = Connection::open()?;
        let mut found = BTreeMap::new();
        let mut links = walk.handle.link().get().execute();
        while let Some(link) = links.try_next().await? {
            let interface = from_link(link);
            found.insert(interface.index, interface);
        }
        let mut addresses = walk.handle.address().get().execute();
        while let Some(address) = addresses.try_next().await? {
            let index = address.header.index;
            if let (Some(interface), Some(address)) = (found.get_mut(&index), own_address(&address)) {
                interface.addresses.push(address);
            }
        }
        Ok(found.into_values().collect())
    }

    /// Index of the interface that the IPv4 default route uses; of several the one with the lowest metric, as the kernel
    /// chooses. `None` without a default route.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub async fn default_interface(&self) -> Result<Option<u32>, NetlinkError> {
        let walk = Connection::open()?;
        let mut query = RouteMessage::default();
        query.header.address_family = AddressFamily::Inet;
        let mut routes = walk.handle.route().get(query).execute();
        let mut best: Option<(u32, u32)> = None;
        while let Some(route) = routes.try_next().await? {
            if let Some(candidate) = default_route(&route)
                && best.is_none_or(|(metric, _)| candidate.0 < metric)
            {
                best = Some(candidate);
            }
        }
        Ok(best.map(|(_, interface)| interface))
    }
}

fn from_link(link: LinkMessage) -> Interface {
    let flags = link.header.flags;
    let mut interface = Interface {
        index: link.header.index,
        name: String::new(),
        mac: None,
        mtu: 0,
        up: flags.contains(LinkFlags::Up),
        running: flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
        loopback: flags.contains(LinkFlags::Loopback),
        addresses: Vec::new(),
    };
    for attribute in link.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name = name,
            LinkAttribute::Mtu(mtu) => interface.mtu = mtu,
            // Loopback has an address of six zeros, which is nobody's.
            LinkAttribute::Address(mac) => {
                interface.mac = HardwareAddr::try_from(mac).ok().filter(|mac| *mac != [0; 6]);
            }
            _ => {}
        }
    }
    interface
}

/// The interface's own address: `Local` where there is one, for on a point-to-point link `Address` is the other end's.
fn own_address(message: &AddressMessage) -> Option<(IpAddr, u8)> {
    let mut found = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => return Some((*ip, message.header.prefix_len)),
            AddressAttribute::Address(ip) => found = Some((*ip, message.header.prefix_len)),
            _ => {}
        }
    }
    found
}

/// Metric and interface of an IPv4 default route of the main table; of a multipath route the first hop.
fn default_route(route: &RouteMessage) -> Option<(u32, u32)> {
    let header = &route.header;
    let main = header.table == RouteHeader::RT_TABLE_MAIN;
    if header.destination_prefix_length != 0 || header.kind != RouteType::Unicast || !main {
        return None;
    }
    let (mut metric, mut interface) = (0, None);
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Priority(value) => metric = *value,
            RouteAttribute::Oif(index) => interface = Some(*index),
            RouteAttribute::MultiPath(hops) if interface.is_none() => {
                interface = hops.first().map(|hop| hop.interface_index);
            }
            _ => {}
        }
    }
    Some((metric, interface?))
}
