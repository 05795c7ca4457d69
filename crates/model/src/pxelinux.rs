use serde::{Deserialize, Deserializer, Serialize};

/// Longest text of one DHCP option, in bytes.
pub const MAX_PXELINUX_TEXT: usize = 255;
/// Longest time until a reboot, in seconds: a day.
pub const MAX_PXELINUX_REBOOT: u32 = 86_400;

/// What PXELINUX and SYSLINUX for UEFI read in the DHCP answer that their firmware kept (RFC 5071). They ask for none of it, so
/// it is sent unasked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PxelinuxOptions {
    /// Option 209: the configuration, before all names of the search; if it is not there the search follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// Option 210: what goes before every name; without it the directory that the loader was fetched from. A whole
    /// `http://` address makes lpxelinux.0 fetch over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Option 211: after how many seconds to reboot when there is no configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot: Option<u32>,
}

/// What to change about them; what is absent stays, and `null` takes away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PxelinuxPatch {
    /// Option 209.
    #[serde(deserialize_with = "present")]
    pub config: Option<Option<String>>,
    /// Option 210.
    #[serde(deserialize_with = "present")]
    pub prefix: Option<Option<String>>,
    /// Option 211.
    #[serde(deserialize_with = "present")]
    pub reboot: Option<Option<u32>>,
}

/// Tells an absent field from a `null`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// Options that no DHCP answer can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPxelinuxOptions {
    /// Nothing, or more than an option holds, or more than a line. PXELINUX takes an empty one badly.
    #[error(
        "what PXELINUX is told is 1 to {MAX_PXELINUX_TEXT} bytes in one line; leave it out instead of an empty one"
    )]
    Text,
    /// Zero would mean to wait for ever; nobody means more than a day.
    #[error("PXELINUX reboots after 1 to {MAX_PXELINUX_REBOOT} seconds, not {0}")]
    Reboot(u32),
}

impl PxelinuxOptions {
    /// True when nothing is told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that each is one that can be sent.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), BadPxelinuxOptions> {
        let sound = |text: &String| {
            !text.trim().is_empty() && text.len() <= MAX_PXELINUX_TEXT && !text.contains(char::is_control)
        };
        if ![&self.config, &self.prefix].into_iter().flatten().all(sound) {
            return Err(BadPxelinuxOptions::Text);
        }
        match self.reboot {
            Some(seconds) if !(1..=MAX_PXELINUX_REBOOT).contains(&seconds) => {
                Err(BadPxelinuxOptions::Reboot(seconds))
            }
            _ => Ok(()),
        }
    }

    /// These, and where they say nothing, those.
    #[must_use]
    pub fn over(&self, farther: &Self) -> Self {
        let text = |own: &Option<String>, farther: &Option<String>| own.clone().or_else(|| farther.clone());
        Self {
            config: text(&self.config, &farther.config),
            prefix: text(&self.prefix, &farther.prefix),
            reboot: self.reboot.or(farther.reboot),
        }
    }

    /// Code and value of each DHCP option that is set; none is empty, which old PXELINUX takes badly.
    #[must_use]
    pub fn encoded(&self) -> Vec<(u8, Vec<u8>)> {
        let text = |code: u8, text: &Option<String>| {
            text.as_ref().filter(|text| !text.is_empty()).map(|text| (code, text.clone().into_bytes()))
        };
        let reboot = self.reboot.map(|seconds| (211, seconds.to_be_bytes().to_vec()));
        [text(209, &self.config), text(210, &self.prefix), reboot].into_iter().flatten().collect()
    }
}

impl PxelinuxPatch {
    /// The options with this patch applied.
    pub(crate) fn apply(&self, to: &mut PxelinuxOptions) {
        if let Some(config) = &self.config {
            to.config.clone_from(config);
        }
        if let Some(prefix) = &self.prefix {
            to.prefix.clone_from(prefix);
        }
        if let Some(reboot) = self.reboot {
            to.reboot = reboot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_go_before_the_farther_and_nothing_is_sent_empty() {
        let site =
            PxelinuxOptions { config: Some("site.cfg".into()), prefix: Some("p/".into()), reboot: Some(30) };
        let own = PxelinuxOptions { config: Some("own.cfg".into()), ..PxelinuxOptions::default() };
        let wanted = [(209, b"own.cfg".to_vec()), (210, b"p/".to_vec()), (211, vec![0, 0, 0, 30])];
        assert_eq!(own.over(&site).encoded(), wanted);
        assert_eq!(PxelinuxOptions::default().encoded(), []);
        let empty = PxelinuxOptions { prefix: Some(String::new()), ..PxelinuxOptions::default() };
        assert_eq!(empty.encoded(), []);
        assert_eq!(empty.check(), Err(BadPxelinuxOptions::Text));
    }

    #[test]
    fn what_no_option_can_carry_is_refused() {
        let with = |config: &str, reboot: u32| {
            PxelinuxOptions { config: Some(config.into()), prefix: None, reboot: Some(reboot) }.check()
        };
        assert_eq!(with("x.cfg", 1), Ok(()));
        assert_eq!(with(&"x".repeat(255), 86_400), Ok(()));
        for text in ["", " ", "a\nb", &"x".repeat(256)] {
            assert_eq!(with(text, 1), Err(BadPxelinuxOptions::Text), "{text:?}");
        }
        for seconds in [0, 86_401] {
            assert_eq!(with("x", seconds), Err(BadPxelinuxOptions::Reboot(seconds)));
        }
    }

    #[test]
    fn a_patch_tells_what_it_leaves_from_what_it_takes_away() {
        let patch: PxelinuxPatch = serde_json::from_str(r#"{"config":null,"reboot":9}"#).expect("a patch");
        let mut told = PxelinuxOptions { config: Some("x".into()), prefix: Some("p/".into()), reboot: None };
        patch.apply(&mut told);
        assert_eq!(told, PxelinuxOptions { config: None, prefix: Some("p/".into()), reboot: Some(9) });
    }
}
