//! Options on the wire, under the names of ISC forge's tests (`protocol/test_standard_options`,
//! `protocol/test_v4_options_inform`, `protocol/test_v4_stateless`, `v4/test_ipv6_only`) and of Kea's (`inform_unittest`).
//!
//! Tests of one option each are lines of one table here, all against one server. What differs from Kea, on purpose:
//!
//! | test | here |
//! |---|---|
//! | `test_v4_options_boot_size`, `..._dhcp_max_message_size`, `..._dhcp_message`, `..._dhcp_option_overload` | these belong to the server or to the exchange; the configuration refuses them, and `test_v4_options_malformed_values_*` proves it |
//! | `test_v4_options_domain_name_servers`, `..._routers`, `..._subnet_mask` | sent to everybody, asked for or not |

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::code;
use nextboot_tests::Lab;
use nextboot_tests::wire::{Ask, Client, Net, Site, ip, server};

/// forge's name without `test_v4_options_`, the code, the value in the configuration, the value on the wire.
type Line = (&'static str, u8, &'static str, &'static [u8]);

const TWO: &[u8] = &[199, 199, 199, 1, 100, 100, 100, 1];
const TWO_IP: &str = "ip = [\"199.199.199.1\", \"100.100.100.1\"]";

/// Options that the site adds.
const ADDED: &[Line] = &[
    ("time_offset", 2, "u32 = 50", &[0, 0, 0, 50]),
    ("time_servers", 4, TWO_IP, TWO),
    ("name_servers", 5, TWO_IP, TWO),
    ("log_servers", 7, TWO_IP, TWO),
    ("cookie_servers", 8, TWO_IP, TWO),
    ("lpr_servers", 9, TWO_IP, TWO),
    ("impress_servers", 10, TWO_IP, TWO),
    ("resource_location_servers", 11, TWO_IP, TWO),
    ("merit_dump", 14, "text = \"some-string\"", b"some-string"),
    ("swap_server", 16, "ip = \"199.199.199.1\"", &[199, 199, 199, 1]),
    ("root_path", 17, "text = \"/some/location/example/\"", b"/some/location/example/"),
    ("extensions_path", 18, "text = \"/some/location/\"", b"/some/location/"),
    ("ip_forwarding", 19, "u8 = 1", &[1]),
    ("non_local_source_routing", 20, "u8 = 1", &[1]),
    ("policy_filter", 21, TWO_IP, TWO),
    ("max_dgram_reassembly", 22, "u16 = 600", &[2, 88]),
    ("default_ip_ttl", 23, "u8 = 86", &[86]),
    ("path_mtu_aging_timeout", 24, "u32 = 85", &[0, 0, 0, 85]),
    ("path_mtu_plateau_table", 25, "hex = \"006400c8012c\"", &[0, 100, 0, 200, 1, 44]),
    ("interface_mtu", 26, "u16 = 321", &[1, 65]),
    ("all_subnets_local", 27, "u8 = 1", &[1]),
    ("broadcast_address", 28, "ip = \"10.77.0.255\"", &[10, 77, 0, 255]),
    ("perform_mask_discovery", 29, "u8 = 0", &[0]),
    ("mask_supplier", 30, "u8 = 1", &[1]),
    ("router_discovery", 31, "u8 = 1", &[1]),
    ("router_solicitation_address", 32, "ip = \"199.199.199.1\"", &[199, 199, 199, 1]),
    ("static_routes", 33, TWO_IP, TWO),
    ("trailer_encapsulation", 34, "u8 = 1", &[1]),
    ("arp_cache_timeout", 35, "u32 = 48", &[0, 0, 0, 48]),
    ("ieee802_3_encapsulation", 36, "u8 = 1", &[1]),
    ("default_tcp_ttl", 37, "u8 = 44", &[44]),
    ("tcp_keepalive_interval", 38, "u32 = 4896", &[0, 0, 19, 32]),
    ("tcp_keepalive_garbage", 39, "u8 = 1", &[1]),
    ("nis_domain", 40, "text = \"nis.domain.com\"", b"nis.domain.com"),
    ("nis_servers", 41, TWO_IP, TWO),
    ("netbios_name_servers", 44, TWO_IP, TWO),
    ("netbios_dd_server", 45, "ip = \"199.199.199.1\"", &[199, 199, 199, 1]),
    ("netbios_node_type", 46, "u8 = 8", &[8]),
    ("netbios_scope", 47, "text = \"global\"", b"global"),
    ("font_servers", 48, TWO_IP, TWO),
    ("x_display_manager", 49, TWO_IP, TWO),
    ("nwip_domain_name", 62, "text = \"some.domain.com\"", b"some.domain.com"),
    ("nisplus_domain_name", 64, "text = \"nisplus-domain.com\"", b"nisplus-domain.com"),
    ("nisplus_servers", 65, TWO_IP, TWO),
    ("mobile_ip_home_agent", 68, TWO_IP, TWO),
    ("smtp_server", 69, TWO_IP, TWO),
    ("pop_server", 70, TWO_IP, TWO),
    ("nntp_server", 71, TWO_IP, TWO),
    ("www_server", 72, TWO_IP, TWO),
    ("finger_server", 73, TWO_IP, TWO),
    ("irc_server", 74, TWO_IP, TWO),
    ("streettalk_server", 75, TWO_IP, TWO),
    ("stda_server", 76, TWO_IP, TWO),
    ("slp_directory_agent", 78, "hex = \"01 c0000201\"", &[1, 192, 0, 2, 1]),
    ("client_last_transaction_time", 91, "u32 = 3424", &[0, 0, 13, 96]),
    ("associated_ip", 92, TWO_IP, TWO),
    ("tcode", 101, "text = \"Europe/Zurich\"", b"Europe/Zurich"),
    ("ipv6_only", 108, "u32 = 1800", &[0, 0, 7, 8]),
    ("v4_captive_portal", 114, "text = \"http://x.example\"", b"http://x.example"),
    ("classless", 121, "hex = \"18 0a 00 05 0a 4d 00 01\"", &[24, 10, 0, 5, 10, 77, 0, 1]),
    ("vivso_suboptions", 125, "hex = \"0000a098060104c000020b\"", VIVSO),
    ("user_custom_option", 176, "u8 = 123", &[123]),
];

/// Vendor 41112, one sub-option with an address (RFC 3925).
const VIVSO: &[u8] = &[0, 0, 0xa0, 0x98, 6, 1, 4, 192, 0, 2, 11];

/// Options that have a key of their own.
const KEYS: &[Line] = &[
    ("subnet_mask", 1, "", &[255, 255, 255, 0]),
    ("routers", 3, "router = [\"10.77.0.10\", \"10.77.0.5\"]", &[10, 77, 0, 10, 10, 77, 0, 5]),
    ("domain_name_servers", 6, "dns = [\"199.199.199.1\", \"100.100.100.1\"]", TWO),
    ("domain_name", 15, "domain = \"site.example\"", b"site.example"),
    ("ntp_servers", 42, "ntp = [\"199.199.199.1\", \"100.100.100.1\"]", TWO),
    ("dhcp_lease_time", 51, "lease_time = 3600", &[0, 0, 14, 16]),
    ("renew_timer", 58, "", &[0, 0, 7, 8]),
    ("rebind_timer", 59, "", &[0, 0, 12, 78]),
    ("domain_search", 119, "search = [\"a.example\", \"b.a.example\"]", b"\x01a\x07example\0\x01b\xc0\0"),
];

/// Those of them that have nothing to do with a lease.
const WITHOUT_A_LEASE: &[u8] = &[51, 58, 59];

/// All options of both tables on the laboratory's subnet.
fn all_options(pool: &str) -> Site {
    let mut site = Site::pool(pool);
    for (_, _, value, _) in KEYS {
        site = site.local(value);
    }
    let added: Vec<String> =
        ADDED.iter().map(|(_, code, value, _)| format!("{{ code = {code}, {value} }}")).collect();
    site.local(&format!("options = [\n{}]", added.join(",\n")))
}

/// Every `test_v4_options_NAME` of the tables.
#[test]
fn test_v4_options() {
    all_options("50-200").run("test_v4_options", |net| {
        for (number, (name, code, _, value)) in KEYS.iter().chain(ADDED).enumerate() {
            net.told(&Client::asking(number, *code), *code, value)
                .with_context(|| format!("test_v4_options_{name}"))?;
        }
        Ok(())
    });
}

#[test]
fn test_v4_options_not_requested_options() {
    all_options("50-59").run("test_v4_options_not_requested_options", |net| {
        let offer = net.offer(&Client::asking(1, 26).discover())?;
        let mut codes = offer.codes();
        codes.sort_unstable();
        // What belongs to a lease, mask, routers and name servers, and what was asked for.
        ensure!(codes == [1, 3, 6, 26, 51, 53, 54, 58, 59], "{offer}");
        Ok(())
    });
}

/// A client without a list gets all there is room for, and never more than it reads.
#[test]
fn test_v4_options_all_options_fit_the_packet() {
    all_options("50-59").run("test_v4_options_all_options_fit_the_packet", |net| {
        let without_list = |number: u8| Client::new(number).says(code::PARAMETERS, []);
        let small = net.offer(&without_list(1).discover())?;
        let large = net.offer(&without_list(2).says(code::MAX_SIZE, [5, 0xdc]).discover())?;
        ensure!(small.bytes.len() > 500 && small.codes().len() > 20, "{small}");
        ensure!(large.codes().len() > KEYS.len() + ADDED.len() - 8, "{large}");
        Ok(())
    });
}

#[test]
fn test_v4_options_host_name() {
    let site = Site::one().reservation("mac = \"02:00:00:00:00:01\"\nname = \"isc-example\"", ip(60));
    site.run("test_v4_options_host_name", |net| {
        net.lease(&Client::asking(1, 12))?.gives(ip(60))?.tells(code::HOST_NAME, "isc-example")?;
        net.lease(&Client::asking(2, 12))?.lacks(code::HOST_NAME)?;
        Ok(())
    });
}

#[test]
fn test_v4_options_inform_host_name() {
    let site = Site::one().reservation("mac = \"02:00:00:00:00:01\"\nname = \"isc-example\"", ip(60));
    site.run("test_v4_options_inform_host_name", |net| {
        net.uses(ip(60))?;
        net.ack(&Client::asking(1, 12).inform(ip(60)))?.tells(code::HOST_NAME, "isc-example")?;
        Ok(())
    });
}

/// An option that belongs to the exchange cannot be added, whatever the client asks for.
#[test]
fn test_v4_options_malformed_values() {
    let refused = [
        ("user_custom_option_code_0", "{ code = 0, u8 = 123 }"),
        ("user_custom_option_using_standard_code", "{ code = 12, u8 = 123 }"),
        ("domain_name_servers_csv_incorrect_hex", "{ code = 5, hex = \"C000020Z1\" }"),
        ("domain_name_servers_csv_incorrect_address", "{ code = 5, hex = \"199.0.2.1\" }"),
        ("malformed_values_ip_forwarding", "{ code = 19, u8 = 256 }"),
        ("malformed_values_subnet_mask", "{ code = 1, ip = \"255.255.255.0\" }"),
        ("malformed_values_time_offset", "{ code = 2, u32 = 4294967296 }"),
        ("malformed_values_time_offset", "{ code = 2, u32 = -1 }"),
        ("malformed_values_boot_size", "{ code = 22, u16 = 65536 }"),
        ("malformed_values_boot_size", "{ code = 22, u16 = -1 }"),
        ("malformed_values_policy_filter", "{ code = 21, ip = \"199.199.199\" }"),
        ("malformed_values_default_ip_ttl", "{ code = 23, u8 = 256 }"),
        ("malformed_values_path_mtu_aging_timeout", "{ code = 24, u32 = \"x\" }"),
        ("malformed_values_static_routes", "{ code = 33, ip = \"199.199.199.256\" }"),
        ("malformed_values_arp_cache_timeout", "{ code = 35, u32 = 4294967296 }"),
        ("malformed_values_default_tcp_ttl", "{ code = 37, u8 = -1 }"),
        ("malformed_values_dhcp_option_overload", "{ code = 52, u8 = 1 }"),
        ("malformed_values_dhcp_max_message_size", "{ code = 57, u16 = 576 }"),
        ("malformed_values_two_values", "{ code = 2, u32 = 1, u8 = 1 }"),
        ("malformed_values_no_value", "{ code = 2 }"),
        ("malformed_values_empty", "{ code = 14, text = \"\" }"),
        ("vendor_encapsulated_options_space_global_level", "{ code = 43, hex = \"02040000007b\" }"),
    ];
    Lab::run("test_v4_options_malformed_values", |lab| {
        for (name, option) in refused {
            let said = Site::one().local(&format!("options = [{option}]")).complaints(lab)?;
            let said = said.with_context(|| format!("test_v4_options_{name}: {option} was taken"))?;
            ensure!(said.contains(":1"), "no line is named for {option}: {said}");
        }
        ensure!(all_options("50-59").complaints(lab)?.is_none());
        Ok(())
    });
}

#[test]
fn test_v4_options_malformed_values_pool() {
    Lab::run("test_v4_options_malformed_values_pool", |lab| {
        for pool in ["10.77.0.256", "10.77.0.9-10.77.0.8", "10.78.0.1-10.78.0.9", "ten", ""] {
            let said = Site::default().local(&format!("pool = [\"{pool}\"]")).complaints(lab)?;
            ensure!(said.is_some(), "{pool} was taken");
        }
        ensure!(Site::pool("1-254").complaints(lab)?.is_none());
        Ok(())
    });
}

/// A client with an address from elsewhere.
fn informed(number: usize, code: u8) -> Ask {
    Client::asking(number, code).inform(ip(20))
}

/// Runs a test where that address belongs to the clients' side.
fn inform(name: &str, test: impl FnOnce(&mut Net<'_>) -> Result<()>) {
    all_options("50-200").run(name, |net| {
        net.uses(ip(20))?;
        test(net)
    });
}

/// Every `test_v4_options_inform_NAME` of the tables.
#[test]
fn test_v4_options_inform() {
    inform("test_v4_options_inform", |net| {
        for (number, (name, code, _, value)) in KEYS.iter().chain(ADDED).enumerate() {
            let name = || format!("test_v4_options_inform_{name}");
            let ack = net.ack(&informed(number, *code)).with_context(name)?;
            let told =
                if WITHOUT_A_LEASE.contains(code) { ack.lacks(*code) } else { ack.tells(*code, value) };
            told.with_context(name)?;
            let own = ack.header.yiaddr.is_unspecified() && ack.header.ciaddr == ip(20);
            ensure!(own, "{}: {ack}", name());
        }
        Ok(())
    });
}

/// No address anywhere: nobody knows where the answer would go.
#[test]
fn test_v4_options_inform_invalid() {
    inform("test_v4_options_inform_invalid", |net| net.silent(&Client::asking(1, 1).inform([0; 4].into())));
}

#[test]
fn test_v4_options_inform_relay() {
    inform("test_v4_options_inform_relay", |net| {
        net.uses(ip(30))?;
        let relayed = Client::asking(1, 24).behind(ip(30));
        for address in [Ipv4Addr::UNSPECIFIED, ip(77)] {
            net.ack(&relayed.inform(address).set(|header| header.flags = 0))?.tells(24, [0, 0, 0, 85])?;
        }
        Ok(())
    });
}

#[test]
fn test_v4_options_inform_with_serverid() {
    inform("test_v4_options_inform_with_serverid", |net| {
        net.ack(&informed(1, 24).address(code::SERVER_ID, server()))?.tells(24, [0, 0, 0, 85])?;
        net.silent(&informed(2, 24).address(code::SERVER_ID, ip(2)))
    });
}

#[test]
fn test_v4_stateless_with_subnet_empty_pool() {
    Site::default()
        .local("router = [\"10.77.0.10\", \"10.77.0.5\"]\noptions = [{ code = 2, u32 = 50 }]")
        .run("test_v4_stateless_with_subnet_empty_pool", |net| {
            net.uses(ip(20))?;
            let ack = net.ack(&Client::new(1).says(code::PARAMETERS, [1, 2, 3]).inform(ip(20)))?;
            ack.tells(1, [255, 255, 255, 0])?.tells(2, [0, 0, 0, 50])?;
            ack.tells(3, [10, 77, 0, 10, 10, 77, 0, 5])?.lacks(code::LEASE_TIME)?;
            ensure!(ack.header.yiaddr.is_unspecified(), "{ack}");
            // Nothing to lease there.
            net.silent(&Client::new(2).discover())
        });
}

/// Kea `directClientBroadcast`, `directClientUnicast`: either way the answer goes to the client's address.
#[test]
fn direct_client_broadcast_and_unicast() {
    inform("direct_client_broadcast_and_unicast", |net| {
        net.ack(&informed(1, 26))?.tells(26, [1, 65])?;
        net.ack(&informed(2, 26).alone(ip(20)))?.tells(26, [1, 65])?;
        // Somebody asks in another machine's name.
        net.silent(&informed(3, 26).alone(ip(21)))?;
        // An address that is in none of our networks.
        net.silent(&Client::asking(4, 26).inform([192, 0, 2, 7].into()))
    });
}

/// Kea `directClientBroadcastNoAddress`: nobody knows where the answer would go, however the question came.
#[test]
fn direct_client_broadcast_no_address() {
    inform("direct_client_broadcast_no_address", |net| {
        let nowhere = Client::asking(1, 26).inform(Ipv4Addr::UNSPECIFIED);
        net.silent(&nowhere)?;
        net.silent(&nowhere.set(|header| header.flags = 0x8000))
    });
}

/// Kea `directClientNoCiaddr`: the answer goes where the question came from.
#[test]
fn direct_client_no_ciaddr() {
    inform("direct_client_no_ciaddr", |net| {
        let ack = net.ack(&informed(1, 26).set(|header| header.ciaddr = Ipv4Addr::UNSPECIFIED))?;
        ack.tells(26, [1, 65])?;
        ensure!(*ack.to.ip() == ip(20) && ack.header.ciaddr.is_unspecified(), "{ack}");
        Ok(())
    });
}

/// Kea `messageFieldsLongOptions`: what has no room is left out, not cut.
#[test]
fn message_fields_long_options() {
    let long = |code: u8| format!("{{ code = {code}, text = \"{}\" }}", "x".repeat(200));
    let options = [224, 225, 226].map(long).join(", ");
    Site::pool("50-59").local(&format!("options = [{options}]")).run("message_fields_long_options", |net| {
        let small = net.lease(&Client::new(1).says(code::PARAMETERS, [224, 225, 226]))?;
        small.tells(224, "x".repeat(200))?.lacks(226)?;
        let large = Client::new(2).says(code::PARAMETERS, [224, 225, 226]).says(code::MAX_SIZE, [5, 0xdc]);
        net.lease(&large)?.tells(226, "x".repeat(200))?;
        Ok(())
    });
}

/// Kea `v6OnlyPreferred`, RFC 8925: who can do without IPv4 is told how long, if the site says so; others are not.
#[test]
fn test_ipv6_only_preferred() {
    let site = Site::pool("50-59").local("options = [{ code = 108, u32 = 1800 }]");
    site.run("test_ipv6_only_preferred", |net| {
        let able = Client::new(1).says(code::PARAMETERS, [1, 3, 6, 108]);
        net.lease(&able)?.tells(code::IPV6_ONLY, 1800_u32.to_be_bytes())?;
        net.lease(&Client::new(2))?.lacks(code::IPV6_ONLY)?;
        Ok(())
    });
}
