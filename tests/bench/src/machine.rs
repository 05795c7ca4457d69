//! What the bench ran on and beside whom: figures of another machine or another version are other figures.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::stats::Latencies;

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

/// What it takes at best to make 4 KiB durable in this directory: written over bytes of a file that are on the disk already
/// (nothing about the file changes), so many times, as often as that: a disk that is never idle is faster.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn syncs(directory: &Path, times: usize, every: Duration) -> Result<Latencies> {
    const PLACES: usize = 64;
    let path = directory.join("syncs");
    let (file, mut page) = (File::create(&path)?, [0_u8; 4096]);
    file.write_all_at(&vec![0; PLACES * page.len()], 0)?;
    file.sync_all()?;
    let mut each = Vec::with_capacity(times);
    for time in 0..times {
        thread::sleep(every);
        page.fill(u8::try_from(time % 251)?);
        let begun = Instant::now();
        file.write_all_at(&page, (time % PLACES * page.len()) as u64)?;
        file.sync_data()?;
        each.push(begun.elapsed());
    }
    fs::remove_file(path)?;
    Ok(Latencies::new(each))
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
