//! The control side of HTTP, for people and programs.
#![forbid(unsafe_code)]
