//! What real firmware asks, answered and judged by the rules that decide whether machines boot.
//!
//! `captures` holds packets of real machines; what no capture shows is written by `nextboot_firmware`, which shares no code
//! with this crate. Replies are read back by it, too.

#![allow(clippy::unwrap_used)]

mod captured;
mod clients;
mod foreign;
mod modes;
mod pcap;
mod rules;
mod world;
