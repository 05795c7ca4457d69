//! The process itself, by the names that Prometheus' client libraries give these numbers.

use std::fs;

use nextboot_model::Timestamp;

use super::text::{Kind, Page};

/// `USER_HZ`, the unit of `/proc/PID/stat`: 100 on every Linux (time(7)).
const TICKS: f64 = 100.0;

pub(super) fn write(page: &mut Page, started: Timestamp) {
    page.one(
        Kind::Gauge,
        "process_start_time_seconds",
        "When the process was started, in seconds since 1970.",
        started.0 as f64 / 1e3,
    );
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu(&stat)) {
        page.one(
            Kind::Counter,
            "process_cpu_seconds_total",
            "Processor time that the process took, of user and system together.",
            seconds,
        );
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (field, name, help) in [
        ("VmRSS", "process_resident_memory_bytes", "Memory of the process that is in RAM."),
        ("VmSize", "process_virtual_memory_bytes", "Address space of the process."),
    ] {
        if let Some(bytes) = memory(&status, field) {
            page.one(Kind::Gauge, name, help, bytes);
        }
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // One of them is this directory.
        let open = entries.count().saturating_sub(1);
        page.one(Kind::Gauge, "process_open_fds", "Files and sockets that the process has open.", open);
    }
    if let Some(most) = fs::read_to_string("/proc/self/limits").ok().and_then(|limits| most_files(&limits)) {
        page.one(Kind::Gauge, "process_max_fds", "How many files and sockets it may have open.", most);
    }
}

/// User and system time in seconds: fields 14 and 15, counted behind the name, which may have spaces and brackets.
fn cpu(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS)
}

/// A field of `/proc/PID/status`, which is in kB of 1024 bytes.
fn memory(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn most_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procs_files_are_read_as_proc_5_says() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 5 0 100 1 2";
        assert_eq!(cpu(stat), Some(3.0));
        assert_eq!(cpu("42 (x) S 1"), None);
        let status = "Name:\tnextboot\nVmSize:\t   2048 kB\nVmRSS:\t    16 kB\n";
        assert_eq!((memory(status, "VmRSS"), memory(status, "VmSize")), (Some(16_384), Some(2_097_152)));
        assert_eq!(memory(status, "VmSwap"), None);
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files            1024  524288  files\n";
        assert_eq!(most_files(limits), Some(1024));
    }

    #[test]
    fn this_very_process_has_all_of_them() {
        let mut page = Page::default();
        write(&mut page, Timestamp(1_500));
        let text = page.finish();
        for name in
            ["start_time_seconds", "cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds"]
        {
            assert!(text.contains(&format!("\nprocess_{name} ")), "{name}: {text}");
        }
        assert!(text.contains("process_start_time_seconds 1.5\n"), "{text}");
    }
}
