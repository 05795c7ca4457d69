//! The control API over real connections, with a real store.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod auth;
mod deploy;
mod document;
mod hosts;
mod limits;
mod log;
mod pilot;
mod power;
mod proxied;
mod server;
mod stream;
mod systems;
mod test_runs;
mod watch;
