//! Packets that stopped other servers, under the names of ISC forge's tests (`v4/test_cve2019v4`,
//! `security/test_cve-2026-3608_many_brackets`) and of the reports they come from.
//!
//! Some of them are silently dropped by Kea and answered by us: what can be read of a packet is read, so that a machine with
//! an odd host name boots. What counts is that the server lives, serves others, and starts again on what it wrote down
//! (CVE-2019-6474 was a lease that could not be read back).

use std::fs;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::{Kind, code};
use nextboot_tests::client;
use nextboot_tests::wire::{Ask, Client, Net, Site, ip};

/// How often each packet is sent, as forge does it.
const OFTEN: u8 = 101;

/// Sends these from many machines, also as REQUEST so that leases are written, and has others served before and after a
/// restart.
fn survives(name: &str, asks: impl Fn(u8) -> Vec<Ask>) {
    Site::pool("50-200").run(name, |net| {
        for number in 0..OFTEN {
            for ask in asks(number) {
                net.send(&ask)?;
            }
            // A queue of 208 KiB, which is what most kernels give, has room for three hundred of them.
            if number % 25 == 0 {
                net.settle()?;
            }
        }
        serves(net, 200)?;
        net.server.alive()?;
        net.server.stop()?;
        net.server.restart()?;
        serves(net, 201)
    });
}

fn serves(net: &mut Net<'_>, number: u8) -> Result<()> {
    let ack = net.lease(&Client::new(number))?;
    ensure!(ack.kind() == Some(Kind::ACK));
    Ok(())
}

/// DISCOVER and INIT-REBOOT of a machine with this option, cut or not.
fn with(number: u8, option: &[u8]) -> Vec<Ask> {
    let client = Client::new(number);
    vec![
        client.discover().raw(option),
        client.bare(Kind::DISCOVER).raw(option),
        client.select(ip(50 + number % 100)).raw(option),
        client.reboot(ip(50 + number % 100)).raw(option),
    ]
}

/// An option with a length that is true.
fn option(code: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![code, u8::try_from(value.len()).unwrap_or(u8::MAX)];
    bytes.extend(value);
    bytes
}

#[test]
fn test_cve_2019_6472() {
    // An identifier of more than 128 bytes, with a length that eats what is behind it.
    survives("test_cve_2019_6472", |number| {
        let mut long = vec![code::CLIENT_ID, 0xfe, 0];
        long.extend([0x12; 253]);
        [with(number, &long), with(number, &option(code::CLIENT_ID, &[0x12; 255]))].concat()
    });
}

/// What a fuzzer makes of a DISCOVER: another type of hardware, options in options, lengths beyond the end.
#[test]
fn test_cve_2019_6473() {
    survives("test_cve_2019_6473", |number| {
        let noise = [
            0x3d, 7, 1, 0, 0, 0, 0, 0, 0, 0x19, 0x0c, 0x4e, 1, 0, 7, 8, 0, 0, 0x35, 1, 5, 0x3a, 4, 0, 0, 7,
            8, 0x3b, 4, 0xff, 0, 0, 0, 9, 0, 0, 0x0c, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0x7f,
        ];
        let odd = Client::new(number).discover().raw(noise).set(|header| header.htype = 0x2c);
        [with(number, &noise), vec![odd]].concat()
    });
}

#[test]
fn test_cve_2019_6473_hostname() {
    survives("test_cve_2019_6473_hostname", |number| {
        with(number, &option(code::HOST_NAME, &[0xff, 0xff, 0x7f, 0, 0, 0, 0x7f, 0, 0x2e, 0x2e, 0x35, 1, 1]))
    });
}

#[test]
fn test_cve_2019_6473_hostname_length_0() {
    survives("test_cve_2019_6473_hostname_length_0", |number| with(number, &[code::HOST_NAME, 0, 0]));
}

#[test]
fn test_cve_2019_6473_hostname_over_255() {
    survives("test_cve_2019_6473_hostname_over_255", |number| {
        let part = option(code::HOST_NAME, &[b'h'; 255]);
        with(number, &[&part[..], &part, &option(code::HOST_NAME, b"end")].concat())
    });
}

#[test]
fn test_cve_2019_6473_fqdn() {
    survives("test_cve_2019_6473_fqdn", |number| {
        with(number, &option(code::FQDN, &[0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0x7f, 0, 0x2e]))
    });
}

#[test]
fn test_cve_2019_6473_fqdn_too_long() {
    survives("test_cve_2019_6473_fqdn_too_long", |number| {
        let long = [&[1, 0, 0][..], &[b'x'; 250]].concat();
        let labels = [&[5, 0, 0][..], &[63; 250]].concat();
        [with(number, &option(code::FQDN, &long)), with(number, &option(code::FQDN, &labels))].concat()
    });
}

#[test]
fn test_cve_2019_6473_fqdn_0_length() {
    survives("test_cve_2019_6473_fqdn_0_length", |number| {
        [with(number, &[code::FQDN, 0]), with(number, &option(code::FQDN, &[0, 0, 0]))].concat()
    });
}

/// Options whose length goes beyond the end, one after the other, and a repeated option 53.
#[test]
fn test_cve_2019_6473_wtf() {
    survives("test_cve_2019_6473_wtf", |number| {
        let cut = [12, 61, 81, 82, 43, 55, 60, 93, 97, 77, 175].map(|code| with(number, &[code, 200, 1, 2]));
        [cut.concat(), with(number, &option(code::MESSAGE_TYPE, &[5]))].concat()
    });
}

/// What is written down can be read back, whatever names the machine gave.
#[test]
fn test_cve_2019_6474() {
    let names: [&[u8]; 8] =
        [b"a,b\nc", b"\xff\xfe", b"\"'", b"\0", b"%s%n", b"&amp;", &[b'n'; 255], "näme".as_bytes()];
    Site::pool("50-200").run("test_cve_2019_6474", |net| {
        let machines: Vec<Client> = (1..)
            .zip(names)
            .map(|(number, name)| {
                let client = Client::new(number).says(code::HOST_NAME, name);
                if name.len() > 1 { client.id(name) } else { client }
            })
            .collect();
        let mut had = Vec::new();
        for machine in &machines {
            had.push(net.lease(machine)?.header.yiaddr);
        }
        for restart in 0..2 {
            if restart == 0 {
                net.server.kill9()
            } else {
                net.server.stop().map(drop)?
            }
            net.server.restart()?;
            for (machine, address) in machines.iter().zip(&had) {
                net.ack(&machine.reboot(*address))?.gives(*address)?;
            }
        }
        Ok(())
    });
}

/// CVE-2025-11232 (Kea): a host name of which cleaning leaves nothing.
#[test]
fn a_host_name_of_nothing_but_punctuation() {
    survives("a_host_name_of_nothing_but_punctuation", |number| {
        let names: [&[u8]; 6] = [b"???", b".", b"-", b"...", b" ", b"\0\0\0"];
        names.iter().flat_map(|name| with(number % 20, &option(code::HOST_NAME, name))).collect()
    });
}

/// CVE-2025-40779 (Kea): a unicast packet with any option from a network that no subnet has.
#[test]
fn unicast_from_an_unknown_subnet_with_every_option() {
    survives("unicast_from_an_unknown_subnet_with_every_option", |number| {
        let far = [198, 51, 100, number].into();
        let client = Client::new(number);
        let every = [number, number.wrapping_add(101), number.wrapping_add(202)];
        let mut asks = Vec::new();
        for code in every.into_iter().filter(|code| ![0, 53, 255].contains(code)) {
            for length in [0, 1, 4] {
                asks.push(client.renew(far).raw(option(code, &vec![7; length])));
                asks.push(client.inform(far).alone(far).raw(option(code, &vec![7; length])));
            }
        }
        asks
    });
}

/// CVE-2010-2156 (ISC dhcpd): an empty identifier.
#[test]
fn an_empty_client_identifier() {
    survives("an_empty_client_identifier", |number| with(number, &[code::CLIENT_ID, 0]));
}

/// CVE-2022-2929 (ISC dhcpd): labels that are longer than a label can be leaked memory.
#[test]
fn malformed_fqdn_does_not_grow_the_server() {
    Site::pool("50-200").run("malformed_fqdn_does_not_grow_the_server", |net| {
        serves(net, 200)?;
        let before = net.server.resident_kib()?;
        for round in 0..60_u8 {
            for number in 0..OFTEN {
                let labels = [&[5, 0, 0, 64][..], &[round; 60], &[200], &[number; 100]].concat();
                net.send(&Client::new(number).discover().raw(option(code::FQDN, &labels)))?;
            }
        }
        serves(net, 201)?;
        let after = net.server.resident_kib()?;
        ensure!(after < before + 16 * 1024, "from {before} to {after} KiB");
        Ok(())
    });
}

/// CVE-2012-3571 and others: headers that lie, and options that never end. One good client in between is served at once.
#[test]
fn headers_and_options_that_lie() {
    survives("headers_and_options_that_lie", |number| {
        let discover = || Client::new(number).discover();
        vec![
            discover().set(|header| header.hlen = number),
            discover().set(|header| header.hlen = 255 - number),
            discover().set(|header| header.hops = number),
            discover().set(|header| header.op = number),
            discover().set(|header| header.secs = 0xffff),
            discover().raw(option(code::OVERLOAD, &[3])).set(|header| {
                header.file = [52; 128];
                header.sname = [1; 64];
            }),
            discover().raw(vec![0; 800]),
            discover().raw(option(82, &[1, 255, 2, 255]).repeat(100)),
            discover().raw([43, 4, 43, 2, 43, 0].repeat(100)),
        ]
    });
}

/// CVE-2026-3608 (Kea): the control API is asked with 20,000 brackets, which a parser without a limit does not survive.
#[test]
fn test_cve_2026_3608_many_brackets() {
    Site::one().run("test_cve_2026_3608_many_brackets", |net| {
        let socket = net.server.socket();
        let socket = socket.to_str().context("a path that is no text")?.to_owned();
        for text in ["[".repeat(20_000), "{\"a\":".repeat(20_000), "[".repeat(900_000)] {
            let body = net.dir().join("brackets");
            fs::write(&body, &text)?;
            let data = format!("@{}", body.display());
            for (method, path) in [("POST", "/api/hosts"), ("PUT", "/v1/configurations/local/deploy")] {
                let url = format!("http://localhost{path}");
                let more = ["--unix-socket", &socket, "-X", method, "-H", "Content-Type: application/json"];
                let arguments = [&more[..], &["--max-time", "20", "--data-binary", &data]].concat();
                let status = client::http_status(net.side(), &url, &arguments)?;
                ensure!((400..500).contains(&status), "{path}: {status}");
            }
        }
        net.server.alive()?;
        net.server.cli(&["host", "add", "one", "02:00:00:00:00:01"])?;
        serves(net, 1)
    });
}
