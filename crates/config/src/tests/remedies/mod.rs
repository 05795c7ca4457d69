//! Each wrong value gets its remedy: what is wrong, where, and what would be right.

mod boot;
mod dhcp;
mod profiles;
mod services;

use super::complaints;

/// Each text is wrong in one way and gets that one complaint.
fn refused(cases: &[(String, &str)]) {
    for (text, complaint) in cases {
        assert_eq!(complaints(text), [*complaint], "{text}");
    }
}
