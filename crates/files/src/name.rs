use std::fmt;

/// The longest name a client may send, in bytes. PXELINUX sends at most 251, HTTP clients more.
pub const MAX_NAME: usize = 1024;

/// The longest component of a name, in bytes: what Linux file systems can hold.
pub const MAX_COMPONENT: usize = 255;

/// A clean file name relative to a root: components joined by single slashes, none of them empty, `.` or `..`, no control
/// characters, within [`MAX_NAME`] and [`MAX_COMPONENT`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a name cannot be the name of a file here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing is left after cleaning.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`MAX_NAME`], or a component longer than [`MAX_COMPONENT`].
    #[error("the name is too long")]
    TooLong,
    /// Holds NUL or another control character.
    #[error("the name holds a control character")]
    Control,
    /// `..` leads above the root.
    #[error("the name leads out of the root")]
    Outside,
}

impl Name {
    /// Makes a name from what a client sent. A leading slash means the root, repeated slashes and `.` mean nothing, `\` is
    /// a slash, and `..` takes back the component before it.
    ///
    /// # Errors
    /// [`BadName`] says what is wrong with it.
    pub fn parse(sent: &str) -> Result<Self, BadName> {
        if sent.len() > MAX_NAME {
            return Err(BadName::TooLong);
        }
        if sent.chars().any(char::is_control) {
            return Err(BadName::Control);
        }
        let mut kept = String::with_capacity(sent.len());
        for component in sent.split(['/', '\\']) {
            match component {
                "" | "." => {}
                ".." if kept.is_empty() => return Err(BadName::Outside),
                ".." => kept.truncate(kept.rfind('/').unwrap_or(0)),
                long if long.len() > MAX_COMPONENT => return Err(BadName::TooLong),
                _ => {
                    if !kept.is_empty() {
                        kept.push('/');
                    }
                    kept.push_str(component);
                }
            }
        }
        if kept.is_empty() { Err(BadName::Empty) } else { Ok(Self(kept)) }
    }

    /// The clean form, without a leading slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its components, at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    #[must_use]
    pub fn file(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The directory; empty for a name of one component.
    pub(crate) fn directory(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(directory, _)| directory)
    }

    /// Everything before the last component; `None` for a name of one component.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The name that a path gives when read from here, as if this were a directory.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn join(&self, path: &str) -> Result<Self, BadName> {
        Self::parse(&format!("{}/{path}", self.0))
    }

    /// What is left of the name behind the components of `prefix`; `None` when it does not begin so or nothing is left.
    pub(crate) fn strip_prefix(&self, prefix: &str) -> Option<Self> {
        let rest = self.0.strip_prefix(prefix)?.strip_prefix('/')?;
        Some(Self(rest.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = BadName;

    fn from_str(sent: &str) -> Result<Self, BadName> {
        Self::parse(sent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(sent: &str) -> Result<String, BadName> {
        Name::parse(sent).map(|name| name.to_string())
    }

    #[test]
    fn the_spellings_that_loaders_send_are_cleaned() {
        for (sent, expected) in [
            ("pxelinux.cfg/default", "pxelinux.cfg/default"),
            ("/boot/x//grml//vmlinuz", "boot/x/grml/vmlinuz"),
            ("//debian/linux", "debian/linux"),
            ("/boot/x/./three.cfg", "boot/x/three.cfg"),
            ("/boot/x/../four.cfg", "boot/four.cfg"),
            (r"/boot/x/a\b\eight.cfg", "boot/x/a/b/eight.cfg"),
            (r"Boot\\x86\\pxelinux.cfg/01-aa", "Boot/x86/pxelinux.cfg/01-aa"),
            ("sub//boot/isolinux/ldlinux.c32", "sub/boot/isolinux/ldlinux.c32"),
            ("directory/", "directory"),
            ("...", "..."),
            ("a..b", "a..b"),
            ("name with blanks", "name with blanks"),
            ("gründlich", "gründlich"),
        ] {
            assert_eq!(clean(sent).as_deref(), Ok(expected), "{sent}");
        }
    }

    #[test]
    fn a_name_never_leads_above_the_root() {
        for sent in
            ["..", "../x", "/../x", "a/../../x", r"..\..\etc\passwd", r"a\..\..\x", "./../x", "a/..//../x"]
        {
            assert_eq!(clean(sent), Err(BadName::Outside), "{sent}");
        }
    }

    #[test]
    fn nothing_is_not_a_name() {
        for sent in ["", "/", "//", ".", "./", r"\", "a/..", "a/b/../.."] {
            assert_eq!(clean(sent), Err(BadName::Empty), "{sent}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for sent in ["a\0b", "\0", "a\nb", "a\x1b[2J", "a\x7f", "a\u{85}b"] {
            assert_eq!(clean(sent), Err(BadName::Control), "{sent:?}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        assert!(clean(&"a".repeat(MAX_COMPONENT)).is_ok());
        assert_eq!(clean(&"a".repeat(MAX_COMPONENT + 1)), Err(BadName::TooLong));
        assert!(clean(&"a/".repeat(MAX_NAME / 2)).is_ok());
        assert_eq!(clean(&"a/".repeat(MAX_NAME / 2 + 1)), Err(BadName::TooLong));
    }

    #[test]
    fn a_name_knows_its_file_and_its_parent() {
        let name = Name::parse("a/b/c").unwrap();
        assert_eq!(name.file(), "c");
        assert_eq!(name.parent().unwrap().as_str(), "a/b");
        assert_eq!(Name::parse("c").unwrap().parent(), None);
        assert_eq!(name.join("../d").unwrap().as_str(), "a/b/d");
        assert_eq!(name.strip_prefix("a").unwrap().as_str(), "b/c");
        assert_eq!(Name::parse("ab/c").unwrap().strip_prefix("a"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_a_name_stays_inside(
            sent in prop_oneof![
                any::<String>(),
                proptest::collection::vec(
                    prop_oneof![Just("/"), Just("\\"), Just(".."), Just("."), Just("a"), Just("%2e"), Just("é"), Just("\0")],
                    0..40,
                ).prop_map(|parts| parts.concat()),
            ]
        ) {
            if let Ok(name) = Name::parse(&sent) {
                prop_assert!(name.as_str().len() <= MAX_NAME);
                prop_assert!(!name.as_str().contains(['\\', '\0']));
                for component in name.components() {
                    prop_assert!(!matches!(component, "" | "." | ".."));
                    prop_assert!(component.len() <= MAX_COMPONENT);
                }
                let again = Name::parse(name.as_str());
                prop_assert_eq!(again.as_ref(), Ok(&name));
            }
        }
    }
}
