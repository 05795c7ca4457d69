//! The option numbers that this crate reads or writes by itself (RFC 2132 unless another source is named).

/// Subnet mask.
pub const SUBNET_MASK: u8 = 1;
/// Routers.
pub const ROUTER: u8 = 3;
/// Domain name servers.
pub const DNS: u8 = 6;
/// Host name.
pub const HOST_NAME: u8 = 12;
/// Domain name.
pub const DOMAIN: u8 = 15;
/// NTP servers.
pub const NTP: u8 = 42;
/// Vendor-specific information; towards and from `PXEClient` the PXE space of [`pxe`].
pub const VENDOR: u8 = 43;
/// Requested address.
pub const REQUESTED: u8 = 50;
/// Lease time in seconds.
pub const LEASE_TIME: u8 = 51;
/// `file` (1), `sname` (2) or both (3) carry options.
pub const OVERLOAD: u8 = 52;
/// DHCP message type.
pub const MESSAGE_TYPE: u8 = 53;
/// Server identifier.
pub const SERVER_ID: u8 = 54;
/// Parameter request list.
pub const PARAMETERS: u8 = 55;
/// Error text of a DHCPNAK.
pub const MESSAGE: u8 = 56;
/// Largest DHCP message in bytes, as an IP datagram.
pub const MAX_SIZE: u8 = 57;
/// T1 in seconds.
pub const RENEWAL_TIME: u8 = 58;
/// T2 in seconds.
pub const REBINDING_TIME: u8 = 59;
/// Vendor class identifier, `PXEClient...` and `HTTPClient...` from firmware.
pub const VENDOR_CLASS: u8 = 60;
/// Client identifier.
pub const CLIENT_ID: u8 = 61;
/// TFTP server name.
pub const TFTP_SERVER: u8 = 66;
/// Boot file name.
pub const BOOT_FILE: u8 = 67;
/// User class (RFC 3004; iPXE writes its name without the length byte).
pub const USER_CLASS: u8 = 77;
/// Relay agent information (RFC 3046).
pub const RELAY_INFO: u8 = 82;
/// Client system architecture, one or more 16-bit numbers (RFC 4578).
pub const ARCH: u8 = 93;
/// Client machine identifier: type 0 and a UUID in wire order (RFC 4578).
pub const UUID: u8 = 97;
/// Subnet selection (RFC 3011).
pub const SUBNET_SELECTION: u8 = 118;
/// Domain search list (RFC 3397).
pub const SEARCH: u8 = 119;
/// iPXE's encapsulated options, see [`ipxe`].
pub const IPXE: u8 = 175;
/// PXELINUX configuration file (RFC 5071).
pub const PXELINUX_CONFIG: u8 = 209;
/// PXELINUX path prefix (RFC 5071).
pub const PXELINUX_PREFIX: u8 = 210;
/// PXELINUX reboot time in seconds (RFC 5071).
pub const PXELINUX_REBOOT: u8 = 211;

/// Sub-options of option 43 between PXE servers and `PXEClient` (Intel PXE 2.1).
pub mod pxe {
    /// Discovery control: bit 0 no broadcast, 1 no multicast, 2 only the listed servers, 3 boot the file of this reply.
    pub const DISCOVERY_CONTROL: u8 = 6;
    /// Boot servers: for each type their number and addresses.
    pub const BOOT_SERVERS: u8 = 8;
    /// Boot menu.
    pub const MENU: u8 = 9;
    /// Menu prompt.
    pub const PROMPT: u8 = 10;
    /// Boot item: type and layer, 16 bits each.
    pub const BOOT_ITEM: u8 = 71;
}

/// Sub-options of option 82.
pub mod relay {
    /// Circuit-id (RFC 3046): where in the relay the client is.
    pub const CIRCUIT_ID: u8 = 1;
    /// Remote-id (RFC 3046): which relay it is.
    pub const REMOTE_ID: u8 = 2;
    /// Link selection (RFC 3527).
    pub const LINK_SELECTION: u8 = 5;
    /// Flags (RFC 5010): the top bit says that the client's packet was unicast.
    pub const FLAGS: u8 = 10;
    /// Server identifier override (RFC 5107).
    pub const SERVER_ID_OVERRIDE: u8 = 11;
    /// Relay source port (RFC 8357), without a value.
    pub const SOURCE_PORT: u8 = 19;
}

/// Sub-options of option 175.
pub mod ipxe {
    /// 1: do not wait for a proxy's offer.
    pub const NO_PXEDHCP: u8 = 0xb0;
}
