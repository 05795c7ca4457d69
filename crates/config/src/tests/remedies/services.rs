//! What holds for the whole server, files, the API, power and the journal.

use super::refused;

#[test]
fn what_is_wrong_elsewhere_gets_its_remedy() {
    let long = "x".repeat(120);
    refused(&[
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
            "interfaces = [\"eth0\", \"a b\"]".into(),
            "1: interfaces = \"a b\": use the name of a network interface as `ip link` shows it, e.g. \"eth0\", or several's, as \"eth*\"",
        ),
        ("interfaces = 3".into(), "1: interfaces = 3: this is a text; write it in quotes"),
        ("data_dir = \"\"".into(), "1: data_dir = \"\": must not be empty; leave the key out instead"),
        (
            "data_dir = \"a\\u0000\"".into(),
            "1: data_dir = \"a\\u0000\": must be one line, without control characters",
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
        ("[journal]\nevents = 1".into(), "2: journal.events = 1: use a whole number from 1000 to 100000000"),
        ("[journal]\nsize = 1".into(), "2: journal.size = 1: there is no such key; here are events"),
    ]);
}
