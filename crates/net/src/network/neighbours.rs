use std::net::{IpAddr, Ipv4Addr};

use futures_util::{StreamExt, TryStreamExt};
use rtnetlink::packet_core::{NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage, RouteType};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Connection, NetlinkError, Network};
use crate::HardwareAddr;

/// What the kernel knows of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbour {
    /// A neighbour on a directly attached link, with this hardware address.
    Known(HardwareAddr),
    /// It would be a neighbour, but is not known, or known to be dead, at the moment.
    Unknown,
    /// It is ours, or lies behind a router.
    Elsewhere,
}

impl Network {
    /// The hardware address behind an address.
    ///
    /// This is what the kernel last heard, possibly some minutes ago; it does not ask the network.
    ///
    /// Two questions to the kernel for single entries, no table walk: some tens of microseconds however large the table.
    ///
    /// # Errors
    /// [`NetlinkError::Request`] for anything but "not found".
    pub async fn neighbour(&self, ip: IpAddr) -> Result<Neighbour, NetlinkError> {
        let Some(interface) = self.attached_by(ip).await? else { return Ok(Neighbour::Elsewhere) };
        let mut query = NeighbourMessage::default();
        query.header.family = family(ip);
        query.header.ifindex = interface;
        query.attributes.push(NeighbourAttribute::Destination(ip.into()));
        let mut request = NetlinkMessage::from(RouteNetlinkMessage::GetNeighbour(query));
        request.header.flags = NLM_F_REQUEST;
        let mut answers = self.asking.handle.clone().request(request)?;
        while let Some(answer) = answers.next().await {
            match answer.payload {
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(entry)) => {
                    return Ok(valid_address(&entry).map_or(Neighbour::Unknown, Neighbour::Known));
                }
                NetlinkPayload::Error(error) => {
                    let error = rtnetlink::Error::NetlinkError(error);
                    return if is_not_found(&error) { Ok(Neighbour::Unknown) } else { Err(error.into()) };
                }
                _ => {}
            }
        }
        Ok(Neighbour::Unknown)
    }

    /// All IPv4 neighbours whose hardware address the kernel knows at the moment: a walk over the whole table.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub async fn neighbours(&self) -> Result<Vec<(Ipv4Addr, HardwareAddr)>, NetlinkError> {
        let walk = Connection::open()?;
        let mut all = Vec::new();
        let mut entries = walk.handle.neighbours().get().set_address_family(AddressFamily::Inet).execute();
        while let Some(entry) = entries.try_next().await? {
            if let (Some(ip), Some(address)) = (destination(&entry), valid_address(&entry)) {
                all.push((ip, address));
            }
        }
        Ok(all)
    }

    /// The interface whose own link reaches `ip` without a router in between.
    async fn attached_by(&self, ip: IpAddr) -> Result<Option<u32>, NetlinkError> {
        let mut query = RouteMessage::default();
        query.header.address_family = family(ip);
        query.header.destination_prefix_length = if ip.is_ipv4() { 32 } else { 128 };
        query.attributes.push(RouteAttribute::Destination(ip.into()));
        let mut routes = self.asking.handle.route().get(query).execute();
        match routes.try_next().await {
            Ok(route) => Ok(route.as_ref().and_then(attached)),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

/// The outgoing interface of a route to a neighbour; `None` for our own addresses, broadcasts and routes over a router.
fn attached(route: &RouteMessage) -> Option<u32> {
    if route.header.kind != RouteType::Unicast {
        return None;
    }
    let routed =
        |attribute: &RouteAttribute| matches!(attribute, RouteAttribute::Gateway(_) | RouteAttribute::Via(_));
    if route.attributes.iter().any(routed) {
        return None;
    }
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    })
}

fn destination(entry: &NeighbourMessage) -> Option<Ipv4Addr> {
    entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => Some(*ip),
        _ => None,
    })
}

/// The address of an entry that the kernel itself would use for sending (NUD_VALID), without NOARP, which is not learned.
fn valid_address(entry: &NeighbourMessage) -> Option<HardwareAddr> {
    use NeighbourState::{Delay, Permanent, Probe, Reachable, Stale};
    if !matches!(entry.header.state, Reachable | Stale | Delay | Probe | Permanent) {
        return None;
    }
    entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(address) => HardwareAddr::try_from(address.as_slice()).ok(),
        _ => None,
    })
}

/// ENOENT: no such entry. ENETUNREACH and the like: no route there.
fn is_not_found(error: &rtnetlink::Error) -> bool {
    use nix::libc::{EHOSTUNREACH, EINVAL, ENETUNREACH, ENOENT};
    let rtnetlink::Error::NetlinkError(message) = error else { return false };
    // EINVAL: "prohibit" and "blackhole" routes, and addresses that cannot be a destination.
    matches!(-message.raw_code(), ENOENT | EHOSTUNREACH | ENETUNREACH | EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: NeighbourState, address: &[u8]) -> NeighbourMessage {
        let mut entry = NeighbourMessage::default();
        entry.header.state = state;
        entry.attributes.push(NeighbourAttribute::LinkLayerAddress(address.to_vec()));
        entry
    }

    #[test]
    fn only_entries_that_carry_a_valid_address_count() {
        use NeighbourState::*;
        let mac = [2, 0, 0, 0, 0, 9];
        for state in [Reachable, Stale, Delay, Probe, Permanent] {
            assert_eq!(valid_address(&entry(state, &mac)), Some(mac));
        }
        for state in [Incomplete, Failed, Noarp, None, Other(0x22)] {
            assert_eq!(valid_address(&entry(state, &mac)), Option::None);
        }
        assert_eq!(valid_address(&entry(Reachable, &mac[..4])), Option::None);
    }
}
