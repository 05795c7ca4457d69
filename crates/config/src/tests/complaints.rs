//! Complaints as a whole: all at once, each with its line, and not without end.

use std::path::Path;

use super::complaints;
use crate::Config;

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
