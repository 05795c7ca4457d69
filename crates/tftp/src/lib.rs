//! TFTP (RFC 1350, 2347, 2348, 2349, 7440) as a machine without I/O.
#![forbid(unsafe_code)]
