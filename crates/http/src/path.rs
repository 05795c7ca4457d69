//! From the path of a request to what is asked for.

use nextboot_model::Mac;
use percent_encoding::percent_decode_str;

/// Digits of a token (see `nextboot-boot`): what looks like one is not the name of a seed.
const TOKEN: usize = 60;

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// An iPXE script.
    Script(Option<Mac>),
    /// A seed.
    Seed { token: Option<&'a str>, name: &'a str },
    /// A call-back.
    CallBack(&'a str),
    /// Anything else.
    Name(&'a str),
}

/// The path cannot name anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadPath {
    /// More bytes than allowed.
    TooLong,
    /// Not UTF-8, or with control characters.
    NoName,
}

/// Decodes a path, once: what is a percent sign then stays one.
pub(crate) fn decode(path: &str, max: usize) -> Result<String, BadPath> {
    if path.len() > max {
        return Err(BadPath::TooLong);
    }
    let text = percent_decode_str(path).decode_utf8().map_err(|_| BadPath::NoName)?;
    if text.chars().any(char::is_control) { Err(BadPath::NoName) } else { Ok(text.into_owned()) }
}

impl<'a> Route<'a> {
    /// Reads a decoded path. Repeated slashes count as one: firmware and PXELINUX put their prefix and a name with a
    /// leading slash together, and die of a redirect.
    pub(crate) fn of(path: &'a str) -> Self {
        let name = Self::Name(path);
        let (first, rest) = split(path);
        match first {
            "ipxe" if rest.is_empty() => Self::Script(None),
            // A tree may have a directory of that name, with iPXE in it.
            "ipxe" => {
                let mac = rest.trim_end_matches('/');
                let mac = mac.strip_suffix(".ipxe").unwrap_or(mac).parse();
                mac.map_or(name, |mac| Self::Script(Some(mac)))
            }
            "done" => match split(rest) {
                (token, "") if !token.is_empty() => Self::CallBack(token),
                _ => name,
            },
            "seed" => match split(rest) {
                (token, rest) if is_token(token) && !rest.is_empty() => {
                    Self::Seed { token: Some(token), name: rest }
                }
                _ if rest.is_empty() => name,
                _ => Self::Seed { token: None, name: rest },
            },
            _ => name,
        }
    }
}

/// The first component, and what follows without its leading slashes.
fn split(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    (first, rest.trim_start_matches('/'))
}

fn is_token(text: &str) -> bool {
    text.len() == TOKEN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_lead_to_what_they_name() {
        let mac = || "52:54:00:aa:bb:0c".parse().ok();
        let token = "0a".repeat(30);
        let with_token = format!("/seed/{token}/user-data");
        let done = format!("/done/{token}");
        for (path, route) in [
            ("/ipxe", Route::Script(None)),
            ("/ipxe/", Route::Script(None)),
            ("//ipxe//", Route::Script(None)),
            ("/autoexec.ipxe", Route::Name("/autoexec.ipxe")),
            ("/ipxe/52:54:00:aa:bb:0c", Route::Script(mac())),
            ("/ipxe/52-54-00-AA-BB-0C/", Route::Script(mac())),
            ("/ipxe/525400aabb0c.ipxe", Route::Script(mac())),
            ("/ipxe/undionly.kpxe", Route::Name("/ipxe/undionly.kpxe")),
            ("/ipxe/52:54:00:aa:bb:0c/x", Route::Name("/ipxe/52:54:00:aa:bb:0c/x")),
            ("/debian/autoexec.ipxe", Route::Name("/debian/autoexec.ipxe")),
            ("/ipxes", Route::Name("/ipxes")),
            (&with_token, Route::Seed { token: Some(&token), name: "user-data" }),
            ("/seed/debian.seed", Route::Seed { token: None, name: "debian.seed" }),
            ("/seed//a/b.seed", Route::Seed { token: None, name: "a/b.seed" }),
            ("/seed/0a0a/b.seed", Route::Seed { token: None, name: "0a0a/b.seed" }),
            ("/seed/", Route::Name("/seed/")),
            (&done, Route::CallBack(&token)),
            ("/done/x/", Route::CallBack("x")),
            ("/done/", Route::Name("/done/")),
            ("/done", Route::Name("/done")),
            ("/done/x/y", Route::Name("/done/x/y")),
            ("/", Route::Name("/")),
            ("", Route::Name("")),
            ("/pxelinux.cfg/default", Route::Name("/pxelinux.cfg/default")),
            ("//debian//linux", Route::Name("//debian//linux")),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }

    #[test]
    fn percent_signs_are_decoded_once() {
        for (path, text) in [
            ("/a%20b", Ok("/a b")),
            ("/%2e%2E/x", Ok("/../x")),
            ("/a%2fb", Ok("/a/b")),
            ("/%252e", Ok("/%2e")),
            ("/100%", Ok("/100%")),
            ("/%zz", Ok("/%zz")),
            ("/%c3%a4", Ok("/ä")),
            ("/%00", Err(BadPath::NoName)),
            ("/a%0d%0ab", Err(BadPath::NoName)),
            ("/%ff", Err(BadPath::NoName)),
        ] {
            assert_eq!(decode(path, 99), text.map(str::to_owned), "{path}");
        }
        assert_eq!(decode("/xx", 2), Err(BadPath::TooLong));
    }

    proptest! {
        #[test]
        fn no_path_is_too_strange(path in "[/a-z%.0-9:-]{0,80}|.{0,40}") {
            if let Ok(path) = decode(&path, 200) {
                let _ = Route::of(&path);
            }
        }
    }
}
