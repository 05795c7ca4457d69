//! What a file's name says about its type.

/// The `Content-Type` of a file. UEFI firmware refuses a boot file of any type but its own (UEFI 2.10 section 24.7.3.1.3,
/// EDK2 `HttpBootSupport.c`), and takes the name's end only when there is no type.
pub(crate) fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is = |other: &str| extension.eq_ignore_ascii_case(other);
    // Debian's packages call their signed loaders so: shimx64.efi.signed.
    let signed = is("signed") && content_type(&name[..name.len() - ".signed".len()]) == "application/efi";
    if is("efi") || signed {
        "application/efi"
    } else if is("iso") {
        "application/vnd.efi-iso"
    } else if is("img") {
        "application/vnd.efi-img"
    } else if is("ipxe") {
        "text/plain"
    } else if is("cfg") || is("seed") || is("txt") {
        TEXT
    } else {
        "application/octet-stream"
    }
}

/// The type of pages.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// The type of what was written by us.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmware_gets_the_types_that_it_takes() {
        for (name, kind) in [
            ("/debian/bootnetx64.EFI", "application/efi"),
            ("/shimx64.efi.signed", "application/efi"),
            ("/a.signed", "application/octet-stream"),
            ("/.signed", "application/octet-stream"),
            ("/a.iso", "application/vnd.efi-iso"),
            ("/a.img", "application/vnd.efi-img"),
            ("/a.ipxe", "text/plain"),
            ("/a.b/preseed.cfg", TEXT),
            ("/vmlinuz", "application/octet-stream"),
            ("/initrd.gz", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), kind, "{name}");
        }
    }
}
