//! Reserved addresses, under the names of ISC forge's tests (`v4/reservations/test_hr_address`, `test_hr_hostname`,
//! `test_hr_relay`, `test_hr_address_global`) and of Kea's (`dora_unittest`).
//!
//! | test | here |
//! |---|---|
//! | `..._duid`, `..._client_id` | a reservation names the whole of option 61 |
//! | `..._negative` | there is no list of identifiers to switch off: what is reserved under one identifier is not found by another |
//! | `..._hostname_*` | a host of nextboot is told its name with any address; no name server is updated, so option 81 is not answered |
//! | `..._reserved_classes_*` | what a machine boots hangs on the host |

use anyhow::ensure;
use nextboot_firmware::message::code;
use nextboot_tests::wire::{Client, Site, ip, server};

/// The machine with this number as the configuration names it.
fn mac(number: u8) -> String {
    format!("mac = \"02:00:00:00:00:{number:02x}\"")
}

fn client(number: u8) -> Client {
    Client::new(number)
}

const ID: [u8; 8] = [0xff, 1, 2, 3, 0xff, 4, 0x11, 0x22];

#[test]
fn test_v4_host_reservation_one_address_inside_pool_hw_address() {
    let site = Site::pool("1-50").reservation(&mac(4), ip(10));
    site.run("test_v4_host_reservation_one_address_inside_pool_hw_address", |net| {
        net.lease(&client(4))?.gives(ip(10))?.tells(code::SUBNET_MASK, [255, 255, 255, 0])?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_one_address_inside_pool_client_id() {
    let site = Site::pool("2-50").reservation("client_id = \"ff:01:02:03:ff:04:11:22\"", ip(10));
    site.run("test_v4_host_reservation_one_address_inside_pool_client_id", |net| {
        net.lease(&client(4).id(ID))?.gives(ip(10))?.tells(code::CLIENT_ID, ID)?;
        ensure!(net.lease(&client(6).id([0xff, 1]))?.header.yiaddr != ip(10));
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_one_address_outside_pool() {
    let site = Site::pool("30-50").reservation(&mac(4), ip(10));
    site.run("test_v4_host_reservation_one_address_outside_pool", |net| {
        net.lease(&client(4))?.gives(ip(10))?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_one_address_inside_pool_different_mac() {
    let site = Site::pool("2-50").reservation(&mac(4), ip(10));
    site.run("test_v4_host_reservation_one_address_inside_pool_different_mac", |net| {
        ensure!(net.offer(&client(1).discover().address(code::REQUESTED, ip(10)))?.header.yiaddr != ip(10));
        net.nak(&client(1).select(ip(10)))?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_one_address_empty_pool() {
    let site = Site::pool("10-10").reservation(&mac(4), ip(10));
    site.run("test_v4_host_reservation_one_address_empty_pool", |net| net.silent(&client(1).discover()));
}

#[test]
fn test_v4_host_reservation_multiple_address_reservation_empty_pool() {
    let site = Site::pool("10-10").reservation(&mac(4), ip(10)).reservation(&mac(3), ip(11));
    site.run("test_v4_host_reservation_multiple_address_reservation_empty_pool", |net| {
        net.silent(&client(1).discover())
    });
}

#[test]
fn test_v4_host_reservation_multiple_address_reservation_empty_pool_2() {
    let mut site = Site::pool("10-12");
    for (number, address) in [(4, 10), (3, 11), (2, 12)] {
        site = site.reservation(&mac(number), ip(address));
    }
    site.run("test_v4_host_reservation_multiple_address_reservation_empty_pool_2", |net| {
        net.lease(&client(4))?.gives(ip(10))?;
        net.lease(&client(3))?.gives(ip(11))?;
        net.lease(&client(2))?.gives(ip(12))?;
        net.silent(&client(1).discover())
    });
}

/// A host without an address: it is known, and gets one of the pool.
#[test]
fn test_v4_host_reservation_empty() {
    Site::one().run("test_v4_host_reservation_empty", |net| {
        net.server.cli(&["host", "add", "four", "02:00:00:00:00:04"])?;
        net.lease(&client(4))?.gives(ip(50))?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_hostname_hostname_option() {
    Site::one().run("test_v4_host_reservation_hostname_hostname_option", |net| {
        net.server.cli(&["host", "add", "reserved-name", "02:00:00:00:00:04"])?;
        let asks = client(4).says(code::PARAMETERS, [1, 12]);
        net.offer(&asks.discover())?.gives(ip(50))?;
        let calls_itself = asks.select(ip(50)).option(code::HOST_NAME, "some-name");
        net.ack(&calls_itself)?.gives(ip(50))?.tells(code::HOST_NAME, "reserved-name")?;
        Ok(())
    });
}

/// A host's address is as good as one of the configuration, from the next packet on.
#[test]
fn test_v4_host_reservation_global_hw_address() {
    Site::one().run("test_v4_host_reservation_global_hw_address", |net| {
        net.server.cli(&["host", "add", "four", "02:00:00:00:00:04", "--address", "10.77.0.60"])?;
        net.lease(&client(4))?.gives(ip(60))?;
        net.nak(&client(1).select(ip(60)))?;
        net.lease(&client(1))?.gives(ip(50))?;
        Ok(())
    });
}

/// What a client calls itself does not matter where a name is reserved.
fn named(name: &str, pool: &str) {
    let site = Site::pool(pool).reservation(&format!("{}\nname = \"reserved-name\"", mac(4)), ip(25));
    site.run(name, |net| {
        let asks = client(4).says(code::PARAMETERS, [1, 12]);
        net.offer(&asks.discover())?.gives(ip(25))?.tells(code::HOST_NAME, "reserved-name")?;
        let calls_itself = asks.select(ip(25)).option(code::HOST_NAME, "some-name");
        net.ack(&calls_itself)?.gives(ip(25))?.tells(code::HOST_NAME, "reserved-name")?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_hostname_hostname_option_and_address() {
    named("test_v4_host_reservation_hostname_hostname_option_and_address", "20-30");
}

#[test]
fn test_v4_host_reservation_hostname_hostname_option_and_address_2() {
    named("test_v4_host_reservation_hostname_hostname_option_and_address_2", "40-50");
}

#[test]
fn test_v4_host_reservation_hostname_hostname_option_and_address_3() {
    named("test_v4_host_reservation_hostname_hostname_option_and_address_3", "25-25");
}

#[test]
fn test_v4_host_reservation_hostname_multiple_entries() {
    let named = |number: u8, name: &str| format!("{}\nname = \"{name}\"", mac(number));
    let site = Site::one().reservation(&named(4, "one"), ip(10)).reservation(&named(5, "two"), ip(11));
    site.run("test_v4_host_reservation_hostname_multiple_entries", |net| {
        for (number, name) in [(4, "one"), (5, "two")] {
            net.lease(&client(number).says(code::PARAMETERS, [12]))?.tells(code::HOST_NAME, name)?;
        }
        Ok(())
    });
}

/// Behind a relay that says where in it the client is.
fn wired(number: u8, info: &[u8]) -> Client {
    client(number).behind(ip(30)).says(code::RELAY_INFO, info)
}

#[test]
fn test_v4_host_reservation_circuit_id() {
    let site = Site::one().reservation("circuit = \"0x060106020603\"", ip(10));
    site.run("test_v4_host_reservation_circuit_id", |net| {
        net.uses(ip(30))?;
        net.offer(&client(4).discover())?.gives(ip(50))?;
        let port = wired(4, &[1, 6, 6, 1, 6, 2, 6, 3]);
        net.lease(&port)?.gives(ip(10))?;
        // Another machine at the same socket replaces the first when that one is gone.
        net.silent(&port.release(ip(10)))?;
        net.lease(&wired(5, &[1, 6, 6, 1, 6, 2, 6, 3]))?.gives(ip(10))?;
        net.silent(&wired(5, &[1, 6, 6, 1, 6, 2, 6, 3]).release(ip(10)))?;
        // A switch that snoops adds the information and is no relay.
        net.lease(&client(6).says(code::RELAY_INFO, [1, 6, 6, 1, 6, 2, 6, 3]))?.gives(ip(10))?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_circuit_id_negative() {
    let site = Site::pool("50-59").reservation("circuit = \"0x060106020603\"", ip(10));
    site.run("test_v4_host_reservation_circuit_id_negative", |net| {
        net.uses(ip(30))?;
        for (number, info) in [
            (1, &[1, 6, 6, 1, 6, 2, 6, 4][..]),
            (2, &[2, 6, 6, 1, 6, 2, 6, 3]),
            (3, &[1, 5, 6, 1, 6, 2, 6]),
            (4, &[1, 7, 6, 1, 6, 2, 6, 3, 9]),
        ] {
            ensure!(net.lease(&wired(number, info))?.header.yiaddr != ip(10), "{info:?}");
        }
        let mine = client(5).id([6, 1, 6, 2, 6, 3]);
        ensure!(net.lease(&mine)?.header.yiaddr != ip(10));
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_duid() {
    // RFC 4361: type 255, an IAID, a DUID.
    let site = Site::one().reservation("client_id = \"ff:01:02:03:ff:04:33:44\"", ip(10));
    site.run("test_v4_host_reservation_duid", |net| {
        net.offer(&client(4).id(ID).discover())?.gives(ip(50))?;
        net.lease(&client(4).id([0xff, 1, 2, 3, 0xff, 4, 0x33, 0x44]))?.gives(ip(10))?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_duid_negative() {
    let site = Site::pool("50-59").reservation("client_id = \"ff:01:02:03:ff:04:33:44\"", ip(10));
    site.run("test_v4_host_reservation_duid_negative", |net| {
        for (number, id) in [(1, &[0xff, 1, 2, 3, 0xff, 4, 0x33, 0x45][..]), (2, &[0xff, 1, 2, 3, 0xff, 4])] {
            ensure!(net.lease(&client(number).id(id))?.header.yiaddr != ip(10), "{id:?}");
        }
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_hwaddr_negative() {
    let site = Site::pool("50-59").reservation(&mac(0x11), ip(10));
    site.run("test_v4_host_reservation_hwaddr_negative", |net| {
        ensure!(net.lease(&client(4))?.header.yiaddr != ip(10));
        // The hardware address as a client identifier is not the hardware address.
        ensure!(net.lease(&client(5).id([1, 2, 0, 0, 0, 0, 0x11]))?.header.yiaddr != ip(10));
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_client_id_negative() {
    let site = Site::pool("50-59").reservation("client_id = \"ff:01:02:03:ff:11:22\"", ip(10));
    site.run("test_v4_host_reservation_client_id_negative", |net| {
        ensure!(net.lease(&client(4).id(ID))?.header.yiaddr != ip(10));
        ensure!(net.lease(&client(5))?.header.yiaddr != ip(10));
        Ok(())
    });
}

/// What a host boots is its own, and so is its address.
#[test]
fn test_v4_host_reservation_reserved_classes_1() {
    let rescue = "[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"";
    Site::one().block(rescue).run("test_v4_host_reservation_reserved_classes_1", |net| {
        let boots = |number: u8| {
            client(number)
                .says(code::VENDOR_CLASS, "PXEClient:Arch:00000:UNDI:002001")
                .says(code::ARCH, [0, 0])
                .says(code::PARAMETERS, [1, 67])
        };
        net.server.cli(&["host", "add", "four", "02:00:00:00:00:04", "--address", "10.77.0.10"])?;
        net.server.cli(&["boot", "four", "rescue"])?;
        net.lease(&boots(5))?.gives(ip(50))?.lacks(code::BOOT_FILE)?;
        let ack = net.lease(&boots(4))?;
        ack.gives(ip(10))?.tells(code::BOOT_FILE, "pxelinux.0\0")?;
        ensure!(ack.header.siaddr == server(), "{ack}");
        Ok(())
    });
}

/// What a machine is told hangs on it too: an option of its own beside the boot file.
#[test]
fn test_v4_host_reservation_reserved_classes_2() {
    let own = format!("{}\noptions = [{{ code = 26, u16 = 321 }}]", mac(4));
    let boot = "[boot]\nunknown = \"profile:rescue\"\n\n[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"";
    let rule = format!("[[boot.rule]]\n{}\nloader = \"lab/own.0\"\nnext_server = \"10.77.0.9\"", mac(4));
    let site = Site::one().reservation(&own, ip(10)).block(boot).block(&rule);
    site.run("test_v4_host_reservation_reserved_classes_2", |net| {
        let boots = |number: u8| {
            client(number)
                .says(code::VENDOR_CLASS, "PXEClient:Arch:00000:UNDI:002001")
                .says(code::ARCH, [0, 0])
                .says(code::PARAMETERS, [1, 26, 67])
        };
        net.lease(&boots(5))?.gives(ip(50))?.lacks(26)?;
        let ack = net.lease(&boots(4))?;
        ack.gives(ip(10))?.tells(26, [1, 65])?.tells(code::BOOT_FILE, "lab/own.0\0")?;
        ensure!(ack.header.siaddr == ip(9) && ack.header.file_text() == "lab/own.0", "{ack}");
        Ok(())
    });
}

/// Kea `reservationByDUID`, `...CircuitId`, `...ClientId`, `hostIdentifiersOrder`: where several fit, the hardware address
/// goes before the client identifier, that before the UUID, and that before the circuit.
#[test]
fn host_identifiers_order() {
    let uuid =
        [0xb8, 0x94, 0x59, 0x08, 0xd6, 0xa6, 0x41, 0xa9, 0xa1, 0x1d, 0x74, 0xa6, 0xab, 0x80, 0xb8, 0x3d];
    let site = Site::pool("50-59")
        .reservation(&mac(1), ip(11))
        .reservation("client_id = \"0x00aabbcc\"", ip(12))
        .reservation("uuid = \"b8945908-d6a6-41a9-a11d-74a6ab80b83d\"", ip(13))
        .reservation("circuit = \"swp7\"", ip(14));
    site.run("host_identifiers_order", |net| {
        net.uses(ip(30))?;
        let at_port = |number: u8| wired(number, b"\x01\x04swp7");
        let with_uuid = |client: Client| client.says(code::UUID, [&[0][..], &uuid].concat());
        let named = |client: Client| client.id([0, 0xaa, 0xbb, 0xcc]);
        net.offer(&at_port(9).discover())?.gives(ip(14))?;
        net.offer(&with_uuid(at_port(8)).discover())?.gives(ip(13))?;
        net.offer(&named(with_uuid(at_port(7))).discover())?.gives(ip(12))?;
        net.offer(&named(with_uuid(at_port(1))).discover())?.gives(ip(11))?;
        Ok(())
    });
}

/// The reserved address is held for its machine from the OFFER on, and was never to be had by others anyway.
#[test]
fn a_reserved_address_is_offered_to_its_machine_alone() {
    let site = Site::pool("50-51").dhcp("offer_time = 10").reservation(&mac(4), ip(50));
    site.run("a_reserved_address_is_offered_to_its_machine_alone", |net| {
        net.offer(&client(4).discover())?.gives(ip(50))?;
        net.offer(&client(1).discover())?.gives(ip(51))?;
        // Among strangers the newest goes before the oldest; the reserved address is none of theirs.
        net.offer(&client(2).discover())?.gives(ip(51))?;
        net.ack(&client(4).select(ip(50)))?.gives(ip(50))?;
        net.ack(&client(2).select(ip(51)))?.gives(ip(51))?;
        Ok(())
    });
}

/// Only the machines that have an address reserved are served, one of them with a router of its own.
#[test]
fn test_v4_host_reservation_example_access_control() {
    let site = Site::default()
        .local("router = \"10.77.0.254\"")
        .reservation(&format!("{}\nrouter = \"10.77.0.251\"", mac(1)), ip(10))
        .reservation(&mac(2), ip(11));
    site.run("test_v4_host_reservation_example_access_control", |net| {
        net.lease(&client(1))?.gives(ip(10))?.tells(code::ROUTER, [10, 77, 0, 251])?;
        net.lease(&client(2))?.gives(ip(11))?.tells(code::ROUTER, [10, 77, 0, 254])?;
        net.silent(&client(3).discover())
    });
}

#[test]
fn test_v4_pool_selection_based_on_global_reservation_of_class() {
    let special = format!("[[dhcp.class]]\n{}\npool = [\"10.77.0.150\"]", mac(4));
    Site::one().block(&special).run("test_v4_pool_selection_based_on_global_reservation_of_class", |net| {
        net.offer(&client(1).discover())?.gives(ip(50))?;
        net.lease(&client(4))?.gives(ip(150))?;
        net.offer(&client(2).discover())?.gives(ip(50))?;
        Ok(())
    });
}

/// The special machine has its address in the second network of the wire.
#[test]
fn test_v4_subnet_selection_based_on_global_reservation_of_class() {
    let special: std::net::Ipv4Addr = [192, 168, 51, 50].into();
    let site = Site::default()
        .block("[[dhcp.subnet]]\nnetwork = \"192.168.50.0/24\"\npool = [\"192.168.50.50\"]\nshared_network = \"abc\"")
        .block("[[dhcp.subnet]]\nnetwork = \"192.168.51.0/24\"\nshared_network = \"abc\"")
        .block(&format!("[[dhcp.class]]\n{}\npool = [\"{special}\"]", mac(4)));
    site.run("test_v4_subnet_selection_based_on_global_reservation_of_class", |net| {
        let relay = [192, 168, 50, 254].into();
        net.uses(relay)?;
        net.lease(&client(4).behind(relay))?.gives(special)?;
        net.offer(&client(1).behind(relay).discover())?.gives([192, 168, 50, 50].into())?;
        net.lease(&client(4).behind(relay))?.gives(special)?;
        net.offer(&client(2).behind(relay).discover())?.gives([192, 168, 50, 50].into())?;
        Ok(())
    });
}
