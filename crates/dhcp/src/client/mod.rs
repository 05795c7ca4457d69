mod vendors;

use nextboot_model::{Arch, Mac, Uuid};

pub use vendors::VendorClasses;

use crate::{Garbage, Packet, code, text};

/// What sort of program sent the packet. The first that fits, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// iPXE, as an option ROM or chain-loaded: user class `iPXE`, or its own option 175. It boots scripts; handing it the
    /// iPXE binary again would loop for ever.
    Ipxe,
    /// UEFI HTTP Boot: vendor class `HTTPClient...`. It boots a URL.
    UefiHttp,
    /// The network boot ROM of a Raspberry Pi. It wants "Raspberry Pi Boot" in option 43; a Pi 3 never sends a REQUEST.
    RaspberryPi,
    /// U-Boot under its own name: vendor class `U-Boot...`. Most builds call themselves PXE clients.
    UBoot,
    /// A PXE ROM, BIOS or UEFI by its architecture: vendor class `PXEClient...`.
    Pxe,
    /// BOOTP without DHCP: no option 53.
    Bootp,
    /// An operating system, or anything else that only wants an address.
    Plain,
}

impl ClientKind {
    /// True for what boots from the network and says so.
    #[must_use]
    pub fn boots(self) -> bool {
        matches!(self, Self::Ipxe | Self::UefiHttp | Self::RaspberryPi | Self::UBoot | Self::Pxe)
    }
}

/// Who sent a packet, as far as the packet tells. Everything here was chosen by the sender; all of it is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientInfo {
    /// The hardware address (`chaddr`).
    pub mac: Mac,
    /// The SMBIOS UUID (option 97), if the firmware knows one.
    pub uuid: Option<Uuid>,
    /// The architectures (option 93, else from option 60), at most 16; empty if the client names none.
    pub archs: Vec<Arch>,
    /// What sort of program it is.
    pub kind: ClientKind,
    /// With which of the [`VendorClasses`] option 60 begins.
    pub pxe_class: Option<Vec<u8>>,
    /// Option 60, printable, at most 64 bytes.
    pub vendor_class: Option<String>,
    /// Option 77, printable, at most 64 bytes.
    pub user_class: Option<String>,
    /// Option 12, cleaned.
    pub host_name: Option<String>,
}

impl ClientInfo {
    fn of(packet: &Packet, vendors: &VendorClasses) -> Self {
        let pxe_class = packet.vendor_class().and_then(|class| vendors.of(class)).map(<[u8]>::to_vec);
        Self {
            mac: packet.mac,
            uuid: packet.uuid(),
            archs: packet.archs(),
            kind: classify(packet, pxe_class.is_some()),
            pxe_class,
            vendor_class: packet.vendor_class().and_then(|raw| text::printable(raw, 64)),
            user_class: packet.options.get(code::USER_CLASS).and_then(|raw| text::printable(raw, 64)),
            host_name: packet.host_name(),
        }
    }

    /// The first architecture named: the one that the program now running has.
    #[must_use]
    pub fn arch(&self) -> Option<Arch> {
        self.archs.first().copied()
    }

    /// True for iPXE.
    #[must_use]
    pub fn is_ipxe(&self) -> bool {
        self.kind == ClientKind::Ipxe
    }

    /// True if the firmware underneath is UEFI, as far as the architecture tells. U-Boot is not: it never asks port 4011.
    #[must_use]
    pub fn is_uefi(&self) -> bool {
        self.arch().is_some_and(|arch| !matches!(arch.0, 0..=5 | 0x14..=0x18 | 0x29))
    }
}

/// A packet and who sent it: what [`Server`](crate::Server) and [`Proxy`](crate::Proxy) handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    packet: Packet,
    client: ClientInfo,
}

impl Seen {
    /// Reads and classifies a datagram.
    ///
    /// # Errors
    /// [`Garbage`] if it is no request of an Ethernet client.
    pub fn read(bytes: &[u8]) -> Result<Self, Garbage> {
        Self::read_with(bytes, &VendorClasses::default())
    }

    /// As [`Seen::read`], where PXE clients may have other vendor classes.
    ///
    /// # Errors
    /// [`Garbage`] if it is no request of an Ethernet client.
    pub fn read_with(bytes: &[u8], vendors: &VendorClasses) -> Result<Self, Garbage> {
        let packet = Packet::parse(bytes)?;
        let client = ClientInfo::of(&packet, vendors);
        Ok(Self { packet, client })
    }

    /// The packet.
    #[must_use]
    pub fn packet(&self) -> &Packet {
        &self.packet
    }

    /// Who sent it.
    #[must_use]
    pub fn client(&self) -> &ClientInfo {
        &self.client
    }
}

fn classify(packet: &Packet, is_pxe: bool) -> ClientKind {
    if packet.is_bootp() {
        return ClientKind::Bootp;
    }
    if packet.has_user_class(b"iPXE") || packet.options.has(code::IPXE) {
        return ClientKind::Ipxe;
    }
    let class = packet.vendor_class().unwrap_or_default();
    if class.starts_with(b"HTTPClient") {
        ClientKind::UefiHttp
    } else if class.starts_with(b"U-Boot") {
        ClientKind::UBoot
    } else if !is_pxe {
        ClientKind::Plain
    } else if is_raspberry(packet) {
        ClientKind::RaspberryPi
    } else {
        ClientKind::Pxe
    }
}

/// A Pi's ROM names architecture 0 (up to the Pi 5) or 0x29, and is told by its maker's addresses or by the UUID that the
/// boot loader of a Pi 4 makes up. A Pi that runs UEFI firmware names architecture 11 and is a PXE client like any other.
fn is_raspberry(packet: &Packet) -> bool {
    const MAKERS: [[u8; 3]; 6] = [
        [0xb8, 0x27, 0xeb],
        [0xdc, 0xa6, 0x32],
        [0xe4, 0x5f, 0x01],
        [0x28, 0xcd, 0xc1],
        [0xd8, 0x3a, 0xdd],
        [0x2c, 0xcf, 0x67],
    ];
    let rom = packet.archs().iter().all(|arch| matches!(arch.0, 0 | 0x29));
    let made = MAKERS.iter().any(|maker| packet.mac.0.starts_with(maker));
    let named = packet.options.get(code::UUID).is_some_and(|raw| raw.get(1..5) == Some(b"RPi4"));
    rom && (made || named)
}

#[cfg(test)]
mod tests;
