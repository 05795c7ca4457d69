//! UEFI firmware built from EDK2: PXE and HTTP Boot.

pub mod http;
mod offer;
mod options;
pub mod pxe;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_model::Arch;

use crate::Datagram;
use crate::dhcp::{CLIENT_PORT, Identity, SERVER_PORT};
use crate::message::{Kind, Message, Received, code};

/// Dhcp4: DISCOVER at 0, 4, 12 and 28 s; offers are collected until the window is over.
const DISCOVER_WAITS: &[u64] = &[4000, 8000, 16_000, 32_000];
const REQUEST_WAITS: &[u64] = &[4000, 8000, 16_000, 32_000];

/// The packet that both clients send, with what only one of them says.
#[derive(Debug, Clone, Copy)]
struct Words {
    identity: Identity,
    arch: Arch,
    class: &'static str,
    parameters: &'static [u8],
    /// What a REQUEST claims in option 57.
    request_size: u16,
}

impl Words {
    /// DISCOVER, or a REQUEST for an offer, broadcast. Option order as on the wire of OVMF 2022.11.
    fn broadcast(&self, xid: u32, secs: u16, offer: Option<&Received>) -> Datagram {
        let mut message = Message::new(self.identity.mac).broadcast().set(|header| {
            header.xid = xid;
            header.secs = secs;
        });
        let mut size = 1472_u16;
        match offer {
            None => message = message.kind(Kind::DISCOVER),
            Some(offer) => {
                message = message.kind(Kind::REQUEST);
                if let Some(server) = offer.server_id() {
                    message = message.address(code::SERVER_ID, server);
                }
                message = message.address(code::REQUESTED, offer.header.yiaddr);
                size = self.request_size;
            }
        }
        let message = message
            .option(code::MAX_SIZE, size.to_be_bytes())
            .option(code::PARAMETERS, self.parameters)
            .option(code::UUID, self.identity.option_97())
            .option(code::UNDI, [1, 3, 0])
            .option(code::ARCH, self.arch.0.to_be_bytes())
            .option(code::VENDOR_CLASS, self.vendor_class());
        self.send(&message)
    }

    /// DHCPDECLINE of the address that a reply wanted to give.
    fn decline(&self, xid: u32, ack: &Received) -> Datagram {
        let mut message = Message::new(self.identity.mac).broadcast().set(|header| header.xid = xid);
        message = message.kind(Kind::DECLINE).address(code::REQUESTED, ack.header.yiaddr);
        if let Some(server) = ack.server_id() {
            message = message.address(code::SERVER_ID, server);
        }
        self.send(&message)
    }

    fn send(&self, message: &Message) -> Datagram {
        let to = (Ipv4Addr::BROADCAST, SERVER_PORT);
        Datagram::new((Ipv4Addr::UNSPECIFIED, CLIENT_PORT), to, message.bytes())
    }

    fn vendor_class(&self) -> String {
        format!("{}:Arch:{:05}:UNDI:003000", self.class, self.arch.0)
    }
}

/// A reply from a server's port that passes the checks on every packet: rules 1 and 2 of the firmware's contract.
fn acceptable(identity: &Identity, datagram: &Datagram, xid: u32) -> Option<Received> {
    if datagram.from.port() != SERVER_PORT || datagram.bytes.len() > 1472 {
        return None;
    }
    let packet = identity.reply(datagram, CLIENT_PORT, xid)?;
    // DHCP without a server identifier is nobody's; BOOTP has none.
    (options::well_formed(&packet) && (packet.kind().is_none() || packet.server_id().is_some()))
        .then_some(packet)
}

/// Seconds since the start, as a packet carries them.
fn seconds(started: Duration, now: Duration) -> u16 {
    u16::try_from(now.saturating_sub(started).as_secs()).unwrap_or(u16::MAX)
}
