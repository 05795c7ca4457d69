use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_model::{Mac, Uuid};

use crate::message::{Kind, Received};
use crate::retry::Retry;
use crate::{Boot, Datagram, GaveUp, Load};

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
    /// How far it has come.
    fn progress(&self) -> &Progress;
    /// The same, to be changed.
    fn progress_mut(&mut self) -> &mut Progress;

    /// When it wants to be called again at the latest.
    fn deadline(&self) -> Option<Duration> {
        self.progress().retry.deadline()
    }

    /// The end, once it is there; once.
    fn outcome(&mut self) -> Option<Result<Boot, GaveUp>> {
        self.progress_mut().outcome.take()
    }

    /// The address that it uses already.
    fn address(&self) -> Option<Ipv4Addr> {
        self.progress().ack.as_ref().map(|ack| ack.header.yiaddr)
    }
}

/// What every client keeps beside the state of its own.
#[derive(Debug, Default)]
pub struct Progress {
    pub(crate) retry: Retry,
    /// The packet that gave the address.
    pub(crate) ack: Option<Received>,
    /// The packet that said what to boot, when it was another one.
    pub(crate) pxe: Option<Received>,
    pub(crate) outcome: Option<Result<Boot, GaveUp>>,
}

impl Progress {
    /// The end. Without an address it says what `nothing` does.
    pub(crate) fn end(&mut self, outcome: Result<Load, GaveUp>, nothing: impl FnOnce() -> GaveUp) {
        let boot = outcome.and_then(|load| {
            let ack = self.ack.clone().ok_or_else(nothing)?;
            Ok(Boot { ack, pxe: self.pxe.clone(), load })
        });
        self.over(boot);
    }

    /// The end.
    pub(crate) fn over(&mut self, outcome: Result<Boot, GaveUp>) {
        self.retry = Retry::off();
        self.outcome = Some(outcome);
    }
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
