use super::*;
use crate::testkit::{Client, captured, captured::*};

#[test]
fn real_machines_are_told_apart() {
    for (packet, kind, arch) in [
        (OVMF_DISCOVER, ClientKind::Pxe, Arch::UEFI_X64),
        (OVMF_REQUEST, ClientKind::Pxe, Arch::UEFI_X64),
        (OVMF_4011, ClientKind::Pxe, Arch::UEFI_X64),
        (OVMF_HTTP_DISCOVER, ClientKind::UefiHttp, Arch::HTTP_X64),
        (OVMF_HTTP_REQUEST, ClientKind::UefiHttp, Arch::HTTP_X64),
        (IPXE_DISCOVER, ClientKind::Ipxe, Arch::BIOS),
        (IPXE_REQUEST, ClientKind::Ipxe, Arch::BIOS),
        (IPXE_4011, ClientKind::Ipxe, Arch::BIOS),
        (IPXE_4011_MENU, ClientKind::Ipxe, Arch::BIOS),
    ] {
        let seen = captured(packet);
        let client = seen.client();
        assert_eq!((client.kind, client.arch()), (kind, Some(arch)));
        assert_eq!(client.mac, Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        assert_eq!(client.uuid, None, "all zero in these machines");
        assert_eq!(client.is_uefi(), arch != Arch::BIOS);
        assert!(client.kind.boots());
    }
}

#[test]
fn rule_14_classes_match_by_their_beginning() {
    let kind = |class: &[u8]| Client::new(1).kind(1).option(60, class).seen().client().kind;
    assert_eq!(kind(b"PXEClient"), ClientKind::Pxe);
    assert_eq!(kind(b"PXEClient:Arch:00007:UNDI:003016"), ClientKind::Pxe);
    assert_eq!(kind(b"HTTPClient"), ClientKind::UefiHttp);
    assert_eq!(kind(b"U-Boot.armv8"), ClientKind::UBoot);
    assert_eq!(kind(b"PXEClien"), ClientKind::Plain);
    assert_eq!(kind(b"MSFT 5.0"), ClientKind::Plain);
    assert_eq!(Client::new(1).kind(1).seen().client().kind, ClientKind::Plain);
    assert_eq!(Client::new(1).option(60, b"PXEClient").seen().client().kind, ClientKind::Bootp);
}

#[test]
fn rule_20_ipxe_is_known_by_either_mark() {
    let kind = |code, value: &[u8]| {
        let client =
            Client::new(1).kind(1).option(60, b"PXEClient:Arch:00007:UNDI:003010").option(code, value);
        client.seen().client().kind
    };
    assert_eq!(kind(77, b"iPXE"), ClientKind::Ipxe);
    assert_eq!(kind(77, b"\x04iPXE"), ClientKind::Ipxe);
    assert_eq!(kind(175, &[0xb1, 1, 1]), ClientKind::Ipxe);
    assert_eq!(kind(77, b"gPXE"), ClientKind::Pxe);
}

#[test]
fn a_raspberry_pi_is_its_rom_and_not_every_board_of_the_maker() {
    let kind = |mac, arch| {
        Client::new(1).mac(mac).kind(1).option(60, b"PXEClient").option(93, arch).seen().client().kind
    };
    let pi = [0xb8, 0x27, 0xeb, 1, 2, 3];
    assert_eq!(kind(pi, &[0, 0]), ClientKind::RaspberryPi);
    assert_eq!(kind(pi, &[0, 0x29]), ClientKind::RaspberryPi);
    assert_eq!(kind(pi, &[0, 11]), ClientKind::Pxe, "UEFI firmware on a Pi");
    assert_eq!(kind([2, 0, 0, 0, 0, 1], &[0, 0]), ClientKind::Pxe);
    let mut uuid = [0; 17];
    uuid[1..5].copy_from_slice(b"RPi4");
    let named = Client::new(1).kind(1).option(60, b"PXEClient").option(93, &[0, 0]).option(97, &uuid);
    assert_eq!(named.seen().client().kind, ClientKind::RaspberryPi);
}

#[test]
fn what_clients_say_about_themselves_is_bounded_and_printable() {
    let long = [0xff; 900];
    let client =
        Client::new(1).kind(1).option(60, &long).option(77, &long).option(12, &long).option(93, &long);
    let seen = client.seen();
    let client = seen.client();
    for text in [&client.vendor_class, &client.user_class].into_iter().flatten() {
        assert!(text.len() <= 64 && text.chars().all(|c| c.is_ascii_graphic()));
    }
    assert_eq!((client.host_name.as_ref(), client.archs.len()), (None, 16));
}

#[test]
fn rule_14_a_vendor_s_own_class_may_mean_a_pxe_client() {
    let vendors = VendorClasses::new([b"PXEClient".to_vec(), b"HW-Client".to_vec(), Vec::new()]);
    for (class, kind, known) in [
        (&b"HW-Client:Arch:00007:UNDI:003016"[..], ClientKind::Pxe, Some(&b"HW-Client"[..])),
        (b"PXEClient:Arch:00000", ClientKind::Pxe, Some(b"PXEClient")),
        (b"HTTPClient", ClientKind::UefiHttp, None),
        (b"MSFT 5.0", ClientKind::Plain, None),
    ] {
        let bytes = Client::new(1).kind(1).option(60, class).bytes();
        let seen = Seen::read_with(&bytes, &vendors).unwrap();
        assert_eq!((seen.client().kind, seen.client().pxe_class.as_deref()), (kind, known));
    }
}
