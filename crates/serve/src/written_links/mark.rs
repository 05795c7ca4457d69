use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nextboot_model::Timestamp;

/// The time that a link of ours bears: that of the word which it is for, and in the nanoseconds below a millisecond a sum over
/// its name, its text and that time.
///
/// So a link tells by itself that we made it, and there is no record that a crash could leave behind or before it, nor one to be
/// lost. A link that somebody else makes has other nanoseconds, and a copy under another name another sum. One in a million is
/// mistaken.
pub(crate) fn time(entry: &str, text: &str, since: Timestamp) -> SystemTime {
    let nanos = sum(entry, text, since);
    UNIX_EPOCH + Duration::from_millis(since.0) + Duration::from_nanos(nanos)
}

/// True when we made the link at `entry`, a name beneath the root, with this text and time.
pub(crate) fn is_ours(entry: &str, text: &str, modified: SystemTime) -> bool {
    let since =
        modified.duration_since(UNIX_EPOCH).ok().and_then(|time| u64::try_from(time.as_millis()).ok());
    since.is_some_and(|since| time(entry, text, Timestamp(since)) == modified)
}

/// FNV-1a, which must never change: links outlive releases. Zero stands for nothing, so that a whole millisecond, which copies
/// and archives make, is never ours.
fn sum(entry: &str, text: &str, since: Timestamp) -> u64 {
    let parts = [entry.as_bytes(), &[0], text.as_bytes(), &[0], &since.0.to_le_bytes()];
    let sum = parts.into_iter().flatten().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    sum % 999_999 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_ours_is_known_by_name_text_and_time() {
        let (entry, text) = ("pxelinux.cfg/01-02-00-00-00-00-01", "conf/grml");
        for since in [0, 1, 1_700_000_000_123] {
            let made = time(entry, text, Timestamp(since));
            assert!(is_ours(entry, text, made), "{since}");
            assert_eq!(crate::clock::from_system(made), Timestamp(since), "no later than its word");
            assert!(!is_ours("pxelinux.cfg/01-02-00-00-00-00-02", text, made), "a copy");
            assert!(!is_ours(entry, "conf/sheep", made));
            assert!(!is_ours(entry, text, made + Duration::from_nanos(1)));
            assert!(!is_ours(entry, text, UNIX_EPOCH + Duration::from_millis(since)));
        }
        assert!(!is_ours(entry, text, UNIX_EPOCH - Duration::from_secs(1)));
    }

    #[test]
    fn releases_agree_on_the_mark() {
        let made = time("pxelinux.cfg/01-02-00-00-00-00-01", "conf/grml", Timestamp(5));
        assert_eq!(made.duration_since(UNIX_EPOCH).unwrap().as_nanos(), 5_000_000 + MARK);
    }

    /// As computed by the first release that wrote links.
    const MARK: u128 = 123_002;
}
