//! Tables from what the API sends.

use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_795_247_600_000;

fn node() -> Value {
    json!({
        "name": "node1",
        "macs": ["52:54:00:12:34:56"],
        "address": "10.0.0.9",
        "vars": { "disk": "/dev/sda" },
        "assignment": {
            "profile": "ubuntu", "class": "install", "until": "done", "since": NOW - 180_000,
            "by": { "door": "api", "who": "root over the socket" }, "by_text": "root over the socket", "delivered": 1
        },
        "boots": { "profile": "ubuntu", "why": "assigned ubuntu by root over the socket" },
        "attempt": {
            "id": 5, "mac": "52:54:00:12:34:56", "host": "node1", "started": NOW - 60_000, "heard": NOW - 3_000,
            "address": "10.0.0.9", "arch": 7, "profile": "ubuntu", "stage": "delivered"
        }
    })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn hosts_are_a_table() {
    let failed = json!({
        "name": "n2", "macs": ["52:54:00:00:00:02", "52:54:00:00:00:03"],
        "assignment": { "profile": "local", "until": "changed", "since": NOW - 86_400_000 * 3, "failed": "3 times" },
        "boots": { "profile": "local", "why": "" }
    });
    let text = hosts(&[read(node()), read(failed)], NOW);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "NAME   MAC                                  ADDRESS   BOOTS   HOLDS                        SINCE       NOW",
            "node1  52:54:00:12:34:56                    10.0.0.9  ubuntu  until it calls back          3 min ago   delivered",
            "n2     52:54:00:00:00:02 52:54:00:00:00:03  -         local   failed, see `nextboot show`  3 days ago  -",
        ]
    );
    assert!(hosts(&[], NOW).contains("host add"));
}

/// As hosts are that come with a file of another program.
#[test]
fn of_a_host_of_which_nobody_has_said_anything_no_time_is_told() {
    let new = json!({
        "name": "n3", "macs": ["52:54:00:00:00:04"],
        "assignment": { "profile": "local", "until": "changed", "since": 0, "by_text": "root over the socket" },
        "boots": { "profile": "grml", "why": "linked" }
    });
    let row = hosts(&[read(new.clone())], NOW);
    assert!(row.ends_with("by hand, see `nextboot show`  -      -"), "{row}");
    let shown = host(&read(new), NOW);
    assert!(shown.contains("\nassigned    nothing yet") && !shown.contains("1970"), "{shown}");
}

#[test]
fn a_host_is_shown_with_its_reasons_and_its_timelines() {
    let attempts = json!([
        { "id": 2, "started": NOW - 60_000, "profile": "ubuntu", "events": [
            { "id": 9, "at": NOW - 60_000, "code": "attempt-started", "text": "begins to boot" },
            { "id": 10, "at": NOW - 59_700, "code": "file-sent", "name": "pxelinux.0", "bytes": 42430, "millis": 12, "via": "tftp" },
            { "id": 11, "at": NOW - 48_000, "code": "seen-by-a-later-version" }
        ]},
        { "id": 1, "started": NOW - 600_000, "ended": NOW - 300_000, "outcome": { "outcome": "called-back" }, "events": [] }
    ]);
    let text = show(&read(node()), &read::<Vec<_>>(attempts), NOW);
    assert_eq!(
        text,
        "\
name        node1
mac         52:54:00:12:34:56
address     10.0.0.9
vars        disk=/dev/sda
boots       ubuntu
because     assigned ubuntu by root over the socket
assigned    ubuntu (install) until it calls back, 3 min ago (2026-11-21 07:50:20 UTC), by root over the socket
delivered   1 time in full
now         delivered, ubuntu, x86-64 UEFI, 10.0.0.9, began 60 s ago, heard 3 s ago

attempt of 2026-11-21 07:43:20 UTC (10 min ago): installed, called back

attempt of 2026-11-21 07:52:20 UTC (60 s ago), ubuntu: under way
      +0.0 s  begins to boot
      +0.3 s  got pxelinux.0, 41.4 KiB in 12 ms by TFTP
     +12.0 s  seen-by-a-later-version
"
    );
}

#[test]
fn what_came_of_switching_is_a_table() {
    let hosts = json!([
        { "host": "n1", "ok": true, "state": "on", "did": "on", "was": "off" },
        { "host": "n2", "ok": true, "state": "unknown", "did": "on", "remark": "woken if it was off" },
        { "host": "n3", "ok": false, "state": "unknown", "error": { "code": "slow", "message": "no answer\u{1b}[2J" } }
    ]);
    assert_eq!(
        switched(&read::<Vec<_>>(hosts)).lines().collect::<Vec<_>>(),
        [
            "HOST  POWER    RESULT",
            "n1    on       switched on, was off",
            "n2    unknown  switched on; woken if it was off",
            "n3    -        no answer\u{fffd}[2J",
        ]
    );
    let hosts = json!([
        { "host": "n1", "boots": "911boot", "changed": true, "power": { "ok": false, "error": { "code": "no-power" } } },
        { "host": "n2", "boots": "911boot", "changed": true }
    ]);
    assert_eq!(
        rescued(&read::<Vec<_>>(hosts), false),
        "n1 boots 911boot: nothing is known that switches it: reset it by hand, and have it boot from the network\n\
         n2 boots 911boot: at its next boot"
    );
}

#[test]
fn loaders_are_told_with_their_reasons() {
    let with = |loaders: Value| {
        let mut node = node();
        node["loaders"] = loaders;
        let text = host(&read(node), NOW);
        text.lines().filter(|line| line.starts_with("loader ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let seen = json!({ "as": "uefi-x64", "loader": "snponly.efi", "why": "[boot.loaders] uefi-x64" });
    assert_eq!(with(json!([seen])), ["loader      snponly.efi: [boot.loaders] uefi-x64"]);
    let never = json!({ "as": "uefi-arm32", "loader": null, "why": "ARM UEFI has no loader" });
    assert_eq!(
        with(json!([seen, never])),
        [
            "loader      uefi-x64: snponly.efi: [boot.loaders] uefi-x64",
            "loader      uefi-arm32: none: ARM UEFI has no loader"
        ]
    );
    let silence = |machine: &str| json!({ "as": machine, "loader": null, "why": "silence" });
    let both = json!([silence("uefi-ia32"), silence("uefi-x64")]);
    assert_eq!(with(both), ["loader      uefi-ia32, uefi-x64: none: silence"]);
}

#[test]
fn a_preview_shows_what_would_be_read() {
    let would = json!({
        "as": "http-uefi-x64", "profile": "ubuntu", "class": "install", "why": "assigned", "loader": "snponly.efi",
        "loader_why": "rule", "boot_file": "http://10.0.0.1:8080/snponly.efi", "reads": "iPXE",
        "text": "#!ipxe\nboot\u{1b}\n"
    });
    assert_eq!(
        preview(&read(would)),
        "\
as       http-uefi-x64
boots    ubuntu (install)
because  assigned
loader   snponly.efi: rule
told     http://10.0.0.1:8080/snponly.efi

for iPXE:
#!ipxe
boot\u{fffd}
"
    );
    let nothing = preview(&read(json!({ "as": "bios", "why": "unknown", "no_text": "no file" })));
    assert_eq!(
        nothing,
        "as       bios\nboots    nothing\nbecause  unknown\nloader   none\nreads    nothing: no file\n"
    );
}

#[test]
fn machines_leases_profiles_and_the_server_are_shown() {
    let unknown = json!({ "mac": "52:54:00:00:00:09", "host": null, "arch": 0, "stage": "asking", "started": NOW, "heard": NOW });
    let text = machines(&[read(unknown)], NOW);
    assert!(
        text.lines().nth(1).unwrap().starts_with("52:54:00:00:00:09  (unknown)  -        x86 BIOS  -"),
        "{text}"
    );
    let lease = json!({ "address": "10.0.0.9", "mac": "52:54:00:12:34:56", "hostname": "evil\u{1b}[2J", "state": "bound", "expires": u64::MAX, "heard": NOW });
    let text = leases(&[read(lease)], NOW);
    assert!(text.contains("never") && text.contains("evil\u{fffd}[2J"), "{text}");
    let neighbour = json!({ "server": "10.0.0.2", "interface": "eth0", "gives_addresses": true, "offers": 3, "file": "x\u{1b}.efi", "conflicts": [{ "code": "boot-file", "message": "take it out" }], "heard": NOW });
    let text = neighbours(&[read(neighbour)], NOW);
    assert!(text.contains("addresses") && text.contains("x\u{fffd}.efi") && text.contains("3/0/0"), "{text}");
    assert!(text.ends_with("\n! 10.0.0.2: take it out"), "{text}");
    let file = json!({ "name": "grml", "class": "unclassified", "kind": "file", "file": "pxelinux.cfg/conf/grml", "content": "default grml\r\n\tkernel\u{7} k\n" });
    assert!(profile(&read(file.clone())).ends_with("\n\ndefault grml\n\tkernel\u{fffd} k\n"));
    assert!(profiles(&[read(file)]).contains("grml  unclassified  pxelinux.cfg/conf/grml  -"));
    let text = status(
        &read(
            json!({ "version": "0.1.0", "started": NOW, "mode": "proxy", "interfaces": ["eth0"], "config": null }),
        ),
        NOW,
    );
    assert!(text.contains("config      none, the defaults hold"), "{text}");
}

#[test]
fn an_event_is_one_line_whatever_is_in_it() {
    let event = json!({ "id": 1, "at": NOW, "host": "n1", "mac": "52:54:00:00:00:01", "code": "trouble", "text": "a\nb\u{1b}[31m" });
    assert_eq!(line(&event), "2026-11-21 07:53:20 UTC  n1  a\u{fffd}b\u{fffd}[31m");
    assert_eq!(
        line(&json!({ "at": NOW, "code": "stopped", "id": 2 })),
        "2026-11-21 07:53:20 UTC  nextboot  nextboot stops"
    );
    assert_eq!(line(&json!({})), "1970-01-01 00:00:00 UTC  nextboot  ?");
}
