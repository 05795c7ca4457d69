//! Commands that talk to a running appliance.
#![forbid(unsafe_code)]
