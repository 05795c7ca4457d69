//! What a machine returns: packets to send, leases to keep, and what was seen and decided.

use std::net::{Ipv4Addr, SocketAddrV4};

use dhcproto::v4::MessageType;
use ipnet::Ipv4Net;
use nextboot_model::{Lease, LeaseState, Mac, OfferWay};

/// The port on which a packet came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// 67, DHCP and BOOTP.
    Dhcp,
    /// 4011, PXE boot server requests.
    Pxe,
}

impl Port {
    /// The UDP port number.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Dhcp => 67,
            Self::Pxe => 4011,
        }
    }
}

/// How a packet came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The kernel's index of the interface.
    pub interface: u32,
    /// The address of that interface by which we are known there, with its prefix length: the server identifier, and the
    /// network that is on-link. For a unicast packet, the address it was sent to.
    pub local: Ipv4Net,
    /// The sender; `0.0.0.0:68` for a client without an address.
    pub source: SocketAddrV4,
    /// The port it came in on.
    pub port: Port,
    /// True if it was sent to a broadcast address.
    pub broadcast: bool,
}

impl Arrival {
    /// The server identifier to answer with.
    #[must_use]
    pub fn server_id(&self) -> Ipv4Addr {
        self.local.addr()
    }
}

/// What the one decision says about this client's boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BootAnswer {
    /// Nothing about booting: a proxy stays silent, a server gives an address and no more.
    Silent,
    /// Boot this.
    Boot(Boot),
    /// Let somebody choose.
    Menu(PxeMenu),
}

/// A menu that PXE firmware shows. Its choice comes back on port 4011 as a [`BootItem`](crate::BootItem).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PxeMenu {
    /// What is shown while it waits.
    pub prompt: String,
    /// How many seconds it waits before it takes the first item, at most 254; nothing: for ever.
    pub timeout: Option<u8>,
    /// Each item's type and text, in order; type 0 is the own disk.
    pub items: Vec<(u16, String)>,
}

/// A boot file and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// The TFTP server, for `siaddr`; 0.0.0.0 means the address the client reached us by. It is sent where `file` is a URL too:
    /// without it iPXE asks on port 4011.
    pub next_server: Ipv4Addr,
    /// Its name for `sname`, at most 63 bytes.
    pub server_name: Option<String>,
    /// A path for TFTP, or a URL.
    pub file: String,
    /// More options by code, raw, for example 209 and 210 for PXELINUX.
    pub options: Vec<(u8, Vec<u8>)>,
}

/// Where a reply goes, always from the interface and the port that the request came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To the relay agent, at port 67 or the one it sent from (RFC 8357).
    Relay(SocketAddrV4),
    /// To an address that the client already uses.
    Unicast(SocketAddrV4),
    /// To 255.255.255.255, port 68.
    Broadcast,
    /// To a client that cannot answer ARP yet: an IP packet to `ip` port 68 in a frame to `mac`.
    Direct {
        /// The address the client is about to get.
        ip: Ipv4Addr,
        /// Its hardware address.
        mac: Mac,
    },
}

/// One packet to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// The UDP payload, 300 to 1472 bytes.
    pub bytes: Vec<u8>,
    /// Where to.
    pub to: Destination,
    /// The source port: that of the arrival. Firmware drops replies from any other.
    pub from: Port,
    /// What it is; `None` for BOOTP.
    pub message: Option<MessageType>,
}

/// A change of the lease table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseChange {
    /// This is now what stands at `lease.address`.
    Put(Lease),
    /// Nothing stands at this address any more.
    Remove(Ipv4Addr),
}

impl LeaseChange {
    /// True if the change must be on disk before the replies leave. An offer need not: it lapses by itself, and a client
    /// whose offer was forgotten gets the address at its REQUEST all the same if it is still free.
    #[must_use]
    pub fn must_be_durable(&self) -> bool {
        match self {
            Self::Put(lease) => lease.state != LeaseState::Offered,
            Self::Remove(_) => true,
        }
    }
}

/// The result of one packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What to send, at most one packet today.
    pub replies: Vec<Sending>,
    /// What changed in the lease table, in order. Make it durable first; if that fails, do not send.
    pub lease_changes: Vec<LeaseChange>,
    /// What was seen and decided, in order.
    pub notes: Vec<Note>,
    /// Before the replies are sent: ask whether somebody uses this address, and if so call
    /// [`Server::in_use`](crate::Server::in_use) and send nothing.
    pub probe: Option<Ipv4Addr>,
}

/// What a client's REQUEST meant (RFC 2131 section 4.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// Takes an offer, ours or another server's.
    Selecting,
    /// Was rebooted and wants the address it remembers.
    InitReboot,
    /// Extends its lease, by unicast.
    Renewing,
    /// Extends its lease with any server, by broadcast.
    Rebinding,
}

/// Why a DHCPNAK was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NakReason {
    /// The address does not belong to the client's network.
    #[error("address is not on this network")]
    WrongNetwork,
    /// The client's own address is another one.
    #[error("address is not the one of this client")]
    NotYours,
    /// Another client has it, or it is reserved for one.
    #[error("address belongs to another client")]
    Taken,
    /// No pool has it.
    #[error("address is not available")]
    NotAvailable,
}

/// Why a packet was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Why {
    /// This client sends too much, or all of them together do.
    #[error("too many packets")]
    RateLimit,
    /// No subnet of the configuration holds this link.
    #[error("no subnet is configured for this link")]
    NoSubnet,
    /// Passed on by a relay that is in no network of the configuration.
    #[error("the relay is unknown")]
    UnknownRelay,
    /// In proxy mode: this client does not boot from the network.
    #[error("not a network boot client")]
    NotBooting,
    /// The decision was to stay silent.
    #[error("nothing is to be booted")]
    NothingToBoot,
    /// UEFI HTTP Boot was to get something that is no URL.
    #[error("UEFI HTTP Boot needs a URL")]
    NotAUrl,
    /// The client is in a class that is not answered.
    #[error("its class is not answered")]
    Dropped,
    /// The packet belongs to another server.
    #[error("meant for another server")]
    OtherServer,
    /// A REQUEST for an address that we know nothing about; another server may.
    #[error("no record of this client")]
    NoRecord,
    /// The packet lacks what its kind needs.
    #[error("incomplete or contradictory message")]
    Malformed,
    /// The client does not hold the lease that it speaks about.
    #[error("not the holder of the lease")]
    NotHolder,
    /// BOOTP clients get reserved addresses, and those of classes that name BOOTP.
    #[error("BOOTP client without a reserved address")]
    NotReserved,
    /// A message type that a server does not answer, or that is out of place on this port.
    #[error("message type is not answered here")]
    MessageType,
    /// The sender is in no network that we serve, or it speaks of an address that it does not send from.
    #[error("sender is not in a served network, or not at the address it speaks of")]
    ForeignSource,
    /// The boot item is local boot, wants credentials, or is not in this machine's menu.
    #[error("boot item is not served")]
    BootItem,
}

/// One thing that was seen or decided about the client of the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A DISCOVER came.
    Discover {
        /// The address it asks for.
        requested: Option<Ipv4Addr>,
    },
    /// An address was offered.
    Offer {
        /// The address.
        address: Ipv4Addr,
        /// The boot file in the offer.
        file: Option<String>,
    },
    /// A REQUEST came. In proxy mode it tells which address the client takes from which server.
    Request {
        /// What it meant.
        state: RequestState,
        /// The address it wants.
        address: Ipv4Addr,
        /// The server it chose.
        server: Option<Ipv4Addr>,
    },
    /// A lease was given or extended.
    Ack {
        /// The address.
        address: Ipv4Addr,
        /// The boot file in the reply.
        file: Option<String>,
    },
    /// A REQUEST was refused.
    Nak {
        /// The address it wanted.
        address: Ipv4Addr,
        /// Why.
        reason: NakReason,
    },
    /// The client took another server's offer.
    ChoseOther {
        /// That server.
        server: Ipv4Addr,
        /// The address it wants there, if it says so.
        address: Option<Ipv4Addr>,
    },
    /// The client found its address in use by somebody else.
    Decline {
        /// The address, which nobody gets for a while.
        address: Ipv4Addr,
    },
    /// An address was to be offered, but somebody uses it who did not get it from us.
    InUse {
        /// The address, which nobody gets for a while.
        address: Ipv4Addr,
    },
    /// So many addresses are in quarantine that the oldest came out early.
    QuarantineFull {
        /// The address that came out.
        address: Ipv4Addr,
    },
    /// The client gave its address back.
    Release {
        /// The address.
        address: Ipv4Addr,
    },
    /// A client with an address of its own got the options of its network.
    Inform {
        /// Its address.
        address: Ipv4Addr,
    },
    /// A BOOTP client got its reserved address.
    Bootp {
        /// The address.
        address: Ipv4Addr,
        /// The boot file in the reply.
        file: Option<String>,
    },
    /// Another machine holds a lease under this client's identifier, as machines made from one disk image do. Each keeps its
    /// own address.
    IdentifierShared {
        /// The other machine.
        with: Mac,
        /// Its address.
        address: Ipv4Addr,
    },
    /// A reserved address cannot be given yet, because another client holds a lease for it.
    ReservedInUse {
        /// The address.
        address: Ipv4Addr,
        /// Who holds it.
        holder: Mac,
    },
    /// No address was left.
    PoolExhausted {
        /// In this network.
        network: Ipv4Net,
    },
    /// A proxy offer was sent.
    ProxyOffer {
        /// The boot file in the offer; `None` if the client is to ask for it on port 4011.
        file: Option<String>,
    },
    /// The firmware asked again and again without a sign that it took our offers.
    OfferNotTaken {
        /// How it was led to its boot file.
        failed: OfferWay,
    },
    /// The firmware took our offer after it had not taken the other way, or was led the other way than the site says.
    WayFound {
        /// How.
        way: OfferWay,
    },
    /// The firmware took neither way: it needs one offer with both an address and a boot file.
    NeedsOneOffer {
        /// Who offered it an address meanwhile, as far as heard.
        address_by: Option<Ipv4Addr>,
        /// What we would have had it boot: the server.
        next_server: Ipv4Addr,
        /// The file.
        file: String,
    },
    /// A menu was offered.
    MenuOffered {
        /// The texts of its items.
        items: Vec<String>,
    },
    /// A boot server request was answered on port 4011.
    PxeAck {
        /// The boot file in the reply.
        file: String,
        /// The client's address.
        address: Ipv4Addr,
    },
    /// The reply went without a boot file, because the client could not use the one that was decided.
    BootLeftOut(Why),
    /// The reply had no room for an option (82: the relay's, 67: the boot file) and went without.
    LeftOut {
        /// Its code.
        code: u8,
    },
    /// The packet was not answered.
    Ignored(Why),
}

impl Outcome {
    pub(crate) fn ignored(why: Why) -> Self {
        Self { notes: vec![Note::Ignored(why)], ..Self::default() }
    }

    pub(crate) fn ignore(&mut self, why: Why) {
        self.notes.push(Note::Ignored(why));
    }
}
