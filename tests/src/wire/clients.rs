//! All clients of one cable.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Result;
use nextboot_firmware::message::{Kind, code};
use nextboot_model::Mac;

use super::client::{Ask, Client};
use super::frame::Cable;
use super::heard::Heard;
use crate::namespace::Namespace;

/// How long [`Clients::lease`] waits for an answer before it counts as lost: the server may be off.
const LOST: Duration = Duration::from_millis(700);

/// Machines of any hardware address at one interface. What they hear is not checked here.
#[derive(Debug)]
pub struct Clients {
    cable: Cable,
    /// Where unicast packets go; to all when it is not known.
    pub(super) server_link: [u8; 6],
    sent: u32,
}

impl Clients {
    /// Opens the interface of a namespace.
    ///
    /// # Errors
    /// When there is no such interface.
    pub fn on(namespace: &Namespace, interface: &str) -> Result<Self> {
        Ok(Self { cable: Cable::on(namespace, interface)?, server_link: [0xff; 6], sent: 0 })
    }

    /// DISCOVER, then REQUEST: the address that a server acknowledged, or nothing when an answer did not come.
    ///
    /// # Errors
    /// When the cable cannot be used; silence and refusals are no errors.
    pub fn lease(&mut self, mac: [u8; 6]) -> Result<Option<Ipv4Addr>> {
        let client = Client::with_mac(Mac(mac));
        let Some(offer) = self.ask(&client.discover(), Kind::OFFER)? else { return Ok(None) };
        let Some(server) = offer.server_id() else { return Ok(None) };
        let takes = client.reboot(offer.header.yiaddr).address(code::SERVER_ID, server);
        Ok(self.ask(&takes, Kind::ACK)?.map(|ack| ack.header.yiaddr))
    }

    fn ask(&mut self, ask: &Ask, wanted: Kind) -> Result<Option<Heard>> {
        let xid = self.send(ask)?;
        let heard = self.hear(Instant::now() + LOST, |heard| heard.header.xid == xid)?;
        Ok(heard.filter(|heard| heard.kind() == Some(wanted)))
    }

    /// The answer, or nothing when there was none in time. What it is like is not checked.
    ///
    /// # Errors
    /// When the cable cannot be used.
    pub fn answer(&mut self, ask: &Ask, limit: Duration) -> Result<Option<Heard>> {
        let xid = self.send(ask)?;
        self.hear(Instant::now() + limit, |heard| heard.header.xid == xid)
    }

    /// Sends, and does not wait for an answer; the transaction id.
    ///
    /// # Errors
    /// When the cable cannot be used.
    pub fn send(&mut self, ask: &Ask) -> Result<u32> {
        self.sent += 1;
        let xid = 0x6e62_0000 | self.sent;
        let ask = ask.clone().set(|header| header.xid = xid);
        // A relay speaks with its own hardware address.
        let relayed = !ask.message.header.giaddr.is_unspecified();
        let from_link = if relayed { self.cable.own } else { ask.link };
        let to_link = if ask.to.ip().is_broadcast() { [0xff; 6] } else { self.server_link };
        self.cable.send((from_link, to_link), ask.from, ask.to, &ask.message.bytes())?;
        Ok(xid)
    }

    /// The first answer that is wanted, before the deadline.
    pub(super) fn hear(&self, deadline: Instant, wanted: impl Fn(&Heard) -> bool) -> Result<Option<Heard>> {
        while let Some(datagram) = self.cable.hear(deadline)? {
            if let Some(heard) = Heard::read(&datagram).filter(&wanted) {
                return Ok(Some(heard));
            }
        }
        Ok(None)
    }
}
