//! GRUB's configurations.
//!
//! What the firmware and Debian 12's signed shim (15.8) and GRUB (2.06, `grubnetx64.efi.signed`) do, seen under OVMF:
//!
//! - By PXE in server mode GRUB asks `/grub/grub.cfg` of the server that the DHCP ACK's `siaddr` names. Newer builds ask
//!   `grub.cfg-UUID`, `grub.cfg-01-MAC` and `grub.cfg-ADDRESS` beside it first.
//! - This build has TFTP and no HTTP, and with Secure Boot on no module can be added: what was asked by TFTP names files
//!   by TFTP. Builds that were started over HTTP and can do it ask over HTTP and get HTTP addresses.
//! - In proxy mode shim fetches GRUB from us, but GRUB 2.06 reads only the ACK of the server that gave the address and asks
//!   that one, for 40 seconds a file; nothing in a proxy's offer or its ACK on port 4011 changes that. It boots there only
//!   when that server's `siaddr` (dnsmasq's `dhcp-boot`, Kea's `next-server`) names us. GRUB 2.12 reads the proxy's packet.
//! - By UEFI HTTP Boot shim fetches `//grubx64.efi` beside itself, but a GRUB without HTTP sets up no network and stops at
//!   its prompt.
//! - Every word of a kernel's command line that has a blank is put in quotation marks, and `\`, `'` and `"` get a
//!   backslash before them that the kernel does not take away: those cannot be passed on.

mod chain;
mod quote;
mod write;

pub use write::{Ground, can, configuration, local};
