//! DHCPv4 and BOOTP packets for clients and tests: a builder that writes whatever it is told, also what no standard
//! allows, and a reader that keeps everything that came.
//!
//! ```
//! use std::net::Ipv4Addr;
//! use nextboot_firmware::message::{Kind, Message, Received, code};
//! use nextboot_model::Mac;
//!
//! let discover = Message::new(Mac([2, 0, 0, 0, 0, 1]))
//!     .set(|header| header.xid = 0x1234)
//!     .broadcast()
//!     .kind(Kind::DISCOVER)
//!     .address(code::REQUESTED, Ipv4Addr::new(10, 0, 0, 9))
//!     .option(code::PARAMETERS, [1, 3, 6])
//!     .bytes();
//!
//! let read = Received::read(&discover).expect("a whole header");
//! assert_eq!(read.kind(), Some(Kind::DISCOVER));
//! assert_eq!(read.header.xid, 0x1234);
//! assert_eq!(read.address(code::REQUESTED), Some(Ipv4Addr::new(10, 0, 0, 9)));
//! assert_eq!(read.value(code::PARAMETERS), Some(&[1, 3, 6][..]));
//! ```

pub mod code;
mod header;
mod kind;
mod options;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use header::{COOKIE, HEADER_SIZE, Header};
pub use kind::Kind;
pub use options::{Encapsulated, Place, RawOption};
pub use read::{Received, Unreadable};
pub use write::Message;
