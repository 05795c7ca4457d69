//! The DHCP clients of real systems, and the programs that people test DHCP servers with, take what we give them; and beside
//! another DHCP server they hear nothing from us.

use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use nextboot_tests::plain::{Lease, Plain, PlainClient};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, SERVER, peer};

#[test]
fn plain_systems_take_their_whole_lease_and_can_give_it_back() {
    Lab::run("accepted-plain", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let homes = Plain::ALL.map(|_| lab.join("")).into_iter().collect::<Result<Vec<_>>>()?;
        // All at once: each takes its time, and none is to be taken for another.
        let mut clients = Plain::ALL
            .iter()
            .zip(&homes)
            .map(|(plain, home)| PlainClient::start(lab, home, *plain, plain.name()))
            .collect::<Result<Vec<_>>>()?;
        let mut taken = Vec::new();
        for client in &mut clients {
            let Lease { address, prefix, router, dns } = client.lease(PATIENCE)?;
            let own = "10.77.0.1".parse().ok();
            ensure!((100..200).contains(&address.octets()[3]) && !taken.contains(&address), "{address}");
            ensure!(
                prefix == 24 && router == own && dns.first().copied() == own,
                "{prefix} {router:?} {dns:?}"
            );
            taken.push(address);
        }
        for client in &mut clients {
            client.release()?;
        }
        for address in taken {
            let address = address.to_string();
            server.wait_for_event("released", PATIENCE, |event| event["address"] == address)?;
        }
        Ok(())
    });
}

#[test]
fn beside_another_server_plain_systems_hear_nothing_from_us() {
    Lab::run("accepted-beside", |lab| {
        let site = SmallInstaller::new(lab)?;
        let mut server = lab.server(&site.config(Dhcp::Proxy, ""))?;
        let other = lab.join("10.77.0.2/24")?;
        let _dnsmasq = peer::dnsmasq(
            lab,
            &other,
            &["--no-ping", "--dhcp-option=3,10.77.0.2", "--dhcp-option=6,10.77.0.2"],
        )?;
        // On the bridge, where every reply passes that we could send.
        let mut heard = lab.start(
            lab.namespace(),
            "witness",
            "tcpdump",
            &["-i", "br0", "-l", "-n", "udp src port 67 or udp src port 4011"],
        )?;
        heard.wait_for("listening on", PATIENCE)?;
        let homes = Plain::ALL.map(|_| lab.join("")).into_iter().collect::<Result<Vec<_>>>()?;
        let mut clients = Plain::ALL
            .iter()
            .zip(&homes)
            .map(|(plain, home)| PlainClient::start(lab, home, *plain, plain.name()))
            .collect::<Result<Vec<_>>>()?;
        for client in &mut clients {
            let lease = client.lease(PATIENCE)?;
            ensure!(lease.router == "10.77.0.2".parse().ok(), "{lease:?}");
        }
        let desk = lab.join("10.77.0.20/24")?;
        let found = nmap(&desk, &["--script", "broadcast-dhcp-discover", "-e", "eth0"])?;
        ensure!(
            found.contains("Response 1 of 1") && found.contains("Server Identifier: 10.77.0.2"),
            "{found}"
        );
        heard.wait_for("10.77.0.2.67 >", PATIENCE)?;
        ensure!(heard.log.count("IP 10.77.0.1.") == 0, "{}", heard.log.text());
        server.alive()
    });
}

#[test]
fn nmap_finds_us_and_reads_what_we_say() {
    Lab::run("accepted-nmap", |lab| {
        let site = SmallInstaller::new(lab)?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let desk = lab.join("10.77.0.20/24")?;
        let (discover, inform) = thread::scope(|scope| {
            // Each listens for ten seconds whatever it hears.
            let discover =
                scope.spawn(|| nmap(&desk, &["--script", "broadcast-dhcp-discover", "-e", "eth0"]));
            let inform = nmap(&desk, &["-sU", "-p", "67", "--script", "dhcp-discover", SERVER]);
            (discover.join(), inform)
        });
        let discover = discover.map_err(|_| anyhow!("the thread panicked"))??;
        for line in ["IP Offered: 10.77.0.1", "Message Type: DHCPOFFER", "IP Address Lease Time: 12h00m00s"] {
            ensure!(discover.contains(line), "{line}: {discover}");
        }
        let inform = inform?;
        for line in ["67/udp open", "Message Type: DHCPACK"] {
            ensure!(inform.contains(line), "{line}: {inform}");
        }
        for text in [discover, inform] {
            for line in ["Server Identifier: 10.77.0.1", "Subnet Mask: 255.255.255.0", "Router: 10.77.0.1"] {
                ensure!(text.contains(line), "{line}: {text}");
            }
        }
        server.alive()
    });
}

/// perfdhcp plays a relay, with its own address as `giaddr`. Its figures for time are not looked at here.
#[test]
fn perfdhcp_loses_nothing_and_calls_nothing_malformed() {
    Lab::run("accepted-perfdhcp", |lab| {
        let site = SmallInstaller::new(lab)?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let desk = lab.join("10.77.0.20/24")?;
        // What comes late is not lost: a disk may stall. Fewer exchanges than clients and addresses, so that `-u` may call every address that comes twice a fault.
        let arguments = "-4 -l eth0 -r 20 -R 90 -p 3 -f 5 -d 20 -W 20000000 -u";
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        arguments.push(SERVER);
        let report = desk.run("perfdhcp", &arguments)?;
        for part in ["DISCOVER-OFFER", "REQUEST-ACK", "REQUEST-ACK (renewal)"] {
            let numbers = report.split(&format!("Statistics for: {part}***")).nth(1).context(part)?;
            let number = |name: &str| -> Result<u64> {
                let value = numbers.split(&format!("{name}: ")).nth(1).context(name.to_owned())?;
                Ok(value.split_whitespace().next().unwrap_or_default().parse()?)
            };
            let (sent, received) = (number("sent packets")?, number("received packets")?);
            ensure!(sent > 5 && sent == received && number("drops")? == 0, "{report}");
            ensure!(number("rejected leases")? == 0 && number("non unique addresses")? == 0, "{report}");
        }
        ensure!(report.contains("Malformed packets: 0"), "{report}");
        server.alive()
    });
}

fn nmap(namespace: &Namespace, arguments: &[&str]) -> Result<String> {
    namespace.run("nmap", arguments)
}
