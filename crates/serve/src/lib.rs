//! The running appliance: sockets to machines and back, timers, reload, start and stop. The only room where all others
//! meet; it decides nothing and knows no format.
//!
//! The way of a packet: [`net`](nextboot_net) receives, [`dhcp`](nextboot_dhcp) or [`tftp`](nextboot_tftp) reads it, the
//! one decision ([`nextboot_boot::decide`]) says what the machine gets, leases become durable in the
//! [`store`](nextboot_store), the answer leaves where the question came in, and events drop into the journal. HTTP goes
//! the same way through the front desk, which TFTP uses too.
//!
//! [`load`] reads and checks a configuration without touching anything; [`run`] binds and serves.
#![forbid(unsafe_code)]

mod appliance;
mod beside;
mod clock;
mod control;
mod desk;
mod dhcp;
mod explain;
mod links;
mod loaders;
mod metrics;
mod notify;
mod owners;
mod pilot;
mod power;
mod quiet;
mod reload;
mod run;
mod settings;
mod sightings;
mod stop;
mod tftp;
mod tree;
mod written_links;

pub use beside::{import, import_leases};
pub use explain::explain;
pub use run::{VERSION, run};
pub use settings::{BadConfig, Source, check_files, load};
