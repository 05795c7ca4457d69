//! DHCPv4, BOOTP and PXE as a machine without I/O.
#![forbid(unsafe_code)]
