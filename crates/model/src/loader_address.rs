use std::net::Ipv6Addr;

/// Longest address of a loader, in bytes: what the header's field for the file holds with a zero at its end (RFC 2131).
pub const MAX_LOADER_ADDRESS: usize = 127;

/// Whether a text is a whole address as RFC 3986 writes it, of those by which firmware and iPXE fetch. Without a name and
/// password, which everybody would read, and without a fragment, which nobody is sent. iPXE's `${net0/mac}` may stand behind the
/// host.
pub(crate) fn is_address(text: &str) -> bool {
    let rest = ["http://", "https://", "tftp://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let Some((host, path)) = rest.and_then(|rest| rest.split_once('/')) else { return false };
    text.len() <= MAX_LOADER_ADDRESS && is_authority(host) && is_path(path)
}

/// A name or an address, and perhaps a port.
fn is_authority(text: &str) -> bool {
    if let Some((address, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port_too = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse::<Ipv6Addr>().is_ok() && port_too;
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let label = |label: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        !label.is_empty() && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.split('.').all(label) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port != 0)
}

fn is_path(text: &str) -> bool {
    let plain =
        |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'|');
    let escape = |rest: &str| {
        rest.as_bytes().first_chunk::<2>().is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    text.bytes().all(plain) && text.split('%').skip(1).all(escape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_those_that_machines_fetch_by() {
        for address in [
            "http://10.0.0.1/boot.ipxe",
            "https://boot.lab.example:8443/a/b.efi?mac=${net0/mac}&x=%20",
            "tftp://10.0.0.1/",
            "http://[fd00::1]:80/boot.ipxe",
            "http://pxe_1/~a/b;c",
        ] {
            assert!(is_address(address), "{address}");
        }
        let longest = format!("http://h/{}", "x".repeat(MAX_LOADER_ADDRESS - 9));
        assert!(is_address(&longest) && !is_address(&format!("{longest}x")));
        for odd in [
            "http://",
            "http:///x",
            "http://h",
            "HTTP://h/x",
            "ftp://h/x",
            "nfs://h/x",
            "//h/x",
            "http:/h/x",
            "http://h/a b",
            "http://h/a\n",
            "http://h/a\0",
            "http://h/ä",
            "http://ä/x",
            "http://u:p@h/x",
            "http://u@h/x",
            "http://h:/x",
            "http://h:0/x",
            "http://h:65536/x",
            "http://h:+80/x",
            "http://h:80:80/x",
            "http://[::1/x",
            "http://[::g]/x",
            "http://[::1]80/x",
            "http://a..b/x",
            "http://-a/x",
            "http://h/%",
            "http://h/%4",
            "http://h/%zz",
            "http://h/x#y",
            "http://h/\"x",
            "http://h/a\\b",
            "http://h/<x>",
            " http://h/x",
            "http://h/x ",
            "http://${next-server}/x",
        ] {
            assert!(!is_address(odd), "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn one_odd_character_anywhere_makes_it_no_address(
            path in "[a-z0-9/.?=&-]{0,40}", at in 0_usize..60, odd in r#"[ \t\r\n\x00-\x1f\x7f"<>^`|\\#@\u{80}-\u{2fff}]"#,
        ) {
            let mut text = format!("http://h.example/{path}");
            prop_assert!(is_address(&text));
            let at = at.min(text.len());
            // In a path an @ is one character of many; before it comes whom to be.
            prop_assume!(odd != "@" || at <= "http://h.example".len());
            text.insert_str(at, &odd);
            prop_assert!(!is_address(&text), "{text:?}");
        }

        #[test]
        fn whatever_is_taken_fits_the_field_and_has_no_blank(text in "(http|https|tftp)://[!-~ä\\x00 ]{0,130}") {
            if is_address(&text) {
                prop_assert!(text.len() <= MAX_LOADER_ADDRESS && text.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
