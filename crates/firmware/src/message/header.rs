use std::net::Ipv4Addr;

use nextboot_model::Mac;

/// Bytes of the fixed fields, before the cookie.
pub const HEADER_SIZE: usize = 236;

/// RFC 2131 section 3: what the options begin with.
pub const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// The fixed fields (RFC 2131 section 2, figure 1), each as it is on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// 1 from clients, 2 from servers.
    pub op: u8,
    /// Hardware type; 1 is Ethernet.
    pub htype: u8,
    /// Length of the hardware address; 6 for Ethernet. Nothing here relies on it.
    pub hlen: u8,
    /// Relays that the packet passed.
    pub hops: u8,
    /// Transaction id.
    pub xid: u32,
    /// Seconds since the client began, if it means that.
    pub secs: u16,
    /// 0x8000 asks for a broadcast answer.
    pub flags: u16,
    /// The client's address, when it has one.
    pub ciaddr: Ipv4Addr,
    /// "Your" address: what the server gives.
    pub yiaddr: Ipv4Addr,
    /// The next server of the boot.
    pub siaddr: Ipv4Addr,
    /// The relay's address.
    pub giaddr: Ipv4Addr,
    /// The hardware address and what is behind it.
    pub chaddr: [u8; 16],
    /// Server name.
    pub sname: [u8; 64],
    /// Boot file name.
    pub file: [u8; 128],
}

impl Header {
    /// A BOOTREQUEST from an Ethernet card.
    #[must_use]
    pub fn request(mac: Mac) -> Self {
        let mut chaddr = [0; 16];
        chaddr[..6].copy_from_slice(&mac.0);
        Self {
            op: 1,
            htype: 1,
            hlen: 6,
            hops: 0,
            xid: 0,
            secs: 0,
            flags: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr,
            sname: [0; 64],
            file: [0; 128],
        }
    }

    /// The first six bytes of `chaddr`.
    #[must_use]
    pub fn mac(&self) -> Mac {
        let [a, b, c, d, e, f, ..] = self.chaddr;
        Mac([a, b, c, d, e, f])
    }

    /// `file` up to its first zero byte, with replacement characters for what is no UTF-8.
    #[must_use]
    pub fn file_text(&self) -> String {
        until_zero(&self.file)
    }

    /// `sname` up to its first zero byte, with replacement characters for what is no UTF-8.
    #[must_use]
    pub fn sname_text(&self) -> String {
        until_zero(&self.sname)
    }

    /// Writes a text into `file`, cut at 128 bytes.
    pub fn set_file(&mut self, text: &str) {
        fill(&mut self.file, text.as_bytes());
    }

    /// Writes a text into `sname`, cut at 64 bytes.
    pub fn set_sname(&mut self, text: &str) {
        fill(&mut self.sname, text.as_bytes());
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.op, self.htype, self.hlen, self.hops];
        bytes.extend(self.xid.to_be_bytes());
        bytes.extend(self.secs.to_be_bytes());
        bytes.extend(self.flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            bytes.extend(address.octets());
        }
        bytes.extend(self.chaddr);
        bytes.extend(self.sname);
        bytes.extend(self.file);
        bytes
    }

    pub(super) fn read(bytes: &[u8; HEADER_SIZE]) -> Self {
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let two = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let mut header = Self {
            op: bytes[0],
            htype: bytes[1],
            hlen: bytes[2],
            hops: bytes[3],
            xid: u32::from_be_bytes(four(4)),
            secs: two(8),
            flags: two(10),
            ciaddr: four(12).into(),
            yiaddr: four(16).into(),
            siaddr: four(20).into(),
            giaddr: four(24).into(),
            chaddr: [0; 16],
            sname: [0; 64],
            file: [0; 128],
        };
        header.chaddr.copy_from_slice(&bytes[28..44]);
        header.sname.copy_from_slice(&bytes[44..108]);
        header.file.copy_from_slice(&bytes[108..HEADER_SIZE]);
        header
    }
}

fn until_zero(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// `field` becomes `bytes` and zeros; what does not fit is cut.
pub(super) fn fill(field: &mut [u8], bytes: &[u8]) {
    field.fill(0);
    for (to, from) in field.iter_mut().zip(bytes) {
        *to = *from;
    }
}
