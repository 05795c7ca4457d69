use super::{BadPower, Secret};

/// Longest password, in bytes. IPMI knows 20 at most; Redfish has no limit of its own.
pub const MAX_PASSWORD: usize = 256;
/// Longest user name, in bytes.
pub const MAX_USER: usize = 128;

/// A user and a password that can be handed to a program and put into a header.
pub(super) fn check(user: &str, password: Option<&Secret>) -> Result<(), BadPower> {
    if user.len() > MAX_USER || user.contains(char::is_control) {
        return Err(BadPower::new(
            "user",
            format!("use at most {MAX_USER} bytes without control characters"),
        ));
    }
    let password = password.map(Secret::reveal).unwrap_or_default();
    if password.len() > MAX_PASSWORD || password.contains(char::is_control) {
        return Err(BadPower::new(
            "password",
            format!("use at most {MAX_PASSWORD} bytes without control characters"),
        ));
    }
    Ok(())
}
