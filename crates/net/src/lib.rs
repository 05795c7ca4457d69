//! Every system call about the network. This room moves bytes and knows no protocol above UDP: neither DHCP nor TFTP, and
//! nothing of hosts or assignments. Linux only.
//!
//! - [`UdpSocket`]: a socket that knows on which interface, and for which of our addresses, a datagram came in, and that can
//!   answer from exactly there.
//! - [`TransferSocket`]: the port of one transfer, and [`Poller`], which waits for a thousand of them. Both kinds of socket
//!   hand a whole window of equal datagrams to the kernel at once.
//! - [`PacketSocket`]: hears UDP datagrams for a port without binding it, so that another server on the same machine keeps
//!   the port, and sends UDP to a client that has no address yet (the hardware address is given by the caller, so no ARP).
//! - [`FrameSocket`]: whole Ethernet frames for network cards that are simulated on an interface.
//! - [`RawSocket`]: sends UDP from a port that another program holds, over the kernel's routes.
//! - [`answers_arp`] and [`answers_ping`]: whether somebody has an address.
//! - [`Network`]: interfaces, the interface of the default route, and which hardware address stands behind a neighbour.
//!   [`Changes`] tells when it is worth asking again.
//! - [`packet`]: the IPv4 and UDP headers as pure functions, for the packet socket and for tests.
//!
//! All sockets belong to the network namespace of the thread that opens them, and all but [`FrameSocket`] and
//! [`TransferSocket`] need a running tokio runtime with I/O enabled. Privileges: ports below 1024 want
//! `CAP_NET_BIND_SERVICE`, [`PacketSocket`], [`RawSocket`] and asking for addresses want `CAP_NET_RAW`; the rest wants none.
//! A service manager that filters address families must let `AF_INET`, `AF_INET6`, `AF_NETLINK` and `AF_PACKET` through.
//!
//! # Deliberate deviations
//! - Datagrams may be fragmented and do not carry "don't fragment" (path MTU discovery is off): boot ROMs ask for block sizes
//!   that do not fit their own link and never answer an ICMP message.
//! - On the packet socket a UDP checksum that covers only the pseudo-header counts as right: that is what a virtual machine
//!   on the same box leaves there when it expects the (virtual) network card to fill in the rest.
//! - IPv4 fragments are not put together on the packet socket: no client sends a DHCP message that needs it.
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod acknowledged;
mod network;
mod pace;
pub mod packet;
mod poll;
mod presence;
mod raw;
mod udp;

pub use acknowledged::unacknowledged;
pub use network::{Change, Changes, Interface, Neighbour, NetlinkError, Network};
pub use pace::pace;
pub use packet::{FrameSocket, Hear, Heard, MAX_FRAME, OpenError, PacketSocket, SendError};
pub use poll::{Poller, Waker};
pub use presence::{answers_arp, answers_ping};
pub use raw::RawSocket;
pub use udp::{BindError, BindOptions, Datagram, TransferSocket, UdpSocket};

/// An Ethernet hardware address.
pub type HardwareAddr = [u8; 6];

/// The Ethernet broadcast address.
pub const BROADCAST: HardwareAddr = [0xff; 6];
