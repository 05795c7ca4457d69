//! What goes out: one reply, its options in an order that firmware likes, within the size that the client can read.

use std::net::Ipv4Addr;

use dhcproto::{
    Encodable,
    v4::{DhcpOption, MessageType},
};

use crate::{Packet, code};

/// The shortest reply, in bytes of UDP payload: what BOOTP relays and old ROMs expect.
pub(crate) const MIN_REPLY: usize = 300;

const FILE: usize = 128;
const SNAME: usize = 64;

/// A reply under construction. Fields and options that identify the exchange are copied from the request.
///
/// Options are written in the order they were added, as far as they fit: so add the important ones first. There are two
/// exceptions. The boot file (67) comes behind all others, because EDK2 writes a zero over the byte behind its value; and the
/// relay's option 82 comes last of all (RFC 3046 section 2.1).
#[derive(Debug)]
pub(crate) struct Reply<'a> {
    request: &'a Packet,
    message: Option<MessageType>,
    limit: usize,
    ciaddr: Ipv4Addr,
    yiaddr: Ipv4Addr,
    siaddr: Ipv4Addr,
    broadcast: bool,
    sname: Vec<u8>,
    file: Vec<u8>,
    boot_file: Vec<u8>,
    options: Vec<(u8, Vec<u8>)>,
    forbidden: Vec<u8>,
}

impl<'a> Reply<'a> {
    /// A DHCP reply; options 53 and 54 are its first.
    pub(crate) fn dhcp(request: &'a Packet, message: MessageType, server_id: Ipv4Addr) -> Self {
        let mut reply = Self::new(request, Some(message), request.reply_limit());
        reply.raw(code::MESSAGE_TYPE, vec![message.into()]);
        reply.raw(code::SERVER_ID, server_id.octets().to_vec());
        reply
    }

    /// A BOOTP reply: no option 53, never longer than the 300 bytes of RFC 951.
    pub(crate) fn bootp(request: &'a Packet) -> Self {
        Self::new(request, None, MIN_REPLY)
    }

    fn new(request: &'a Packet, message: Option<MessageType>, limit: usize) -> Self {
        Self {
            request,
            message,
            limit,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            broadcast: request.wants_broadcast(),
            sname: Vec::new(),
            file: Vec::new(),
            boot_file: Vec::new(),
            options: Vec::new(),
            forbidden: Vec::new(),
        }
    }

    /// Sets `ciaddr`.
    pub(crate) fn ciaddr(&mut self, address: Ipv4Addr) -> &mut Self {
        self.ciaddr = address;
        self
    }

    /// Sets `yiaddr`.
    pub(crate) fn yiaddr(&mut self, address: Ipv4Addr) -> &mut Self {
        self.yiaddr = address;
        self
    }

    /// Sets the broadcast bit whatever the client sent, so that a relay broadcasts what gives no address: a DHCPNAK (RFC
    /// 2131 section 4.3.2), the answer to an INFORM.
    pub(crate) fn force_broadcast(&mut self) -> &mut Self {
        self.broadcast = true;
        self
    }

    /// Where the boot file lies: `siaddr`, the `sname` field (names over 63 bytes are left out), the `file` field and option 67
    /// with a zero at its end. A file name over 127 bytes goes into option 67 alone. All that firmware reads agrees: iPXE takes
    /// the field, EDK2 the option.
    pub(crate) fn boot(&mut self, next_server: Ipv4Addr, server_name: Option<&str>, file: &str) -> &mut Self {
        self.siaddr = next_server;
        self.sname =
            server_name.map(str::as_bytes).filter(|name| name.len() < SNAME).unwrap_or_default().to_vec();
        self.file = if file.len() < FILE { file.as_bytes().to_vec() } else { Vec::new() };
        if !file.is_empty() {
            self.boot_file = file.bytes().chain([0]).collect();
        }
        self
    }

    /// Sets `siaddr` alone: the server to ask on port 4011.
    pub(crate) fn next_server(&mut self, address: Ipv4Addr) -> &mut Self {
        self.siaddr = address;
        self
    }

    /// From now on these options are not added.
    pub(crate) fn forbid(&mut self, codes: Vec<u8>) -> &mut Self {
        self.forbidden = codes;
        self
    }

    /// Adds an option unless it is there already. Empty values are left out: OVMF refuses a whole lease for one.
    pub(crate) fn raw(&mut self, code: u8, value: Vec<u8>) -> &mut Self {
        let reserved = matches!(code, 0 | 255 | code::OVERLOAD | code::BOOT_FILE | code::RELAY_INFO);
        let reserved = reserved || self.forbidden.contains(&code);
        if !value.is_empty() && !reserved && !self.options.iter().any(|(have, _)| *have == code) {
            self.options.push((code, value));
        }
        self
    }

    /// Adds an option that dhcproto can encode, unless it is there already or has no value.
    pub(crate) fn option(&mut self, option: &DhcpOption) -> &mut Self {
        if let Ok(encoded) = option.to_vec()
            && let Some(&code) = encoded.first()
            && let Some(value) = crate::Options::read(&encoded).get(code)
        {
            self.raw(code, value.to_vec());
        }
        self
    }

    /// Adds addresses, unless there are none.
    pub(crate) fn addresses(&mut self, code: u8, addresses: &[Ipv4Addr]) -> &mut Self {
        self.raw(code, addresses.iter().flat_map(Ipv4Addr::octets).collect())
    }

    /// The bytes to send: at least [`MIN_REPLY`], at most what the client reads (never over 1472); and the codes of the options
    /// that had no room.
    pub(crate) fn build(&self) -> (Vec<u8>, Vec<u8>) {
        let request = self.request;
        let mut bytes = Vec::with_capacity(512);
        // Hops and secs are 0 in a server's message (RFC 2131, table 3).
        bytes.extend([2, 1, 6, 0]);
        bytes.extend(request.xid.to_be_bytes());
        bytes.extend([0, 0]);
        let flags = if self.broadcast { request.flags | 0x8000 } else { request.flags };
        bytes.extend(flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, request.giaddr] {
            bytes.extend(address.octets());
        }
        bytes.extend(request.chaddr);
        put_padded(&mut bytes, &self.sname, SNAME);
        put_padded(&mut bytes, &self.file, FILE);
        bytes.extend([0x63, 0x82, 0x53, 0x63]);
        let left_out = self.put_options(&mut bytes);
        bytes.push(255);
        bytes.resize(bytes.len().max(MIN_REPLY), 0);
        (bytes, left_out)
    }

    fn put_options(&self, bytes: &mut Vec<u8>) -> Vec<u8> {
        let mut left_out = Vec::new();
        // One byte stays for END.
        let room = self.limit.saturating_sub(1);
        // The boot file is set aside first: whatever else is left out, the client must boot.
        let mut boot_file = encoded(code::BOOT_FILE, &self.boot_file);
        if bytes.len() + self.required() + boot_file.len() > room {
            boot_file.clear();
            left_out.push(code::BOOT_FILE);
        }
        for (code, value) in &self.options {
            let option = encoded(*code, value);
            if bytes.len() + option.len() + boot_file.len() <= room {
                bytes.extend(option);
            } else {
                left_out.push(*code);
            }
        }
        bytes.extend(boot_file);
        let relay_info = encoded(code::RELAY_INFO, self.request.relay_info().unwrap_or_default());
        // RFC 3046 section 2.2: without it rather than too long.
        if bytes.len() + relay_info.len() <= room {
            bytes.extend(relay_info);
        } else {
            left_out.push(code::RELAY_INFO);
        }
        left_out
    }

    /// Bytes of the options that a DHCP reply cannot be without: 53, 54, 51 and 1.
    fn required(&self) -> usize {
        if self.message.is_some() { 3 + 6 + 6 + 6 } else { 0 }
    }
}

fn put_padded(bytes: &mut Vec<u8>, text: &[u8], width: usize) {
    let text = text.get(..width).unwrap_or(text);
    bytes.extend(text);
    bytes.extend(std::iter::repeat_n(0, width - text.len()));
}

/// Code, length and value; values over 255 bytes in several options one behind the other (RFC 3396).
fn encoded(code: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len() + 2);
    for part in value.chunks(255) {
        bytes.extend([code, u8::try_from(part.len()).unwrap_or(u8::MAX)]);
        bytes.extend(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Heard, testkit::Client};

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn request(client: &Client) -> Packet {
        Packet::parse(&client.bytes()).unwrap()
    }

    #[test]
    fn rule_1_and_16_replies_name_their_server_and_are_at_least_300_bytes() {
        let packet = request(&Client::new(1));
        let bytes = Reply::dhcp(&packet, MessageType::Offer, SERVER).build().0;
        assert_eq!(bytes.len(), MIN_REPLY);
        assert_eq!(bytes[240..249], [53, 1, 2, 54, 4, 10, 0, 0, 1]);
    }

    #[test]
    fn rule_2_an_empty_option_is_never_sent() {
        let packet = request(&Client::new(1));
        let mut reply = Reply::dhcp(&packet, MessageType::Offer, SERVER);
        reply
            .raw(code::HOST_NAME, Vec::new())
            .addresses(code::DNS, &[])
            .option(&DhcpOption::DomainName(String::new()));
        assert_eq!(Heard::read(&reply.build().0).unwrap().options.iter().count(), 2);
    }

    #[test]
    fn rule_3_and_6_the_file_stands_in_field_and_option_and_the_option_is_last_and_ended() {
        let packet = request(&Client::new(1).option(82, &[1, 1, 9]));
        let mut reply = Reply::dhcp(&packet, MessageType::Offer, SERVER);
        let bytes = reply.boot(SERVER, Some("boot"), "pxelinux.0").raw(210, b"/".to_vec()).build().0;
        assert_eq!(bytes[20..24], [10, 0, 0, 1]);
        assert_eq!(bytes[44..49], *b"boot\0");
        assert_eq!(bytes[108..119], *b"pxelinux.0\0");
        let tail = [&b"\x43\x0bpxelinux.0\0"[..], &[82, 3, 1, 1, 9, 255]].concat();
        assert!(bytes.windows(tail.len()).any(|window| window == tail));
    }

    #[test]
    fn rule_5_long_names_go_into_the_option_alone_and_nothing_is_overloaded() {
        let packet = request(&Client::new(1).option(code::MAX_SIZE, &[5, 0xc0]));
        for len in [126, 127, 128, 255, 256, 600] {
            let url = "u".repeat(len);
            let bytes = Reply::dhcp(&packet, MessageType::Offer, SERVER)
                .boot(SERVER, Some(&"s".repeat(64)), &url)
                .build()
                .0;
            let heard = Heard::read(&bytes).unwrap();
            assert_eq!(bytes[108] == 0, len > 127);
            assert_eq!(bytes[44], 0, "a name that would fill the field is left out");
            assert_eq!(heard.options.get(code::BOOT_FILE).unwrap(), [url.as_bytes(), &[0]].concat());
            assert!(!heard.options.has(code::OVERLOAD));
        }
    }

    #[test]
    fn rule_16_replies_stay_within_what_the_client_reads() {
        for (claim, limit) in [(None, 548), (Some([2, 64]), 548), (Some([0xff, 0]), 1472)] {
            let mut client = Client::new(1).option(82, &[3; 200]);
            if let Some(claim) = claim {
                client = client.option(code::MAX_SIZE, &claim);
            }
            let packet = request(&client);
            let mut reply = Reply::dhcp(&packet, MessageType::Ack, SERVER);
            for code in 128..160 {
                reply.raw(code, vec![code; 90]);
            }
            let bytes = reply.boot(SERVER, None, "pxelinux.0").build().0;
            assert!(bytes.len() <= limit);
            assert_eq!(Heard::read(&bytes).unwrap().file.as_deref(), Some("pxelinux.0"));
        }
    }

    #[test]
    fn rule_19_the_relay_s_words_come_back_byte_for_byte() {
        let raw = [2, 3, 1, 2, 3, 1, 2, 9, 9, 0, 0, 255, 1];
        let packet = request(&Client::new(1).option(82, &raw));
        let bytes = Reply::dhcp(&packet, MessageType::Ack, SERVER).build().0;
        assert_eq!(Heard::read(&bytes).unwrap().options.get(82), Some(&raw[..]));
    }
}
