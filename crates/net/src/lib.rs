//! Every system call about the network.
#![forbid(unsafe_code)]
