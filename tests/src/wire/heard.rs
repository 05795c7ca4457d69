//! What a server answered, and what every answer must look like.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Deref;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::{Kind, Received, code};

use super::client::{Ask, server};
use super::frame::Datagram;

/// The broadcast flag.
const BROADCAST: u16 = 0x8000;

/// One answer, as it was on the cable.
#[derive(Debug)]
pub struct Heard {
    message: Received,
    /// The hardware address that the frame went to.
    pub to_link: [u8; 6],
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Destination address and port.
    pub to: SocketAddrV4,
}

impl Deref for Heard {
    type Target = Received;

    fn deref(&self) -> &Received {
        &self.message
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = &self.header;
        match self.kind() {
            Some(kind) => write!(out, "{kind}")?,
            None => write!(out, "BOOTP reply")?,
        }
        write!(
            out,
            " from {} to {}, yiaddr {}, ciaddr {}",
            self.from, self.to, header.yiaddr, header.ciaddr
        )?;
        write!(out, ", siaddr {}, giaddr {}, options", header.siaddr, header.giaddr)?;
        for option in &self.options {
            write!(out, " {}={:02x?}", option.code, option.value)?;
        }
        Ok(())
    }
}

impl Heard {
    /// The datagram as a server's message; nothing when it is something else.
    pub(super) fn read(datagram: &Datagram) -> Option<Self> {
        let message = Received::read(&datagram.payload).ok().filter(|message| message.header.op == 2)?;
        Some(Self { message, to_link: datagram.to_link, from: datagram.from, to: datagram.to })
    }

    /// `Ok` when it gives this address.
    ///
    /// # Errors
    /// What it gives instead.
    pub fn gives(&self, address: Ipv4Addr) -> Result<&Self> {
        ensure!(self.header.yiaddr == address, "{address} expected: {self}");
        Ok(self)
    }

    /// `Ok` when the option has this value.
    ///
    /// # Errors
    /// What it has instead.
    pub fn tells(&self, code: u8, value: impl AsRef<[u8]>) -> Result<&Self> {
        ensure!(self.value(code) == Some(value.as_ref()), "{code}={:02x?} expected: {self}", value.as_ref());
        Ok(self)
    }

    /// `Ok` when the option is not there.
    ///
    /// # Errors
    /// That it is there.
    pub fn lacks(&self, code: u8) -> Result<&Self> {
        ensure!(!self.has(code), "no option {code} expected: {self}");
        Ok(self)
    }

    /// What holds for every answer, whatever the question was (RFC 2131 section 4.1 and table 3, RFC 3046, RFC 6842).
    pub(super) fn check(&self, ask: &Ask) -> Result<()> {
        self.check_header(ask)?;
        self.check_way(ask)?;
        self.check_options(ask).with_context(|| self.to_string())
    }

    fn check_header(&self, ask: &Ask) -> Result<()> {
        let (have, asked) = (&self.header, &ask.message.header);
        ensure!((have.htype, have.hlen, have.hops, have.secs) == (1, 6, 0, 0), "fixed fields: {self}");
        ensure!(have.chaddr == asked.chaddr && have.giaddr == asked.giaddr, "not copied: {self}");
        // Without an address in it, a relay can only broadcast it.
        let forced = have.yiaddr.is_unspecified() && !asked.giaddr.is_unspecified();
        let flags = if forced { asked.flags | BROADCAST } else { asked.flags };
        ensure!(have.flags == flags, "flags {:04x}: {self}", have.flags);
        if self.kind() == Some(Kind::NAK) {
            let empty = [have.ciaddr, have.yiaddr, have.siaddr].iter().all(Ipv4Addr::is_unspecified);
            ensure!(empty && have.file[0] == 0 && have.sname[0] == 0, "not empty in a NAK: {self}");
        }
        let limit = if Received::read(&ask.message.bytes())?.has(code::MAX_SIZE) { 1472 } else { 548 };
        ensure!((300..=limit).contains(&self.bytes.len()), "{} bytes: {self}", self.bytes.len());
        Ok(())
    }

    /// Where the answer went.
    fn check_way(&self, ask: &Ask) -> Result<()> {
        let header = &self.header;
        // RFC 8357: an empty sub-option 19 says that the relay's own port counts.
        let info = Received::read(&ask.message.bytes())?.encapsulated(code::RELAY_INFO).unwrap_or_default();
        let relay_port = info.value(code::relay::SOURCE_PORT).map_or(67, |_| ask.from.port());
        ensure!(self.from == SocketAddrV4::new(server(), 67), "source: {self}");
        let (to, link) = if !header.giaddr.is_unspecified() {
            (SocketAddrV4::new(header.giaddr, relay_port), None)
        } else if !header.ciaddr.is_unspecified() {
            (SocketAddrV4::new(header.ciaddr, 68), None)
        } else if self.kind() == Some(Kind::NAK) || header.flags & BROADCAST != 0 {
            (SocketAddrV4::new(Ipv4Addr::BROADCAST, 68), Some([0xff; 6]))
        } else if header.yiaddr.is_unspecified() {
            // An INFORM without ciaddr is answered to its source, which this message does not show.
            return Ok(());
        } else {
            (SocketAddrV4::new(header.yiaddr, 68), Some(header.mac().0))
        };
        ensure!(self.to == to, "destination {to} expected: {self}");
        ensure!(link.is_none_or(|link| link == self.to_link), "frame to {:02x?}: {self}", self.to_link);
        Ok(())
    }

    fn check_options(&self, ask: &Ask) -> Result<()> {
        let asked = Received::read(&ask.message.bytes())?;
        ensure!(self.cookie && self.end, "cookie and END");
        ensure!(self.options.iter().all(|option| !option.value.is_empty()), "an empty option");
        ensure!(self.value(code::CLIENT_ID) == asked.value(code::CLIENT_ID), "the client identifier");
        for never in [code::REQUESTED, code::PARAMETERS, code::MAX_SIZE] {
            ensure!(!self.has(never), "option {never} is a client's");
        }
        if asked.has(code::RELAY_INFO) && !asked.header.giaddr.is_unspecified() {
            let last = self.options.last().map(|option| (option.code, option.value.as_slice()));
            let sent = asked.value(code::RELAY_INFO).map(|value| (code::RELAY_INFO, value));
            ensure!(last == sent, "the relay's information comes back as it was, at the end");
        }
        let Some(kind) = self.kind() else {
            return self.lacks(code::SERVER_ID)?.lacks(code::LEASE_TIME).map(drop);
        };
        ensure!(self.options.first().is_some_and(|first| first.code == code::MESSAGE_TYPE), "53 first");
        let named = asked.encapsulated(code::RELAY_INFO).unwrap_or_default();
        let named =
            named.value(code::relay::SERVER_ID_OVERRIDE).and_then(|value| <[u8; 4]>::try_from(value).ok());
        ensure!(self.server_id() == Some(named.map_or_else(server, Ipv4Addr::from)), "the server identifier");
        if kind == Kind::NAK {
            let may = [code::MESSAGE_TYPE, code::SERVER_ID, code::MESSAGE, code::CLIENT_ID, code::RELAY_INFO];
            ensure!(self.codes().iter().all(|code| may.contains(code)), "an option that no NAK has");
        } else if !self.header.yiaddr.is_unspecified() {
            let lease = self.u32(code::LEASE_TIME).context("no lease time")?;
            let times = [self.u32(code::RENEWAL_TIME), self.u32(code::REBINDING_TIME), Some(lease)];
            let ordered = times.iter().flatten().is_sorted() && times[0] < times[2];
            ensure!(ordered || lease == u32::MAX, "times {times:?}");
        }
        Ok(())
    }
}
