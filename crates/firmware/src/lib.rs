//! Simulated boot clients, written from the specifications and from what real firmware was seen to do.
//!
//! Nothing here shares code with our servers (only the plain words of `nextboot_model`): a mistake in the server must not
//! be forgiven by the same mistake in the client.
//!
//! [`message`] writes and reads DHCP packets, also wrong ones.
#![forbid(unsafe_code)]

pub mod message;
