use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Options, Packet, is_usable};
use crate::{Arrival, code::relay};

/// What a relay says about the client (option 82). A bad sub-option counts as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RelayInfo(Options);

impl RelayInfo {
    pub(crate) fn read(raw: &[u8]) -> Self {
        Self(Options::read_plain(raw))
    }

    fn some(&self, code: u8) -> Option<&[u8]> {
        self.0.get(code).filter(|value| !value.is_empty())
    }

    pub(crate) fn circuit(&self) -> Option<&[u8]> {
        self.some(relay::CIRCUIT_ID)
    }

    pub(crate) fn remote(&self) -> Option<&[u8]> {
        self.some(relay::REMOTE_ID)
    }

    /// The client's link, where `giaddr` is an address of the relay elsewhere (RFC 3527).
    pub(crate) fn link(&self) -> Option<Ipv4Addr> {
        self.0.address(relay::LINK_SELECTION)
    }

    /// The address that the client is to take for its server's, so that its renewals go through the relay (RFC 5107).
    pub(crate) fn server_id(&self) -> Option<Ipv4Addr> {
        self.0.address(relay::SERVER_ID_OVERRIDE).filter(is_usable)
    }

    /// True if the relay says that the client sent its packet to one address (RFC 5010).
    fn was_unicast(&self) -> bool {
        self.0.get(relay::FLAGS).is_some_and(|flags| flags.first().is_some_and(|flags| flags & 0x80 != 0))
    }
}

impl Packet {
    /// True if a relay passed this on.
    pub(crate) fn is_relayed(&self) -> bool {
        !self.giaddr.is_unspecified()
    }

    /// What the relay that passed this on says; nothing where none did, whatever the client wrote.
    pub(crate) fn relay(&self) -> Option<RelayInfo> {
        self.relay_info().filter(|_| self.is_relayed()).map(RelayInfo::read)
    }

    /// Where the relay that passed this on wants the reply: at port 67, or at the port it sent from if it says so (RFC 8357).
    pub(crate) fn relay_address(&self, arrival: &Arrival) -> Option<SocketAddrV4> {
        let chosen = |info: RelayInfo| info.0.has(relay::SOURCE_PORT) && arrival.source.port() != 0;
        let port = if self.relay().is_some_and(chosen) { arrival.source.port() } else { 67 };
        self.is_relayed().then_some(SocketAddrV4::new(self.giaddr, port))
    }

    /// True if the client sent this to one address: it renews with its server. A relay hears broadcasts only, unless it says
    /// otherwise.
    pub(crate) fn was_unicast(&self, arrival: &Arrival) -> bool {
        match self.is_relayed() {
            true => self.relay().is_some_and(|info| info.was_unicast()),
            false => !arrival.broadcast,
        }
    }
}
