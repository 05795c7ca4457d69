//! [dhcp], its subnets and its reservations.

use super::refused;

#[test]
fn what_is_wrong_in_dhcp_gets_its_remedy() {
    let subnet = "[[dhcp.subnet]]\nnetwork = \"10.0.0.0/24\"\n";
    let with = |more: &str| format!("{subnet}{more}");
    refused(&[
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
            "[[dhcp.subnet]]\nnetwork = \"10.0.0.0/24\"\npxelinux = { config = \" \" }".into(),
            "3: dhcp.subnet.pxelinux.config = \" \": must not be empty; leave the key out instead",
        ),
    ]);
}
