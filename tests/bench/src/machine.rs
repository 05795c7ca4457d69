//! What the bench ran on and beside whom: figures of another machine or another version are other figures.

use std::fs;
use std::process::Command;
use std::thread;

/// Debian's packages of peers and load generators.
const PACKAGES: &[&str] = &["dnsmasq-base", "nginx-light", "kea-dhcp4-server", "kea-admin", "wrk"];

/// A line about the machine, and a line about the peers.
pub(crate) fn describe() -> [String; 2] {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = value(&cpu, "model name").unwrap_or("unknown CPU");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let machine = format!("{cores} cores of {model}, Linux {}", kernel.trim());
    let installed = Command::new("dpkg-query")
        .args(["-W", "-f", "${Package} ${Version}, "])
        .args(PACKAGES)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    [machine, format!("beside {}atftpd, tftpd-hpa, async-tftp, rs-tftpd", installed)]
}

fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| Some(line.strip_prefix(key)?.trim_start().strip_prefix(':')?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_stands_behind_the_colon() {
        assert_eq!(value("processor\t: 0\nmodel name\t: A: B\n", "model name"), Some("A: B"));
        assert_eq!(value("model names: x", "model name"), None);
    }
}
