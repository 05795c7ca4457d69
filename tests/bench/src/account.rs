//! What a server used: CPU time and memory, as the kernel counted it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

/// CPU time of a process with all its threads and children, so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage(Duration);

impl Usage {
    /// Looks now. Children that live are asked themselves, to the nanosecond; those that ended are in the process's own
    /// account, in clock ticks.
    ///
    /// # Errors
    /// When the process is no more.
    pub fn of(pid: u32) -> Result<Self> {
        let mut total = Duration::ZERO;
        for pid in family(pid)? {
            // A child may end between being listed and being asked; then its parent has the account.
            if let Ok(time) = own(pid) {
                total += time;
            }
            if let Ok(time) = ended_children(pid) {
                total += time;
            }
        }
        Ok(Self(total))
    }

    /// What was used since an earlier look.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// CPU time of the load generators: this program itself, and programs that it started and that have ended.
    #[must_use]
    pub fn of_clients() -> Self {
        let own = ClockId::CLOCK_PROCESS_CPUTIME_ID.now().map(Duration::from).unwrap_or_default();
        let ended = getrusage(UsageWho::RUSAGE_CHILDREN).map_or(Duration::ZERO, |usage| {
            let micros = [usage.user_time(), usage.system_time()].map(|time| time.num_microseconds());
            Duration::from_micros(u64::try_from(micros.iter().sum::<i64>()).unwrap_or_default())
        });
        Self(own + ended)
    }
}

/// CPU time of a process and its children over a while.
#[derive(Debug)]
pub(crate) struct Watch {
    pid: u32,
    before: Usage,
    /// Children that were seen, with what they had used by then.
    seen: BTreeMap<u32, Duration>,
}

impl Watch {
    /// Begins now.
    ///
    /// # Errors
    /// When the process is no more.
    pub(crate) fn begin(pid: u32) -> Result<Self> {
        let mut watch = Self { pid, before: Usage::of(pid)?, seen: BTreeMap::new() };
        watch.look();
        Ok(watch)
    }

    /// To be called now and then. A server that ignores its children's ends (tftpd-hpa, which has one for each transfer) has
    /// their time in no account.
    pub(crate) fn look(&mut self) {
        for child in family(self.pid).unwrap_or_default().into_iter().skip(1) {
            if let Ok(time) = own(child) {
                self.seen.insert(child, time);
            }
        }
    }

    /// What was used since the beginning.
    ///
    /// # Errors
    /// When the process is no more.
    pub(crate) fn end(mut self) -> Result<Duration> {
        let mut used = Usage::of(self.pid)?.since(self.before);
        if ignores_ends(&fs::read_to_string(format!("/proc/{}/status", self.pid))?) {
            for living in family(self.pid)? {
                self.seen.remove(&living);
            }
            used += self.seen.values().sum::<Duration>();
        }
        Ok(used)
    }
}

/// Whether the process of this `/proc/PID/status` ignores SIGCHLD, number 17.
fn ignores_ends(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> 16 & 1 == 1)
}

/// The most memory that a process and its living children ever had resident, in KiB (`VmHWM`). Pages that they share are counted
/// for each of them.
///
/// # Errors
/// When the process is no more.
pub fn peak_kib(pid: u32) -> Result<u64> {
    let mut total = memory(pid, "VmHWM:")?;
    for child in family(pid)?.into_iter().skip(1) {
        total += memory(child, "VmHWM:").unwrap_or(0);
    }
    Ok(total)
}

/// What the process has resident now, in KiB; its `VmHWM` begins there again.
///
/// # Errors
/// When the process is no more.
pub fn forget_peak(pid: u32) -> Result<u64> {
    // proc(5): 5 resets the peak.
    fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, what: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(what)).with_context(|| format!("no {what}"))?;
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).context("memory that is no number")
}

fn own(pid: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid)?))?;
    Ok(clock.now()?.into())
}

fn ended_children(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = rustix::param::clock_ticks_per_second();
    let (user, system) = child_ticks(&stat).context("an odd line in /proc")?;
    Ok(Duration::from_secs_f64((user + system) as f64 / ticks as f64))
}

/// `cutime` and `cstime`. The second field is the program's name, which may have anything in it.
fn child_ticks(stat: &str) -> Option<(u64, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// The process and what descends from it, itself first.
fn family(pid: u32) -> Result<Vec<u32>> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        next += 1;
        // A process that has many threads may have children of each.
        let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else { continue };
        for thread in threads.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    Ok(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_move_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 1 0 5 6 7";
        assert_eq!(child_ticks(stat), Some((13, 14)));
    }

    #[test]
    fn a_server_that_ignores_its_childrens_ends_is_known() {
        assert!(ignores_ends("Name:\tx\nSigIgn:\t0000000000010000\nSigCgt:\t0\n"));
        assert!(!ignores_ends("SigIgn:\t0000000000001000\nSigCgt:\t0000000000010000\n"));
    }

    #[test]
    fn an_own_child_that_worked_is_in_the_account() {
        let own = std::process::id();
        let (before, clients) = (Usage::of(own).unwrap(), Usage::of_clients());
        let status = std::process::Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
            .status()
            .unwrap();
        assert!(status.success());
        assert!(Usage::of(own).unwrap().since(before) > Duration::from_millis(10));
        assert!(Usage::of_clients().since(clients) > Duration::from_millis(10));
        assert!(peak_kib(own).unwrap() > 100);
    }
}
