//! DHCPv4, BOOTP and PXE as a machine without I/O.
//!
//! Bytes, time and decisions go in; bytes, lease changes and notes come out. Nothing here knows a socket, a clock or a disk.
//!
//! ```
//! use nextboot_dhcp::{Arrival, BootAnswer, Load, Port, Seen, Server, ServerConfig};
//! use nextboot_model::Timestamp;
//!
//! fn on_datagram(server: &mut Server, now: Timestamp, arrival: &Arrival, bytes: &[u8]) {
//!     // Garbage and other servers' replies end here; `Heard` reads the latter.
//!     let Ok(seen) = Seen::read(bytes) else { return };
//!     // A flood ends here.
//!     let Some(admitted) = server.admit(now, Load::Light, &seen, &()) else { return };
//!     // The one decision, made elsewhere from `seen.client()`.
//!     let boot = BootAnswer::Silent;
//!     let outcome = server.answer(admitted, now, arrival, &seen, &boot, &());
//!     // 1. make `outcome.lease_changes` durable, 2. tell `server.written`, 3. see to `outcome.probe`, 4. send
//!     // `outcome.replies`, 5. turn `outcome.notes` into events.
//! }
//! ```
//!
//! [`Server`] is the DHCP server of its subnets; [`Proxy`] adds boot information beside another DHCP server. Both answer port
//! 4011. [`Heard`] reads what other servers say, and [`Neighbours`] keeps
//! count of them.
//!
//! # Deviations from the specifications
//!
//! - **An address is held by a hardware address; a client identifier only finds an idle one again** (RFC 2131 section 4.2 wants
//!   the identifier alone to count). Firmware sends none, iPXE 01 and its MAC, the installed system a DUID: one machine would
//!   take three addresses in each boot. And machines made from one disk image show one DUID: they would share an address. So
//!   several clients behind one hardware address share one address, and a machine that changes its network card gets another
//!   address while the old lease holds. [`IdentityRule::ClientId`] is RFC 2131 for sites that want it; an address that is
//!   reserved for a hardware address is its own under every identifier even there.
//! - **What firmware and relays told goes on counting** for packets of the same hardware address that do not tell it: the
//!   system behind the firmware sends no UUID (97), and a renewal goes past the relay and its option 82. It decides about
//!   reservations, and is not sent back.
//! - **No DHCPNAK for a wrong network unless the client is known here or the server is authoritative** (RFC 2131 section 4.3.2
//!   says SHOULD). Several networks may share a wire, each with its own server.
//! - **A REQUEST that takes our offer gets the address even if the offer was forgotten**, as long as the address is free: offers
//!   are not kept over a restart.
//! - **A DISCOVER's `ciaddr` is not answered to** (RFC 2131 section 4.1): anybody could aim replies with it.
//! - **Hops are 0 in replies and `secs` decides nothing**: iPXE uses `secs` as a bit field, EDK2 swaps its bytes.
//! - **Options 93 and 94 are not sent back** (RFC 4578 section 2 says all packets carry them); no firmware misses them. Option 97
//!   comes back only whole: Intel ROMs send none.
//! - **Option overload is read but never written**: iPXE would take the raw options for a file name.
//! - **Option 66 and 13 are never written** on our own account: firmware reads `siaddr`, and trusts 13 as a buffer size.
//! - **Firmware that asks a third time is offered another way** (a proxy's offers are all alike in Intel PXE 2.1): some takes only
//!   the file of the offer, some only asks on port 4011.
//! - **Who comes back soon gets what is left of its lease**, in OFFER and ACK alike, so that a rack that boots over and over
//!   costs no writes ([`ServerConfig::cache_threshold`]).
//! - **No address is probed before it is offered** (RFC 2131 section 2.2 says SHOULD) unless the site asks for it
//!   ([`ServerConfig::probe`]): boot ROMs wait two seconds for an offer, and U-Boot a tenth of one. Whoever asks does so for
//!   addresses only that are new to the client.
//! - **Option 51 of a client is ignored**: the site says how long leases hold.
#![forbid(unsafe_code)]

mod boot;
mod client;
pub mod code;
mod lease;
mod limit;
mod menu;
mod neighbours;
mod outcome;
mod packet;
mod probe;
mod proxy;
mod pxe;
mod reply;
mod server;
#[cfg(test)]
mod soup;
#[cfg(test)]
mod testkit;
mod text;

pub use client::{ClientInfo, ClientKind, Seen, VendorClasses};
pub use dhcproto::v4::MessageType;
pub use lease::{IdentityRule, Leases};
pub use limit::{Admitted, LimitConfig, Load};
pub use neighbours::{MAX_NEIGHBOURS, Neighbours, News, Ourselves, Overheard};
pub use outcome::{
    Arrival, Boot, BootAnswer, Destination, LeaseChange, NakReason, Note, Outcome, Port, PxeMenu,
    RequestState, Sending, Why,
};
pub use packet::{BootItem, Garbage, Heard, MAX_PACKET, Options, Packet};
pub use probe::probe;
pub use proxy::{Proxy, ProxyConfig, Ways};
pub use server::{
    Class, LeaseTime, Members, OptionTest, Owner, Parameters, PoolRange, Reservation, Reservations, Reserved,
    Says, Server, ServerConfig, SiteOption, Subnet,
};
