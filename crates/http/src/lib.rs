//! The boot side of HTTP, for machines: files, loader configurations, iPXE scripts, seeds, and call-backs.
#![forbid(unsafe_code)]

mod desk;
mod limits;
mod server;

pub use desk::{Asker, Delivery, Desk, Found, Refusal, Sent, What, Why};
pub use limits::Limits;
pub use server::serve;
