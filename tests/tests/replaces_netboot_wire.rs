//! What network boot set-ups of PXELINUX and iPXE tell machines by DHCP: file and server by host and by kind of machine, and
//! the options of RFC 5071. Each row is one of the habits that a site brings along.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::code;
use nextboot_tests::pxe::Rom;
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::wire::{Client, Clients, Heard, Site, ip, server};
use nextboot_tests::{Lab, PATIENCE};

/// DHCP options of PXELINUX.
const CONFIG: u8 = 209;
const PREFIX: u8 = 210;
const REBOOT: u8 = 211;

/// Another network, behind a relay with this address.
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 254);

/// The host of these tests.
const HOST: u8 = 1;

/// A boot ROM of this architecture that asks for neither 209, 210 nor 211, as none does.
fn rom(number: u8, arch: u8) -> Client {
    Client::new(number)
        .says(code::VENDOR_CLASS, format!("PXEClient:Arch:{arch:05}:UNDI:002001"))
        .says(code::ARCH, [0, arch])
        .says(code::PARAMETERS, [1, 3, 6, 43, 54, 60, 66, 67])
}

/// iPXE on the same machine.
fn ipxe(number: u8, arch: u8) -> Client {
    rom(number, arch).says(code::USER_CLASS, "iPXE").says(175, [0x13, 1, 1, 0x21, 1, 1])
}

/// All unknown machines boot a kernel; `boot` is more for `[boot]`, `profile` for the profile.
fn booting(boot: &str, profile: &str) -> Site {
    Site::pool("50-79").block(&format!(
        "[boot]\nunknown = \"profile:rescue\"\n{boot}\n[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"\n{profile}"
    ))
}

/// The file is told in the header's field and in option 67 alike, and where it lies in `siaddr`.
fn told(answer: &Heard, file: &str, next_server: Ipv4Addr) -> Result<()> {
    ensure!(answer.header.file_text() == file, "the field says {}: {answer}", answer.header.file_text());
    answer.tells(code::BOOT_FILE, format!("{file}\0"))?;
    ensure!(answer.header.siaddr == next_server, "siaddr {}: {answer}", answer.header.siaddr);
    Ok(())
}

#[test]
fn row_37_file_and_server_by_host_and_kind_and_no_loop_for_ipxe() {
    let boot = "[boot.loaders]\nbios = \"undionly.kpxe\"\nipxe-bios = \"script\"\n\
                [[boot.rule]]\nmac = \"02:00:00:00:00:0a\"\nloader = \"undionly.kpxe\"\nnext_server = \"10.77.0.9\"\n";
    booting(boot, "").run("row-37", |net| {
        told(&net.lease(&rom(2, 0))?, "undionly.kpxe", server())?;
        let script = "http://10.77.0.1:8080/ipxe/02:00:00:00:00:02";
        told(&net.lease(&ipxe(2, 0))?, script, server())?;
        // Another machine, another server: and iPXE that was chain-loaded from there is not sent round.
        told(&net.lease(&rom(10, 0))?, "undionly.kpxe", Ipv4Addr::new(10, 77, 0, 9))?;
        let again = net.lease(&ipxe(10, 0))?;
        ensure!(again.header.file_text().ends_with("/ipxe/02:00:00:00:00:0a"), "{again}");
        // UEFI has a loader of its own kind, and its iPXE the script.
        told(&net.lease(&rom(3, 7))?, "shimx64.efi", server())?;
        told(&net.lease(&ipxe(3, 7))?, "http://10.77.0.1:8080/ipxe/02:00:00:00:00:03", server())?;
        // A host may have a file of its own.
        net.server.cli(&["host", "add", "node1", "02:00:00:00:00:01", "--loader", "lab/special.0"])?;
        net.server.cli(&["boot", "node1", "rescue"])?;
        told(&net.lease(&rom(HOST, 0))?, "lab/special.0", server())
    });
}

/// Where another server's script is.
const SCRIPT: &str = "http://10.0.0.1/boot.ipxe";

/// iPXE's chain with a script that is another server's.
const FOREIGN: &str = "[boot.loaders]\nbios = \"undionly.kpxe\"\n[[boot.rule]]\nfirmware = \"ipxe\"\n\
                       loader = \"http://10.0.0.1/boot.ipxe\"\n";

#[test]
fn row_37_a_whole_address_is_told_as_it_is() {
    let image = "https://10.0.0.1:8443/efi/x.efi?a=b";
    let rescue = format!("loaders = {{ uefi-x64 = {image:?} }}\n");
    booting(FOREIGN, &rescue).run("row-37-address", |net| {
        told(&net.lease(&rom(2, 0))?, "undionly.kpxe", server())?;
        for arch in [0, 7] {
            told(&net.lease(&ipxe(2, arch))?, SCRIPT, server())?;
        }
        let http = Client::new(3)
            .says(code::VENDOR_CLASS, "HTTPClient:Arch:00016:UNDI:003001")
            .says(code::ARCH, [0, 16]);
        told(&net.lease(&http.says(code::PARAMETERS, [1, 3, 6, 54, 60, 66, 67]))?, image, server())?;
        // A host's own goes before, is kept over a restart, and says what it is.
        let longest = format!("tftp://10.0.0.1/{}", "x".repeat(111));
        net.server.cli(&["host", "add", "node1", "02:00:00:00:00:01", "--loader", &longest])?;
        net.server.cli(&["boot", "node1", "rescue"])?;
        net.server.stop()?;
        net.server.restart()?;
        told(&net.lease(&ipxe(HOST, 0))?, &longest, server())?;
        for wrong in
            [&format!("{longest}x"), "ftp://10.0.0.1/x", "http://10.0.0.1/a b", "http://u:p@10.0.0.1/x"]
        {
            let refused = net.server.cli(&["host", "set", "node1", "--loader", wrong]);
            let why = refused.err().with_context(|| format!("{wrong} was taken"))?.to_string();
            ensure!(why.contains("at most 127 bytes"), "{why}");
        }
        net.server.cli(&["host", "set", "node1", "--no-loader"])?;
        let shown = net.server.cli(&["show", "node1", "--as", "ipxe-bios"])?;
        ensure!(shown.contains("http://10.0.0.1/boot.ipxe: [[boot.rule]] 1: firmware ipxe"), "{shown}");
        ensure!(!shown.contains("#!ipxe"), "what it reads there is not ours: {shown}");
        told(&net.lease(&ipxe(HOST, 0))?, SCRIPT, server())?;
        // Whoever is to boot its own disk is not handed to a server that does not know that.
        net.server.cli(&["boot", "node1", "local"])?;
        told(&net.lease(&ipxe(HOST, 0))?, "http://10.77.0.1:8080/ipxe/02:00:00:00:00:01", server())?;
        let events = net.server.cli(&["events"])?;
        ensure!(!events.contains("neither in the roots"), "nobody looks for it in the tree: {events}");
        Ok(())
    });
}

#[test]
fn row_37_a_proxy_tells_ipxe_the_address_too() {
    Lab::run("row-37-proxy", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Proxy, FOREIGN))?;
        server.cli(&["host", "add", "node1", "02:00:00:00:00:01"])?;
        server.cli(&["boot", "node1", nextboot_tests::site::INSTALL])?;
        let side = lab.join("10.77.0.250/24")?;
        let mut clients = Clients::on(&side, "eth0")?;
        let offer = clients.answer(&ipxe(HOST, 0).discover(), PATIENCE)?.context("no offer")?;
        told(&offer, SCRIPT, nextboot_tests::wire::server())
    });
}

#[test]
fn row_38_options_209_to_211_come_unasked_from_the_nearest_that_says_them_and_never_empty() {
    let global = "[boot.pxelinux]\nconfig = \"site.cfg\"\nprefix = \"site/\"\nreboot = \"30s\"\n";
    let far = "[[dhcp.subnet]]\nnetwork = \"10.78.0.0/24\"\npool = [\"10.78.0.10-10.78.0.19\"]\n\
               pxelinux = { prefix = \"http://10.77.0.1:8080/far/\" }";
    let site = booting(global, "").block(far);
    site.run("row-38", |net| {
        let all = |answer: &Heard, config: &str, prefix: &str, reboot: u32| {
            let reboot = reboot.to_be_bytes();
            answer.tells(CONFIG, config)?.tells(PREFIX, prefix)?.tells(REBOOT, reboot).map(drop)
        };
        let offer = net.offer(&rom(2, 0).discover())?;
        all(&offer, "site.cfg", "site/", 30)?;
        told(&offer, "pxelinux.0", server())?;
        all(&net.lease(&rom(2, 0))?, "site.cfg", "site/", 30)?;
        // SYSLINUX for 32-bit UEFI reads them too.
        all(&net.lease(&rom(4, 6))?, "site.cfg", "site/", 30)?;
        // Its network says something else about one of them.
        net.uses(RELAY)?;
        all(&net.lease(&rom(5, 0).behind(RELAY))?, "site.cfg", "http://10.77.0.1:8080/far/", 30)?;
        // A host says more, and takes it back.
        net.server.cli(&["host", "add", "node1", "02:00:00:00:00:01", "--pxelinux-config", "own.cfg"])?;
        net.server.cli(&["boot", "node1", "rescue"])?;
        all(&net.lease(&rom(HOST, 0))?, "own.cfg", "site/", 30)?;
        let set = |words: &[&str]| net.server.cli(&[&["host", "set", "node1"], words].concat());
        let shown = set(&["--pxelinux-prefix", "own/", "--pxelinux-reboot", "90"])?;
        let line = shown.lines().find(|line| line.starts_with("pxelinux ")).unwrap_or_default();
        ensure!(line.ends_with(" config own.cfg, prefix own/, reboot after 90 s"), "{shown}");
        for wrong in [["--pxelinux-prefix", ""], ["--pxelinux-reboot", "0"], ["--pxelinux-config", "a\nb"]] {
            ensure!(set(&wrong).is_err(), "{wrong:?} is nothing that PXELINUX could be told");
        }
        net.server.stop()?;
        net.server.restart()?;
        all(&net.lease(&rom(HOST, 0))?, "own.cfg", "own/", 90)?;
        all(&net.lease(&rom(HOST, 0).behind(RELAY))?, "own.cfg", "own/", 90)?;
        net.server.cli(&["host", "set", "node1", "--no-pxelinux-config", "--no-pxelinux-reboot"])?;
        all(&net.lease(&rom(HOST, 0))?, "site.cfg", "own/", 30)?;
        // A profile goes before the network and the site.
        net.reconfigure(&booting(global, "pxelinux = { config = \"rescue.cfg\" }").block(far))?;
        all(&net.lease(&rom(HOST, 0))?, "rescue.cfg", "own/", 30)?;
        all(&net.lease(&rom(5, 0).behind(RELAY))?, "rescue.cfg", "http://10.77.0.1:8080/far/", 30)?;
        // Who is given nothing by PXELINUX is told nothing, and nothing is sent empty: Heard checks that of every answer.
        net.lease(&Client::new(6))?.lacks(CONFIG)?.lacks(PREFIX)?.lacks(REBOOT)?;
        net.reconfigure(&booting("", ""))?;
        net.lease(&rom(2, 0))?.lacks(CONFIG)?.lacks(PREFIX)?.lacks(REBOOT)?;
        for empty in ["config = \"\"", "prefix = \" \""] {
            let wrong = booting(&format!("[boot.pxelinux]\n{empty}\n"), "");
            ensure!(net.reconfigure(&wrong).is_err(), "{empty} must be refused");
        }
        Ok(())
    });
}

#[test]
fn row_38_a_proxy_tells_them_too() {
    Lab::run("row-38-proxy", |lab| {
        let site = SmallInstaller::new(lab)?;
        let more = "[[dhcp.subnet]]\nnetwork = \"10.77.0.0/24\"\npxelinux = { prefix = \"net/\", reboot = \"9s\" }\n\
                    [boot.pxelinux]\nconfig = \"site.cfg\"\nprefix = \"site/\"\n";
        let server = lab.server(&site.config(Dhcp::Proxy, more))?;
        server.cli(&["host", "add", "node1", "02:00:00:00:38:01", "--pxelinux-config", "own.cfg"])?;
        server.cli(&["boot", "node1", nextboot_tests::site::INSTALL])?;
        let machine = lab.join("10.77.0.60/24")?;
        let mut rom = Rom::new(&machine, "eth0", [2, 0, 0, 0, 0x38, 1], 0)?;
        let offer = rom.discover(PATIENCE, |got| !got.is_empty())?.pop().context("no offer")?;
        let ack = rom.ask_boot_server(ip(1), None, PATIENCE)?.context("port 4011 is silent")?;
        for (name, reply) in [("offer", offer), ("port 4011", ack)] {
            let said = |code: u8| reply.options.get(&code).map(Vec::as_slice);
            let options = [said(CONFIG), said(PREFIX), said(REBOOT)];
            ensure!(
                options == [Some(&b"own.cfg"[..]), Some(b"net/"), Some(&[0, 0, 0, 9])],
                "{name}: {reply:?}"
            );
            ensure!(reply.file == "pxelinux.0", "{name}: {reply:?}");
            ensure!(said(code::BOOT_FILE) == Some(b"pxelinux.0\0"), "{name}: {reply:?}");
        }
        Ok(())
    });
}

#[test]
fn row_47_bootp_gets_its_address_file_and_server() {
    booting("", "").run("row-47", |net| {
        net.server.cli(&["host", "add", "node1", "02:00:00:00:00:01", "--address", "10.77.0.40"])?;
        net.server.cli(&["boot", "node1", "rescue"])?;
        let reply = net.answer(&Client::new(HOST).bootp())?;
        ensure!(reply.kind().is_none(), "a BOOTP reply has no option 53: {reply}");
        reply.gives(ip(40))?;
        told(&reply, "pxelinux.0", server())
    });
}
