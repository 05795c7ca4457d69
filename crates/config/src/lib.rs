//! The configuration file: text in, one checked value out, every complaint with its line.
//!
//! [`Config::parse`] reads a whole text and gives either a [`Config`] that can be used as it is, or all [`Complaints`] at
//! once; each names the line, the key, the value and what would be right. [`Config::default`] is what holds without a file,
//! and what holds for every key that a file leaves out. Nothing here opens a file: whether directories exist is for
//! whoever uses them to see. Paths that are not absolute are taken from the directory in which the file stands.
//!
//! ```
//! use std::path::Path;
//!
//! use nextboot_config::Config;
//!
//! let complaints = Config::parse("[dhcp]\nmode = \"severs\"", Path::new("nextboot.toml")).unwrap_err();
//! assert_eq!(complaints.to_string(), r#"nextboot.toml:2: dhcp.mode = "severs": use "proxy", "server" or "off""#);
//! ```
#![forbid(unsafe_code)]

mod api;
mod boot;
mod compat;
mod complaint;
mod config;
mod dhcp;
pub mod dnsmasq;
mod document;
mod duration;
mod files;
mod http;
mod menu;
mod power;
mod profile;
mod pxe_pilot;
mod pxelinux;
mod rate;
mod rule;
mod testing;
#[cfg(test)]
mod tests;
mod tftp;
mod value;
mod yaml;

pub use api::Api;
pub use compat::Compat;
pub use complaint::{Complaint, Complaints};
pub use config::{BesideDnsmasq, Config, DEFAULT_DATA_DIR};
pub use dhcp::{Dhcp, Mode, Probe};
pub use files::Files;
pub use http::Http;
pub use pxe_pilot::{At, Bootloader, PilotAdapter, PilotHost, PowerCommand, PxePilot};
pub use testing::{Pages, Tests};
pub use tftp::Tftp;
