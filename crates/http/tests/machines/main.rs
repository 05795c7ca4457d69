//! The boot side as machines see it: a real listener, and clients that write raw bytes.

#![expect(clippy::unwrap_used, reason = "a test may fail")]
mod deliveries;
mod files;
mod hostile;
mod lab;
mod limits;
mod proxied;
mod routes;
mod stopping;
mod uploads;
