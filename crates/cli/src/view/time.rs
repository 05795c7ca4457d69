use std::time::{SystemTime, UNIX_EPOCH};

use nextboot_model::Timestamp;

/// The wall clock, in milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-21 07:52:12 UTC`.
pub(super) fn clock(at: u64) -> String {
    let text = Timestamp(at).to_string();
    match text.split_once('.') {
        Some((text, _)) => format!("{} UTC", text.replace('T', " ")),
        None => text,
    }
}

/// How long ago, or in how long, in one unit: `3 min ago`, `in 12 h`.
pub(super) fn relative(now: u64, at: u64) -> String {
    if at == u64::MAX {
        return "never".into();
    }
    let span = |millis: u64| match millis / 1000 {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    };
    if at > now { format!("in {}", span(at - now)) } else { format!("{} ago", span(now - at)) }
}

/// Seconds with one decimal: `+12.3 s`.
pub(super) fn offset(from: u64, at: u64) -> String {
    let tenths = at.saturating_sub(from) / 100;
    format!("+{}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_one_unit() {
        let now = 1_795_247_532_034;
        for (at, text) in [
            (now, "0 s ago"),
            (now - 119_999, "119 s ago"),
            (now - 120_000, "2 min ago"),
            (now - 3 * 3_600_000, "3 h ago"),
            (now - 4 * 86_400_000, "4 days ago"),
            (now + 43_200_000, "in 12 h"),
            (u64::MAX, "never"),
        ] {
            assert_eq!(relative(now, at), text);
        }
        assert_eq!(clock(now), "2026-11-21 07:52:12 UTC");
        assert_eq!(offset(now, now + 12_399), "+12.3 s");
    }
}
