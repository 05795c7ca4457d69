//! The terminal that a password is typed at.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Does something while what is typed at the standard input is not shown.
pub(crate) fn without_echo<T>(read: impl FnOnce() -> T) -> T {
    let input = io::stdin();
    let Ok(before) = tcgetattr(&input) else { return read() };
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    let _ = tcsetattr(&input, OptionalActions::Flush, &quiet);
    let answer = read();
    let _ = tcsetattr(&input, OptionalActions::Flush, &before);
    answer
}
