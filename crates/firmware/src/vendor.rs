use std::net::Ipv4Addr;

use crate::message::{Received, code};

/// What option 43 says to a PXE client (Intel PXE 2.1, table 2-1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Vendor {
    /// Discovery control.
    pub(crate) control: u8,
    /// Types and texts of the menu, in its order.
    pub(crate) menu: Vec<(u16, String)>,
    /// Seconds until the first item is taken; 255 waits for a person.
    pub(crate) prompt: Option<u8>,
    /// Boot servers by type.
    pub(crate) servers: Vec<(u16, Vec<Ipv4Addr>)>,
    /// Boot item: type and layer.
    pub(crate) item: Option<(u16, u16)>,
    /// One of the sub-options that make an offer a PXE offer: 6 to 10.
    pub(crate) discovery: bool,
    /// All of the sub-options 1 to 5 of WfM 1.1a.
    pub(crate) mtftp: bool,
}

impl Vendor {
    /// Reads option 43, leaving out what has no sense.
    pub(crate) fn read(packet: &Received) -> Self {
        let Some(inside) = packet.encapsulated(code::VENDOR) else { return Self::default() };
        let mut vendor = Self { mtftp: (1..=5).all(|code| inside.value(code).is_some()), ..Self::default() };
        for (code, value) in &inside.options {
            vendor.discovery |= (6..=10).contains(code);
            match (*code, value.as_slice()) {
                (code::pxe::DISCOVERY_CONTROL, [control]) => vendor.control = *control,
                (code::pxe::MENU, value) => vendor.menu.extend(menu(value)),
                (code::pxe::PROMPT, [seconds, ..]) => vendor.prompt = Some(*seconds),
                (code::pxe::BOOT_SERVERS, value) => vendor.servers.extend(servers(value)),
                (code::pxe::BOOT_ITEM, [a, b, c, d]) => {
                    vendor.item = Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])));
                }
                _ => {}
            }
        }
        vendor
    }

    /// Bit 3: boot the file of this packet, without menu or discovery.
    pub(crate) fn direct(&self) -> bool {
        self.control & 8 != 0
    }

    /// Bit 2: only the listed servers may answer.
    pub(crate) fn only_listed(&self) -> bool {
        self.control & 4 != 0
    }

    /// The servers for a type.
    pub(crate) fn servers_of(&self, kind: u16) -> &[Ipv4Addr] {
        self.servers.iter().find(|(own, _)| *own == kind).map_or(&[], |(_, servers)| servers)
    }
}

/// The value of option 43 that asks for a boot item of layer 0.
pub(crate) fn boot_item(kind: u16) -> [u8; 7] {
    let [high, low] = kind.to_be_bytes();
    [code::pxe::BOOT_ITEM, 4, high, low, 0, 0, code::END]
}

fn menu(mut value: &[u8]) -> Vec<(u16, String)> {
    let mut items = Vec::new();
    while let [high, low, length, rest @ ..] = value {
        let Some((text, more)) = rest.split_at_checked(usize::from(*length)) else { break };
        items.push((u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(text).into_owned()));
        value = more;
    }
    items
}

fn servers(mut value: &[u8]) -> Vec<(u16, Vec<Ipv4Addr>)> {
    let mut lists = Vec::new();
    while let [high, low, count, rest @ ..] = value {
        let Some((addresses, more)) = rest.split_at_checked(usize::from(*count) * 4) else { break };
        let addresses = addresses.as_chunks::<4>().0.iter().copied().map(Ipv4Addr::from).collect();
        lists.push((u16::from_be_bytes([*high, *low]), addresses));
        value = more;
    }
    lists
}

/// The packet as the menu in capture `menu`.
#[cfg(test)]
#[test]
fn a_menu_is_read_and_noise_is_not() {
    use crate::message::Message;
    use nextboot_model::Mac;
    let value = b"\x06\x01\x03\x08\x07\x80\x01\x01\xc0\xa8\x4d\x02\x09\x06\x80\x01\x03Net\x0a\x04\x00PXE\xff";
    let read = |value: &[u8]| {
        Vendor::read(&Received::read(&Message::new(Mac([2; 6])).option(code::VENDOR, value).bytes()).unwrap())
    };
    let vendor = read(value);
    assert_eq!(vendor.menu, [(0x8001, "Net".to_owned())]);
    assert_eq!(vendor.servers_of(0x8001), [Ipv4Addr::new(192, 168, 77, 2)]);
    assert_eq!((vendor.prompt, vendor.direct(), vendor.discovery), (Some(0), false, true));
    assert_eq!(read(b"\x09\x04\x80\x01\x09N\x08\x03\x80\x01\x02\x47\x01\x00").menu, []);
}
