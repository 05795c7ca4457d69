//! Who is who: one packet of each kind of client, by what its documentation or its capture shows, and what it is taken for.

use nextboot_dhcp::{ClientKind, Garbage, Packet, Seen};
use nextboot_firmware::message::{Kind, Message, code};
use nextboot_model::{Arch, Mac};

pub(crate) const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x57]);
const PI: Mac = Mac([0xb8, 0x27, 0xeb, 1, 2, 3]);

/// A PXE ROM with this architecture: `PXEClient:Arch:...`, options 93, 94 and 97.
pub(crate) fn rom(arch: u16) -> Message {
    booting("PXEClient", arch)
}

/// UEFI HTTP Boot with this architecture.
pub(crate) fn http(arch: u16) -> Message {
    booting("HTTPClient", arch)
}

fn booting(class: &str, arch: u16) -> Message {
    Message::new(MAC)
        .broadcast()
        .option(57, [5, 0xc0])
        .option(97, [0; 17])
        .option(94, [1, 3, 0])
        .option(93, arch.to_be_bytes())
        .option(60, format!("{class}:Arch:{arch:05}:UNDI:003000"))
}

/// iPXE, chain-loaded on UEFI.
pub(crate) fn ipxe() -> Message {
    rom(7).option(77, "iPXE").option(175, [0xb1, 5, 1, 0x80, 0x86, 0x10, 0x0e, 0xeb, 3, 1, 0, 0])
}

/// The ROM of a Raspberry Pi 3: no REQUEST ever follows.
pub(crate) fn raspberry_pi() -> Message {
    rom(0).set(|header| header.chaddr[..6].copy_from_slice(&PI.0))
}

/// U-Boot: its class is the builder's choice; 94 is 1.0.0 and 57 as small as allowed.
pub(crate) fn u_boot() -> Message {
    Message::new(MAC)
        .option(57, [2, 64])
        .option(93, [0, 0x16])
        .option(94, [1, 0, 0])
        .option(60, "U-Boot.armv8")
}

/// GRUB's `net_bootp` and old devices: no option 53.
pub(crate) fn bootp() -> Message {
    Message::new(MAC).at_least(300)
}

/// Operating systems.
pub(crate) fn plain() -> [Message; 4] {
    [
        Message::new(MAC).option(57, [2, 64]).option(60, "udhcp 1.35.0").option(61, [1, 2, 0, 0, 0, 0, 1]),
        Message::new(MAC).option(12, "node1").option(55, [1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42]),
        // Windows: option 81 in ASCII, which must not hide the class behind it.
        Message::new(MAC).option(81, b"\0\0\0pc1.lan").option(60, "MSFT 5.0"),
        Message::new(MAC).option(61, [255, 0, 0, 0, 1, 0, 2, 0, 0, 0xab, 0x11, 1, 2, 3, 4, 5, 6, 7, 8]),
    ]
}

fn seen(message: &Message) -> Seen {
    Seen::read(&message.bytes()).unwrap()
}

fn kind(message: &Message) -> ClientKind {
    seen(message).client().kind
}

fn discover(message: Message) -> Message {
    message.kind(Kind::DISCOVER)
}

#[test]
fn client_row_0_garbage_is_nobody() {
    let whole = discover(rom(7)).bytes();
    for length in 0..236 {
        assert_eq!(Packet::parse(&whole[..length]), Err(Garbage::TooShort(length)));
    }
    for (at, wrong) in
        [(0, [0, 2, 3, 255].as_slice()), (1, &[0, 6, 32]), (2, &[0, 5, 7, 16, 17, 255]), (3, &[17])]
    {
        for &value in wrong {
            let mut bytes = whole.clone();
            bytes[at] = value;
            assert!(Packet::parse(&bytes).is_err(), "{value} at {at}");
        }
    }
    let cookie = discover(rom(7)).cookie([0x63, 0x82, 0x53, 0x64]);
    assert_eq!(kind(&cookie), ClientKind::Bootp, "without the cookie nothing behind it counts");
}

#[test]
fn client_row_1_ipxe_by_its_user_class_or_its_own_options() {
    assert_eq!(kind(&discover(ipxe())), ClientKind::Ipxe);
    assert_eq!(kind(&discover(rom(0).option(77, "iPXE"))), ClientKind::Ipxe);
    assert_eq!(kind(&discover(rom(0).option(77, "\x04iPXE"))), ClientKind::Ipxe);
    assert_eq!(kind(&discover(rom(7).option(175, [0xeb, 3, 1, 0, 0]))), ClientKind::Ipxe);
    assert_eq!(kind(&discover(http(16).option(77, "iPXE"))), ClientKind::Ipxe, "the first that fits");
}

/// We compile no loader of our own, so another's user class says nothing: it is what its vendor class says.
#[test]
fn client_row_2_other_loaders_user_classes_change_nothing() {
    for class in ["pixiecore", "gPXE", "iPXE-like", ""] {
        assert_eq!(kind(&discover(rom(7).option(77, class))), ClientKind::Pxe, "{class}");
    }
}

#[test]
fn client_row_3_uefi_http_boot_of_every_architecture() {
    for arch in [0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x17, 0x18, 0x1a, 0x1c, 0x1e, 0x26, 0x28] {
        let seen = seen(&discover(http(arch)));
        assert_eq!((seen.client().kind, seen.client().arch()), (ClientKind::UefiHttp, Some(Arch(arch))));
    }
}

#[test]
fn client_row_4_pxe_roms_of_every_architecture() {
    for (arch, uefi) in [
        (0, false),
        (6, true),
        (7, true),
        (9, true),
        (0xa, true),
        (0xb, true),
        (0x1b, true),
        (0x27, true),
        (0x29, false),
    ] {
        let seen = seen(&discover(rom(arch)));
        let client = seen.client();
        assert_eq!((client.kind, client.arch(), client.is_uefi()), (ClientKind::Pxe, Some(Arch(arch)), uefi));
    }
    let bare = discover(Message::new(MAC).option(60, "PXEClient:Arch:00011:UNDI:003000"));
    assert_eq!(seen(&bare).client().arch(), Some(Arch::UEFI_ARM64), "from the class where 93 is missing");
    let several = discover(Message::new(MAC).option(60, "PXEClient").option(93, [0, 9, 0, 7]));
    assert_eq!(seen(&several).client().archs, [Arch::UEFI_EBC, Arch::UEFI_X64]);
}

#[test]
fn client_row_5_raspberry_pis_by_their_maker_or_their_uuid() {
    for maker in
        [[0xb8, 0x27, 0xeb], [0xdc, 0xa6, 0x32], [0xe4, 0x5f, 1], [0x28, 0xcd, 0xc1], [0xd8, 0x3a, 0xdd]]
    {
        for arch in [0, 0x29] {
            let pi = discover(rom(arch)).set(|header| header.chaddr[..3].copy_from_slice(&maker));
            assert_eq!(kind(&pi), ClientKind::RaspberryPi);
        }
    }
    assert_eq!(kind(&discover(raspberry_pi())), ClientKind::RaspberryPi);
    let uuid = Message::new(MAC).option(60, "PXEClient:Arch:00000:UNDI:002001").option(93, [0, 0]);
    let uuid = uuid.option(97, [&b"\0RPi4"[..], &[7; 12]].concat());
    assert_eq!(kind(&discover(uuid)), ClientKind::RaspberryPi);
}

/// It has no sure mark: its builder chooses its class. Under its own name it is known, under that of a PXE client it is one,
/// and under any other it is taken for an operating system, which gets its file where we are the DHCP server.
#[test]
fn client_row_6_u_boot_is_what_its_builder_calls_it() {
    assert_eq!(kind(&discover(u_boot())), ClientKind::UBoot);
    assert_eq!(kind(&discover(rom(0x16))), ClientKind::Pxe);
    assert_eq!(kind(&discover(Message::new(MAC).option(93, [0, 0x16]))), ClientKind::Plain);
}

#[test]
fn client_row_7_bootp_has_no_message_type() {
    assert_eq!(kind(&bootp()), ClientKind::Bootp);
    assert_eq!(kind(&bootp().option(60, "PXEClient").option(77, "iPXE")), ClientKind::Bootp);
    assert_eq!(kind(&bootp().cookie([])), ClientKind::Bootp);
    assert!(seen(&bootp()).packet().message_type().is_none());
    let odd = bootp().option(code::MESSAGE_TYPE, [1, 1]);
    assert_ne!(kind(&odd), ClientKind::Bootp, "a message type that is none is not BOOTP");
}

#[test]
fn client_row_8_operating_systems_are_plain() {
    for system in plain() {
        assert_eq!(kind(&discover(system)), ClientKind::Plain);
    }
    let windows = seen(&discover(plain()[2].clone()));
    assert_eq!(windows.client().vendor_class.as_deref(), Some("MSFT 5.0"));
}
