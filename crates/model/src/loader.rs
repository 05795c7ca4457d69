use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::loader_address::{MAX_LOADER_ADDRESS, is_address};

/// Longest name of a loader, in bytes.
pub const MAX_LOADER_NAME: usize = 255;

/// The loader that somebody names for machines: a file, a whole address, or one of two words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LoaderName {
    /// `none`: they are left to their next boot device.
    None,
    /// `script`: iPXE, and then its script.
    Script,
    /// A file beneath the roots or in the search path, without a slash at its beginning.
    File(String),
    /// A whole `http://`, `https://` or `tftp://` address, at most [`MAX_LOADER_ADDRESS`] bytes: machines are told it as it is.
    Address(String),
}

/// A text that names no loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "use the name of a file beneath the root, e.g. \"snponly.efi\", without blanks, \\, : and .., at most {MAX_LOADER_NAME} \
     bytes; or an address, http://, https:// or tftp://HOST/FILE, at most {MAX_LOADER_ADDRESS} bytes; or \"script\", or \"none\""
)]
pub struct BadLoaderName;

impl FromStr for LoaderName {
    type Err = BadLoaderName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim_start_matches('/');
        // It goes into a packet, a script and an address, and each of them ends it at a blank.
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '\\' | ':');
        match text {
            "none" => Ok(Self::None),
            "script" => Ok(Self::Script),
            _ if is_address(text) => Ok(Self::Address(text.to_owned())),
            _ if (1..=MAX_LOADER_NAME).contains(&name.len())
                && name.chars().all(plain)
                && name.split('/').all(|part| !matches!(part, "" | "." | "..")) =>
            {
                Ok(Self::File(name.to_owned()))
            }
            _ => Err(BadLoaderName),
        }
    }
}

impl fmt::Display for LoaderName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::None => "none",
            Self::Script => "script",
            Self::File(name) | Self::Address(name) => name,
        })
    }
}

impl TryFrom<String> for LoaderName {
    type Error = BadLoaderName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LoaderName> for String {
    fn from(name: LoaderName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loader_is_a_file_an_address_or_one_of_two_words() {
        let file = |name: &str| Ok(LoaderName::File(name.to_owned()));
        assert_eq!("none".parse(), Ok(LoaderName::None));
        assert_eq!("script".parse(), Ok(LoaderName::Script));
        assert_eq!("efi32/syslinux.efi".parse(), file("efi32/syslinux.efi"));
        assert_eq!("//a/b".parse(), file("a/b"));
        assert_eq!("tftp://x/y".parse(), Ok(LoaderName::Address("tftp://x/y".into())));
        let long = "x".repeat(MAX_LOADER_NAME + 1);
        for wrong in ["", "/", "a b", "a\n", "../x", "a/./b", "a//b", "a/", r"a\b", "c:x", &long] {
            assert_eq!(wrong.parse::<LoaderName>(), Err(BadLoaderName), "{wrong:?}");
        }
    }

    #[test]
    fn it_is_stored_as_the_text_that_it_is() {
        for text in ["none", "script", "shimx64.efi", "http://10.0.0.1/boot.ipxe"] {
            let name: LoaderName = text.parse().unwrap();
            let stored = serde_json::to_string(&name).unwrap();
            assert_eq!(stored, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<LoaderName>(&stored).unwrap(), name);
        }
        assert!(serde_json::from_str::<LoaderName>("\"../x\"").is_err());
    }
}
