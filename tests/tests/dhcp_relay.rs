//! Clients behind a relay, under the names of ISC forge's tests (`protocol/test_v4_relay`, `protocol/test_v4_rai_options`,
//! `v4/test_stash_agent_options`) and of Kea's unit tests.
//!
//! The relay's network is not one of the server's interface. That the relay's information (option 82) comes back as it was,
//! last, and that answers go to the relay's address and port, is checked in every answer.
//!
//! | test | here |
//! |---|---|
//! | `test_v4_request_initreboot_no_requested_address` | switched off in forge, which wants DHCPNAK; as Kea we are silent |
//! | `test_v4_rai_option5_link_selection` | a relay that is in no subnet of ours gets no answer at all, in forge DHCPNAK |
//! | `relayedClient` | Kea answers past the relay where `ciaddr` is set; here all goes back the way it came (RFC 2131 section 4.1) |
//! | `test_v4_lease_circuit`, `test_v4_lease_agent_option` | what the relay said is always kept with the lease |

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, ensure};
use nextboot_firmware::message::code;
use nextboot_tests::wire::{Client, Net, Site, ip};

/// The relay.
const RELAY: Ipv4Addr = Ipv4Addr::new(192, 168, 50, 254);
/// The relay's other interface.
const OTHER_LINK: Ipv4Addr = Ipv4Addr::new(192, 168, 51, 254);

/// An address of the relay's network.
fn far(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 50, last)
}

/// The relay's network has these addresses, like `1-9`; the other one has the same.
fn site(first: u8, last: u8) -> Site {
    let subnet = |net: u8| {
        let net = format!("192.168.{net}");
        format!("[[dhcp.subnet]]\nnetwork = \"{net}.0/24\"\npool = [\"{net}.{first}-{net}.{last}\"]\n")
    };
    Site::default().block(&subnet(50)).block(&subnet(51))
}

fn one() -> Site {
    site(1, 1)
}

/// Runs a test with the relay.
fn relayed(name: &str, site: &Site, test: impl FnOnce(&mut Net<'_>) -> Result<()>) {
    site.run(name, |net| {
        net.uses(RELAY)?;
        test(net)
    });
}

/// A machine behind the relay.
fn client(number: u8) -> Client {
    Client::new(number).behind(RELAY)
}

const ID: [u8; 7] = [0, 1, 2, 3, 4, 5, 6];
const OTHER_ID: [u8; 7] = [0x11, 2, 3, 4, 5, 6, 7];

#[test]
fn test_v4_request_relay_selecting_success_chaddr() {
    relayed("test_v4_request_relay_selecting_success_chaddr", &one(), |net| {
        net.lease(&client(1))?.gives(far(1))?.tells(code::SUBNET_MASK, [255, 255, 255, 0])?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_selecting_success_chaddr_empty_pool() {
    relayed("test_v4_request_relay_selecting_success_chaddr_empty_pool", &one(), |net| {
        net.lease(&client(1))?.gives(far(1))?;
        net.silent(&client(2).discover())
    });
}

#[test]
fn test_v4_request_relay_selecting_success_client_id() {
    relayed("test_v4_request_relay_selecting_success_client_id", &one(), |net| {
        net.lease(&client(1).id(ID))?.gives(far(1))?.tells(code::CLIENT_ID, ID)?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_selecting_success_client_id_empty_pool() {
    let site = one().dhcp("identity = \"client-id\"");
    relayed("test_v4_request_relay_selecting_success_client_id_empty_pool", &site, |net| {
        net.lease(&client(1).id(ID))?.gives(far(1))?;
        net.silent(&client(1).id(OTHER_ID).discover())
    });
}

#[test]
fn test_v4_request_relay_selecting_success_client_id_chaddr_empty_pool() {
    let site = one().dhcp("identity = \"client-id\"");
    relayed("test_v4_request_relay_selecting_success_client_id_chaddr_empty_pool", &site, |net| {
        net.lease(&client(1).id(ID))?.gives(far(1))?;
        net.silent(&client(2).id(OTHER_ID).discover())?;
        net.silent(&client(1).id(OTHER_ID).discover())
    });
}

#[test]
fn test_v4_request_relay_selecting_success_second_request_fail() {
    relayed("test_v4_request_relay_selecting_success_second_request_fail", &one(), |net| {
        net.lease(&client(1))?.gives(far(1))?;
        net.nak(&client(2).select(far(1)))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_initreboot_success() {
    relayed("test_v4_request_relay_initreboot_success", &one(), |net| {
        net.lease(&client(1))?;
        net.ack(&client(1).reboot(far(1)))?.gives(far(1))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_initreboot_fail() {
    relayed("test_v4_request_relay_initreboot_fail", &one(), |net| {
        net.lease(&client(1))?;
        net.nak(&client(1).reboot([185, 0, 50, 0].into()))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_initreboot_no_requested_address() {
    relayed("test_v4_request_initreboot_no_requested_address", &one(), |net| {
        net.silent(&client(1).rebind([0; 4].into()))
    });
}

#[test]
fn test_v4_request_relay_initreboot_no_leases() {
    relayed("test_v4_request_relay_initreboot_no_leases", &one(), |net| {
        net.silent(&client(1).reboot(far(1)))
    });
}

#[test]
fn test_v4_request_relay_renewing_success() {
    relayed("test_v4_request_relay_renewing_success", &one(), |net| {
        net.lease(&client(1))?;
        net.uses(far(1))?;
        // What the client says goes past the relay.
        net.ack(&client(1).renew(far(1)))?.gives(far(1))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_rebinding_success() {
    relayed("test_v4_request_relay_rebinding_success", &one(), |net| {
        net.lease(&client(1))?;
        net.ack(&client(1).rebind(far(1)))?.gives(far(1))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_release_success() {
    relayed("test_v4_request_relay_release_success", &one(), |net| {
        net.lease(&client(1))?;
        net.silent(&client(1).release(far(1)))?;
        net.offer(&client(2).id(ID).discover())?.gives(far(1))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_release_success_with_additional_offer() {
    relayed("test_v4_request_relay_release_success_with_additional_offer", &one(), |net| {
        net.lease(&client(1))?;
        net.silent(&client(2).id(ID).discover())?;
        net.silent(&client(1).release(far(1)))?;
        net.offer(&client(2).id(ID).discover())?.gives(far(1))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_release_only_chaddr_same_chaddr() {
    relayed("test_v4_request_relay_release_only_chaddr_same_chaddr", &one(), |net| {
        net.lease(&client(1))?;
        // Some relays pass RELEASE on too.
        net.silent(&client(1).release(far(1)).set(|header| header.giaddr = RELAY))?;
        net.offer(&client(2).discover())?.gives(far(1))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_relay_decline_success() {
    relayed("test_v4_request_relay_decline_success", &one(), |net| {
        net.lease(&client(1).id(ID))?;
        net.silent(&client(1).id(ID).decline(far(1)))?;
        net.silent(&client(2).discover())
    });
}

#[test]
fn test_v4_rai_option5_link_selection() {
    relayed("test_v4_rai_option5_link_selection", &site(1, 2), |net| {
        let link = |number: u8| client(number).says(code::RELAY_INFO, [5, 4, 192, 168, 51, 254, 1, 1, 7]);
        net.offer(&client(1).discover())?.gives(far(1))?;
        let ack = net.lease(&link(2))?;
        ack.gives([192, 168, 51, 1].into())?.tells(code::RELAY_INFO, [5, 4, 192, 168, 51, 254, 1, 1, 7])?;
        // A link that is none of ours, and one that is no address.
        net.silent(&client(3).says(code::RELAY_INFO, [5, 4, 198, 51, 100, 1]).discover())?;
        net.offer(&client(4).says(code::RELAY_INFO, [5, 2, 192, 168]).discover())?.gives(far(2))?;
        // A relay that we do not know is not answered, whatever link it names.
        let stranger: Ipv4Addr = [198, 51, 100, 1].into();
        net.uses(stranger)?;
        let stranger = Client::new(5).behind(stranger).says(code::RELAY_INFO, [5, 4, 192, 168, 51, 254]);
        net.silent(&stranger.discover())
    });
}

#[test]
fn test_v4_rai_option5_link_selection_ignore() {
    let site = site(1, 9).dhcp("link_selection = false");
    relayed("test_v4_rai_option5_link_selection_ignore", &site, |net| {
        let link = client(1).says(code::RELAY_INFO, [5, 4, 192, 168, 51, 254]);
        let ack = net.lease(&link)?;
        ensure!(ack.header.yiaddr.octets()[2] == 50, "{ack}");
        ack.tells(code::RELAY_INFO, [5, 4, 192, 168, 51, 254])?;
        Ok(())
    });
}

/// Kea `relayIgnoreLinkSelect`: then option 118 counts, if it is there.
#[test]
fn relay_ignore_link_select() {
    let site = site(1, 9).dhcp("link_selection = false");
    relayed("relay_ignore_link_select", &site, |net| {
        let both = client(1)
            .says(code::RELAY_INFO, [5, 4, 10, 77, 0, 0])
            .says(code::SUBNET_SELECTION, OTHER_LINK.octets());
        let ack = net.lease(&both)?;
        ensure!(ack.header.yiaddr.octets()[2] == 51, "{ack}");
        Ok(())
    });
}

/// The relay stands between (RFC 5107): its address names the server, so that renewals come through it.
#[test]
fn test_v4_rai_option11_server_identifier_override() {
    relayed("test_v4_rai_option11_server_identifier_override", &one(), |net| {
        let between = client(1).says(code::RELAY_INFO, [&[11, 4][..], &RELAY.octets()].concat());
        net.offer(&between.discover())?.gives(far(1))?.tells(code::SERVER_ID, RELAY.octets())?;
        let named = between.reboot(far(1)).address(code::SERVER_ID, RELAY);
        net.ack(&named)?.gives(far(1))?.tells(code::SERVER_ID, RELAY.octets())?;
        // A server that is neither ours nor the relay's.
        net.silent(&between.reboot(far(1)).address(code::SERVER_ID, far(99)))?;
        net.silent(&client(1).reboot(far(1)).address(code::SERVER_ID, RELAY))?;
        net.ack(&between.rebind(far(1)))?.gives(far(1))?;
        Ok(())
    });
}

/// RFC 8357: a relay that asks from another port and says so is answered there.
#[test]
fn adjust_iface_data_relay_port() {
    relayed("adjust_iface_data_relay_port", &site(1, 9), |net| {
        let offer = net.offer(&client(1).says(code::RELAY_INFO, [19, 0]).discover().from_port(6767))?;
        ensure!(offer.to.port() == 6767, "{offer}");
        // One that does not say so.
        let offer = net.offer(&client(2).discover().from_port(6767))?;
        ensure!(offer.to.port() == 67, "{offer}");
        Ok(())
    });
}

/// Kea `relayOverride`: a relay in none of the subnets, which the site knows, and the link that it names.
#[test]
fn relay_override() {
    let site = site(1, 9).dhcp("networks = [\"198.51.100.0/24\"]");
    relayed("relay_override", &site, |net| {
        let outside: Ipv4Addr = [198, 51, 100, 1].into();
        net.uses(outside)?;
        let known = Client::new(1).behind(outside);
        let ack = net.lease(&known.clone().says(code::RELAY_INFO, [5, 4, 192, 168, 51, 254]))?;
        ensure!(ack.header.yiaddr.octets()[2] == 51, "{ack}");
        // Without a link there is no telling where its client is.
        net.silent(&known.discover())
    });
}

/// Kea `relayLinkSelect`: the link that the relay names counts before its address and before option 118.
#[test]
fn relay_link_select() {
    relayed("relay_link_select", &site(1, 9), |net| {
        let both = client(1)
            .says(code::RELAY_INFO, [5, 4, 192, 168, 51, 254])
            .says(code::SUBNET_SELECTION, ip(0).octets());
        let address = net.lease(&both)?.header.yiaddr;
        ensure!(address.octets()[2] == 51, "{address}");
        Ok(())
    });
}

/// Kea `subnetSelect`: option 118 names the network when nobody else does, and comes back.
#[test]
fn subnet_select() {
    relayed("subnet_select", &site(1, 9), |net| {
        let ack = net.lease(&client(1).says(code::SUBNET_SELECTION, OTHER_LINK.octets()))?;
        ensure!(ack.header.yiaddr.octets()[2] == 51, "{ack}");
        ack.tells(code::SUBNET_SELECTION, OTHER_LINK.octets())?;
        Ok(())
    });
}

/// Kea `relayAgentInfoEcho`, `badRelayAgentInfoEcho`: it comes back to the byte, in its place, whatever is inside.
#[test]
fn relay_agent_info_echo() {
    relayed("relay_agent_info_echo", &site(1, 9), |net| {
        net.lease(&client(1).says(code::RELAY_INFO, [2, 3, 1, 2, 3, 1, 4, b's', b'w', b'p', b'7']))?;
        for (number, info) in [(2, vec![1, 200, 3]), (3, vec![0]), (4, vec![255; 255])] {
            net.lease(&client(number).says(code::RELAY_INFO, info))?;
        }
        Ok(())
    });
}

/// Kea `twoSubnets`, `oneSubnet` of `direct_client_unittest`, with what a relay adds: each link gets its own.
#[test]
fn each_link_gets_addresses_of_its_own() {
    let site = site(1, 1).local("pool = [\"10.77.0.50\"]");
    relayed("each_link_gets_addresses_of_its_own", &site, |net| {
        net.uses(OTHER_LINK)?;
        net.lease(&Client::new(1))?.gives(ip(50))?;
        net.lease(&client(1))?.gives(far(1))?;
        net.lease(&Client::new(1).behind(OTHER_LINK))?.gives([192, 168, 51, 1].into())?;
        // The machine came home: the lease that it had there still holds.
        net.lease(&Client::new(1))?.gives(ip(50))?;
        Ok(())
    });
}

#[test]
fn more_than_16_hops_are_not_answered() {
    relayed("more_than_16_hops_are_not_answered", &site(1, 9), |net| {
        net.offer(&client(1).discover().set(|header| header.hops = 16))?;
        net.silent(&client(2).discover().set(|header| header.hops = 17))
    });
}

/// Machines that a relay names, each with an address reserved under that name. Their renewals go past the relay.
fn renewals_without_the_relay(name: &str, reserved: impl Fn(u8) -> String, info: impl Fn(u8) -> Vec<u8>) {
    let mut site = site(100, 200);
    for number in 4..9 {
        site =
            site.block(&format!("[[dhcp.reservation]]\n{}\naddress = \"{}\"", reserved(number), far(number)));
    }
    relayed(name, &site, |net| {
        for number in 4..9 {
            net.lease(&client(number).says(code::RELAY_INFO, info(number)))?.gives(far(number))?;
            net.uses(far(number))?;
        }
        // Also after a restart, and more than once.
        for _ in 0..2 {
            net.pass(Duration::from_secs(60))?;
            for number in 4..9 {
                net.ack(&client(number).renew(far(number)))?.gives(far(number))?;
                net.ack(&client(number).renew(far(number)))?.gives(far(number))?;
            }
        }
        // Nobody else has them by saying nothing.
        net.nak(&client(9).select(far(4)))?;
        for number in 4..9 {
            net.silent(&client(number).release(far(number)))?;
            net.lease(&client(number + 10).says(code::RELAY_INFO, info(number)))?.gives(far(number))?;
        }
        Ok(())
    });
}

#[test]
fn test_v4_lease_circuit() {
    renewals_without_the_relay(
        "test_v4_lease_circuit",
        |number| format!("circuit = \"circuit{number}\""),
        |number| [&[1, 8][..], format!("circuit{number}").as_bytes()].concat(),
    );
}

#[test]
fn test_v4_lease_agent_option() {
    renewals_without_the_relay(
        "test_v4_lease_agent_option",
        |number| format!("circuit = \"port\"\nremote = \"remote{number}\""),
        |number| [&[1, 4][..], b"port", &[2, 7], format!("remote{number}").as_bytes()].concat(),
    );
}

/// An INFORM through the relay: told what is said in the relay's network, and the relay is to broadcast the answer, which no
/// `yiaddr` would lead to the client.
fn informed(name: &str, ciaddr: Ipv4Addr) {
    relayed(name, &one(), |net| {
        let ask = client(1).inform(ciaddr).set(|header| header.flags = 0);
        let ack = net.ack(&ask)?;
        ack.tells(code::SUBNET_MASK, [255, 255, 255, 0])?.lacks(code::LEASE_TIME)?;
        ensure!(ack.header.flags == 0x8000 && ack.header.ciaddr == ciaddr, "{ack}");
        ensure!(ack.header.yiaddr.is_unspecified() && *ack.to.ip() == RELAY, "{ack}");
        Ok(())
    });
}

#[test]
fn relayed_client() {
    informed("relayed_client", far(56));
}

#[test]
fn relayed_client_no_ciaddr() {
    informed("relayed_client_no_ciaddr", Ipv4Addr::UNSPECIFIED);
}
