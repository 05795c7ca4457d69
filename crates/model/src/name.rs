use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The text cannot name a host or a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} cannot name a {what}: {rule}")]
pub struct BadName {
    text: String,
    what: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $longest:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                let allowed: fn(char) -> bool = $allowed;
                let sound = (1..=$longest).contains(&text.len())
                    && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                    && text.chars().all(allowed);
                if sound {
                    Ok(Self(text.into()))
                } else {
                    Err(BadName { text: text.chars().take(80).collect(), what: $what, rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }
    };
}

name!(
    /// A host's name: 1 to 63 letters, digits, `-`, `_` or `.`, the first a letter, digit or `_`.
    HostName,
    "host",
    "use 1 to 63 letters, digits, '-', '_' or '.', and begin with a letter or digit",
    63,
    |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
);

name!(
    /// A profile's name, which is also a file's name in a directory of profiles: 1 to 128 letters, digits, `-`, `_`, `.`,
    /// `+`, `@` or `:`, the first a letter, digit or `_`.
    ProfileName,
    "profile",
    "use 1 to 128 letters, digits, '-', '_', '.', '+', '@' or ':', and begin with a letter or digit",
    128,
    |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@' | ':')
);

name!(
    /// A test's name, which is also its file's, without the `.test` at its end: 1 to 100 letters, digits, `-`, `_`, `.`, `+`,
    /// `@` or `:`, the first a letter, digit or `_`.
    TestName,
    "test",
    "use 1 to 100 letters, digits, '-', '_', '.', '+', '@' or ':', and begin with a letter or digit",
    100,
    |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@' | ':')
);

impl TestName {
    /// True for the test that a machine gets when nothing is queued for it.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        &*self.0 == "wait"
    }
}

impl ProfileName {
    /// The profile that is always there: boot from the host's own disk.
    #[must_use]
    pub fn local() -> Self {
        Self("local".into())
    }

    /// True for the built-in profile `local`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        &*self.0 == "local"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_their_place_are_refused() {
        for text in ["", ".", "..", "../x", "a/b", "a\\b", "-x", "a b", "a\nb", "ä", "a\0"] {
            assert!(text.parse::<HostName>().is_err(), "{text:?}");
            assert!(text.parse::<ProfileName>().is_err(), "{text:?}");
            assert!(text.parse::<TestName>().is_err(), "{text:?}");
        }
        assert!("x".repeat(64).parse::<HostName>().is_err());
    }

    #[test]
    fn names_in_use_are_taken() {
        for text in ["grml-2017.05", "local", "ubuntu_24.04", "9front", "_x"] {
            assert!(text.parse::<ProfileName>().is_ok(), "{text:?}");
        }
    }
}
