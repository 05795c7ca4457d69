//! Options that only one vendor's machines are told, and those of boot firmware, under the names of ISC forge's tests
//! (`protocol/test_vendor_options`, `protocol/test_standard_options`).
//!
//! What differs from Kea, on purpose:
//!
//! | test | here |
//! |---|---|
//! | `test_v4_options_boot_file_name`, `..._tftp_server_name` | what machines boot is decided per machine; only those that boot from the network are told |
//! | `test_v4_options_vendor_encapsulated_*`, `..._vivso_*` | values are given as bytes; there are no definitions of sub-options |
//! | `test_v4_options_vendor_encapsulated_space_private_iPXE` | the vendor `PXE` is boot firmware's, to which nextboot itself speaks in option 43 |
//! | `test_v4_options_vendor_encapsulated_options_space_global_level` | refused: to whom no vendor is common, option 43 means nothing |
//! | `test_v4_two_vendors_*`, `test_v4_options_from_other_vendors_*` | a vendor is how option 60 begins, so of two in one packet the first counts |

use anyhow::{Context, ensure};
use nextboot_firmware::message::code;
use nextboot_tests::wire::{Client, Site, ip, server};

/// Vendor 41112, one sub-option with an address (RFC 3925).
const VIVSO: &[u8] = &[0, 0, 0xa0, 0x98, 6, 1, 4, 192, 0, 2, 11];

/// A site where every machine boots, and a machine of this kind.
fn booting() -> Site {
    Site::pool("50-59").block(
        "[boot]\nunknown = \"profile:rescue\"\n\n[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"",
    )
}

fn pxe_client(number: u8) -> Client {
    Client::new(number)
        .says(code::VENDOR_CLASS, "PXEClient:Arch:00000:UNDI:002001")
        .says(code::ARCH, [0, 0])
        .says(code::PARAMETERS, [1, 3, 6, 43, 52, 66, 67, 175])
}

#[test]
fn test_v4_options_boot_file_name() {
    booting().run("test_v4_options_boot_file_name", |net| {
        let ack = net.lease(&pxe_client(1))?;
        // No option overload either (test_v4_options_dhcp_option_overload): iPXE takes its bytes for a file name.
        ack.tells(code::BOOT_FILE, "pxelinux.0\0")?.lacks(code::OVERLOAD)?;
        ensure!(ack.header.file_text() == "pxelinux.0" && ack.header.siaddr == server(), "{ack}");
        net.lease(&Client::asking(2, code::BOOT_FILE))?.lacks(code::BOOT_FILE)?;
        Ok(())
    });
}

/// Option 66 is a name that firmware would have to look up; where the file lies is an address, in `siaddr`.
#[test]
fn test_v4_options_tftp_server_name() {
    booting().run("test_v4_options_tftp_server_name", |net| {
        for ask in [pxe_client(1), Client::asking(2, code::TFTP_SERVER)] {
            net.lease(&ask)?.lacks(code::TFTP_SERVER)?;
        }
        let told = net.lease(&pxe_client(3))?;
        ensure!(told.header.siaddr == server() && told.header.sname[0] == 0, "{told}");
        Ok(())
    });
}

/// The space of option 43 belongs to the vendor class: only PXE clients get PXE's, and only where they need it.
#[test]
fn test_v4_options_vendor_encapsulated_space() {
    booting().run("test_v4_options_vendor_encapsulated_space", |net| {
        net.lease(&pxe_client(1))?.lacks(code::VENDOR)?.lacks(code::VENDOR_CLASS)?;
        net.lease(&Client::new(2).says(code::VENDOR_CLASS, "APC").says(code::PARAMETERS, [43]))?
            .lacks(code::VENDOR)?;
        Ok(())
    });
}

/// forge's name without `test_v4_options_`, the option, the vendor class of the client, and what that vendor's machines are
/// told.
type Vendor = (&'static str, u8, &'static str, &'static [u8]);

const VENDORS: &[Vendor] = &[
    ("vendor_encapsulated_space_private_iPXE", 43, "APC", b"\x01\x041APC"),
    ("vendor_encapsulated_mitel", 43, "1027", b"id:ipphone.mitel.com"),
    ("vendor_encapsulated_unifi_address", 43, "ubnt", &[192, 0, 2, 11]),
    ("vendor_encapsulated_siemens", 43, "339", SIEMENS),
    ("vendor_encapsulated_options_space_siemens", 43, "339", SIEMENS),
    ("vivso_suboptions_mitel", 125, "1027", b"\0\0\x04\x03\x16\x82\x14id:ipphone.mitel.com"),
    ("vivso_suboptions_unifi_address", 125, "41112", VIVSO),
    ("vivso_suboptions_siemens", 125, "339", SIEMENS_VIVSO),
    ("vivso_suboptions_siemens_multiple_suboptions", 125, "339", SIEMENS_VIVSO),
    (
        "vivso_suboptions_siemens_multiple_suboptions",
        125,
        "400",
        b"\0\0\x01\x90\x11\x02\x09some_text\x03\x04\0\0\x01\x41",
    ),
];

/// A VLAN and the address of a server.
const SIEMENS: &[u8] = b"\x02\x04\0\0\0\x7b\x03\x17sdlp://192.0.2.11:18443";
const SIEMENS_VIVSO: &[u8] = b"\0\0\x01\x53\x1f\x02\x04\0\0\0\x7b\x03\x17sdlp://192.0.2.11:18443";

/// Vendors 1234 and 5678 with two sub-options each.
const OF_1234: &[u8] = b"\0\0\x04\xd2\x09\x7b\x01\x01\x7c\x04\0\0\x02\0";
const OF_5678: &[u8] = b"\0\0\x16\x2e\x0c\x7b\x04\xc0\0\x02\x02\x7c\x04text";
/// Both, and vendor 4444 with nothing.
const ALL: &[u8] = b"\0\0\x11\x5c\0\
    \0\0\x16\x2e\x0c\x7b\x04\xc0\0\x02\x02\x7c\x04text\
    \0\0\x04\xd2\x09\x7b\x01\x01\x7c\x04\0\0\x02\0";

fn hex(value: &[u8]) -> String {
    value.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Each vendor's machines hear what is theirs, by DISCOVER and by INFORM, and others nothing of it.
fn vendors(test: &str, rows: &[Vendor]) {
    let class = |(_, code, vendor, value): &Vendor| {
        let value = hex(value);
        format!("[[dhcp.class]]\nvendor = \"{vendor}\"\noptions = [{{ code = {code}, hex = \"{value}\" }}]")
    };
    let site = rows.iter().map(class).fold(Site::pool("50-99"), |site, class| site.block(&class));
    site.run(test, |net| {
        net.uses(ip(20))?;
        for (number, (name, code, vendor, value)) in rows.iter().enumerate() {
            let name = || format!("test_v4_options_{name}, vendor {vendor}");
            let asks = Client::asking(number, *code).says(code::VENDOR_CLASS, vendor);
            net.told(&asks, *code, value).with_context(name)?;
            net.ack(&asks.inform(ip(20)))?.tells(*code, value).with_context(name)?;
            let others = [
                Client::asking(number + 40, *code),
                Client::asking(number + 20, *code).says(code::VENDOR_CLASS, "8888"),
            ];
            for other in others {
                net.lease(&other)?.lacks(*code).with_context(name)?;
            }
        }
        Ok(())
    });
}

/// Every `test_v4_options_NAME` of that table.
#[test]
fn test_v4_options_vendors() {
    vendors("test_v4_options_vendors", VENDORS);
}

#[test]
fn test_v4_two_vendors_two_options_using_vendor_class_option_data() {
    let name = "test_v4_two_vendors_two_options_using_vendor_class_option_data";
    vendors(name, &[("1234", 125, "1234", OF_1234), ("5678", 125, "5678", OF_5678)]);
}

#[test]
fn test_v4_options_from_other_vendors_using_vendor_class_option_data() {
    let name = "test_v4_options_from_other_vendors_using_vendor_class_option_data";
    vendors(name, &[("1234", 125, "1234", ALL), ("5678", 125, "5678", ALL)]);
}

/// Whoever asks for option 125 reads in it what is his vendor's.
#[test]
fn test_v4_multiple_vendors_multiple_options_using_global_option_data() {
    let site = Site::pool("50-59").local(&format!("options = [{{ code = 125, hex = \"{}\" }}]", hex(ALL)));
    site.run("test_v4_multiple_vendors_multiple_options_using_global_option_data", |net| {
        for (number, vendor) in ["1234", "5678", "2222", "4444", "8888"].iter().enumerate() {
            let asks = Client::asking(number, 125).says(code::VENDOR_CLASS, vendor);
            net.told(&asks, 125, ALL).with_context(|| format!("vendor {vendor}"))?;
        }
        Ok(())
    });
}

/// `always`: without being asked for. Switched off in forge, which cannot read it.
#[test]
fn test_v4_options_custom() {
    let site = Site::pool("50-59").local("options = [{ code = 189, u8 = 123, always = true }]");
    site.run("test_v4_options_custom", |net| {
        net.told(&Client::asking(1, 189), 189, &[123])?;
        net.told(&Client::asking(2, 1), 189, &[123])
    });
}

/// iPXE's own space, option 175: not to wait for a proxy's offer, which only iPXE is told.
#[test]
fn test_v4_options_i_pxe_encapsulated_space() {
    booting().run("test_v4_options_i_pxe_encapsulated_space", |net| {
        let ipxe = pxe_client(1).says(code::USER_CLASS, "iPXE").says(code::IPXE, [0xeb, 3, 1, 21, 1]);
        let told = net.lease(&ipxe)?;
        let inside = told.encapsulated(code::IPXE).context("no option 175")?;
        ensure!(inside.value(code::ipxe::NO_PXEDHCP) == Some(&[1][..]), "{told}");
        net.lease(&pxe_client(2))?.lacks(code::IPXE)?;
        Ok(())
    });
}
