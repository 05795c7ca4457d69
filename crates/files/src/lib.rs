//! Names to bytes, for every protocol alike. A client sends a name; [`Name::parse`] makes it clean or refuses it; [`Roots`]
//! finds the file beneath the directories that the site serves, or beneath those where the distribution keeps its boot
//! loaders; [`Content`] is what was found, to be read at any offset.
//!
//! What may be reached is decided by the kernel, not by looking at strings: every file is opened with openat2(2) and
//! `RESOLVE_BENEATH` from a directory that the site named. A symbolic link works as long as it ends inside a served
//! directory (a root, a loader directory for loaders, or one of [`Layout::extra_roots`]), also when its text is absolute.
//!
//! [`Roots::entry`] and [`Roots::list`] are for what people put into the tree by hand: the link for one machine in
//! `pxelinux.cfg/`, the profiles beside it.
//!
//! Nothing here knows TFTP or HTTP. Opening and listing are blocking calls of some microseconds on a local disk; where a
//! root may lie on a network file system use [`Roots::fetch`].
//!
//! # Deliberate deviations
//! - `\` separates like `/`: PXELINUX sends `Boot\\x86\\pxelinux.cfg/...` when its prefix came from a Windows server.
//! - A name may begin with a root's own absolute path: dnsmasq serves that, and configurations rely on it.
//! - `..` is resolved before the file system is asked. Behind a link to a directory that is not what a shell would do.
//!   Links themselves are resolved by the kernel.
#![forbid(unsafe_code)]

mod beneath;
mod content;
mod direct;
mod entry;
mod error;
mod kept;
mod list;
mod loaders;
mod look;
mod name;
mod roots;
mod shared;
#[cfg(test)]
mod testing;

pub use content::{Content, ReadError};
pub use entry::{Body, Entry, Link};
pub use error::{LayoutError, OpenError};
pub use list::{Listing, MAX_NAMES};
pub use loaders::DEFAULT_LOADERS;
pub use look::Look;
pub use name::{BadName, MAX_COMPONENT, MAX_NAME, Name};
pub use roots::{Layout, Roots};
