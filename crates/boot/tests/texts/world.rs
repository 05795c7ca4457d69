use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use nextboot_boot::{
    Answer, Body, Client, Firmware, Language, Linux, MemoryTree, NoAnswer, OwnLoaders, Profile, Secret,
    Setting, Site, decide,
};
use nextboot_model::{
    Arch, AttemptId, Class, Command, Door, Exit, Host, HostPatch, Mac, ProfileName, State, Target, Timestamp,
    Until, Via,
};

pub(crate) const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

pub(crate) struct World {
    pub(crate) site: Site,
    pub(crate) state: State,
    pub(crate) tree: MemoryTree,
    pub(crate) client: Client,
    pub(crate) foreign: bool,
    pub(crate) via: Via,
    pub(crate) own_directory: bool,
}

impl World {
    /// One host, `node1`, which is assigned the profile `p`.
    pub(crate) fn with(body: Body, class: Class) -> Self {
        let name: ProfileName = "p".parse().unwrap();
        let profile = Profile {
            name: name.clone(),
            title: None,
            class,
            body,
            seed: Some("a.j2".into()),
            loaders: OwnLoaders::default(),
        };
        let site = Site {
            profiles: [(name.clone(), Arc::new(profile))].into(),
            attempts: 3,
            http_port: 8080,
            api_port: 3478,
            ..Site::default()
        };
        let mut world = Self {
            site,
            state: State::default(),
            tree: MemoryTree::default(),
            client: Client { firmware: Firmware::Pxe, arch: Some(Arch::BIOS), ..Client::of(MAC) },
            foreign: false,
            via: Via::Tftp,
            own_directory: false,
        };
        let by = || Door::Api { who: "test".into() };
        let vars = BTreeMap::from([("role".to_owned(), "web".to_owned())]);
        let host = Host {
            name: "node1".parse().unwrap(),
            macs: vec![MAC],
            uuid: None,
            address: None,
            loader: None,
            exit: None,
            pxelinux: Default::default(),
            power: None,
            vars,
        };
        world.run(&Command::AddHost { host, by: by() }, 1);
        let targets = vec![Target::Mac(MAC)];
        world.run(&Command::Assign { targets, profile: name, class, until: Until::Done, by: by() }, 2);
        world
    }

    pub(crate) fn run(&mut self, command: &Command, now: u64) {
        let verdict = command.check(&self.state, Timestamp(now)).unwrap();
        verdict.changes.iter().for_each(|change| self.state.apply(change));
    }

    pub(crate) fn patch(&mut self, patch: HostPatch) {
        self.run(&Command::SetHost { name: "node1".parse().unwrap(), patch }, 3);
    }

    pub(crate) fn exit(&mut self, exit: Exit) {
        self.patch(HostPatch { exit: Some(Some(exit)), ..HostPatch::default() });
    }

    pub(crate) fn answer(&self, language: Language) -> Result<Answer, NoAnswer> {
        let plan = decide(&self.site, &self.state, &self.tree, &self.client);
        self.setting().answer(&plan, language)
    }

    pub(crate) fn seed(&self, template: &str) -> Result<String, NoAnswer> {
        let plan = decide(&self.site, &self.state, &self.tree, &self.client);
        self.setting().seed(&plan, "a.j2", template)
    }

    pub(crate) fn setting(&self) -> Setting<'_> {
        Setting {
            site: &self.site,
            state: &self.state,
            tree: &self.tree,
            secret: const { &Secret([7; 32]) },
            client: &self.client,
            server: IpAddr::from([10, 0, 0, 1]),
            via: self.via,
            own_directory: self.own_directory,
            attempt: AttemptId(9),
            foreign: self.foreign,
        }
    }

    pub(crate) fn text(&self, language: Language) -> String {
        String::from_utf8(self.answer(language).unwrap().text.to_vec()).unwrap()
    }

    pub(crate) fn needs(&self, language: Language) -> Vec<Vec<String>> {
        let needs = self.answer(language).unwrap().promise.needs;
        needs.into_iter().map(|set| set.into_iter().collect()).collect()
    }
}

pub(crate) fn linux(args: &str) -> Body {
    Body::Linux(Linux {
        kernel: "debian/linux".into(),
        initrds: vec!["debian/initrd.gz".into(), "extra files/a.cpio".into()],
        args: args.into(),
    })
}

pub(crate) fn file(name: &str) -> Body {
    Body::File(name.into())
}

/// A menu with a bit of everything.
pub(crate) const MENU: &str = "UI vesamenu.c32\nMENU TITLE What now?\nTIMEOUT 75\n\
    LABEL local\nMENU LABEL ^Own disk\nLOCALBOOT 0\n\
    LABEL debian\nMENU LABEL It's ^Debian; $1\nMENU DEFAULT\nKERNEL d/linux\nAPPEND initrd=d/initrd.gz quiet ---\nIPAPPEND 2\n\
    LABEL tools\nCOM32 hdt.c32\n\
    LABEL grml\nLINUX grml\nAPPEND x\n";
