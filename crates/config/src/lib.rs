//! The configuration file: text in, one checked value out, every complaint with its line.
#![forbid(unsafe_code)]
