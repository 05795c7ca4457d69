//! The running appliance: sockets to machines and back.
#![forbid(unsafe_code)]
