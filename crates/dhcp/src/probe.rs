//! Asking who else serves.

use nextboot_model::Mac;

use crate::code;

/// A DISCOVER as EDK2's x86-64 firmware sends one, with the broadcast flag: every server that would answer such a machine
/// answers, for all to hear. Nothing is taken from any of them. `mac` should be one that no machine has.
#[must_use]
pub fn probe(xid: u32, mac: Mac) -> Vec<u8> {
    let mut bytes = vec![0; 236];
    bytes[..3].copy_from_slice(&[1, 1, 6]);
    bytes[4..8].copy_from_slice(&xid.to_be_bytes());
    bytes[10] = 0x80;
    bytes[28..34].copy_from_slice(&mac.0);
    bytes.extend([0x63, 0x82, 0x53, 0x63]);
    let mut option = |code: u8, value: &[u8]| {
        bytes.extend([code, value.len() as u8]);
        bytes.extend(value);
    };
    option(code::MESSAGE_TYPE, &[1]);
    option(code::MAX_SIZE, &[5, 0xc0]);
    let asked = [
        code::SUBNET_MASK,
        code::ROUTER,
        code::DNS,
        code::VENDOR,
        code::LEASE_TIME,
        code::SERVER_ID,
        code::VENDOR_CLASS,
        code::TFTP_SERVER,
        code::BOOT_FILE,
        code::UUID,
    ];
    option(code::PARAMETERS, &asked);
    option(code::UUID, &[0; 17]);
    // UNDI 3.0 (RFC 4578 section 2.2).
    option(94, &[1, 3, 0]);
    option(code::ARCH, &[0, 7]);
    option(code::VENDOR_CLASS, b"PXEClient:Arch:00007:UNDI:003000");
    bytes.push(255);
    bytes.resize(bytes.len().max(300), 0);
    bytes
}
