//! The keys of a DHCP server, and complaints to the letter.

use std::path::Path;

use nextboot_dhcp::{
    ClientKind, IdentityRule, LeaseTime, Owner, Says, ServerConfig, SiteOption, VendorClasses,
};
use nextboot_model::Arch;

use crate::{Config, Probe};

const SUBNET: &str = "[[dhcp.subnet]]\nnetwork = \"10.0.0.0/24\"\n";

fn parse(text: &str) -> ServerConfig {
    let config = Config::parse(text, Path::new("f.toml"));
    config.unwrap_or_else(|complaints| panic!("{complaints}")).dhcp.server
}

fn complaints(text: &str) -> Vec<String> {
    let complaints = Config::parse(text, Path::new("f.toml")).expect_err("it should be refused");
    complaints.list().iter().map(|complaint| format!("{}: {complaint}", complaint.line)).collect()
}

fn reservation(keys: &str) -> String {
    format!("{SUBNET}[[dhcp.reservation]]\n{keys}address = \"10.0.0.9\"\n")
}

#[test]
fn a_reservation_knows_its_machine_by_one_thing() {
    let circuit = |circuit: &[u8], remote: Option<&[u8]>| Owner::Circuit {
        circuit: circuit.to_vec(),
        remote: remote.map(<[u8]>::to_vec),
    };
    for (keys, owner) in [
        ("client_id = \"01:52:54\"\n", Owner::ClientId(vec![1, 0x52, 0x54])),
        ("client_id = \"0x0152FF\"\n", Owner::ClientId(vec![1, 0x52, 255])),
        ("client_id = \"node-7\"\n", Owner::ClientId(b"node-7".to_vec())),
        ("client_id = \"a:b\"\n", Owner::ClientId(b"a:b".to_vec())),
        (
            "uuid = \"b8945908-d6a6-41a9-a11d-74a6ab80b83d\"\n",
            Owner::Uuid("b8945908-d6a6-41a9-a11d-74a6ab80b83d".parse().unwrap()),
        ),
        ("circuit = \"0x07\"\n", circuit(&[7], None)),
        ("circuit = \"swp7\"\nremote = \"aa:bb\"\n", circuit(b"swp7", Some(&[0xaa, 0xbb]))),
    ] {
        assert_eq!(parse(&reservation(keys)).subnets[0].reservations[0].owner, owner, "{keys}");
    }
}

#[test]
fn what_is_wrong_with_a_reservation_is_said() {
    let one = "client_id = \"node\"\n";
    for (keys, wanted) in [
        (
            "",
            "3: dhcp.reservation.mac: missing; write mac = \"52:54:00:12:34:56\", with the machine's, or client_id, uuid or circuit",
        ),
        (
            "mac = \"52:54:00:00:00:01\"\nclient_id = \"node\"\n",
            "5: dhcp.reservation.client_id = \"node\": a machine is recognised by one of mac, client_id, uuid and circuit; write another [[dhcp.reservation]]",
        ),
        ("client_id = \"x\"\n", "4: dhcp.reservation.client_id = \"x\": this has 1 bytes; use 2 to 255"),
        (
            "client_id = \"0x1\"\n",
            "4: dhcp.reservation.client_id = \"0x1\": behind 0x come pairs of hexadecimal digits, e.g. \"0x0a3f\"",
        ),
        (
            "uuid = \"b8\"\n",
            "4: dhcp.reservation.uuid = \"b8\": use a UUID, e.g. \"b8945908-d6a6-41a9-a11d-74a6ab80b83d\"",
        ),
        (
            "uuid = \"00000000-0000-0000-0000-000000000000\"\n",
            "4: dhcp.reservation.uuid = \"00000000-0000-0000-0000-000000000000\": this is what machines without a UUID show",
        ),
        (
            "mac = \"52:54:00:00:00:01\"\nremote = \"x\"\n",
            "5: dhcp.reservation.remote = \"x\": this tells apart equal circuits; write circuit too",
        ),
    ] {
        assert_eq!(complaints(&reservation(keys)), [wanted], "{keys}");
    }
    let twice = format!("{}[[dhcp.reservation]]\n{one}address = \"10.0.0.8\"", reservation(one));
    assert_eq!(
        complaints(&twice),
        [
            "8: dhcp.reservation.address = \"10.0.0.8\": client identifier 6e:6f:64:65 has 10.0.0.9 reserved in 10.0.0.0/24 already"
        ]
    );
}

/// Firmware disagrees about the order of the first three fields.
#[test]
fn a_uuid_in_the_other_byte_order_is_the_same_machine() {
    let text = reservation("uuid = \"b8945908-d6a6-41a9-a11d-74a6ab80b83d\"\n")
        + "[[dhcp.reservation]]\nuuid = \"085994b8-a6d6-a941-a11d-74a6ab80b83d\"\naddress = \"10.0.0.8\"";
    assert_eq!(
        complaints(&text),
        [
            "8: dhcp.reservation.address = \"10.0.0.8\": 085994b8-a6d6-a941-a11d-74a6ab80b83d has 10.0.0.9 reserved in 10.0.0.0/24 already"
        ]
    );
}

#[test]
fn relays_may_be_in_the_networks_named_beside_the_subnets() {
    let server = parse(&format!("[dhcp]\nnetworks = [\"192.168.0.0/24\"]\nlink_selection = false\n{SUBNET}"));
    assert_eq!(
        (server.relays.as_slice(), server.link_selection),
        (&["192.168.0.0/24".parse().unwrap()][..], false)
    );
    assert!(parse(SUBNET).link_selection);
}

#[test]
fn identity_and_shared_networks_are_read() {
    let server = parse(&format!("[dhcp]\nidentity = \"client-id\"\n{SUBNET}shared_network = \"wire\"\n"));
    assert_eq!(server.identity, IdentityRule::ClientId);
    assert_eq!(server.subnets[0].shared_network.as_deref(), Some("wire"));
    let wrong = "[dhcp]\nidentity = \"uuid\"\n";
    assert_eq!(complaints(wrong), ["2: dhcp.identity = \"uuid\": use \"hardware\" or \"client-id\""]);
}

#[test]
fn a_class_names_its_machines_and_what_they_are_told() {
    let class = "[[dhcp.class]]\nfirmware = [\"pxe\", \"http\"]\narch = [\"uefi-arm64\", 41]\nvendor = \"PXE\"\n\
                 user_class = \"lab\"\nmac = \"52:54:00\"\nsubnet = \"10.0.0.0/25\"\ndrop = true\nlease_time = 600\n\
                 pool = \"10.0.0.7-10.0.0.9\"\nrouter = \"10.0.0.1\"\noptions = [{ code = 17, text = \"x\", always = true }]\n";
    let server = parse(&format!("[dhcp]\nnever = [15]\ndomain = \"example.org\"\n{SUBNET}{class}"));
    let [class] = server.classes.as_slice() else { panic!("{:?}", server.classes) };
    assert_eq!(class.members.firmware, [ClientKind::Pxe, ClientKind::UefiHttp]);
    assert_eq!(class.members.archs, [Arch(0x0b), Arch(0x13), Arch(41)]);
    assert_eq!(class.members.vendors, [b"PXE"]);
    assert_eq!(class.members.user_classes, [b"lab"]);
    assert_eq!(class.members.macs, [[0x52, 0x54, 0]]);
    assert_eq!(class.members.subnets, ["10.0.0.0/25".parse().unwrap()]);
    assert_eq!((class.drop, class.lease_time), (true, Some(LeaseTime::Seconds(600))));
    assert_eq!(class.parameters.options, [SiteOption { code: 17, value: b"x".to_vec(), always: true }]);
    assert_eq!(class.pools[0].last.to_string(), "10.0.0.9");
    assert_eq!(server.parameters.never, [15]);
    assert_eq!(server.parameters.domain.as_deref(), Some("example.org"));
}

#[test]
fn a_class_may_leave_machines_out_and_a_reservation_be_for_several_cards() {
    let text = "[dhcp]\nmode = \"server\"\n[[dhcp.subnet]]\nnetwork = \"10.0.0.0/24\"\n\
        [[dhcp.class]]\nknown = true\nalso = [{ client_id = \"01:02\" }]\nexcept = [{ firmware = \"ipxe\" }]\n\
        option = [{ code = 175 }, { code = 93, contains = \"0x0007\", step = 2 }, { code = 12, begins = \"n\" }]\n\
        [[dhcp.reservation]]\nmac = [\"52:54:00:00:00:01\", \"52:54:00:00:00:02\"]\naddress = \"10.0.0.9\"\n\
        [[dhcp.reservation]]\nmac = \"52:54:00:00:00:03\"\nname = \"three\"\nlease_time = \"infinite\"\n";
    let server = Config::parse(text, Path::new("f.toml")).unwrap().dhcp.server;
    let [class] = &server.classes[..] else { panic!("{:?}", server.classes) };
    assert_eq!((class.also.len(), class.except.len(), class.members.known), (1, 1, Some(true)));
    let says: Vec<_> = class.members.options.iter().map(|test| (test.code, test.says.clone())).collect();
    let contains = Says::Contains(vec![0, 7], 2);
    assert_eq!(says, [(175, Says::Anything), (93, contains), (12, Says::Begins(b"n".to_vec()))]);
    let [one, two, three] = &server.subnets[0].reservations[..] else { panic!("{:?}", server.subnets) };
    assert_eq!((one.address, two.address), (Some("10.0.0.9".parse().unwrap()), one.address));
    assert_eq!((three.address, three.lease_time), (None, Some(LeaseTime::Infinite)));
    assert_eq!(three.host_name.as_deref(), Some("three"));
}

#[test]
fn what_is_wrong_with_a_class_is_said() {
    for (class, wanted) in [
        (
            "drop = true",
            "3: dhcp.class.firmware: it would be for every machine; say which with firmware, arch, vendor, user_class, mac, subnet, client_id, option, known",
        ),
        (
            "mac = \"52:54:00:00:00:00:00\"",
            "4: dhcp.class.mac = \"52:54:00:00:00:00:00\": use the beginning of a MAC address, e.g. \"52:54:00\"",
        ),
        ("arch = 65536", "4: dhcp.class.arch = 65536: use a whole number from 0 to 65535"),
        (
            "arch = 0\npool = \"10.0.1.1\"",
            "5: dhcp.class.pool = \"10.0.1.1\": no [[dhcp.subnet]] has all of these addresses",
        ),
        (
            "arch = 0\npool = [\"10.0.0.1-10.0.0.9\", \"10.0.0.9\"]",
            "5: dhcp.class.pool = \"10.0.0.9\": shares addresses with 10.0.0.1-10.0.0.9",
        ),
        (
            "arch = 0\nnever = [53]",
            "5: dhcp.class.never = 53: without this option the client could not use the answer",
        ),
        (
            "arch = 0\noptions = [{ code = 67, text = \"x\" }]",
            "5: dhcp.class.options.code = 67: nextboot decides what machines boot; see [boot] and the profiles",
        ),
    ] {
        assert_eq!(complaints(&format!("{SUBNET}[[dhcp.class]]\n{class}\n")), [wanted], "{class}");
    }
}

#[test]
fn option_43_is_for_classes_of_vendors_that_are_no_boot_firmware() {
    let class = |members: &str| {
        format!("{SUBNET}[[dhcp.class]]\n{members}\noptions = [{{ code = 43, hex = \"0104c0a80001\" }}]\n")
    };
    let server = parse(&class("vendor = [\"ubnt\", \"APC\"]"));
    assert_eq!(server.classes[0].parameters.options[0].code, 43);
    for members in ["mac = \"52:54:00\"", "vendor = \"PXEClient:Arch:00000\"", "vendor = [\"APC\", \"H\"]"] {
        let wanted = "5: dhcp.class.options.code = 43: what this means is each vendor's own; a [[dhcp.class]] may have it \
                      whose `vendor` is no boot firmware's";
        assert_eq!(complaints(&class(members)), [wanted], "{members}");
    }
}

#[test]
fn other_vendor_classes_may_mean_a_pxe_client() {
    let text = "[dhcp]\nvendor_classes = [\"PXEClient\", \"HW-Client\"]\n";
    let config = Config::parse(text, Path::new("f.toml")).unwrap();
    let classes = VendorClasses::new([b"PXEClient".to_vec(), b"HW-Client".to_vec()]);
    assert_eq!(config.dhcp.vendor_classes, classes);
}

#[test]
fn cache_and_exclusions_are_read() {
    let server = parse(&format!("[dhcp]\ncache_threshold = 0\n{SUBNET}exclude_first_last_24 = true\n"));
    assert_eq!((server.cache_threshold, server.subnets[0].exclude_first_last_24), (0, true));
    let wrong = "[dhcp]\ncache_threshold = 51\n";
    assert_eq!(complaints(wrong), ["2: dhcp.cache_threshold = 51: use a whole number from 0 to 50"]);
}

#[test]
fn a_probe_is_off_unless_it_is_asked_for() {
    for (text, probe, asks) in [
        ("", Probe::Off, false),
        ("[dhcp]\nprobe = \"arp\"", Probe::Arp, true),
        ("[dhcp]\nprobe = \"icmp\"", Probe::Icmp, true),
    ] {
        let dhcp = Config::parse(text, Path::new("f.toml")).unwrap().dhcp;
        assert_eq!((dhcp.probe, dhcp.server.probe), (probe, asks));
    }
    let wrong = "[dhcp]\nprobe = \"ping\"\nprobe_timeout = 3000\n";
    assert_eq!(
        complaints(wrong),
        [
            "2: dhcp.probe = \"ping\": use \"off\", \"arp\" or \"icmp\"",
            "3: dhcp.probe_timeout = 3000: use a whole number from 50 to 1000"
        ]
    );
}
