//! Spellings of file names that only TFTP clients use.
//!
//! Slashes, dots, backslashes and the jail are the business of whoever maps names to bytes, for every protocol alike. Here go
//! away only the things that the DHCP and TFTP world puts around a name.

/// The name inside what a client sent, as text, and whether anything had to be repaired.
///
/// - Everything from the first 0xFF on goes: ROMs that copy DHCP option 67 without looking at its length append the option's
///   end mark (and what lies behind it) when the server sent no NUL. No UTF-8 text contains that byte.
/// - Trailing blanks and control bytes go, for the same reason.
/// - Other bytes that are not UTF-8 become U+FFFD: such a name finds nothing, and the log can show it.
/// - `tftp://host/x;mode=octet` is `x`, `::/x` is `/x`, `::x` is `x`: PXELINUX and its users write servers into names, and
///   some clients send that to the server unchanged.
pub(crate) fn tidy(sent: &[u8]) -> (String, bool) {
    let before_end_mark = sent.split(|b| *b == 0xff).next().unwrap_or_default();
    let text = String::from_utf8_lossy(before_end_mark);
    let name = text.trim_end_matches(|c: char| c.is_control() || c == ' ');
    let name = without_host(name).unwrap_or(name);
    let name = name.strip_prefix("::").unwrap_or(name);
    (name.to_owned(), name.as_bytes() != sent)
}

/// The path of a `tftp://` URL (RFC 3617), if it is one.
fn without_host(name: &str) -> Option<&str> {
    const SCHEME: &str = "tftp://";
    let scheme = name.get(..SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    let (_host, path) = name.get(SCHEME.len()..)?.split_once('/').unwrap_or_default();
    Some(path.split_once(";mode=").map_or(path, |(path, _)| path))
}

#[cfg(test)]
mod tests {
    use super::tidy;

    fn name(sent: &[u8]) -> String {
        tidy(sent).0
    }

    #[test]
    fn plain_names_are_left_alone() {
        for plain in [
            "pxelinux.0",
            "/boot/x/../four.cfg",
            "Boot\\\\x86\\pxelinux.cfg/01-00",
            "a b",
            "gr\u{fc}n",
            "sub//boot/./x",
        ] {
            assert_eq!(tidy(plain.as_bytes()), (plain.to_owned(), false));
        }
    }

    #[test]
    fn end_mark_of_dhcp_options_and_what_follows_is_cut() {
        assert_eq!(tidy(b"pxelinux.0\xff"), ("pxelinux.0".to_owned(), true));
        assert_eq!(name(b"pxelinux.0\xff\x01garbage"), "pxelinux.0");
        assert_eq!(name(b"pxelinux.0 \r\n"), "pxelinux.0");
        assert_eq!(name(b"\xff\xff"), "");
    }

    #[test]
    fn servers_written_into_the_name_are_dropped() {
        assert_eq!(name(b"::/six.cfg"), "/six.cfg");
        assert_eq!(name(b"::five.cfg"), "five.cfg");
        assert_eq!(name(b"tftp://10.0.0.1/a/b"), "a/b");
        assert_eq!(name(b"TFTP://[fd77::1]/nbp.efi;mode=octet"), "nbp.efi");
        assert_eq!(name(b"tftp://10.0.0.1"), "");
        assert_eq!(name(b"tftp:/x"), "tftp:/x");
    }

    #[test]
    fn bytes_that_are_no_text_stay_visible() {
        assert_eq!(name(b"a\xe4b"), "a\u{fffd}b");
    }
}
