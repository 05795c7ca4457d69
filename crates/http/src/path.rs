//! From the path of a request to what is asked for.

use nextboot_model::Mac;
use percent_encoding::percent_decode_str;

use crate::Whom;

/// Digits of a token (see `nextboot-boot`): what looks like one is not the name of a seed.
const TOKEN: usize = 60;

/// Beginnings of addresses of our own that want more behind them.
const OWN: [&str; 3] = ["done", "seed", "nextboot"];

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// An iPXE script.
    Script(Option<Mac>),
    /// A seed.
    Seed { token: Option<&'a str>, name: &'a str },
    /// A call-back.
    CallBack(&'a str),
    /// A wish to boot the own disk from now on.
    LocalBoot(Whom<'a>),
    /// A wish to boot something from now on.
    NextBoot(Whom<'a>, &'a str),
    /// The question what a machine boots.
    Profile(Option<Mac>),
    /// The script of the next test of a machine: of the one with this MAC, else of the one that asks.
    NextTest(Option<Mac>),
    /// The script of a test; its whole path may also be the name of a file.
    TestScript { test: &'a str, name: &'a str },
    /// The log of a test run: of the one with this number, else of the one that the machine is at.
    Upload(Option<u64>),
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
            // pxemngr's, with and without a slash at the end; a tree may have directories of these names.
            "localboot" => match own_or(rest) {
                Some(mac) => Self::LocalBoot(mac.map_or(Whom::Itself, Whom::Machine)),
                None => name,
            },
            "profile" => own_or(rest).map_or(name, Self::Profile),
            "nextboot" => match split(rest) {
                (node, rest) if !node.is_empty() => match split(rest) {
                    (profile, "") if !profile.is_empty() => Self::NextBoot(Whom::Named(node), profile),
                    _ => name,
                },
                _ => name,
            },
            "nexttest" if rest.is_empty() => Self::NextTest(None),
            "nexttest" => rest.trim_end_matches('/').parse().map_or(name, |mac| Self::NextTest(Some(mac))),
            "script" => match split(rest) {
                (test, "") if !test.is_empty() => Self::TestScript { test, name: path },
                _ => name,
            },
            "upload" => match split(rest) {
                ("", _) => Self::Upload(None),
                (run, "") if run.bytes().all(|byte| byte.is_ascii_digit()) => {
                    run.parse().map_or(name, |run| Self::Upload(Some(run)))
                }
                _ => name,
            },
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

/// The profile in `/PROFILE/`: what a machine may call to boot that from now on, where the tree has nothing of that name.
pub(crate) fn wished(path: &str) -> Option<&str> {
    let profile = path.strip_suffix('/')?.trim_matches('/');
    let is_name = !profile.is_empty() && !profile.contains('/') && !OWN.contains(&profile);
    is_name.then_some(profile)
}

/// Nothing, or a MAC address; nothing of either where it is something else.
fn own_or(rest: &str) -> Option<Option<Mac>> {
    match rest.trim_end_matches('/') {
        "" => Some(None),
        mac => mac.parse().ok().map(Some),
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
            ("/localboot", Route::LocalBoot(Whom::Itself)),
            ("//localboot//", Route::LocalBoot(Whom::Itself)),
            (
                "/localboot/525400AABB0C",
                Route::LocalBoot(Whom::Machine(Mac([0x52, 0x54, 0, 0xaa, 0xbb, 0x0c]))),
            ),
            (
                "/localboot/52:54:00:aa:bb:0c/",
                Route::LocalBoot(Whom::Machine(Mac([0x52, 0x54, 0, 0xaa, 0xbb, 0x0c]))),
            ),
            ("/localboot/readme.txt", Route::Name("/localboot/readme.txt")),
            ("/profile", Route::Profile(None)),
            ("/profile/52-54-00-aa-bb-0c/", Route::Profile(mac())),
            ("/profile/x.cfg", Route::Name("/profile/x.cfg")),
            ("/nextboot/n1/inst", Route::NextBoot(Whom::Named("n1"), "inst")),
            ("/nextboot/default/local/", Route::NextBoot(Whom::Named("default"), "local")),
            ("/nextboot/n1", Route::Name("/nextboot/n1")),
            ("/nextboot/n1/inst/x", Route::Name("/nextboot/n1/inst/x")),
            ("/nexttest", Route::NextTest(None)),
            ("/nexttest/", Route::NextTest(None)),
            ("/nexttest/52-54-00-AA-BB-0C/", Route::NextTest(mac())),
            ("/nexttest/x", Route::Name("/nexttest/x")),
            ("/script/cpu/", Route::TestScript { test: "cpu", name: "/script/cpu/" }),
            ("/script/a/b", Route::Name("/script/a/b")),
            ("/script/", Route::Name("/script/")),
            ("/upload", Route::Upload(None)),
            ("//upload//", Route::Upload(None)),
            ("/upload/17/", Route::Upload(Some(17))),
            ("/upload/-1", Route::Name("/upload/-1")),
            ("/upload/99999999999999999999999", Route::Name("/upload/99999999999999999999999")),
            ("/", Route::Name("/")),
            ("", Route::Name("")),
            ("/pxelinux.cfg/default", Route::Name("/pxelinux.cfg/default")),
            ("//debian//linux", Route::Name("//debian//linux")),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }

    #[test]
    fn one_name_with_a_slash_behind_it_may_be_a_profile() {
        for (path, profile) in [
            ("/inst/", Some("inst")),
            ("//inst//", Some("inst")),
            ("/inst", None),
            ("/", None),
            ("//", None),
            ("", None),
            ("/debian/linux/", None),
            ("/seed/", None),
            ("//done//", None),
        ] {
            assert_eq!(wished(path), profile, "{path}");
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
                let _ = (Route::of(&path), wished(&path));
            }
        }
    }
}
