//! Addresses that somebody uses who did not get them from us, under the names of forge's `hooks/test_ping_check`.

use std::time::Duration;

use anyhow::Result;
use nextboot_tests::wire::{Client, Net, Site, ip};

/// Two addresses, and a look at who has them.
fn site(probe: &str) -> Site {
    Site::pool("50-51").dhcp(&format!("probe = \"{probe}\"\nprobe_timeout = 300"))
}

/// The machine that uses .50 can answer the server.
fn squat(net: &Net<'_>) -> Result<()> {
    net.uses(ip(50))?;
    net.side().ip(&["route", "replace", "10.77.0.1/32", "dev", "eth0", "src", "10.77.0.50"]).map(drop)
}

fn the_squatter_is_found(net: &mut Net<'_>) -> Result<()> {
    squat(net)?;
    // Others are served meanwhile: that is part of being silent.
    net.silent(&Client::new(1).discover())?;
    net.offer(&Client::new(1).discover())?.gives(ip(51))?;
    // Nobody gets it, not even after a restart and when the squatter is gone.
    net.lease(&Client::new(1))?.gives(ip(51))?;
    net.side().ip(&["address", "delete", "10.77.0.50/32", "dev", "eth0"])?;
    net.pass(Duration::from_secs(60))?;
    net.silent(&Client::new(2).discover())?;
    net.nak(&Client::new(2).select(ip(50))).map(drop)
}

#[test]
fn test_v4_ping_check_basic() {
    site("icmp").run("test_v4_ping_check_basic", the_squatter_is_found);
}

#[test]
fn an_arp_probe_finds_who_answers_no_ping() {
    site("arp").run("an_arp_probe_finds_who_answers_no_ping", |net| {
        net.side().run("sysctl", &["-q", "-w", "net.ipv4.icmp_echo_ignore_all=1"])?;
        the_squatter_is_found(net)
    });
}

#[test]
fn test_v4_ping_check_timeout() {
    for probe in ["icmp", "arp"] {
        site(probe).run(&format!("test_v4_ping_check_timeout_{probe}"), |net| {
            net.lease(&Client::new(1))?.gives(ip(50))?;
            net.lease(&Client::new(2))?.gives(ip(51)).map(drop)
        });
    }
}

/// Who has the lease answers by itself.
#[test]
fn test_v4_ping_check_cltt() {
    site("arp").run("test_v4_ping_check_cltt", |net| {
        net.lease(&Client::new(1))?.gives(ip(50))?;
        squat(net)?;
        net.offer(&Client::new(1).discover())?.gives(ip(50))?;
        net.ack(&Client::new(1).renew(ip(50)))?.gives(ip(50)).map(drop)
    });
}

#[test]
fn without_a_probe_the_client_has_to_find_out_by_itself() {
    Site::pool("50-51").run("without_a_probe_the_client_has_to_find_out_by_itself", |net| {
        squat(net)?;
        net.offer(&Client::new(1).discover())?.gives(ip(50)).map(drop)
    });
}
