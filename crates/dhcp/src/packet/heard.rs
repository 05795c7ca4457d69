use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use nextboot_model::Mac;

use super::{COOKIE, Garbage, Header, Options};
use crate::{code, text};

/// A reply of a DHCP server, ours or another's, as heard on the wire. Nobody answers it; it tells who else serves this
/// segment and which machine got which address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Transaction number.
    pub xid: u32,
    /// The client it is for.
    pub mac: Mac,
    /// OFFER, ACK, NAK; `None` from a BOOTP server.
    pub message: Option<MessageType>,
    /// The server's identifier (option 54).
    pub server_id: Option<Ipv4Addr>,
    /// The address it gives; 0.0.0.0 in a proxy's reply.
    pub yiaddr: Ipv4Addr,
    /// The address the client had; 0.0.0.0 if none.
    pub ciaddr: Ipv4Addr,
    /// The boot server (`siaddr`); 0.0.0.0 if none.
    pub next_server: Ipv4Addr,
    /// The relay on the way, or 0.0.0.0.
    pub giaddr: Ipv4Addr,
    /// The boot file: option 67, else the `file` field; printable, at most 255 bytes.
    pub file: Option<String>,
    /// Option 60, printable, at most 64 bytes.
    pub vendor_class: Option<String>,
    /// Option 43.6, PXE discovery control; 8 lets the client boot the file of this reply at once.
    pub discovery_control: Option<u8>,
    /// All options, raw.
    pub options: Options,
}

impl Heard {
    /// The first byte of every reply (`op`, BOOTREPLY).
    pub const OP: u8 = 2;

    /// Reads a datagram that went to port 68.
    ///
    /// # Errors
    /// [`Garbage`] if it is no reply to an Ethernet client.
    pub fn read(bytes: &[u8]) -> Result<Self, Garbage> {
        let (header, rest) = Header::read(bytes, Self::OP)?;
        let options = rest
            .strip_prefix(&COOKIE)
            .map(|area| Options::read_message(area, &header.file, &header.sname))
            .unwrap_or_default();
        let overloaded = matches!(options.get(code::OVERLOAD), Some(&[1 | 3]));
        let field: &[u8] = if overloaded { &[] } else { &header.file };
        let file = options
            .get(code::BOOT_FILE)
            .and_then(|raw| text::printable(raw, 255))
            .or_else(|| text::printable(field, 255));
        let discovery_control = options
            .get(code::VENDOR)
            .and_then(|raw| Options::read(raw).get(code::pxe::DISCOVERY_CONTROL)?.first().copied());
        Ok(Self {
            xid: header.xid,
            mac: header.mac,
            message: options.message_type(),
            server_id: options.address(code::SERVER_ID),
            yiaddr: header.yiaddr,
            ciaddr: header.ciaddr,
            next_server: header.siaddr,
            giaddr: header.giaddr,
            file,
            vendor_class: options.get(code::VENDOR_CLASS).and_then(|raw| text::printable(raw, 64)),
            discovery_control,
            options,
        })
    }

    /// True for a PXE or HTTP boot proxy: no address, but a boot class (EDK2 takes a `yiaddr` that begins with 0 for one).
    #[must_use]
    pub fn is_proxy(&self) -> bool {
        self.yiaddr.octets().first() == Some(&0)
            && self
                .vendor_class
                .as_deref()
                .is_some_and(|class| class.starts_with("PXEClient") || class.starts_with("HTTPClient"))
    }

    /// True if a PXE client could boot by this reply alone, so that it may win against ours.
    #[must_use]
    pub fn offers_boot(&self) -> bool {
        self.file.is_some() || self.is_proxy()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{captured::*, hex};

    #[test]
    fn a_rival_proxy_is_recognised() {
        let heard = Heard::read(&hex(PROXY_OFFER)).unwrap();
        assert!(heard.is_proxy() && heard.offers_boot());
        assert_eq!((heard.message, heard.discovery_control), (Some(MessageType::Offer), Some(8)));
        assert_eq!(heard.server_id, Some(Ipv4Addr::new(192, 168, 77, 2)));
    }

    #[test]
    fn a_server_s_ack_tells_who_got_which_address() {
        let heard = Heard::read(&hex(SERVER_ACK)).unwrap();
        assert!(!heard.is_proxy());
        assert_eq!(heard.yiaddr, Ipv4Addr::new(192, 168, 77, 100));
        assert_eq!(heard.mac, Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        assert_eq!(heard.file.as_deref(), Some("http://192.168.77.1/nbp.efi"));
    }

    #[test]
    fn requests_are_not_heard_as_replies() {
        assert_eq!(Heard::read(&hex(OVMF_DISCOVER)), Err(Garbage::Operation(1)));
    }
}
