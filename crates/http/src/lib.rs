//! The boot side of HTTP, for machines.
#![forbid(unsafe_code)]
