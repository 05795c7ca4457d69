//! The example file against the code, and complaints to the letter.

use std::path::Path;

use nextboot_boot::{Body, Chain, Entry, Exits, Kind, Loader, SecureBoot, Unknown};
use nextboot_dhcp::{LeaseTime, PoolRange};
use nextboot_model::{Class, Exit, LoaderName, OfferWay};
use proptest::prelude::*;

use crate::{Config, Mode, document};

const EXAMPLE: &str = include_str!("../../../config/nextboot.toml");

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("f.toml")).unwrap_or_else(|complaints| panic!("{complaints}"))
}

/// All complaints, each as `LINE: COMPLAINT`.
fn complaints(text: &str) -> Vec<String> {
    let complaints = Config::parse(text, Path::new("f.toml")).expect_err("it should be refused");
    complaints.list().iter().map(|complaint| format!("{}: {complaint}", complaint.line)).collect()
}

/// The example with the keys that are commented out for want of a default.
fn example_in_full() -> String {
    let is_key = |line: &str| {
        line.starts_with('[')
            || line.split_once(" = ").is_some_and(|(key, _)| {
                // It stands in the place of what else is shown.
                key != "dnsmasq_conf"
                    && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
    };
    let uncomment = |line: &'static str| line.strip_prefix('#').filter(|rest| is_key(rest)).unwrap_or(line);
    EXAMPLE.lines().map(uncomment).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_says_what_holds_without_a_file() {
    assert_eq!(format!("{:#?}", parse(EXAMPLE)), format!("{:#?}", Config::default()));
    assert_eq!(format!("{:#?}", parse("")), format!("{:#?}", Config::default()));
}

#[test]
fn the_example_shows_every_key() {
    let text = example_in_full();
    let config = parse(&text);
    assert_eq!(config.dhcp.server.subnets.len(), 1);
    assert_eq!(config.site.profiles.len(), 3);
    assert_eq!(config.power.adapters.len(), 1);
    let shown: Vec<String> = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    for key in document::asked(&text, |top| Config::read(top, Path::new(""))) {
        let last = key.rsplit('.').next().unwrap_or(&key);
        // What an option's value is written as stands in a comment.
        let in_braces = key.strip_prefix("boot.loaders.").is_some_and(|rest| rest.contains('.'));
        let braces = [".options.", ".option.", ".also.", ".except."];
        let found = braces.iter().any(|braces| key.contains(braces))
            || (in_braces && shown.iter().any(|line| line.contains(&format!(" {last} = "))))
            || shown.iter().any(|line| {
                line.starts_with(&format!("{last} = "))
                    || line == &format!("[{key}]")
                    || line == &format!("[[{key}]]")
            })
            || key == "profiles"
            || (key == "dhcp.dnsmasq_conf" && EXAMPLE.contains("\n#dnsmasq_conf = "));
        assert!(found, "config/nextboot.toml does not show {key}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_line() {
    let text = "log = 3\n[dhcp]\nmode = \"severs\"\nleasetime = 1\n\n[tftp]\nport = 0\n[htpt]\nport = 1\n";
    assert_eq!(
        complaints(text),
        [
            "1: log = 3: this is a text; write it in quotes",
            "3: dhcp.mode = \"severs\": use \"proxy\", \"server\" or \"off\"",
            "4: dhcp.leasetime = 1: there is no such key; did you mean dhcp.lease_time?",
            "7: tftp.port = 0: use a whole number from 1 to 65535",
            "8: htpt: there is no such key; did you mean http?",
        ]
    );
    let all = Config::parse(text, Path::new("etc/nextboot.toml")).unwrap_err().to_string();
    assert!(all.starts_with("etc/nextboot.toml:1: log = 3: "), "{all}");
    assert_eq!(all.lines().count(), 5);
}

#[test]
fn a_text_that_is_no_toml_is_refused_with_the_line() {
    let found = complaints("[dhcp]\nmode = \"proxy\nlease_time = 3\n");
    assert!(found[0].starts_with("2: not TOML: "), "{found:?}");
    let found = complaints("log = \"a\"\nlog = \"b\"\n");
    assert!(found[0].starts_with("2: not TOML: duplicate key"), "{found:?}");
    let found = complaints(&format!("log = \"{}\"", "x".repeat(1024 * 1024)));
    assert_eq!(found, ["1: the file is larger than 1048576 bytes; no configuration needs that"]);
}

/// One wrong text, and the complaint it gets.
#[test]
fn each_wrong_value_gets_its_remedy() {
    let subnet = "[[dhcp.subnet]]\nnetwork = \"10.0.0.0/24\"\n";
    let with = |more: &str| format!("{subnet}{more}");
    let long = "x".repeat(120);
    for (text, complaint) in [
        (
            "[[power.adapter]]\nname = \"a\"\non = \"x {{if .y}}\"".into(),
            "3: power.adapter.on = \"x {{if .y}}\": {{if .y}} is not understood; write {{.name}}: conditions, loops and functions are not supported",
        ),
        (
            "[[power.adapter]]\nname = \"a\"\nstatus = \"x\"\non_pattern = \"(\"".into(),
            "4: power.adapter.on_pattern = \"(\": not a regular expression: error: unclosed group",
        ),
        (
            "[[power.adapter]]\nname = \"a\"\nstatus = \"x\"".into(),
            "1: power.adapter.on_pattern: missing; say what the output of `status` has in it when the machine is on, e.g. \"(?i)power: on\"",
        ),
        ("[power]\nlimit = 0".into(), "2: power.limit = 0: use 1 to 300 seconds"),
        (
            "[boot]\nrescue = \"x\"\n[profiles.x]\nclass = \"install\"\nkernel = \"k\"".into(),
            "2: boot.rescue = \"x\": profile x is of class \"install\"; what rescues a machine must not erase it",
        ),
        (
            "interfaces = [\"eth0\", \"a b\"]".into(),
            "1: interfaces = \"a b\": use the name of a network interface as `ip link` shows it, e.g. \"eth0\", or several's, as \"eth*\"",
        ),
        ("interfaces = 3".into(), "1: interfaces = 3: this is a text; write it in quotes"),
        ("data_dir = \"\"".into(), "1: data_dir = \"\": must not be empty; leave the key out instead"),
        (
            "data_dir = \"a\\u0000\"".into(),
            "1: data_dir = \"a\\u0000\": must be one line, without control characters",
        ),
        ("dhcp = 3".into(), "1: dhcp = 3: this is a table; write [dhcp]"),
        ("[dhcp]\nsubnet = 3".into(), "2: dhcp.subnet = 3: there may be several; write [[dhcp.subnet]]"),
        ("[dhcp]\nsubnet = [3]".into(), "2: dhcp.subnet = 3: this is a table; write [[dhcp.subnet]]"),
        (
            "[dhcp]\nmode = \"server\"".into(),
            "2: dhcp.mode = \"server\": a DHCP server needs a [[dhcp.subnet]] that says which addresses to give; or use \"proxy\"",
        ),
        ("[dhcp]\nauthoritative = 1".into(), "2: dhcp.authoritative = 1: write true or false"),
        (
            "[dhcp]\nuefi_proxy = \"x\"".into(),
            "2: dhcp.uefi_proxy = \"x\": use \"boot-server\" or \"direct\"",
        ),
        (
            "[dhcp]\nnetworks = [\"10.0.0.0\"]".into(),
            "2: dhcp.networks = \"10.0.0.0\": use a network with its prefix length, e.g. \"10.0.0.0/24\"",
        ),
        (
            "[dhcp]\nlease_time = \"12\"".into(),
            "2: dhcp.lease_time = \"12\": use seconds, or a text like \"90s\", \"30m\", \"12h\" or \"7d\"",
        ),
        ("[dhcp]\nlease_time = 5".into(), "2: dhcp.lease_time = 5: use 60 to 4294967294 seconds"),
        (
            "[dhcp]\nlease_time = -5".into(),
            "2: dhcp.lease_time = -5: use seconds, or a text like \"90s\", \"30m\", \"12h\" or \"7d\"",
        ),
        ("[dhcp]\noffer_time = \"1h\"".into(), "2: dhcp.offer_time = \"1h\": use 10 to 600 seconds"),
        (
            "[[dhcp.subnet]]\npool = []".into(),
            "1: dhcp.subnet.network: missing; write network = \"10.0.0.0/24\", with your addresses",
        ),
        (
            "[[dhcp.subnet]]\nnetwork = \"10.0.0.1/24\"".into(),
            "2: dhcp.subnet.network = \"10.0.0.1/24\": this is an address within a network; write \"10.0.0.0/24\"",
        ),
        (
            "[[dhcp.subnet]]\nnetwork = \"10.0.0.0/31\"".into(),
            "2: dhcp.subnet.network = \"10.0.0.0/31\": use a prefix length from 8 to 30",
        ),
        (
            with("pools = \"10.0.0.9\""),
            "3: dhcp.subnet.pools = \"10.0.0.9\": there is no such key; did you mean dhcp.subnet.pool?",
        ),
        (
            with("pool = \"10.0.0.9-x\""),
            "3: dhcp.subnet.pool = \"10.0.0.9-x\": use the first and the last address, e.g. \"10.0.0.100-10.0.0.199\"",
        ),
        (
            with("pool = [\"10.0.0.9-10.0.0.8\"]"),
            "3: dhcp.subnet.pool = \"10.0.0.9-10.0.0.8\": the first address comes first; write \"10.0.0.8-10.0.0.9\"",
        ),
        (
            with("pool = [\n  \"10.0.0.9-10.0.0.20\",\n  \"10.0.1.1\"]"),
            "5: dhcp.subnet.pool = \"10.0.1.1\": reaches outside 10.0.0.0/24, whose addresses are 10.0.0.1 to 10.0.0.254",
        ),
        (
            with("pool = [\"10.0.0.9-10.0.0.20\", \"10.0.0.20-10.0.0.30\"]"),
            "3: dhcp.subnet.pool = \"10.0.0.20-10.0.0.30\": shares addresses with 10.0.0.9-10.0.0.20",
        ),
        (
            with("exclude = \"0.0.0.0\""),
            "3: dhcp.subnet.exclude = \"0.0.0.0\": this is not an address that other machines can reach",
        ),
        (
            with("router = \"10.0.1.1\""),
            "3: dhcp.subnet.router = \"10.0.1.1\": not in 10.0.0.0/24; clients reach a router only in their own network",
        ),
        (
            with("router = \"10.0.0.255\""),
            "3: dhcp.subnet.router = \"10.0.0.255\": the first and the last address of 10.0.0.0/24 belong to no machine",
        ),
        (
            with("dns = [\"10.0.0.1\", \"x\"]"),
            "3: dhcp.subnet.dns = \"x\": use an IPv4 address, e.g. \"10.0.0.1\"",
        ),
        (
            with("domain = \"a..b\""),
            "3: dhcp.subnet.domain = \"a..b\": use a domain name, e.g. \"example.org\"",
        ),
        (
            with("options = [{ code = 3, ip = \"10.0.0.1\" }]"),
            "3: dhcp.subnet.options.code = 3: this is the router; use the key `router`",
        ),
        (
            with("options = [{ code = 0, hex = \"00\" }]"),
            "3: dhcp.subnet.options.code = 0: use a whole number from 1 to 254",
        ),
        (
            with("options = [{ code = 150 }]"),
            "3: dhcp.subnet.options.code: give its value by one of ip, text, hex, u8, u16, u32",
        ),
        (
            with("options = [{ code = 150, u8 = 1, u16 = 1 }]"),
            "3: dhcp.subnet.options.code: give its value by one of ip, text, hex, u8, u16, u32",
        ),
        (
            with("options = [{ code = 150, hex = \"0\" }]"),
            "3: dhcp.subnet.options.hex = \"0\": use 1 to 255 bytes in hexadecimal, e.g. \"0a:00:00:01\"",
        ),
        (
            with("options = [{ code = 26, u16 = 65536 }]"),
            "3: dhcp.subnet.options.u16 = 65536: use a whole number from 0 to 65535",
        ),
        (
            with("\n[[dhcp.subnet]]\nnetwork = \"10.0.0.128/25\""),
            "5: dhcp.subnet.network = \"10.0.0.128/25\": shares addresses with the subnet 10.0.0.0/24",
        ),
        (
            "[[dhcp.reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.0.0.9\"".into(),
            "3: dhcp.reservation.address = \"10.0.0.9\": no [[dhcp.subnet]] has this address",
        ),
        (
            "[[dhcp.reservation]]\nmac = \"52:54:00:00:00:01\"".into(),
            "1: dhcp.reservation.address: missing; write address = \"10.0.0.10\", with one of your network, or name, lease_time or known = true",
        ),
        (
            with("[[dhcp.reservation]]\nmac = \"53:54:00:00:00:01\"\naddress = \"10.0.0.9\""),
            "4: dhcp.reservation.mac = \"53:54:00:00:00:01\": this is not the address of one machine: it is zero, or a multicast address",
        ),
        (
            with("[[dhcp.reservation]]\nmac = \"52\"\naddress = \"10.0.0.9\""),
            "4: dhcp.reservation.mac = \"52\": use a MAC address, e.g. \"52:54:00:12:34:56\"",
        ),
        (
            with(
                "[[dhcp.reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.0.0.9\"\n[[dhcp.reservation]]\nmac = \"52:54:00:00:00:02\"\naddress = \"10.0.0.9\"",
            ),
            "8: dhcp.reservation.address = \"10.0.0.9\": reserved already, for 52:54:00:00:00:01",
        ),
        (
            with(
                "[[dhcp.reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.0.0.9\"\n[[dhcp.reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.0.0.8\"",
            ),
            "8: dhcp.reservation.address = \"10.0.0.8\": 52:54:00:00:00:01 has 10.0.0.9 reserved in 10.0.0.0/24 already",
        ),
        (
            with(
                "router = \"10.0.0.9\"\n[[dhcp.reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.0.0.9\"",
            ),
            "6: dhcp.reservation.address = \"10.0.0.9\": this is the router's address",
        ),
        (
            "[tftp]\nroots = []".into(),
            "2: tftp.roots = []: name at least one directory, e.g. [\"/srv/tftp\"]",
        ),
        (
            "[tftp]\nport = 4011".into(),
            "2: tftp.port = 4011: this port is DHCP's; firmware expects TFTP on 69",
        ),
        (
            "[tftp]\nports = \"500-100\"".into(),
            "2: tftp.ports = \"500-100\": use the first and the last port, e.g. \"40000-44095\"",
        ),
        (
            "[tftp]\nport = 6969\nports = \"6900-7000\"".into(),
            "3: tftp.ports = \"6900-7000\": port 6969 is among them, which DHCP or TFTP itself listens on",
        ),
        ("[tftp]\nmax_block = 100".into(), "2: tftp.max_block = 100: use a whole number from 512 to 65464"),
        (
            "[tftp]\nmax_window = 99999999999999999999".into(),
            "2: tftp.max_window = 99999999999999999999: use a whole number from 1 to 32767",
        ),
        (
            "[http]\naddresses = [\"eth0\"]".into(),
            "2: http.addresses = \"eth0\": use an address of this host, e.g. \"10.0.0.1\" or \"127.0.0.1\"",
        ),
        (
            "[http]\nmax_rate = \"10 MB\"".into(),
            "2: http.max_rate = \"10 MB\": use \"none\", or a whole number with a unit, e.g. \"10 MB/s\" or \"100 Mbit/s\"",
        ),
        ("[http]\nmax_rate = \"1 kB/s\"".into(), "2: http.max_rate = \"1 kB/s\": use at least \"16 kB/s\""),
        (
            "[http]\nport = 80\n[api]\nport = 80".into(),
            "4: api.port = 80: [http] has this port; the two sides need one each",
        ),
        (
            "[http]\nport = 3478\n".into(),
            "1: api.port: missing; [http] has the usual 3478, so choose another here",
        ),
        (
            format!("[api]\nsocket = \"/{long}\""),
            "2: api.socket = \"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: a socket's path has at most 107 bytes",
        ),
        (
            "[api]\ntrusted = [\"10.0.0.1/8\"]".into(),
            "2: api.trusted = \"10.0.0.1/8\": this is an address within a network; write \"10.0.0.0/8\"",
        ),
        (
            "[api]\nmetrics = [\"10.0.9.5/24\"]".into(),
            "2: api.metrics = \"10.0.9.5/24\": this is an address within a network; write \"10.0.9.0/24\"",
        ),
        (
            "[api]\ntrusted = \"lan\"".into(),
            "2: api.trusted = \"lan\": use a network, e.g. \"10.0.0.0/24\", or an address",
        ),
        (
            "[boot]\nunknown = \"grml\"".into(),
            "2: boot.unknown = \"grml\": use \"ignore\", \"default\", \"loader\" or \"profile:NAME\"",
        ),
        (
            "[boot]\nunknown = \"profile:u\"\n[profiles.u]\nclass = \"install\"".into(),
            "2: boot.unknown = \"profile:u\": profile u is of class \"install\", and a machine that nobody armed is never installed; name a profile of another class",
        ),
        ("[boot]\nattempts = 0".into(), "2: boot.attempts = 0: use a whole number from 1 to 100"),
        (
            "[boot]\nserial = \"ttyS0\"".into(),
            "2: boot.serial = \"ttyS0\": use what PXELINUX's SERIAL takes: port, speed and flow control, e.g. \"0 115200\"",
        ),
        (
            "[boot.loaders]\nbois = \"pxelinux.0\"".into(),
            "2: boot.loaders.bois = \"pxelinux.0\": there is no such key; did you mean boot.loaders.bios?",
        ),
        (
            "[boot.loaders]\nbios = \"script\"".into(),
            "2: boot.loaders.bios = \"script\": only iPXE reads scripts; name a file here, e.g. \"snponly.efi\", or \"none\"",
        ),
        (
            "[boot.loaders]\nbios = \"../x\"".into(),
            "2: boot.loaders.bios = \"../x\": use the name of a file beneath the root, e.g. \"snponly.efi\", without blanks, \\, : and .., at most 255 bytes; or an address, http://, https:// or tftp://HOST/FILE, at most 127 bytes; or \"script\", or \"none\"",
        ),
        (
            "[[dhcp.subnet]]\nnetwork = \"10.0.0.0/24\"\npxelinux = { config = \" \" }".into(),
            "3: dhcp.subnet.pxelinux.config = \" \": must not be empty; leave the key out instead",
        ),
        ("[boot.pxelinux]\nreboot = 0".into(), "2: boot.pxelinux.reboot = 0: use 1 to 86400 seconds"),
        (
            "[boot.pxelinux]\nprefix = \"\"".into(),
            "2: boot.pxelinux.prefix = \"\": must not be empty; leave the key out instead",
        ),
        (
            "[boot]\nexit_uefi = \"reboot\"".into(),
            "2: boot.exit_uefi = \"reboot\": use \"silence\", \"exit\", \"sanboot\", \"grub-exit\", \"grub-chain\" or \"localboot\"",
        ),
        (
            "[boot]\nexit_bios = \"grub-chain\"".into(),
            "2: boot.exit_bios = \"grub-chain\": GRUB is for UEFI; use \"localboot\", \"sanboot\", \"exit\" or \"silence\"",
        ),
        (
            "[boot]\nsecure_boot = true".into(),
            "2: boot.secure_boot = true: use \"prefer\", \"always\" or \"never\"",
        ),
        (
            "[boot.loaders]\nuefi-x64 = { menu = \"http://h/x\" }".into(),
            "2: boot.loaders.uefi-x64.menu = \"http://h/x\": shim and what it starts are files of the tree; for an address write it instead of the whole table",
        ),
        (
            "[boot.loaders]\nuefi-x64 = { signed = \"none\" }".into(),
            "2: boot.loaders.uefi-x64.signed = \"none\": to have none of it set secure_boot = \"never\"",
        ),
        (
            "[boot.loaders]\nuefi-x64 = { sined = \"x\" }".into(),
            "2: boot.loaders.uefi-x64.sined = \"x\": there is no such key; did you mean boot.loaders.uefi-x64.signed?",
        ),
        (
            "[boot.loaders]\nbios = { signed = \"x\" }".into(),
            "2: boot.loaders.bios = { signed = \"x\" }: this is a text; write it in quotes",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"".into(),
            "1: boot.rule.firmware: it would be for every machine; say which with firmware, arch, vendor, mac, subnet or except, or use [boot.loaders]",
        ),
        (
            "[[boot.rule]]\nmac = \"52\"".into(),
            "1: boot.rule.loader: missing; say which loader these machines get",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"\nmac = \"5254\"".into(),
            "3: boot.rule.mac = \"5254\": use the beginning of a MAC address, e.g. \"52:54:00\"",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"\nfirmware = \"efi\"".into(),
            "3: boot.rule.firmware = \"efi\": use \"pxe\", \"http\", \"ipxe\", \"bootp\", \"raspberry-pi\" or \"u-boot\"",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"\nsubnet = \"10.1.2.3/16\"".into(),
            "3: boot.rule.subnet = \"10.1.2.3/16\": this is an address within a network; write \"10.1.0.0/16\"",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"\nvendor = \"PXEClient:Arch:00007:UNDI:0030160\"".into(),
            "3: boot.rule.vendor = \"PXEClient:Arch:00007:UNDI:0030160\": must not be longer than 32 bytes",
        ),
        (
            "[profiles.x]\nloaders = { uefi_x64 = \"a\" }".into(),
            "2: profiles.x.loaders.uefi_x64 = \"a\": there is no such key; did you mean profiles.x.loaders.uefi-x64?",
        ),
        ("profiles.x = 1".into(), "1: profiles.x = 1: this is a table; write [profiles.x]"),
        (
            "[profiles.\"a/b\"]".into(),
            "1: profiles.a/b: \"a/b\" cannot name a profile: use 1 to 128 letters, digits, '-', '_', '.', '+', '@' or ':', and begin with a letter or digit",
        ),
        (
            "[profiles.x]\nkernel = \"k\"".into(),
            "1: profiles.x: its class is missing; write class = \"install\" if booting it destroys data, else class = \"live\"",
        ),
        (
            "[profiles.x]\nclass = \"installer\"".into(),
            "2: profiles.x.class = \"installer\": use \"install\", \"live\" or \"local\"",
        ),
        (
            "[profiles.local]\nclass = \"install\"".into(),
            "1: profiles.local: `local` is what hosts boot after an installation; its class can only be \"local\"",
        ),
        (
            "[profiles.x]\nclass = \"local\"\nkernel = \"k\"".into(),
            "1: profiles.x: a profile of class \"local\" boots the host's own disk; leave kernel, initrd, args and iso out",
        ),
        ("[profiles.x]\nargs = \"k\"".into(), "1: profiles.x: initrd and args need a kernel"),
        (
            "[profiles.x]\nclass = \"live\"\nfile = \"a\"\nkernel = \"k\"".into(),
            "1: profiles.x: either file or kernel: a file is served to the byte, a kernel's configuration is written",
        ),
        (
            "[profiles.x]\nclass = \"live\"\nkernel = \"ftp://k\"".into(),
            "3: profiles.x.kernel = \"ftp://k\": use a name beneath the roots, or an http:// address without blanks",
        ),
        (
            "[profiles.x]\nclass = \"live\"\nkernel = \"k\"\ninitrd = [\"a,b\"]".into(),
            "4: profiles.x.initrd = \"a,b\": PXELINUX separates initial RAM disks by commas; rename the file",
        ),
        (
            "[profiles.x]\nclass = \"live\"\nkernel = \"k\"\nargs = \"\"\"a\nb\"\"\"".into(),
            "4: profiles.x.args = \"\"\"a…: must be one line; end a line with \\ within \"\"\" to go on in the next",
        ),
        (
            "[profiles.x]\nkernal = \"k\"".into(),
            "2: profiles.x.kernal = \"k\": there is no such key; did you mean profiles.x.kernel?",
        ),
        ("[journal]\nevents = 1".into(), "2: journal.events = 1: use a whole number from 1000 to 100000000"),
        ("[journal]\nsize = 1".into(), "2: journal.size = 1: there is no such key; here are events"),
    ] {
        assert_eq!(complaints(&text), [complaint], "{text}");
    }
}

#[test]
fn relative_paths_begin_in_the_files_directory() {
    let text = "data_dir = \"state\"\n[tftp]\nroots = [\"../tree\", \"/srv\"]\n";
    let config = Config::parse(text, Path::new("/etc/nextboot/nextboot.toml")).unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/nextboot/state"));
    assert_eq!(config.api.token_file, Path::new("/etc/nextboot/state/token"));
    assert_eq!(config.files.roots, [Path::new("/etc/nextboot/../tree"), Path::new("/srv")]);
}

#[test]
fn a_dhcp_server_is_read_whole() {
    let config = parse(
        r#"
        [dhcp]
        mode = "server"
        bios_proxy = "boot-server"
        uefi_proxy = "direct"
        reply_delay = 250
        lease_time = "infinite"
        networks = "10.9.0.0/16"

        [[dhcp.subnet]]
        network = "10.0.0.0/24"
        pool = ["10.0.0.100-10.0.0.199", "10.0.0.9"]
        router = "10.0.0.1"
        dns = ["10.0.0.2", "10.0.0.3"]
        options = [{ code = 26, u16 = 1500 }, { code = 150, ip = ["10.0.0.1", "10.0.0.2"] }, { code = 224, hex = "0a:FF" }]

        [[dhcp.subnet]]
        network = "10.0.1.0/24"
        lease_time = 3600

        [[dhcp.reservation]]
        mac = "52-54-00-12-34-56"
        address = "10.0.1.7"
        name = "printer"
        "#,
    );
    assert_eq!(config.dhcp.mode, Mode::Server);
    let ways = config.dhcp.proxy.ways;
    assert_eq!((ways.bios, ways.uefi), (OfferWay::BootServer, OfferWay::Direct));
    assert_eq!(config.dhcp.reply_delay.as_millis(), 250);
    let networks: Vec<String> = config.dhcp.proxy.networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.9.0.0/16", "10.0.0.0/24", "10.0.1.0/24"]);
    let [first, second] = config.dhcp.server.subnets.as_slice() else { panic!() };
    let nine = [10, 0, 0, 9].into();
    assert_eq!(first.pools[1], PoolRange { first: nine, last: nine });
    assert_eq!(first.lease_time, LeaseTime::Infinite);
    let options: Vec<_> =
        first.parameters.options.iter().map(|option| (option.code, option.value.clone())).collect();
    assert_eq!(options, [(26, vec![5, 220]), (150, vec![10, 0, 0, 1, 10, 0, 0, 2]), (224, vec![10, 255])]);
    assert_eq!(second.lease_time, LeaseTime::Seconds(3600));
    assert_eq!(second.reservations[0].host_name.as_deref(), Some("printer"));
    assert!(first.reservations.is_empty());
}

#[test]
fn profiles_and_loaders_reach_the_site() {
    let config = parse(
        r#"
        [boot]
        unknown = "profile:rescue"
        serial = "0 115200"
        secure_boot = "always"
        exit_bios = "sanboot"
        pxelinux = { config = "special.cfg", reboot = "2m" }
        [[dhcp.subnet]]
        network = "10.2.0.0/16"
        pxelinux = { prefix = "lab/" }
        [[dhcp.subnet]]
        network = "10.3.0.0/16"
        [boot.loaders]
        bios = "lpxelinux.0"
        ipxe-bios = "http://10.0.0.9/boot.ipxe"
        uefi-x64 = "none"
        uefi-arm64 = { signed = "arm/shimaa64.efi", menu = "none" }
        [[boot.rule]]
        firmware = "http"
        arch = ["uefi-x64", "uefi-arm64"]
        vendor = "HTTPClient"
        mac = "52-54:00"
        subnet = "10.1.0.0/16"
        loader = "script"
        [[boot.rule]]
        mac = "02"
        next_server = "10.0.0.5"
        [profiles.rescue]
        loader = "none"
        loaders = { bios = "/lpxelinux.0" }
        class = "live"
        kernel = "/grml/vmlinuz"
        initrd = "grml/initrd.img"
        args = "boot=live"
        [profiles.image]
        class = "live"
        iso = "iso/grml.iso"
        [profiles.ubuntu]
        class = "install"
        seed = "ubuntu.cfg.j2"
        loaders = { uefi-x64 = "https://10.0.0.9/x.efi" }
        [profiles.old]
        title = "as it always was"
        [profiles.local]
        "#,
    );
    let site = &config.site;
    assert_eq!(site.unknown, Unknown::Profile("rescue".parse().unwrap()));
    assert_eq!(site.loaders.0.get(&Kind::Bios), Some(&Entry::file("lpxelinux.0")));
    let address = Loader::Address("http://10.0.0.9/boot.ipxe".into());
    assert_eq!(site.loaders.0.get(&Kind::IpxeBios), Some(&Entry::One(address)));
    assert_eq!(site.loaders.0.get(&Kind::UefiX64), None);
    let chain = Chain { signed: "arm/shimaa64.efi".into(), unsigned: None, menu: None };
    assert_eq!(site.loaders.0.get(&Kind::UefiArm64), Some(&Entry::Chain(chain)));
    assert_eq!((site.secure_boot, site.gives_addresses), (SecureBoot::Always, false));
    let [first, second] = &site.rules[..] else { panic!("{:?}", site.rules) };
    assert_eq!(
        first.to_string(),
        "firmware http, arch uefi-x64/uefi-arm64, vendor \"HTTPClient\", mac 52:54:00, subnet 10.1.0.0/16"
    );
    assert_eq!((&first.loader, first.next_server), (&Some(LoaderName::Script), None));
    assert_eq!((&second.loader, second.next_server), (&None, Some([10, 0, 0, 5].into())));
    let own = &site.profiles.get(&"rescue".parse().unwrap()).unwrap().loaders;
    assert_eq!(site.exits, Exits { bios: Exit::Sanboot, uefi: Exit::Silence });
    assert_eq!(site.pxelinux.encoded(), [(209, b"special.cfg".to_vec()), (211, vec![0, 0, 0, 120])]);
    let [(network, told)] = &site.networks[..] else { panic!("{:?}", site.networks) };
    assert_eq!((network.to_string().as_str(), told.prefix.as_deref()), ("10.2.0.0/16", Some("lab/")));
    assert_eq!(own.any, Some(LoaderName::None));
    assert_eq!(own.by_kind.get(&Kind::Bios), Some(&LoaderName::File("lpxelinux.0".into())));
    assert_eq!((site.http_port, site.api_port, site.attempts), (8080, 3478, 3));
    let profile = |name: &str| site.profiles.get(&name.parse().unwrap()).unwrap();
    let Body::Linux(linux) = &profile("rescue").body else { panic!() };
    assert_eq!(
        (linux.kernel.as_str(), linux.initrds.as_slice()),
        ("grml/vmlinuz", ["grml/initrd.img".to_owned()].as_slice())
    );
    assert_eq!(profile("image").body, Body::Iso("iso/grml.iso".into()));
    assert_eq!(profile("image").loaders.any, Some(LoaderName::Script));
    let address = LoaderName::Address("https://10.0.0.9/x.efi".into());
    assert_eq!(profile("ubuntu").loaders.by_kind.get(&Kind::UefiX64), Some(&address));
    assert_eq!(profile("ubuntu").body, Body::File("pxelinux.cfg/conf/ubuntu".into()));
    assert_eq!(profile("old").class, Class::Unclassified);
    assert_eq!(profile("local").body, Body::Local);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = Config::parse(&text, Path::new("f.toml"));
    }

    #[test]
    fn no_value_makes_it_panic(
        at in 0usize..400,
        value in prop_oneof![
            Just("3".to_owned()), Just("-1".to_owned()), Just("[]".to_owned()), Just("{}".to_owned()), Just("[[1]]".to_owned()),
            Just("[{ a = 1 }]".to_owned()), Just("1979-05-27".to_owned()), Just("nan".to_owned()), Just("true".to_owned()),
            "\"[ -~]{0,30}\"",
        ],
    ) {
        let text = example_in_full();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = at % lines.len();
        if let Some((key, _)) = lines[at].clone().split_once(" = ") {
            lines[at] = format!("{key} = {value}");
        }
        if let Err(complaints) = Config::parse(&lines.join("\n"), Path::new("f.toml")) {
            prop_assert!(!complaints.list().is_empty());
            prop_assert!(complaints.list().iter().all(|complaint| (1..=lines.len()).contains(&complaint.line)));
        }
    }
}

#[test]
fn a_file_that_is_something_else_altogether_gets_a_hundred_complaints() {
    let wrong_keys: String = (0..5000).map(|number| format!("k{number} = 1\n")).collect();
    for text in ["=\n".repeat(5000), wrong_keys] {
        let complaints = complaints(&text);
        assert_eq!(complaints.len(), 101);
        let last = complaints.last().unwrap();
        assert!(last.contains("and ") && last.ends_with(" more"), "{last}");
    }
}
