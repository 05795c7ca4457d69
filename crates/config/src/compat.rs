use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nextboot_boot::{Bootloader, ProfileDirs};

use crate::{
    Complaint, Complaints, Config, Files, PxePilot, api,
    document::Section,
    files::{path, take},
};

/// Configurations of programs that nextboot replaces, read where they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compat {
    /// pxe-pilot's file.
    pub pxe_pilot: Option<PathBuf>,
    /// What it says, once somebody has read it ([`Config::take_pxe_pilot`]).
    pub pilot: Option<Arc<PxePilot>>,
}

impl Compat {
    pub(crate) fn read(compat: &mut Section<'_>, place: &Path) -> Self {
        let mut read = Self::default();
        take(&mut read.pxe_pilot, compat.get("pxe_pilot", |item| path(item, place).map(Some)));
        read
    }
}

impl Config {
    /// Takes over what pxe-pilot's configuration says: its directories of configurations are directories of profiles, before
    /// others; its TFTP root and its port count where this configuration says nothing of its own; its adapters switch
    /// machines. The hosts are for the running appliance to make.
    ///
    /// # Errors
    /// What cannot be together.
    pub fn take_pxe_pilot(&mut self, pilot: PxePilot, file: &Path) -> Result<(), Complaints> {
        if let Some(root) = &pilot.root
            && self.files.roots == Files::default().roots
        {
            self.files.roots = vec![root.clone()];
        }
        if let Some((port, line)) = pilot.port
            && self.api.port == api::PORT
        {
            if port == self.http.port {
                let key = "server.port".to_owned();
                let remedy = "[http] of nextboot.toml has this port, and the two sides need one each; say [http] port = ... \
                              there"
                    .to_owned();
                let complaint = Complaint { line, key, value: Some(port.to_string()), remedy };
                return Err(Complaints::new(file, vec![complaint]));
            }
            self.api.port = port;
            self.site.api_port = port;
        }
        for adapter in &pilot.adapters {
            let made = adapter.commands().map_err(|complaint| Complaints::new(file, vec![complaint]))?;
            self.power.adapters.insert(adapter.name.clone(), Arc::new(made));
        }
        let directories = pilot.profile_dirs(&self.files.roots, file)?;
        let loaders = pilot.bootloaders.iter().zip(&directories);
        self.site.bootloaders = loaders
            .map(|(loader, directory)| Bootloader {
                name: loader.name.clone(),
                file: loader.file.clone(),
                config_path: loader.config_path.clone(),
                directory: directory.clone(),
            })
            .collect();
        let others = self.site.profile_dirs.iter().cloned().collect::<Vec<_>>();
        self.site.profile_dirs = ProfileDirs::new(directories.into_iter().chain(others));
        self.compat.pilot = Some(Arc::new(pilot));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PILOT: &str = "tftp: {root: /tree}\nconfiguration:\n  directory: /tree/pxelinux.cfg/conf\n  bootloaders: [{name: \
                         grub, file: grub.efi}]\nserver: {port: 4000}\n";

    fn with(toml: &str, yaml: &str) -> Result<Config, String> {
        let mut config = Config::parse(toml, Path::new("/etc/nextboot/nextboot.toml")).unwrap();
        let file = Path::new("p.yml");
        let pilot = PxePilot::parse(yaml, file).map_err(|complaints| complaints.to_string())?;
        config.take_pxe_pilot(pilot, file).map_err(|complaints| complaints.to_string())?;
        Ok(config)
    }

    #[test]
    fn what_pxe_pilot_says_counts_where_the_site_says_nothing() {
        let config = with("", PILOT).unwrap();
        assert_eq!(config.files.roots, [PathBuf::from("/tree")]);
        assert_eq!((config.api.port, config.site.api_port), (4000, 4000));
        let dirs: Vec<String> = config.site.profile_dirs.iter().map(ToString::to_string).collect();
        assert_eq!(dirs, ["pxelinux.cfg/conf/grub", "pxelinux.cfg/conf", "pxelinux.cfg/profiles/*.prof"]);
        assert_eq!(config.site.bootloaders[0].directory.to_string(), "pxelinux.cfg/conf/grub");
        let own = "[tftp]\nroots = [\"/other\", \"/tree\"]\n[api]\nport = 5000\n";
        let config = with(own, PILOT).unwrap();
        assert_eq!((config.files.roots.len(), config.api.port), (2, 5000));
    }

    #[test]
    fn a_file_that_does_not_fit_this_configuration_is_refused_with_its_line() {
        let port = with("", &PILOT.replace("4000", "8080")).unwrap_err();
        assert!(port.starts_with("p.yml:5: server.port = 8080: [http]"), "{port}");
        let root = with("[tftp]\nroots = [\"/other\"]\n", PILOT).unwrap_err();
        assert!(root.starts_with("p.yml:3: configuration.directory"), "{root}");
        let adapter = "host_management_adapters:\n  - name: pdu\n    vars:\n      - name: ctl\n        value: ctl\n    \
                       power_status:\n      cmd: ctl status\n      pattern_on: is on\n    power_on:\n      cmd: ctl on\n";
        with("", adapter).unwrap();
        for (right, wrong, wanted) in [
            (
                "value: ctl",
                "value: 'x {{if .a}}'",
                "p.yml:5: host_management_adapters pdu.vars ctl: {{if .a}} is not",
            ),
            ("is on", "(", "p.yml:8: host_management_adapters pdu.power_status.pattern_on: not a regular"),
            (
                "cmd: ctl on",
                "cmd: ctl 'on",
                "p.yml:10: host_management_adapters pdu.power_on: a quotation mark",
            ),
        ] {
            let said = with("", &adapter.replace(right, wrong)).unwrap_err();
            assert!(said.starts_with(wanted), "{said}");
        }
    }

    #[test]
    fn the_name_of_the_file_begins_in_the_directory_of_ours() {
        let config =
            Config::parse("[compat]\npxe_pilot = \"../pxe-pilot.yml\"\n", Path::new("/etc/nextboot/n.toml"));
        assert_eq!(config.unwrap().compat.pxe_pilot, Some("/etc/nextboot/../pxe-pilot.yml".into()));
    }
}
