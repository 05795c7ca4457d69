/// What PXELINUX and SYSLINUX for UEFI read in the DHCP answer that their firmware kept (RFC 5071). They ask for none of it, so
/// it is sent unasked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Option 209: the configuration, before all names of the search; if it is not there the search follows.
    pub config: Option<String>,
    /// Option 210: what goes before every name; without it the directory that the loader was fetched from. A whole
    /// `http://` address makes lpxelinux.0 fetch over HTTP.
    pub prefix: Option<String>,
    /// Option 211: after how many seconds to reboot when there is no configuration.
    pub reboot: Option<u32>,
}

impl Options {
    /// These, and where they say nothing, those.
    #[must_use]
    pub fn over(&self, site: &Self) -> Self {
        let text = |own: &Option<String>, site: &Option<String>| own.clone().or_else(|| site.clone());
        Self {
            config: text(&self.config, &site.config),
            prefix: text(&self.prefix, &site.prefix),
            reboot: self.reboot.or(site.reboot),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profiles_own_go_before_the_sites_and_nothing_is_sent_empty() {
        let site = Options { config: Some("site.cfg".into()), prefix: Some("p/".into()), reboot: Some(30) };
        let own = Options { config: Some("own.cfg".into()), ..Options::default() };
        let wanted = [(209, b"own.cfg".to_vec()), (210, b"p/".to_vec()), (211, vec![0, 0, 0, 30])];
        assert_eq!(own.over(&site).encoded(), wanted);
        assert_eq!(Options::default().encoded(), []);
        assert_eq!(Options { prefix: Some(String::new()), ..Options::default() }.encoded(), []);
    }
}
