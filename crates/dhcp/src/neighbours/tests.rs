use super::*;
use crate::testkit::{captured::*, hex};

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const THEM: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// A reply of another server: message type, address, options.
fn reply(message: u8, yiaddr: Ipv4Addr, options: &[(u8, &[u8])]) -> Heard {
    let mut bytes = vec![0; 236];
    bytes[..3].copy_from_slice(&[2, 1, 6]);
    bytes[16..20].copy_from_slice(&yiaddr.octets());
    bytes[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
    bytes.extend([0x63, 0x82, 0x53, 0x63, 53, 1, message]);
    for (code, value) in options {
        bytes.extend([*code, value.len() as u8]);
        bytes.extend(*value);
    }
    bytes.push(255);
    Heard::read(&bytes).unwrap()
}

fn given() -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 77)
}

fn hear(neighbours: &mut Neighbours, us: &Ourselves<'_>, reply: &Heard) -> Vec<Conflict> {
    let overheard = Overheard { interface: "eth0", from: THEM, mac: None, reply };
    let news = neighbours.hear(Timestamp(1), &overheard, us);
    let conflict = |news| match news {
        News::Conflict(_, conflict) => Some(conflict),
        News::Found(_) => None,
    };
    news.into_iter().filter_map(conflict).collect()
}

fn proxy_mode() -> Ourselves<'static> {
    Ourselves { addresses: &[US], ..Ourselves::default() }
}

fn server_mode() -> Ourselves<'static> {
    Ourselves { gives_addresses: true, leases_to_client: true, ..proxy_mode() }
}

#[test]
fn a_server_is_found_once_with_what_it_sends() {
    let mut neighbours = Neighbours::default();
    let reply = Heard::read(&hex(SERVER_ACK)).unwrap();
    let from = Ipv4Addr::new(192, 168, 77, 1);
    let mac = Some(Mac([2, 0, 0, 0, 0, 1]));
    let overheard = Overheard { interface: "eth0", from, mac, reply: &reply };
    let news = neighbours.hear(Timestamp(5), &overheard, &proxy_mode());
    assert!(
        matches!(&news[..], [News::Found(found), News::Conflict(_, Conflict::BootFile)] if found.server == from)
    );
    assert!(neighbours.hear(Timestamp(9), &overheard, &proxy_mode()).is_empty(), "told once");
    let all = neighbours.all();
    let [found] = &all[..] else { panic!("{all:?}") };
    assert_eq!((found.first, found.heard, found.acks, found.mac), (Timestamp(5), Timestamp(9), 2, mac));
    assert!(found.gives_addresses && !found.is_proxy && found.options.contains(&51));
    assert_eq!(found.file.as_deref(), Some("http://192.168.77.1/nbp.efi"));
    neighbours.hear(Timestamp(9), &Overheard { interface: "eth1", ..overheard }, &proxy_mode());
    assert_eq!(neighbours.all().len(), 2, "one for each interface");
}

#[test]
fn our_own_words_are_nobodys() {
    let mut neighbours = Neighbours::default();
    let reply = reply(2, given(), &[(54, &US.octets())]);
    for from in [US, THEM, Ipv4Addr::UNSPECIFIED] {
        let overheard = Overheard { interface: "eth0", from, mac: None, reply: &reply };
        assert!(neighbours.hear(Timestamp(1), &overheard, &proxy_mode()).is_empty());
    }
    assert!(neighbours.all().is_empty());
}

#[test]
fn a_server_on_our_own_machine_is_known_by_who_takes_its_offers() {
    let mut neighbours = Neighbours::default();
    assert!(
        matches!(&neighbours.beside_us(Timestamp(1), "eth0", US)[..], [News::Found(found)] if found.gives_addresses)
    );
    assert!(neighbours.beside_us(Timestamp(2), "eth0", US).is_empty(), "told once");
    assert_eq!(neighbours.all()[0].heard, Timestamp(2));
}

#[test]
fn what_gets_in_our_way_is_named() {
    let none = Ipv4Addr::UNSPECIFIED;
    let pxe: (u8, &[u8]) = (60, b"PXEClient");
    let direct: (u8, &[u8]) = (43, &[6, 1, 8, 255]);
    for (us, heard, expected) in [
        (proxy_mode(), reply(2, given(), &[]), vec![]),
        (proxy_mode(), reply(2, given(), &[pxe]), vec![Conflict::PxeClass]),
        (proxy_mode(), reply(2, given(), &[pxe, direct]), vec![]),
        (proxy_mode(), reply(2, given(), &[(67, b"x.efi")]), vec![Conflict::BootFile]),
        (proxy_mode(), reply(2, none, &[pxe, direct]), vec![Conflict::DirectProxy]),
        (proxy_mode(), reply(2, none, &[pxe]), vec![Conflict::AnotherProxy]),
        (proxy_mode(), reply(6, none, &[]), vec![]),
        (server_mode(), reply(2, given(), &[]), vec![Conflict::SecondServer]),
        (server_mode(), reply(6, none, &[]), vec![Conflict::ForeignNak]),
        (Ourselves { leases_to_client: false, ..server_mode() }, reply(6, none, &[]), vec![]),
    ] {
        let mut neighbours = Neighbours::default();
        assert_eq!(hear(&mut neighbours, &us, &heard), expected, "{heard:?}");
        assert!(hear(&mut neighbours, &us, &heard).is_empty(), "told once");
        assert_eq!(neighbours.all()[0].conflicts, BTreeSet::from_iter(expected.clone()));
        neighbours.forget_conflicts();
        assert_eq!(hear(&mut neighbours, &us, &heard), expected, "looked at anew");
    }
}

#[test]
fn a_server_that_points_to_us_is_no_conflict() {
    let reply = reply(2, given(), &[(60, b"PXEClient"), (67, b"pxelinux.0")]);
    let reply = Heard { next_server: US, ..reply };
    assert!(hear(&mut Neighbours::default(), &proxy_mode(), &reply).is_empty());
}

#[test]
fn invented_servers_have_bounds_in_the_table_and_in_the_journal() {
    let mut neighbours = Neighbours::default();
    let mut told = 0;
    for number in 0..2000_u32 {
        let from = Ipv4Addr::from_bits(0x0a01_0000 + number);
        let reply = reply(2, given(), &[(60, b"PXEClient")]);
        let overheard = Overheard { interface: "eth0", from, mac: None, reply: &reply };
        told += neighbours.hear(Timestamp(u64::from(number)), &overheard, &server_mode()).len();
        assert!(neighbours.known.len() <= MAX_NEIGHBOURS);
    }
    assert_eq!(told, 20);
    let newest = Ipv4Addr::from_bits(0x0a01_0000 + 1999);
    assert!(neighbours.all().iter().any(|known| known.server == newest), "the longest silent one went");
}

#[test]
fn the_probe_is_a_pxe_client_that_a_server_answers() {
    let mac = Mac([2, 0, 0, 1, 2, 3]);
    let seen = crate::Seen::read(&crate::probe(77, mac)).unwrap();
    let (packet, client) = (seen.packet(), seen.client());
    assert_eq!((packet.xid, client.mac, packet.message_type()), (77, mac, Some(MessageType::Discover)));
    assert!(packet.wants_broadcast(), "so that everybody hears the answers");
    assert!(client.kind == crate::ClientKind::Pxe && client.is_uefi());
}
