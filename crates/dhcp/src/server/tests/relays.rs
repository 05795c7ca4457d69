//! Relays: which subnet, which server, which way back.

use super::*;

fn two_networks() -> World {
    World::new(two_configured())
}

fn two_configured() -> ServerConfig {
    let mut config = config(10, 20);
    let pools = vec![PoolRange { first: Ipv4Addr::new(10, 9, 0, 10), last: Ipv4Addr::new(10, 9, 0, 20) }];
    config.subnets.push(Subnet { pools, ..Subnet::new("10.9.0.0/16".parse().unwrap()) });
    config
}

#[test]
fn relays_are_answered_on_port_67_with_an_address_of_their_network() {
    let mut world = two_networks();
    let relay = Ipv4Addr::new(10, 9, 0, 1);
    let info = [1, 4, 9, 9, 9, 9];
    let out = world.send(&discover(&Client::new(1).giaddr(relay).option(82, &info)));
    let (heard, to) = read(&out);
    assert_eq!(to, Destination::Relay(SocketAddrV4::new(relay, 67)));
    assert_eq!((heard.yiaddr, heard.giaddr), (Ipv4Addr::new(10, 9, 0, 10), relay));
    assert_eq!(heard.options.get(82), Some(&info[..]));
    let out = world.send(&init_reboot(&Client::new(1).giaddr(relay), ip(10)));
    assert_eq!(answer(&out), Answer::Nothing, "an offer is not yet a record");
    world.send(&selecting(&Client::new(1).giaddr(relay), heard.yiaddr));
    let out = world.send(&init_reboot(&Client::new(1).giaddr(relay), ip(10)));
    assert_eq!(answer(&out), Answer::Nak);
    assert_eq!(out.replies[0].to, Destination::Relay(SocketAddrV4::new(relay, 67)));
    assert_eq!(out.replies[0].bytes[10], 0x80, "so that the relay broadcasts it");
}

/// Such an answer has no `yiaddr`, to which a relay that was not told to broadcast would send it.
#[test]
fn relays_broadcast_the_answer_to_an_inform() {
    let mut world = two_networks();
    let relay = Ipv4Addr::new(10, 9, 0, 1);
    for ciaddr in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(10, 9, 0, 99)] {
        let out = world.send(&Client::new(1).kind(8).giaddr(relay).ciaddr(ciaddr));
        assert_eq!(out.replies[0].to, Destination::Relay(SocketAddrV4::new(relay, 67)));
        assert_eq!(out.replies[0].bytes[10], 0x80);
    }
}

#[test]
fn link_selection_goes_before_the_relay_s_address() {
    let mut world = two_networks();
    let relay = Ipv4Addr::new(10, 9, 0, 1);
    let by_82 = Client::new(1).giaddr(relay).option(82, &[1, 1, 7, 5, 4, 10, 0, 0, 0]);
    assert_eq!(world.offered(&discover(&by_82)), Some(ip(10)));
    let by_118 = Client::new(2).giaddr(relay).option(118, &[10, 0, 0, 0]);
    let heard = reply(&world.send(&discover(&by_118)));
    assert_eq!(heard.yiaddr, ip(11));
    assert_eq!(heard.options.get(118), Some(&[10, 0, 0, 0][..]));
    let unknown = Client::new(3).giaddr(relay).option(82, &[5, 4, 10, 77, 0, 0]);
    assert_eq!(world.offered(&discover(&unknown)), None);
    let malformed = Client::new(4).giaddr(relay).option(82, &[5, 9, 10, 0]);
    assert_eq!(world.offered(&discover(&malformed)), Some(Ipv4Addr::new(10, 9, 0, 10)));
}

#[test]
fn relays_in_no_network_of_ours_are_not_answered() {
    let mut world = two_networks();
    for relay in [[8, 8, 8, 8], [255; 4], [224, 0, 0, 1], [127, 0, 0, 1], [192, 168, 0, 1]] {
        for kind in [1, 3, 4, 7, 8] {
            let client = Client::new(1).kind(kind).giaddr(relay.into()).address(50, ip(10));
            let out = world.send(&client);
            assert_eq!(out.notes, [Note::Ignored(Why::UnknownRelay)]);
            assert!(out.replies.is_empty() && out.lease_changes.is_empty());
        }
    }
}

/// RFC 3527: the relay's own address may be in a network where nobody gets addresses.
#[test]
fn a_relay_outside_the_subnets_names_the_link() {
    let config = ServerConfig { relays: vec!["192.168.0.0/24".parse().unwrap()], ..two_configured() };
    let mut world = World::new(config);
    let relay = Ipv4Addr::new(192, 168, 0, 1);
    let client = Client::new(1).giaddr(relay);
    assert_eq!(world.send(&discover(&client)).notes, [Note::Ignored(Why::NoSubnet)]);
    let out = world.send(&discover(&client.option(82, &[5, 4, 10, 0, 0, 0])));
    assert_eq!(out.replies[0].to, Destination::Relay(SocketAddrV4::new(relay, 67)));
    assert_eq!(reply(&out).yiaddr, ip(10));
}

#[test]
fn option5_link_selection_ignore() {
    let mut world = World::new(ServerConfig { link_selection: false, ..two_configured() });
    let client = Client::new(1).giaddr(Ipv4Addr::new(10, 9, 0, 1)).option(82, &[5, 4, 10, 0, 0, 0]);
    assert_eq!(world.offered(&discover(&client)), Some(Ipv4Addr::new(10, 9, 0, 10)));
}

/// RFC 3011.
#[test]
fn a_client_without_a_relay_may_name_its_subnet_where_we_serve() {
    let mut world = two_networks();
    let client = Client::new(1).option(118, &[10, 9, 0, 0]);
    assert_eq!(world.offered(&discover(&client)), Some(Ipv4Addr::new(10, 9, 0, 10)));
    let elsewhere = Arrival { local: "172.16.0.1/24".parse().unwrap(), ..broadcast() };
    let out = world.handle(&elsewhere, &discover(&client).seen(), &BootAnswer::Silent);
    assert_eq!(out.notes, [Note::Ignored(Why::NoSubnet)]);
}

/// RFC 5107.
#[test]
fn option11_server_identifier_override() {
    let mut world = two_networks();
    let relay = Ipv4Addr::new(10, 9, 0, 1);
    let client = Client::new(1).giaddr(relay).option(82, &[11, 4, 10, 9, 0, 2]);
    let override_ = Ipv4Addr::new(10, 9, 0, 2);
    let heard = reply(&world.send(&discover(&client)));
    assert_eq!((heard.server_id, heard.yiaddr), (Some(override_), Ipv4Addr::new(10, 9, 0, 10)));
    let taken = |client: &Client, kind| client.clone().kind(kind).address(54, override_);
    let heard = reply(&world.send(&taken(&client, 3).address(50, heard.yiaddr)));
    assert_eq!((heard.message, heard.server_id), (Some(MessageType::Ack), Some(override_)));
    let out = world.send(&taken(&client, 3).address(50, Ipv4Addr::new(10, 9, 0, 99)));
    assert_eq!((answer(&out), reply(&out).server_id), (Answer::Nak, Some(override_)));
    // Our own address stays good, another's does not become ours, and who is no relay cannot say so.
    assert_eq!(answer(&world.send(&selecting(&client, heard.yiaddr))), Answer::Ack);
    let other = Client::new(1).giaddr(relay).kind(3).address(54, override_).address(50, heard.yiaddr);
    assert_eq!(answer(&world.send(&other)), Answer::Nothing);
    for far in [[8, 8, 8, 8], [0, 255, 255, 255], [224, 0, 0, 1]] {
        let client = Client::new(3).giaddr(relay).option(82, &[&[11, 4][..], &far].concat());
        assert_eq!(reply(&world.send(&discover(&client))).server_id, Some(ip(1)), "in no network of ours");
    }
    let direct = Client::new(2).option(82, &[11, 4, 10, 9, 0, 2]);
    assert_eq!(reply(&world.send(&discover(&direct))).server_id, Some(ip(1)));
    let released = world.send(&taken(&client, 7).ciaddr(heard.yiaddr));
    assert_eq!(released.notes, [Note::Release { address: heard.yiaddr }]);
}

/// RFC 8357.
#[test]
fn relay_port_the_reply_goes_to_the_port_that_the_relay_sent_from() {
    let relay = Ipv4Addr::new(10, 9, 0, 1);
    for (raw, source, port) in [
        (&[1, 1, 7, 19, 0][..], 4567, 4567),
        (&[19, 0], 0, 67),
        (&[1, 1, 7], 4567, 67),
        (&[1, 2, 19, 0], 4567, 67),
    ] {
        let client = discover(&Client::new(1).giaddr(relay).option(82, raw));
        let arrival = unicast(Port::Dhcp, SocketAddrV4::new(relay, source));
        let out = two_networks().handle(&arrival, &client.seen(), &BootAnswer::Silent);
        assert_eq!(out.replies[0].to, Destination::Relay(SocketAddrV4::new(relay, port)), "{raw:?}");
        assert_eq!(reply(&out).options.get(82), Some(raw));
    }
}

/// A relay hears broadcasts, so it is REBINDING, in which a server without authority stays silent; unless the relay says that
/// the client sent it a unicast (RFC 5010), as clients do that were given the relay for their server.
#[test]
fn relayed_extensions_are_rebindings_unless_the_relay_says_otherwise() {
    let relay = Ipv4Addr::new(10, 9, 0, 1);
    let mut world = two_networks();
    let have = world.lease(&Client::new(2).giaddr(relay));
    let ask = |world: &mut World, flags: &[u8]| {
        let client = extending(&Client::new(1).giaddr(relay).option(82, flags), have);
        let arrival = unicast(Port::Dhcp, SocketAddrV4::new(relay, 67));
        answer(&world.handle(&arrival, &client.seen(), &BootAnswer::Silent))
    };
    assert_eq!(ask(&mut world, &[1, 1, 7]), Answer::Nothing);
    assert_eq!(ask(&mut world, &[10, 1, 0]), Answer::Nothing);
    assert_eq!(ask(&mut world, &[10, 1, 0x80]), Answer::Nak);
}

#[test]
fn more_than_16_relays_are_too_many() {
    let relayed = |hops: u8| {
        let mut bytes = discover(&Client::new(1).giaddr(Ipv4Addr::new(10, 9, 0, 1))).bytes();
        bytes[3] = hops;
        Seen::read(&bytes).is_ok()
    };
    assert!(relayed(0) && relayed(16) && !relayed(17) && !relayed(255));
}
