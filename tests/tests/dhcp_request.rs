//! DHCPREQUEST in its four states, and the fixed fields of the answers, under the names of ISC forge's tests
//! (`protocol/test_v4_request`, `protocol/test_v4_fields`, `v4/test_server_conf`).
//!
//! Differences from what those tests expect of Kea, all on purpose:
//!
//! | test | here |
//! |---|---|
//! | `test_v4_authoritative`, SELECTING an address out of the pool | DHCPNAK, not silence: the client named us (RFC 2131 section 4.3.2) |
//! | the same, SELECTING a free address that was not offered, by a client with a lease | DHCPNAK: its own address is another one |
//! | `test_v4_echo_client_id_disabled`, `test_v4_ignore_server_id` | no such switches: RFC 6842 and RFC 2131 hold always |
//! | `test_v4_message_fields_siaddr_*_configured_*` | `siaddr` is set by what the machine is to boot, not by a key |

use anyhow::{Context, Result};
use nextboot_firmware::message::{Kind, code};
use nextboot_model::Mac;
use nextboot_tests::wire::{Ask, Client, Net, Site, ip, server};

const MASK: [u8; 4] = [255, 255, 255, 0];

#[test]
fn test_v4_request_selecting_success_chaddr() {
    Site::one().run("test_v4_request_selecting_success_chaddr", |net| {
        let client = Client::new(1);
        net.offer(&client.discover())?.gives(ip(50))?.tells(code::SUBNET_MASK, MASK)?;
        net.ack(&client.select(ip(50)))?.gives(ip(50))?.tells(code::SUBNET_MASK, MASK)?;
        Ok(())
    });
}

#[test]
fn test_v4_request_selecting_success_chaddr_multiple_pools() {
    let pools = "pool = [\"10.77.0.50\", \"10.77.0.60\", \"10.77.0.70\"]";
    Site::default().local(pools).run("test_v4_request_selecting_success_chaddr_multiple_pools", |net| {
        let mut given = Vec::new();
        for number in 1..=3 {
            given.push(net.lease(&Client::new(number))?.header.yiaddr);
        }
        given.sort();
        anyhow::ensure!(given == [ip(50), ip(60), ip(70)], "{given:?}");
        net.silent(&Client::new(4).discover())
    });
}

#[test]
fn test_v4_request_selecting_success_chaddr_empty_pool() {
    Site::one().run("test_v4_request_selecting_success_chaddr_empty_pool", |net| {
        net.lease(&Client::new(1))?.gives(ip(50))?;
        net.silent(&Client::new(2).discover())
    });
}

#[test]
fn test_v4_request_selecting_success_client_id() {
    Site::one().run("test_v4_request_selecting_success_client_id", |net| {
        let client = Client::new(1).id([0, 1, 2, 3, 4, 5, 6]);
        net.lease(&client)?.gives(ip(50))?.tells(code::CLIENT_ID, [0, 1, 2, 3, 4, 5, 6])?;
        Ok(())
    });
}

/// The pool has one address, and clients are told apart by their identifiers (RFC 2131 section 4.2).
fn one_by_client_id() -> Site {
    Site::one().dhcp("identity = \"client-id\"")
}

#[test]
fn test_v4_request_selecting_success_client_id_empty_pool() {
    one_by_client_id().run("test_v4_request_selecting_success_client_id_empty_pool", |net| {
        net.lease(&Client::new(1).id([0, 1, 2, 3, 4, 5, 6]))?.gives(ip(50))?;
        net.silent(&Client::new(1).id([0, 2, 3, 4, 5, 6, 7]).discover())
    });
}

#[test]
fn test_v4_request_selecting_success_client_id_chaddr_empty_pool() {
    one_by_client_id().run("test_v4_request_selecting_success_client_id_chaddr_empty_pool", |net| {
        net.lease(&Client::new(1).id([0, 1, 2, 3, 4, 5, 6]))?.gives(ip(50))?;
        net.silent(&Client::new(2).id([0x11, 2, 3, 4, 5, 6, 7]).discover())?;
        net.silent(&Client::new(1).id([0x11, 2, 3, 4, 5, 6, 7]).discover())
    });
}

/// By our default the hardware address counts: firmware, loader and system of one machine show three identifiers.
#[test]
fn one_machine_with_several_identifiers_has_one_address() {
    Site::one().run("one_machine_with_several_identifiers_has_one_address", |net| {
        net.lease(&Client::new(1).id([0, 1, 2, 3, 4, 5, 6]))?.gives(ip(50))?;
        net.lease(&Client::new(1).id([0, 2, 3, 4, 5, 6, 7]))?.gives(ip(50))?;
        net.lease(&Client::new(1))?.gives(ip(50))?;
        net.silent(&Client::new(2).id([0, 2, 3, 4, 5, 6, 7]).discover())
    });
}

#[test]
fn test_v4_request_selecting_success_second_request_fail() {
    Site::one().run("test_v4_request_selecting_success_second_request_fail", |net| {
        net.lease(&Client::new(1))?.gives(ip(50))?;
        net.nak(&Client::new(2).select(ip(50)))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_initreboot_success() {
    Site::one().run("test_v4_request_initreboot_success", |net| {
        let client = Client::new(1);
        net.lease(&client)?;
        net.ack(&client.reboot(ip(50)))?.gives(ip(50))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_initreboot_fail() {
    Site::pool("50-51").run("test_v4_request_initreboot_fail", |net| {
        let client = Client::new(1);
        net.lease(&client)?.gives(ip(50))?;
        net.nak(&client.reboot(ip(51)))?;
        net.nak(&client.reboot(ip(9)))?;
        net.nak(&client.reboot([192, 0, 2, 1].into()))?;
        // It still has what it had.
        net.ack(&client.reboot(ip(50)))?.gives(ip(50))?;
        Ok(())
    });
}

#[test]
fn test_v4_request_initreboot_no_requested_address() {
    Site::one().run("test_v4_request_initreboot_no_requested_address", |net| {
        let client = Client::new(1);
        net.lease(&client)?;
        // A REQUEST with neither option 50 nor ciaddr.
        net.silent(&client.rebind([0; 4].into()))
    });
}

#[test]
fn test_v4_request_initreboot_no_lease() {
    Site::one().run("test_v4_request_initreboot_no_lease", |net| net.silent(&Client::new(1).reboot(ip(50))));
}

#[test]
fn test_v4_request_renewing_success() {
    Site::one().run("test_v4_request_renewing_success", |net| {
        let client = Client::new(1);
        net.lease(&client)?;
        net.uses(ip(50))?;
        let ack = net.ack(&client.renew(ip(50)))?;
        ack.gives(ip(50))?;
        anyhow::ensure!(ack.header.ciaddr == ip(50), "{ack}");
        Ok(())
    });
}

#[test]
fn test_v4_request_rebinding_success() {
    Site::one().run("test_v4_request_rebinding_success", |net| {
        let client = Client::new(1);
        net.lease(&client)?;
        net.uses(ip(50))?;
        net.ack(&client.rebind(ip(50)))?.gives(ip(50))?;
        Ok(())
    });
}

#[test]
fn test_v4_message_fields_chaddr() {
    Site::pool("50-59").run("test_v4_message_fields_chaddr", |net| {
        // The whole field comes back, also what is behind the address; that is checked in every answer.
        let client = Client::with_mac(Mac([0x52, 0x54, 0, 0xff, 4, 9]));
        let padded = |ask: Ask| ask.set(|header| header.chaddr[6..].copy_from_slice(&[0xa5; 10]));
        let offer = net.offer(&padded(client.discover()))?;
        anyhow::ensure!(offer.header.chaddr[6..] == [0xa5; 10], "{offer}");
        net.ack(&padded(client.select(offer.header.yiaddr)))?;
        // Without the broadcast flag the frame goes to that address.
        net.lease(&Client::new(2).hears_unicast())?;
        Ok(())
    });
}

/// The answer leaves a field of the question empty.
fn offer_without(name: &str, change: impl Fn(Ask) -> Ask) {
    Site::pool("50-59").run(name, |net| {
        let offer = net.offer(&change(Client::new(1).discover()))?;
        let header = &offer.header;
        anyhow::ensure!(header.ciaddr.is_unspecified() && header.siaddr.is_unspecified(), "{offer}");
        Ok(())
    });
}

/// The refusal leaves a field of the question empty: all refusals are checked for that.
fn nak_without(name: &str, change: impl Fn(Ask) -> Ask) {
    Site::one().run(name, |net| {
        net.lease(&Client::new(1))?;
        net.nak(&change(Client::new(2).select(ip(50))))?;
        Ok(())
    });
}

#[test]
fn test_v4_message_fields_ciaddr_correct_offer() {
    offer_without("test_v4_message_fields_ciaddr_correct_offer", |ask| ask.set(|h| h.ciaddr = ip(77)));
}

#[test]
fn test_v4_message_fields_ciaddr_incorrect_offer() {
    offer_without("test_v4_message_fields_ciaddr_incorrect_offer", |ask| {
        ask.set(|header| header.ciaddr = [255; 4].into())
    });
}

#[test]
fn test_v4_message_fields_ciaddr_correct_nak() {
    nak_without("test_v4_message_fields_ciaddr_correct_nak", |ask| ask.set(|h| h.ciaddr = ip(50)));
}

#[test]
fn test_v4_message_fields_ciaddr_incorrect_nak() {
    nak_without("test_v4_message_fields_ciaddr_incorrect_nak", |ask| {
        ask.set(|header| header.ciaddr = [255; 4].into())
    });
}

#[test]
fn test_v4_message_fields_siaddr_correct_offer() {
    offer_without("test_v4_message_fields_siaddr_correct_offer", |ask| ask.set(|h| h.siaddr = ip(77)));
}

#[test]
fn test_v4_message_fields_siaddr_incorrect_offer() {
    offer_without("test_v4_message_fields_siaddr_incorrect_offer", |ask| {
        ask.set(|header| header.siaddr = [255; 4].into())
    });
}

#[test]
fn test_v4_message_fields_siaddr_correct_nak() {
    nak_without("test_v4_message_fields_siaddr_correct_nak", |ask| ask.set(|h| h.siaddr = ip(50)));
}

#[test]
fn test_v4_message_fields_siaddr_incorrect_nak() {
    nak_without("test_v4_message_fields_siaddr_incorrect_nak", |ask| {
        ask.set(|header| header.siaddr = [255; 4].into())
    });
}

/// A boot client, which is told where its boot file is.
fn boot_client(number: u8) -> Client {
    Client::new(number)
        .says(code::VENDOR_CLASS, "PXEClient:Arch:00000:UNDI:002001")
        .says(code::ARCH, [0, 0])
        .says(code::PARAMETERS, [1, 3, 6, 66, 67])
}

/// A site where every machine boots a rescue system.
fn booting(pool: &str) -> Site {
    Site::pool(pool).block(
        "[boot]\nunknown = \"profile:rescue\"\n\n[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"",
    )
}

#[test]
fn test_v4_message_fields_siaddr_correct_offer_configured_global() {
    booting("50-59").run("test_v4_message_fields_siaddr_correct_offer_configured_global", |net| {
        let offer = net.offer(&boot_client(1).discover())?;
        anyhow::ensure!(offer.header.siaddr == server(), "{offer}");
        anyhow::ensure!(offer.header.file_text() == "pxelinux.0", "{offer}");
        offer.tells(code::BOOT_FILE, "pxelinux.0\0")?;
        Ok(())
    });
}

#[test]
fn test_v4_message_fields_siaddr_correct_offer_configured_local() {
    // What one machine boots: a host's own assignment.
    let site = Site::pool("50-59").block("[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"");
    site.run("test_v4_message_fields_siaddr_correct_offer_configured_local", |net| {
        let none = net.offer(&boot_client(2).discover())?;
        anyhow::ensure!(none.header.siaddr.is_unspecified(), "{none}");
        net.server.cli(&["host", "add", "one", &boot_client(1).mac.to_string()])?;
        net.server.cli(&["boot", "one", "rescue"])?;
        let offer = net.offer(&boot_client(1).discover())?;
        anyhow::ensure!(offer.header.siaddr == server(), "{offer}");
        Ok(())
    });
}

/// A refusal says nothing of a boot file either: all refusals are checked for that.
fn nak_to_boot_client(name: &str) {
    booting("50-50").run(name, |net| {
        net.lease(&boot_client(1))?;
        net.nak(&boot_client(2).select(ip(50)))?;
        Ok(())
    });
}

#[test]
fn test_v4_message_fields_siaddr_correct_nak_configured_local() {
    nak_to_boot_client("test_v4_message_fields_siaddr_correct_nak_configured_local");
}

#[test]
fn test_v4_message_fields_siaddr_correct_nak_configured_global() {
    nak_to_boot_client("test_v4_message_fields_siaddr_correct_nak_configured_global");
}

#[test]
fn test_v4_echo_client_id_enabled() {
    Site::one().run("test_v4_echo_client_id_enabled", |net| {
        let id = [0, 1, 2, 3, 4, 5, 6];
        let client = Client::new(1).id(id);
        net.offer(&client.discover())?.tells(code::CLIENT_ID, id)?;
        net.ack(&client.select(ip(50)))?.tells(code::CLIENT_ID, id)?;
        net.nak(&client.reboot(ip(9)))?.tells(code::CLIENT_ID, id)?;
        Ok(())
    });
}

/// forge's matrix: who gets which answer to a REQUEST for an address that was not offered to him.
#[test]
fn test_v4_authoritative() {
    for authoritative in [false, true] {
        let site = Site::pool("50-150").dhcp(&format!("authoritative = {authoritative}"));
        site.run("test_v4_authoritative", |net| {
            net.lease(&Client::new(100))?.gives(ip(50))?;
            let mut number = 0;
            for leased in [false, true] {
                for reboots in [false, true] {
                    for address in [ip(150 - number), ip(50), ip(200)] {
                        number += 1;
                        let case = format!(
                            "authoritative {authoritative}, has a lease {leased}, INIT-REBOOT {reboots}, {address}"
                        );
                        let client = Client::new(number);
                        if leased {
                            net.lease(&client)?;
                        }
                        let ask = if reboots { client.reboot(address) } else { client.select(address) };
                        let free = address != ip(50) && address != ip(200);
                        let expected = match (reboots, leased) {
                            (true, true) => Some(Kind::NAK),
                            (true, false) => authoritative.then_some(Kind::NAK),
                            (false, false) if free => Some(Kind::ACK),
                            (false, _) => Some(Kind::NAK),
                        };
                        verdict(net, &ask, expected).context(case)?;
                    }
                }
            }
            Ok(())
        });
    }
}

fn verdict(net: &mut Net<'_>, ask: &Ask, expected: Option<Kind>) -> Result<()> {
    match expected {
        Some(kind) => net.expect(ask, kind).map(drop),
        None => net.silent(ask),
    }
}
