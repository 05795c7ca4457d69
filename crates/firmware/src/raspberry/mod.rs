//! Raspberry Pi: the boot ROM of the Pi 3 and the EEPROM of the Pi 4 and 5.

mod files;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::dhcp::{CLIENT_PORT, Identity, Progress, SERVER_PORT, offers_address, vendor_class};
use crate::message::{Kind, Message, Received, code};
use crate::random::Random;
use crate::retry::{Due, Retry};
use crate::tftp::Style;
use crate::{Boot, Datagram, Dhcp, GaveUp, Load};

pub(crate) use files::Files;

/// Five tries.
const WAITS: &[u64] = &[5000, 5000, 5000, 5000, 5000];
/// What option 43 must contain; the first ROM compares the three blanks too.
const NAME: &[u8] = b"Raspberry Pi Boot   ";

/// The model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// The boot ROM. It takes an OFFER as it is and never sends a REQUEST.
    Pi3,
    /// The EEPROM of the Pi 4.
    Pi4,
    /// The EEPROM of the Pi 5.
    Pi5,
}

impl Model {
    /// What it calls the directory of its own files, beside the name of the first file.
    pub(crate) fn first_file(self) -> &'static str {
        match self {
            Self::Pi3 => "bootcode.bin",
            Self::Pi4 => "start4.elf",
            Self::Pi5 => "config.txt",
        }
    }
}

/// The serial number that names a machine's directory: here the last four bytes of its MAC.
pub(crate) fn serial(identity: &Identity) -> String {
    let [_, _, c, d, e, f] = identity.mac.0;
    format!("{c:02x}{d:02x}{e:02x}{f:02x}")
}

/// The client.
#[derive(Debug)]
pub struct Raspberry {
    identity: Identity,
    model: Model,
    xid: u32,
    started: Duration,
    progress: Progress,
    requesting: bool,
    offer: Option<Received>,
    boot_offer: Option<Received>,
}

impl Raspberry {
    /// A board that is switched off.
    #[must_use]
    pub fn new(identity: Identity, model: Model, random: &mut Random) -> Self {
        Self {
            identity,
            model,
            xid: random.xid(),
            started: Duration::ZERO,
            progress: Progress::default(),
            requesting: false,
            offer: None,
            boot_offer: None,
        }
    }

    /// The Pi 3 has the same number in all of them; the EEPROM says model, revision, MAC and serial number.
    fn option_97(&self) -> [u8; 17] {
        let mut value = [0x44; 17];
        value[0] = 0;
        if self.model != Model::Pi3 {
            let [_, _, c, d, e, f] = self.identity.mac.0;
            value[1..5].copy_from_slice(b"RPi4");
            value[5..9].copy_from_slice(&if self.model == Model::Pi4 {
                [0x11, 0x31, 0xc0, 0]
            } else {
                [0x70, 0x41, 0xd0, 0]
            });
            value[9..13].copy_from_slice(&[f, e, d, c]);
            value[13..17].copy_from_slice(&[c, d, e, f]);
        }
        value
    }

    fn say(&self, now: Duration, out: &mut Vec<Datagram>) {
        let secs = u16::try_from(now.saturating_sub(self.started).as_secs()).unwrap_or(u16::MAX);
        let message = Message::new(self.identity.mac).set(|header| {
            header.xid = self.xid;
            header.secs = secs;
        });
        let message = match self.offer.as_ref().filter(|_| self.requesting) {
            None => message.kind(Kind::DISCOVER),
            Some(offer) => {
                let message = message.kind(Kind::REQUEST).address(code::REQUESTED, offer.header.yiaddr);
                match offer.server_id() {
                    Some(server) => message.address(code::SERVER_ID, server),
                    None => message,
                }
            }
        };
        let message = message
            .option(code::PARAMETERS, [43, 60, 67, 128, 129, 130, 131, 132, 133, 134, 135, 66])
            .option(code::ARCH, [0, 0])
            .option(code::UNDI, [1, 2, 1])
            .option(code::VENDOR_CLASS, "PXEClient:Arch:00000:UNDI:002001")
            .option(code::UUID, self.option_97())
            .at_least(300);
        let to = (Ipv4Addr::BROADCAST, SERVER_PORT);
        out.push(Datagram::new((Ipv4Addr::UNSPECIFIED, CLIENT_PORT), to, message.bytes()));
    }

    fn heard_offer(&mut self, packet: &Received, now: Duration, out: &mut Vec<Datagram>) {
        let named = packet
            .value(code::VENDOR)
            .is_some_and(|value| value.windows(NAME.len()).any(|part| part == NAME));
        let boots = !packet.header.siaddr.is_unspecified() && named && vendor_class(packet, "PXEClient");
        if boots && self.boot_offer.is_none() {
            self.boot_offer = Some(packet.clone());
        }
        if offers_address(packet) && self.offer.is_none() {
            self.offer = Some(packet.clone());
        }
        let (Some(offer), Some(_)) = (&self.offer, &self.boot_offer) else { return };
        if self.model == Model::Pi3 {
            let offer = offer.clone();
            self.load(offer);
        } else {
            self.requesting = true;
            self.progress.retry = Retry::new(WAITS, now);
            self.say(now, out);
        }
    }

    fn load(&mut self, ack: Received) {
        self.progress.retry = Retry::off();
        let Some(boot) = self.boot_offer.clone() else { return };
        let server = boot.header.siaddr;
        // It has no router: the file server must be in its own subnet.
        let mask = ack.address(code::SUBNET_MASK).unwrap_or(Ipv4Addr::BROADCAST).to_bits();
        let near = server.to_bits() & mask == ack.header.yiaddr.to_bits() & mask;
        self.progress.ack = Some(ack.clone());
        self.progress.outcome = Some(if near || self.model != Model::Pi3 {
            let file = match self.model {
                Model::Pi3 => self.model.first_file().to_owned(),
                Model::Pi4 | Model::Pi5 => format!("{}/{}", serial(&self.identity), self.model.first_file()),
            };
            Ok(Boot { ack, pxe: Some(boot), load: Load::Tftp { server, file, style: Style::RaspberryPi } })
        } else {
            Err(GaveUp::new("Raspberry Pi", "the TFTP server is in another subnet"))
        });
    }
}

impl Dhcp for Raspberry {
    fn start(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        self.started = now;
        self.progress.retry = Retry::new(WAITS, now);
        self.say(now, out);
    }

    fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Vec<Datagram>) {
        if self.progress.ack.is_some() || datagram.from.port() != SERVER_PORT {
            return;
        }
        let Some(packet) = self.identity.reply(datagram, CLIENT_PORT, self.xid) else { return };
        // The boot ROM hears nothing that came through a relay.
        if self.model == Model::Pi3 && packet.header.hops != 0 {
            return;
        }
        match packet.kind() {
            Some(Kind::OFFER) if !self.requesting => self.heard_offer(&packet, now, out),
            Some(Kind::ACK) if self.requesting && !packet.header.yiaddr.is_unspecified() => self.load(packet),
            Some(Kind::NAK) if self.requesting => {
                self.requesting = false;
                self.offer = None;
                self.boot_offer = None;
                self.start(now, out);
            }
            _ => {}
        }
    }

    fn due(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        match self.progress.retry.due(now) {
            Due::NotYet => {}
            Due::Again(_) => self.say(now, out),
            Due::Over => {
                let words = match (&self.offer, &self.boot_offer) {
                    (None, None) => "no offer",
                    (None, Some(_)) => "no address",
                    (Some(_), None) => "no offer with option 43 \"Raspberry Pi Boot\"",
                    (Some(_), Some(_)) => "no acknowledgement",
                };
                self.progress.outcome = Some(Err(GaveUp::new("Raspberry Pi", words)));
            }
        }
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn progress_mut(&mut self) -> &mut Progress {
        &mut self.progress
    }
}
