use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_model::{Mac, Uuid};

use crate::message::{Kind, Received};
use crate::{Boot, Datagram, GaveUp};

/// Port of servers.
pub(crate) const SERVER_PORT: u16 = 67;
/// Port of clients.
pub(crate) const CLIENT_PORT: u16 = 68;
/// Port of PXE boot servers (Intel PXE 2.1).
pub(crate) const PXE_PORT: u16 = 4011;

/// How one firmware finds out what to boot.
pub trait Dhcp: fmt::Debug + Send {
    /// Switches it on.
    fn start(&mut self, now: Duration, out: &mut Vec<Datagram>);
    /// A datagram came to this machine, to an address of its own or to all.
    fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Vec<Datagram>);
    /// The time of [`Dhcp::deadline`] has come.
    fn due(&mut self, now: Duration, out: &mut Vec<Datagram>);
    /// When it wants to be called again at the latest.
    fn deadline(&self) -> Option<Duration>;
    /// The end, once it is there.
    fn outcome(&mut self) -> Option<Result<Boot, GaveUp>>;
    /// The address that it uses already.
    fn address(&self) -> Option<Ipv4Addr>;
}

/// Who a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Its network card.
    pub mac: Mac,
    /// Its SMBIOS UUID; without one, firmware sends zeros.
    pub uuid: Option<Uuid>,
}

impl Identity {
    /// The value of option 97: type 0 and the UUID in wire order.
    pub(crate) fn option_97(&self) -> [u8; 17] {
        let mut value = [0; 17];
        if let Some(uuid) = self.uuid {
            value[1..].copy_from_slice(&uuid.to_wire().0);
        }
        value
    }

    /// The value of option 61 where one is sent: the hardware type and the address.
    pub(crate) fn option_61(&self) -> [u8; 7] {
        let [a, b, c, d, e, f] = self.mac.0;
        [1, a, b, c, d, e, f]
    }

    /// A reply to this machine, to this port and about this transaction.
    pub(crate) fn reply(&self, datagram: &Datagram, port: u16, xid: u32) -> Option<Received> {
        if datagram.to.port() != port {
            return None;
        }
        let packet = Received::read(&datagram.bytes).ok()?;
        let header = &packet.header;
        (packet.cookie && header.op == 2 && header.xid == xid && header.mac() == self.mac).then_some(packet)
    }
}

/// A server's offer with an address: OFFER, or a reply of BOOTP.
pub(crate) fn offers_address(packet: &Received) -> bool {
    matches!(packet.kind(), None | Some(Kind::OFFER)) && !packet.header.yiaddr.is_unspecified()
}

/// Option 60 begins with these bytes.
pub(crate) fn vendor_class(packet: &Received, class: &str) -> bool {
    packet.value(crate::message::code::VENDOR_CLASS).is_some_and(|value| value.starts_with(class.as_bytes()))
}
