//! The one decision, and the texts that loaders and installers read.
//!
//! [`decide()`] says what a client gets now; DHCP offers, port 4011, TFTP and HTTP names, iPXE scripts and previews all
//! call it ([`Question`] is the decision behind a name by which a loader asks). [`Setting`] writes the texts: PXELINUX and GRUB
//! configurations, iPXE scripts, rendered seeds. [`pxelinux::Menu`] reads PXELINUX's own files, so that one profile serves
//! every loader. Nothing here knows a socket or a disk; what stands beneath the roots comes through [`Tree`].
#![forbid(unsafe_code)]

mod address;
mod answer;
mod ask;
mod choose;
mod client;
mod decide;
mod dirs;
mod exit;
pub mod grub;
mod guard;
pub mod ipxe;
mod kind;
mod loader;
mod menu;
mod pe;
mod profile;
pub mod pxelinux;
mod question;
mod render;
mod rule;
mod secure;
mod site;
mod templates;
mod test_script;
mod token;
mod tree;

pub use answer::{Answer, Language, NoAnswer, Setting};
pub use ask::Ask;
pub use client::{Client, Firmware, VendorClass};
pub use decide::{Plan, decide};
pub use dirs::{BadProfileDir, Bootloader, Hidden, ProfileDir, ProfileDirs};
pub use exit::Exits;
pub use guard::installer_at;
pub use kind::Kind;
pub use loader::{Entry, Loader, Loaders};
pub use menu::{BootMenu, MenuRules, OwnMenu};
pub use pe::{PE_HEADER, misfit, pe_machine};
pub use profile::{Body, Linux, OwnLoaders, Profile};
pub use question::Question;
pub use render::{MAX_RENDERED, Scene, TemplateError, base};
pub use rule::Rule;
pub use secure::{Chain, SecureBoot};
pub use site::{Site, Unknown};
pub use test_script::TestScene;
pub use token::{BadToken, Proof, Secret};
pub use tree::{Hand, MemoryTree, Tree};
