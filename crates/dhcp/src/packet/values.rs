use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use nextboot_model::{Arch, Uuid};

use super::{Options, Packet};
use crate::{code, text};

/// The choice in a PXE boot menu (option 43, sub-option 71).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootItem {
    /// The boot server type that the menu listed; 0 is "from the local disk".
    pub kind: u16,
    /// The layer of that item; the top bit asks for credentials.
    pub layer: u16,
}

impl Options {
    /// A value that must be one IPv4 address; anything else counts as absent.
    #[must_use]
    pub fn address(&self, code: u8) -> Option<Ipv4Addr> {
        let raw: [u8; 4] = self.get(code)?.try_into().ok()?;
        Some(Ipv4Addr::from(raw))
    }

    /// Option 53. `None` if absent or not one byte long.
    #[must_use]
    pub fn message_type(&self) -> Option<MessageType> {
        match self.get(code::MESSAGE_TYPE)? {
            &[kind] => Some(MessageType::from(kind)),
            _ => None,
        }
    }
}

impl Packet {
    /// Option 53; `None` in plain BOOTP, or where it is malformed.
    #[must_use]
    pub fn message_type(&self) -> Option<MessageType> {
        self.options.message_type()
    }

    /// True without option 53 (RFC 1534 section 2).
    #[must_use]
    pub fn is_bootp(&self) -> bool {
        !self.options.has(code::MESSAGE_TYPE)
    }

    /// Option 50, if it names an address that one machine can have.
    #[must_use]
    pub fn requested(&self) -> Option<Ipv4Addr> {
        self.options.address(code::REQUESTED).filter(is_usable)
    }

    /// Option 54.
    #[must_use]
    pub fn server_id(&self) -> Option<Ipv4Addr> {
        self.options.address(code::SERVER_ID)
    }

    /// Option 61, 2 to 255 bytes; what is shorter or longer counts as absent (RFC 2132 section 9.14).
    #[must_use]
    pub fn client_id(&self) -> Option<&[u8]> {
        self.options.get(code::CLIENT_ID).filter(|id| (2..=255).contains(&id.len()))
    }

    /// Option 12, cleaned: letters, digits, dashes and dots, at most 253 bytes.
    #[must_use]
    pub fn host_name(&self) -> Option<String> {
        text::host_name(self.options.get(code::HOST_NAME)?)
    }

    /// Option 60 as sent.
    #[must_use]
    pub fn vendor_class(&self) -> Option<&[u8]> {
        self.options.get(code::VENDOR_CLASS)
    }

    /// Option 93: all architectures the client names, at most 16. An odd byte at the end is ignored. Without the option, the
    /// number in `PXEClient:Arch:00007:...`, or the one of U-Boot that calls itself `U-Boot.armv8`.
    #[must_use]
    pub fn archs(&self) -> Vec<Arch> {
        let raw = self.options.get(code::ARCH).unwrap_or_default();
        let (pairs, _) = raw.as_chunks::<2>();
        let archs: Vec<Arch> = pairs.iter().take(16).map(|pair| Arch(u16::from_be_bytes(*pair))).collect();
        if archs.is_empty() { self.arch_from_vendor_class().into_iter().collect() } else { archs }
    }

    fn arch_from_vendor_class(&self) -> Option<Arch> {
        let text = std::str::from_utf8(self.vendor_class()?).ok()?;
        match text.split_once(":Arch:") {
            Some((_, rest)) => rest.get(..5)?.parse().ok().map(Arch),
            None if text.starts_with("U-Boot.armv8") => Some(Arch(0x16)),
            None if text.starts_with("U-Boot.arm") => Some(Arch(0x15)),
            None => None,
        }
    }

    /// Option 97: type 0 and 16 bytes, and not the all-zero or all-one value that firmware without a UUID sends.
    #[must_use]
    pub fn uuid(&self) -> Option<Uuid> {
        match self.options.get(code::UUID)?.split_first()? {
            (0, raw) => Some(Uuid::from_wire(raw.try_into().ok()?)).filter(Uuid::is_machine),
            _ => None,
        }
    }

    /// True if option 77 names this class: raw, as iPXE writes it, or in the list of RFC 3004.
    #[must_use]
    pub fn has_user_class(&self, class: &[u8]) -> bool {
        let Some(raw) = self.options.get(code::USER_CLASS) else { return false };
        if raw == class {
            return true;
        }
        let mut rest = raw;
        while let Some((&len, tail)) = rest.split_first() {
            let Some((item, tail)) = tail.split_at_checked(usize::from(len)) else { return false };
            if item == class {
                return true;
            }
            rest = tail;
        }
        false
    }

    /// What stands inside option 175: iPXE's own options and features.
    #[must_use]
    pub fn ipxe(&self) -> Option<Options> {
        self.options.get(code::IPXE).map(Options::read)
    }

    /// The most UDP payload bytes a reply may have: option 57 less the IP and UDP headers, between 548 and 1472; 548 without
    /// the option. EDK2 claims 65280 in its REQUEST and ignores everything above 1472.
    #[must_use]
    pub fn reply_limit(&self) -> usize {
        match self.options.get(code::MAX_SIZE) {
            Some(&[high, low]) => {
                usize::from(u16::from_be_bytes([high, low])).saturating_sub(28).clamp(548, 1472)
            }
            _ => 548,
        }
    }

    /// Option 55: the codes that the client asks for; `None` if it has no such list.
    #[must_use]
    pub fn parameters(&self) -> Option<&[u8]> {
        self.options.get(code::PARAMETERS).filter(|codes| !codes.is_empty())
    }

    /// Option 82 as the relay wrote it; it goes back byte for byte.
    #[must_use]
    pub fn relay_info(&self) -> Option<&[u8]> {
        self.options.get(code::RELAY_INFO).filter(|raw| !raw.is_empty())
    }

    /// Option 43.71: the item chosen in a boot menu. Longer values are those of firmware that adds bytes; the first four count.
    #[must_use]
    pub fn boot_item(&self) -> Option<BootItem> {
        let space = Options::read(self.options.get(code::VENDOR)?);
        let (item, _) = space.get(code::pxe::BOOT_ITEM)?.split_first_chunk::<4>()?;
        let [a, b, c, d] = *item;
        Some(BootItem { kind: u16::from_be_bytes([a, b]), layer: u16::from_be_bytes([c, d]) })
    }
}

/// True for an address that a single machine can have.
pub(crate) fn is_usable(address: &Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_broadcast() || address.is_multicast() || address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Client;

    fn with(code: u8, value: &[u8]) -> Packet {
        Packet::parse(&Client::new(1).option(code, value).bytes()).unwrap()
    }

    #[test]
    fn identifiers_of_odd_lengths_count_as_absent() {
        for (len, kept) in [(0, false), (1, false), (2, true), (255, true), (256, false), (600, false)] {
            assert_eq!(with(code::CLIENT_ID, &vec![7; len]).client_id().is_some(), kept, "{len}");
        }
    }

    #[test]
    fn reply_limits_hold_whatever_the_client_claims() {
        for (value, limit) in [
            (&[0xff, 0x00][..], 1472),
            (&[0x05, 0xc0], 1444),
            (&[0x02, 0x40], 548),
            (&[0, 1], 548),
            (&[9], 548),
            (&[], 548),
        ] {
            assert_eq!(with(code::MAX_SIZE, value).reply_limit(), limit, "{value:?}");
        }
    }

    #[test]
    fn user_classes_are_found_in_both_spellings() {
        assert!(with(code::USER_CLASS, b"iPXE").has_user_class(b"iPXE"));
        assert!(with(code::USER_CLASS, b"\x04iPXE").has_user_class(b"iPXE"));
        assert!(with(code::USER_CLASS, b"\x02ab\x04iPXE").has_user_class(b"iPXE"));
        assert!(!with(code::USER_CLASS, b"\x09iPXE").has_user_class(b"iPXE"));
        assert!(!with(code::USER_CLASS, b"").has_user_class(b"iPXE"));
    }

    #[test]
    fn several_architectures_and_an_odd_byte_are_read() {
        assert_eq!(with(code::ARCH, &[0, 7, 0, 9, 0]).archs(), [Arch::UEFI_X64, Arch::UEFI_EBC]);
        assert_eq!(with(code::VENDOR_CLASS, b"PXEClient:Arch:00007:UNDI:003000").archs(), [Arch::UEFI_X64]);
        assert_eq!(with(code::VENDOR_CLASS, b"PXEClient:Arch:7").archs(), []);
        assert_eq!(with(code::VENDOR_CLASS, b"U-Boot.armv8").archs(), [Arch(0x16)]);
        assert_eq!(with(code::VENDOR_CLASS, b"U-Boot.armv7").archs(), [Arch(0x15)]);
        assert_eq!(with(code::VENDOR_CLASS, b"U-Boot").archs(), []);
        assert_eq!(with(code::ARCH, &[0; 400]).archs().len(), 16);
    }

    #[test]
    fn only_real_uuids_are_believed() {
        let mut raw = [0; 17];
        assert_eq!(with(code::UUID, &raw).uuid(), None, "OVMF without SMBIOS data sends zeros");
        raw[1] = 1;
        assert_eq!(
            with(code::UUID, &raw).uuid().unwrap().to_string(),
            "00000001-0000-0000-0000-000000000000"
        );
        assert_eq!(with(code::UUID, &raw[..16]).uuid(), None);
        raw[0] = 1;
        assert_eq!(with(code::UUID, &raw).uuid(), None);
    }

    #[test]
    fn requested_addresses_no_machine_can_have_count_as_absent() {
        for raw in [[0; 4], [255; 4], [224, 0, 0, 1], [127, 0, 0, 1]] {
            assert_eq!(with(code::REQUESTED, &raw).requested(), None);
        }
        assert_eq!(with(code::REQUESTED, &[10, 0, 0]).requested(), None);
    }
}
