//! Reserved addresses that somebody else has, or that change hands, under the names of ISC forge's tests
//! (`v4/reservations/test_hr_conflicts`, `test_hr_offer_lifetime`) and of Kea's (`dora_unittest`).
//!
//! | test | here |
//! |---|---|
//! | `..._duplicate_*_allowed` | two reservations of one address are refused always |
//! | `..._command_control` | hosts, added by the control API |

use anyhow::{Context, Result, ensure};
use nextboot_tests::Lab;
use nextboot_tests::wire::{Client, Net, Site, ip};

/// The machine with this number as the configuration names it.
fn mac(number: u8) -> String {
    format!("mac = \"02:00:00:00:00:{number:02x}\"")
}

fn client(number: u8) -> Client {
    Client::new(number)
}

/// The configuration is refused, with a complaint that names its line.
fn refused(name: &str, site: &Site) {
    Lab::run(name, |lab| {
        let said = site.complaints(lab)?.context("the configuration was taken")?;
        ensure!(said.contains("reserved"), "{said}");
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_conflicts_duplicate_mac_reservations() {
    refused(
        "test_v4_host_reservation_conflicts_duplicate_mac_reservations",
        &Site::pool("1-50").reservation(&mac(4), ip(10)).reservation(&mac(4), ip(12)),
    );
}

#[test]
fn test_v4_host_reservation_conflicts_duplicate_ip_reservations() {
    refused(
        "test_v4_host_reservation_conflicts_duplicate_ip_reservations",
        &Site::pool("1-50").reservation(&mac(4), ip(10)).reservation(&mac(5), ip(10)),
    );
}

#[test]
fn test_v4_host_reservation_hostname_duplicated_entries() {
    let named = format!("{}\nname = \"reserved-name\"", mac(4));
    refused(
        "test_v4_host_reservation_hostname_duplicated_entries",
        &Site::one().reservation(&named, ip(10)).reservation(&named, ip(11)),
    );
}

#[test]
fn test_v4_host_reservation_conflicts_duplicate_mac_reservations_command_control() {
    Site::pool("1-50").run(
        "test_v4_host_reservation_conflicts_duplicate_mac_reservations_command_control",
        |net| {
            net.server.cli(&["host", "add", "one", "02:00:00:00:00:01", "--address", "10.77.0.2"])?;
            for (what, address) in [("02:00:00:00:00:02", "10.77.0.2"), ("02:00:00:00:00:01", "10.77.0.3")] {
                let added = net.server.cli(&["host", "add", "two", what, "--address", address]);
                ensure!(added.is_err(), "{what} with {address} was taken: {added:?}");
            }
            Ok(())
        },
    );
}

#[test]
fn test_v4_host_reservation_conflicts_duplicate_reservations_different_subnets() {
    let site = Site::pool("1-50")
        .block("[[dhcp.subnet]]\nnetwork = \"192.168.51.0/24\"\npool = [\"192.168.51.1-192.168.51.50\"]")
        .reservation(&mac(4), ip(10))
        .reservation(&mac(4), [192, 168, 51, 12].into());
    site.run("test_v4_host_reservation_conflicts_duplicate_reservations_different_subnets", |net| {
        let relay = [192, 168, 51, 254].into();
        net.uses(relay)?;
        net.lease(&client(4))?.gives(ip(10))?;
        net.lease(&client(4).behind(relay))?.gives([192, 168, 51, 12].into())?;
        Ok(())
    });
}

/// The address that somebody has is reserved for another: it stays with who has it, as long as he has it.
fn used_address(name: &str, before: &Site) {
    before.run(name, |net| {
        let mut holder = None;
        for number in [0x11, 0x55] {
            if net.lease(&client(number))?.header.yiaddr == ip(2) {
                holder = Some(number);
            }
        }
        let holder = holder.context("nobody got the address")?;
        net.reconfigure(&Site::pool("2-4").reservation(&mac(0x77), ip(2)))?;
        net.offer(&client(0x77).discover())?.gives(ip(4))?;
        net.silent(&client(holder).release(ip(2)))?;
        net.lease(&client(0x77))?.gives(ip(2))?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_conflicts_reconfigure_server_with_reservation_of_used_address() {
    used_address(
        "test_v4_host_reservation_conflicts_reconfigure_server_with_reservation_of_used_address",
        &Site::pool("2-3"),
    );
}

#[test]
fn test_v4_host_reservation_conflicts_reserve_assigned_address_to_different_client() {
    used_address(
        "test_v4_host_reservation_conflicts_reserve_assigned_address_to_different_client",
        &Site::pool("2-3").reservation(&mac(0x11), ip(2)),
    );
}

#[test]
fn test_v4_host_reservation_conflicts_change_reserved_address_during_reconfigure() {
    let reserved = |last: u8| Site::pool("5-9").reservation(&mac(4), ip(last));
    reserved(10).run(
        "test_v4_host_reservation_conflicts_change_reserved_address_during_reconfigure",
        |net| {
            net.lease(&client(4))?.gives(ip(10))?;
            net.reconfigure(&reserved(30))?;
            net.lease(&client(4))?.gives(ip(30))?;
            Ok(())
        },
    );
}

#[test]
fn test_v4_host_reservation_conflicts_reconfigure_server_add_reservation_for_host_that_has_lease() {
    let name =
        "test_v4_host_reservation_conflicts_reconfigure_server_add_reservation_for_host_that_has_lease";
    Site::pool("5-5").run(name, |net| {
        net.lease(&client(4))?.gives(ip(5))?;
        net.reconfigure(&Site::pool("5-5").reservation(&mac(4), ip(50)))?;
        net.silent(&client(1).discover())?;
        net.lease(&client(4))?.gives(ip(50))?;
        // What it had before is free again.
        net.lease(&client(1))?.gives(ip(5))?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_conflicts_renew_address_using_different_mac_that_has_been_reserved_during_reconfiguration()
 {
    let name = "test_v4_host_reservation_conflicts_renew_address_using_different_mac_that_has_been_reserved_during_reconfiguration";
    Site::pool("5-5").run(name, |net| {
        net.lease(&client(1))?.gives(ip(5))?;
        net.reconfigure(&Site::pool("5-10").reservation(&mac(4), ip(5)))?;
        ensure!(net.offer(&client(4).discover())?.header.yiaddr != ip(5));
        net.nak(&client(1).reboot(ip(5)))?;
        Ok(())
    });
}

/// The reserved address changes while the client has the old one: the next word about it is no.
fn changed(name: &str, ask: impl FnOnce(&mut Net<'_>) -> Result<()>) {
    let reserved = |last: u8| Site::pool("2-50").reservation(&mac(1), ip(last));
    reserved(5).run(name, |net| {
        net.lease(&client(1))?.gives(ip(5))?;
        net.uses(ip(5))?;
        net.reconfigure(&reserved(50))?;
        ask(net)?;
        net.lease(&client(1))?.gives(ip(50))?;
        Ok(())
    });
}

#[test]
fn test_v4_host_reservation_conflicts_renew_address_which_reservation_changed_during_reconfigure() {
    changed(
        "test_v4_host_reservation_conflicts_renew_address_which_reservation_changed_during_reconfigure",
        |net| net.nak(&client(1).renew(ip(5))).map(drop),
    );
}

#[test]
fn test_v4_host_reservation_conflicts_rebind_address_which_reservation_changed_during_reconfigure() {
    changed(
        "test_v4_host_reservation_conflicts_rebind_address_which_reservation_changed_during_reconfigure",
        |net| {
            net.nak(&client(1).rebind(ip(5)))?;
            net.nak(&client(1).reboot(ip(5)))?;
            Ok(())
        },
    );
}

/// A reserved address changes hands by configuration: its machine gets one of the pool until the old one comes back and is
/// given another, then its own; however long offers hold.
#[test]
fn test_v4_reservation_with_offer_lifetime() {
    for offer_time in [10, 600] {
        let reserved = |owner: u8| {
            let site = Site::pool("1-99").dhcp(&format!("offer_time = {offer_time}"));
            site.reservation(&mac(owner), ip(102))
        };
        reserved(2).run("test_v4_reservation_with_offer_lifetime", |net| {
            net.lease(&client(2))?.gives(ip(102))?;
            net.reconfigure(&reserved(3))?;
            ensure!(net.lease(&client(3))?.header.yiaddr != ip(102));
            let other = net.lease(&client(2))?.header.yiaddr;
            ensure!(other != ip(102));
            net.lease(&client(3))?.gives(ip(102))?;
            net.lease(&client(2))?.gives(other)?;
            Ok(())
        });
    }
}

/// Kea `reservationsWithConflicts`: see also `test_hr_conflicts`; here the holder lets go and the owner comes home.
#[test]
fn reservations_with_conflicts() {
    Site::one().run("reservations_with_conflicts", |net| {
        net.lease(&client(1))?.gives(ip(50))?;
        net.server.cli(&["host", "add", "two", "02:00:00:00:00:02", "--address", "10.77.0.50"])?;
        // Neither can have it: the holder is told no, the owner waits until the lease has ended.
        net.silent(&client(2).discover())?;
        net.nak(&client(1).reboot(ip(50)))?;
        net.silent(&client(1).release(ip(50)))?;
        net.lease(&client(2))?.gives(ip(50))?;
        net.silent(&client(1).discover())
    });
}
