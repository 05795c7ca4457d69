use std::time::{SystemTime, UNIX_EPOCH};

use nextboot_model::Timestamp;

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    from_system(SystemTime::now())
}

/// A file's time as a moment of ours; times before 1970 are 1970.
pub(crate) fn from_system(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
