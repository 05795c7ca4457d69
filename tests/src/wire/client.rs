//! What a DHCP client says, in each of its states (RFC 2131 section 4.3.6, table 4), with nothing that it would not say.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use nextboot_firmware::message::{HEADER_SIZE, Header, Kind, Message, code};
use nextboot_model::Mac;

use crate::lab::SERVER;

/// What a client asks for when it is not told otherwise: mask, router, name servers.
const WANTED: [u8; 3] = [code::SUBNET_MASK, code::ROUTER, code::DNS];

/// The address of the server under test.
#[must_use]
pub fn server() -> Ipv4Addr {
    SERVER.parse().unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// One machine, as far as a DHCP server can tell.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its hardware address.
    pub mac: Mac,
    id: Option<Vec<u8>>,
    relay: Option<Ipv4Addr>,
    broadcast: bool,
    says: Vec<(u8, Vec<u8>)>,
}

impl Client {
    /// The machine with this number: 02:00:00:00:00:NN. It shows no client identifier and hears broadcasts only.
    #[must_use]
    pub fn new(number: u8) -> Self {
        Self::with_mac(Mac([2, 0, 0, 0, 0, number]))
    }

    /// A machine with this hardware address.
    #[must_use]
    pub fn with_mac(mac: Mac) -> Self {
        Self { mac, id: None, relay: None, broadcast: true, says: Vec::new() }
    }

    /// The machine with this number, which asks for this option and nothing else.
    #[must_use]
    pub fn asking(number: usize, code: u8) -> Self {
        Self::new(u8::try_from(number).unwrap_or(u8::MAX)).says(code::PARAMETERS, [code])
    }

    /// Shows a client identifier (option 61).
    #[must_use]
    pub fn id(self, id: impl AsRef<[u8]>) -> Self {
        Self { id: Some(id.as_ref().to_vec()), ..self }
    }

    /// Shows no client identifier.
    #[must_use]
    pub fn without_id(self) -> Self {
        Self { id: None, ..self }
    }

    /// Is behind the relay with this address, which passes on what it says.
    #[must_use]
    pub fn behind(self, relay: Ipv4Addr) -> Self {
        Self { relay: Some(relay), ..self }
    }

    /// Hears packets for an address that it does not have yet: leaves the broadcast flag out.
    #[must_use]
    pub fn hears_unicast(self) -> Self {
        Self { broadcast: false, ..self }
    }

    /// Says this option too, in everything but RELEASE and DECLINE. Without a parameter list (option 55) of its own, a
    /// client asks for mask, router and name servers; with an empty one it sends none.
    #[must_use]
    pub fn says(mut self, code: u8, value: impl AsRef<[u8]>) -> Self {
        self.says.push((code, value.as_ref().to_vec()));
        self
    }

    /// DISCOVER.
    #[must_use]
    pub fn discover(&self) -> Ask {
        self.wish(Kind::DISCOVER)
    }

    /// REQUEST, SELECTING: takes an offer of the server under test.
    #[must_use]
    pub fn select(&self, address: Ipv4Addr) -> Ask {
        self.wish(Kind::REQUEST).address(code::REQUESTED, address).address(code::SERVER_ID, server())
    }

    /// REQUEST, INIT-REBOOT: remembers an address.
    #[must_use]
    pub fn reboot(&self, address: Ipv4Addr) -> Ask {
        self.wish(Kind::REQUEST).address(code::REQUESTED, address)
    }

    /// REQUEST, RENEWING: uses an address and says so to the server alone. Relays do not see it.
    #[must_use]
    pub fn renew(&self, address: Ipv4Addr) -> Ask {
        let alone = Self { relay: None, broadcast: false, ..self.clone() };
        alone.wish(Kind::REQUEST).set(|header| header.ciaddr = address).alone(address)
    }

    /// REQUEST, REBINDING: uses an address and says so to all.
    #[must_use]
    pub fn rebind(&self, address: Ipv4Addr) -> Ask {
        let heard = Self { broadcast: false, ..self.clone() };
        heard.wish(Kind::REQUEST).set(|header| header.ciaddr = address).from(address)
    }

    /// DECLINE: somebody else uses the address.
    #[must_use]
    pub fn decline(&self, address: Ipv4Addr) -> Ask {
        self.bare(Kind::DECLINE).address(code::REQUESTED, address).address(code::SERVER_ID, server())
    }

    /// RELEASE: gives the address back. Relays do not see it.
    #[must_use]
    pub fn release(&self, address: Ipv4Addr) -> Ask {
        let alone = Self { relay: None, broadcast: false, ..self.clone() };
        let ask = alone.bare(Kind::RELEASE).address(code::SERVER_ID, server());
        ask.set(|header| header.ciaddr = address).alone(address)
    }

    /// INFORM: has an address from elsewhere.
    #[must_use]
    pub fn inform(&self, address: Ipv4Addr) -> Ask {
        let heard = Self { broadcast: false, ..self.clone() };
        heard.wish(Kind::INFORM).set(|header| header.ciaddr = address).from(address)
    }

    /// A BOOTP request.
    #[must_use]
    pub fn bootp(&self) -> Ask {
        self.begin(Message::new(self.mac)).pad()
    }

    fn wish(&self, kind: Kind) -> Ask {
        let mut ask = self.bare(kind);
        for (code, value) in &self.says {
            if *code != code::PARAMETERS || !value.is_empty() {
                ask = ask.option(*code, value);
            }
        }
        if !self.says.iter().any(|(code, _)| *code == code::PARAMETERS) {
            ask = ask.option(code::PARAMETERS, WANTED);
        }
        ask
    }

    /// A message of this kind with nothing in it but who the client is.
    #[must_use]
    pub fn bare(&self, kind: Kind) -> Ask {
        let ask = self.begin(Message::new(self.mac).kind(kind));
        match &self.id {
            Some(id) => ask.option(code::CLIENT_ID, id),
            None => ask,
        }
    }

    fn begin(&self, message: Message) -> Ask {
        let message = if self.broadcast { message.broadcast() } else { message };
        let ask = Ask {
            message,
            link: self.mac.0,
            from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
            to: SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
        };
        match self.relay {
            None => ask,
            Some(relay) => Ask {
                from: SocketAddrV4::new(relay, 67),
                to: SocketAddrV4::new(server(), 67),
                ..ask.set(|header| {
                    header.giaddr = relay;
                    header.hops = 1;
                })
            },
        }
    }
}

/// A message and how it is sent.
#[derive(Debug, Clone)]
pub struct Ask {
    pub(super) message: Message,
    pub(super) link: [u8; 6],
    pub(super) from: SocketAddrV4,
    pub(super) to: SocketAddrV4,
}

impl fmt::Display for Ask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = &self.message.header;
        write!(out, "{} to {} by {}, ciaddr {}", self.from, self.to, header.mac(), header.ciaddr)?;
        let options = self.message.bytes();
        write!(out, ", options {:02x?}", options.get(HEADER_SIZE..).unwrap_or_default())
    }
}

impl Ask {
    /// Adds an option.
    #[must_use]
    pub fn option(mut self, code: u8, value: impl AsRef<[u8]>) -> Self {
        self.message = self.message.option(code, value);
        self
    }

    /// Adds an option with one address.
    #[must_use]
    pub fn address(self, code: u8, address: Ipv4Addr) -> Self {
        self.option(code, address.octets())
    }

    /// Adds bytes to the options as they are.
    #[must_use]
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.message = self.message.raw(bytes);
        self
    }

    /// Changes the fixed fields.
    #[must_use]
    pub fn set(mut self, change: impl FnOnce(&mut Header)) -> Self {
        self.message = self.message.set(change);
        self
    }

    /// Comes from this address instead of 0.0.0.0.
    #[must_use]
    pub fn from(mut self, address: Ipv4Addr) -> Self {
        if self.message.header.giaddr.is_unspecified() {
            self.from = SocketAddrV4::new(address, self.from.port());
        }
        self
    }

    /// Goes from this address to the server's, not to all.
    #[must_use]
    pub fn alone(mut self, from: Ipv4Addr) -> Self {
        self.to = SocketAddrV4::new(server(), 67);
        self.from(from)
    }

    /// Goes to all, whatever it is.
    #[must_use]
    pub fn to_all(mut self) -> Self {
        self.to = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
        self
    }

    /// Comes from this port.
    #[must_use]
    pub fn from_port(mut self, port: u16) -> Self {
        self.from.set_port(port);
        self
    }

    fn pad(mut self) -> Self {
        self.message = self.message.at_least(300);
        self
    }
}
