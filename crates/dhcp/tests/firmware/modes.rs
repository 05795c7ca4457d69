//! What each kind of client finds on the wire: from the DHCP server, from a proxy, and on port 4011.

use std::net::{Ipv4Addr, SocketAddrV4};

use nextboot_dhcp::{
    Destination, LeaseTime, Note, Owner, PoolRange, Reservation, Seen, Server, ServerConfig, Subnet, Why,
};
use nextboot_firmware::message::{Kind, Message, Received};
use nextboot_model::Timestamp;

use crate::clients::{MAC, bootp, http, ipxe, plain, raspberry_pi, rom, u_boot};
use crate::pcap::Datagram;
use crate::world::{Answered, CLIENT, PROXY, ROLES, Role, SERVER, answered, arrival, boot, outcome};

const FROM_NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);

/// A DISCOVER, broadcast.
fn discover(message: Message) -> Datagram {
    Datagram {
        from: FROM_NOBODY,
        to: SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
        payload: message.kind(Kind::DISCOVER).bytes(),
    }
}

/// A boot server request on port 4011.
fn on_4011(message: Message) -> Datagram {
    let message = message.kind(Kind::REQUEST).set(|header| {
        header.ciaddr = CLIENT;
        header.flags = 0;
    });
    Datagram {
        from: SocketAddrV4::new(CLIENT, 4011),
        to: SocketAddrV4::new(PROXY, 4011),
        payload: message.bytes(),
    }
}

fn offered(role: Role, message: Message) -> Answered {
    answered(role, &discover(message)).unwrap()
}

fn silent(role: Role, datagram: &Datagram) -> bool {
    answered(role, datagram).is_none()
}

/// What the DHCP server says to every machine.
fn gives_a_lease(reply: &Received) {
    assert_eq!(reply.header.yiaddr, CLIENT);
    assert_eq!((reply.u32(51), reply.u32(58), reply.u32(59)), (Some(43_200), Some(21_600), Some(37_800)));
    assert_eq!(reply.address(1), Some(Ipv4Addr::new(255, 255, 255, 0)));
    assert!(reply.has(3) && reply.has(6));
}

fn gives_no_lease(reply: &Received) {
    assert_eq!(reply.header.yiaddr, Ipv4Addr::UNSPECIFIED);
    for code in [1, 3, 6, 51, 58, 59] {
        assert!(!reply.has(code), "{code}");
    }
}

#[test]
fn mode_bios_pxe_rom() {
    let full = offered(Role::Server, rom(0)).reply;
    gives_a_lease(&full);
    assert!(!full.has(60) && !full.has(43));
    assert_eq!((full.header.siaddr, full.header.file_text().as_str()), (SERVER, "shimx64.efi"));
    assert_eq!(full.text(210).as_deref(), Some("/tftp/"), "PXELINUX reads the values of the ROM");
    for role in [Role::Direct, Role::Binl] {
        let proxied = offered(role, rom(0)).reply;
        gives_no_lease(&proxied);
        assert_eq!(
            (proxied.text(60).as_deref(), proxied.value(43)),
            (Some("PXEClient"), Some(&[6, 1, 8, 255][..]))
        );
        assert_eq!((proxied.header.siaddr, proxied.header.file_text().as_str()), (PROXY, "shimx64.efi"));
    }
    let intel = on_4011(Message::new(MAC).option(60, "PXEClient:Arch:00000:UNDI:002001").option(93, [0, 0]));
    let intel = answered(Role::Binl, &intel).unwrap().reply;
    assert!(!intel.has(97), "Intel's ROMs send none");
}

#[test]
fn mode_bios_pxe_rom_that_chose_from_a_menu() {
    let item = [71, 4, 0x80, 1, 0, 0, 255];
    let reply = answered(Role::Binl, &on_4011(rom(0).option(43, item))).unwrap().reply;
    assert_eq!((reply.kind(), reply.value(43)), (Some(Kind::ACK), Some(&item[..])));
    assert_eq!(reply.header.file_text(), "shimx64.efi");
    let local = outcome(Role::Binl, &on_4011(rom(0).option(43, [71, 4, 0, 0, 0, 0, 255])), &boot("x"));
    assert_eq!(local.notes, [Note::Ignored(Why::BootItem)], "type 0 is the local disk");
}

#[test]
fn mode_uefi_pxe_rom() {
    for arch in [6, 7, 9, 0xb] {
        let full = offered(Role::Server, rom(arch)).reply;
        gives_a_lease(&full);
        assert!(!full.has(60) && !full.has(43));
        let direct = offered(Role::Direct, rom(arch)).reply;
        gives_no_lease(&direct);
        assert_eq!(direct.value(43), Some(&[6, 1, 8, 255][..]));
        let binl = offered(Role::Binl, rom(arch)).reply;
        gives_no_lease(&binl);
        assert_eq!((binl.text(60).as_deref(), binl.header.siaddr), (Some("PXEClient"), PROXY));
        assert!(!binl.has(43) && !binl.has(67));
        let later = answered(Role::Binl, &on_4011(rom(arch))).unwrap();
        assert_eq!(later.to(), Destination::Unicast(SocketAddrV4::new(CLIENT, 4011)));
        assert_eq!(later.reply.header.file_text(), "shimx64.efi");
    }
}

#[test]
fn mode_uefi_http_boot() {
    let url = "http://192.168.77.1/shimx64.efi";
    for role in ROLES {
        let reply = offered(role, http(16)).reply;
        assert_eq!(reply.header.yiaddr == CLIENT, role == Role::Server);
        assert_eq!((reply.text(60).as_deref(), reply.text(67).as_deref()), (Some("HTTPClient"), Some(url)));
        assert!(!reply.has(43));
        let asked = outcome(role, &on_4011(http(16)), &boot(url));
        assert_eq!(asked.notes, [Note::Ignored(Why::NotBooting)], "HTTP Boot does not use port 4011");
    }
}

#[test]
fn mode_ipxe() {
    let full = offered(Role::Server, ipxe()).reply;
    gives_a_lease(&full);
    assert_eq!(full.value(175), Some(&[0xb0, 1, 1][..]));
    assert_eq!(full.header.file_text(), "http://192.168.77.1/boot.ipxe");
    for role in [Role::Direct, Role::Binl] {
        let proxied = offered(role, ipxe()).reply;
        gives_no_lease(&proxied);
        assert!(!proxied.header.siaddr.is_unspecified(), "or it asks on port 4011");
        assert_eq!(proxied.text(60).as_deref(), Some("PXEClient"));
        assert_eq!(proxied.header.file_text(), "http://192.168.77.1/boot.ipxe");
        let later = answered(role, &on_4011(ipxe())).unwrap();
        assert_eq!(later.reply.header.file_text(), "http://192.168.77.1/boot.ipxe");
    }
}

/// PXELINUX and GRUB read the packets that their firmware kept: 209, 210 and the file must be in all of them.
#[test]
fn mode_loaders_that_read_the_firmware_s_packets() {
    let later =
        [answered(Role::Binl, &on_4011(rom(0))).unwrap(), answered(Role::Binl, &on_4011(rom(7))).unwrap()];
    let now = [offered(Role::Server, rom(0)), offered(Role::Server, rom(7)), offered(Role::Direct, rom(7))];
    for answered in later.iter().chain(&now) {
        assert_eq!(answered.reply.text(210).as_deref(), Some("/tftp/"), "{}", answered.what());
        assert!(!answered.reply.header.siaddr.is_unspecified() && answered.reply.header.file[0] != 0);
    }
}

/// It reads `siaddr` and `file` of an offer without a class.
#[test]
fn mode_u_boot() {
    let full = offered(Role::Server, u_boot()).reply;
    gives_a_lease(&full);
    assert_eq!((full.header.siaddr, full.header.file_text().as_str()), (SERVER, "shimx64.efi"));
    assert!(full.bytes.len() <= 548, "its buffer is small");
    assert!(silent(Role::Direct, &discover(u_boot())), "it takes nothing from a proxy");
}

#[test]
fn mode_bootp() {
    let datagram = |message: Message| Datagram { payload: message.bytes(), ..discover(message) };
    for role in ROLES {
        assert!(silent(role, &datagram(bootp())), "no address of a pool, and nothing from a proxy");
    }
    let address = Ipv4Addr::new(192, 168, 77, 7);
    let reservation = Reservation { address: Some(address), ..Reservation::new(Owner::Mac(MAC)) };
    let subnet = Subnet {
        pools: vec![PoolRange { first: CLIENT, last: CLIENT }],
        reservations: vec![reservation],
        lease_time: LeaseTime::Seconds(600),
        ..Subnet::new("192.168.77.0/24".parse().unwrap())
    };
    let mut server =
        Server::new(ServerConfig { subnets: vec![subnet], ..ServerConfig::default() }, Vec::new());
    let asked = datagram(bootp());
    let seen = Seen::read(&asked.payload).unwrap();
    let out =
        server.handle(Timestamp(1), &arrival(Role::Server, asked.from, asked.to), &seen, &boot("x"), &());
    let reply = Received::read(&out.replies[0].bytes).unwrap();
    assert_eq!((reply.kind(), reply.header.yiaddr, reply.bytes.len()), (None, address, 300));
    assert_eq!(reply.header.file_text(), "x");
    assert!(!reply.has(51) && !reply.has(54), "no lease, no server identifier");
}

#[test]
fn mode_raspberry_pi() {
    for role in ROLES {
        let reply = offered(role, raspberry_pi()).reply;
        assert_eq!(reply.header.yiaddr == CLIENT, role == Role::Server);
        let space = reply.encapsulated(43).unwrap();
        assert_eq!((space.value(6), space.end), (Some(&[3][..]), true));
        assert_eq!(space.value(10), Some(&b"\0PXE"[..]));
        assert_eq!(
            space.value(9),
            Some(&b"\0\0\x14Raspberry Pi Boot   "[..]),
            "the first ROMs want the blanks"
        );
        assert_eq!(
            (reply.text(60).as_deref(), reply.value(97).map(<[u8]>::len)),
            (Some("PXEClient"), Some(17))
        );
        assert_eq!(reply.header.file_text(), "shimx64.efi", "the offer is all it reads");
    }
}

#[test]
fn mode_plain_systems() {
    for system in plain() {
        gives_a_lease(&offered(Role::Server, system.clone()).reply);
        for role in [Role::Direct, Role::Binl] {
            assert!(silent(role, &discover(system.clone())));
            assert!(silent(role, &on_4011(system.clone())));
        }
    }
}
