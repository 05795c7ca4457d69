//! Durable state: SQLite on one writer thread, group commit, published snapshots.
#![forbid(unsafe_code)]
