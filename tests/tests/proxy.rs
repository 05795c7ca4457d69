//! A proxy finds out what a machine's firmware takes: the file in the offer, port 4011, or neither.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use nextboot_tests::pxe::{Reply, Rom};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, PATIENCE, SERVER, client};

const US: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

fn offer(rom: &mut Rom) -> Result<Reply> {
    let offer = rom.discover(PATIENCE, |got| !got.is_empty())?.pop().context("no offer")?;
    ensure!(offer.is_proxy_offer() && offer.next_server == US, "{offer:?}");
    Ok(offer)
}

#[test]
fn firmware_that_takes_one_way_is_led_that_way_from_then_on() {
    Lab::run("proxy-ways", |lab| {
        let site = SmallInstaller::new(lab)?;
        let config =
            site.config(Dhcp::Proxy, "").replace("[boot]\n", "[boot]\nunknown = \"profile:local\"\n");
        let server = lab.server(&config)?;
        let machine = lab.join("10.77.0.60/24")?;
        let mut rom = Rom::new(&machine, "eth0", [0x52, 0x54, 0, 0, 0, 0x18], 0)?;
        for _ in 0..2 {
            ensure!(offer(&mut rom)?.file == "pxelinux.0", "a BIOS gets the file in the offer");
        }
        let led = offer(&mut rom)?;
        ensure!(
            led.file.is_empty() && !led.options.contains_key(&43),
            "then it is led to port 4011: {led:?}"
        );
        let tried =
            |code: &str| server.wait_for_event(code, PATIENCE, |event| event["mac"] == "52:54:00:00:00:18");
        ensure!(tried("offer-not-taken")?["failed"] == "direct", "and that is told");
        let ack = rom.ask_boot_server(US, None, PATIENCE)?.context("port 4011 is silent")?;
        ensure!(ack.file == "pxelinux.0", "{ack:?}");
        ensure!(tried("way-found")?["way"] == "boot-server", "what worked is told");
        ensure!(offer(&mut rom)?.file.is_empty(), "and remembered");

        // What fetches from us took the offer, and keeps its way however often it boots.
        let taker = lab.join("10.77.0.61/24")?;
        let mac = taker.run("cat", &["/sys/class/net/eth0/address"])?;
        let bytes: Vec<u8> =
            mac.trim().split(':').map(|byte| u8::from_str_radix(byte, 16)).collect::<Result<_, _>>()?;
        let mut rom = Rom::new(&taker, "eth0", bytes.try_into().ok().context("no MAC")?, 0)?;
        for _ in 0..4 {
            ensure!(offer(&mut rom)?.file == "pxelinux.0", "the way that works stays");
            client::tftp_hpa(&taker, SERVER, "pxelinux.0")?;
        }
        ensure!(server.events_of("offer-not-taken")?.len() == 1, "only the first machine was tried");
        Ok(())
    });
}
