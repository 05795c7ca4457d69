//! What iPXE sends, in the order of its options on the wire (iPXE ROM 1.0.0 of QEMU).

use std::net::Ipv4Addr;

use super::{Ipxe, State};
use crate::dhcp::{CLIENT_PORT, PXE_PORT, SERVER_PORT};
use crate::message::{Kind, Message, code};
use crate::vendor::boot_item;
use crate::{Datagram, Dhcp};

const PARAMETERS: [u8; 23] =
    [1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175, 203];

/// Bus id, version and the protocols that the build has.
const FEATURES: [u8; 48] = [
    0xb1, 5, 1, 0x1a, 0xf4, 0x10, 0, 0xeb, 3, 1, 0, 0, 0x17, 1, 1, 0x22, 1, 1, 0x13, 1, 1, 0x11, 1, 1, 0x27,
    1, 1, 0x19, 1, 1, 0x29, 1, 1, 0x10, 1, 2, 0x21, 1, 1, 0x15, 1, 1, 0x18, 1, 1, 0x12, 1, 1,
];

impl Ipxe {
    pub(super) fn say(&mut self, out: &mut Vec<Datagram>) {
        let own = self.address().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let broadcast = (Ipv4Addr::BROADCAST, SERVER_PORT);
        let proxy_server = self.proxy.as_ref().and_then(|packet| {
            let siaddr = Some(packet.header.siaddr).filter(|address| !address.is_unspecified());
            packet.server_id().or(siaddr)
        });
        self.count += 1;
        let (message, from, to) = match &self.state {
            State::Discovering => (self.message(Kind::DISCOVER, false), Ipv4Addr::UNSPECIFIED, broadcast),
            State::Requesting => {
                let mut message = self.message(Kind::REQUEST, false);
                if let Some(offer) = &self.offer {
                    if let Some(server) = offer.server_id() {
                        message = message.address(code::SERVER_ID, server);
                    }
                    message = message.address(code::REQUESTED, offer.header.yiaddr);
                }
                (message, Ipv4Addr::UNSPECIFIED, broadcast)
            }
            State::AskingProxy => {
                let Some(server) = proxy_server else { return };
                // Seen: an ACK's option 60 takes the place of its own words.
                let bare = self.progress.ack.as_ref().is_some_and(|ack| ack.has(code::VENDOR_CLASS));
                let message = self.message(Kind::REQUEST, bare).address(code::SERVER_ID, server);
                (message, own, (server, PXE_PORT))
            }
            State::AskingBootServer { to, item } => {
                let message = self.message(Kind::REQUEST, true).option(code::VENDOR, boot_item(*item));
                (message, own, (*to, PXE_PORT))
            }
            State::Off | State::Prompt(..) | State::Over => return,
        };
        out.push(Datagram::new((from, CLIENT_PORT), to, message.bytes()));
    }

    fn message(&self, kind: Kind, bare_class: bool) -> Message {
        let own = self.address();
        let arch = self.build.arch;
        // The latter seen under snponly.efi.
        let (undi, undi_text) = if arch.is_bios() { ([1, 2, 1], "002001") } else { ([1, 3, 16], "003010") };
        let class = match bare_class {
            true => "PXEClient".to_owned(),
            false => format!("PXEClient:Arch:{:05}:UNDI:{undi_text}", arch.0),
        };
        Message::new(self.identity.mac)
            .set(|header| {
                header.xid = self.xid;
                // Not seconds: the count of packets and which offers are there.
                header.secs =
                    self.count << 2 | u16::from(self.offer.is_some()) << 1 | u16::from(self.proxy.is_some());
                if let Some(own) = own {
                    header.ciaddr = own;
                    header.flags = 0x8000;
                }
            })
            .kind(kind)
            .option(code::MAX_SIZE, 1472_u16.to_be_bytes())
            .option(code::ARCH, arch.0.to_be_bytes())
            .option(code::UNDI, undi)
            .option(code::VENDOR_CLASS, class)
            .option(code::USER_CLASS, "iPXE")
            .option(code::PARAMETERS, PARAMETERS)
            .option(code::IPXE, FEATURES)
            .option(code::CLIENT_ID, self.identity.option_61())
            .option(code::UUID, self.identity.option_97())
    }
}
