use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use nextboot_boot::{
    Answer, Ask, Body, CONF_DIR, Client, Language, NoAnswer, Plan, Profile, Setting, Site, Tree,
};
use nextboot_files::{BadName, Content, Name, OpenError};
use nextboot_model::{AttemptId, Class, EventKind, Mac, Needs, State, Via};

use super::{
    Found, Receipt, Refused,
    who::{Known, Who, is_ourselves, who},
};
use crate::{
    appliance::{Appliance, Settings},
    tree::MAX_CONFIGURATION,
};

/// The tree's own default configuration, which loaders in other directories look for beside themselves.
const TREE_DEFAULT: &str = "pxelinux.cfg/default";

impl Appliance {
    /// What is at this name for whoever asks from this address. `server` is our address as the asker knows it.
    pub(crate) async fn open(
        self: &Arc<Self>,
        from: IpAddr,
        server: IpAddr,
        name: &str,
        via: Via,
    ) -> Result<Found, Refused> {
        let name = Name::parse(name).map_err(|error| match error {
            BadName::Outside => Refused::Forbidden(error.to_string()),
            _ => Refused::NotFound(error.to_string()),
        })?;
        let requester = self.client_at(from).await;
        let settings = self.settings.load_full();
        if let Some(ask) = Ask::read(name.as_str()) {
            return self.configuration(&settings, &ask, &name, &requester, server, via);
        }
        let mac = requester.mac;
        match fetch(&settings, &name).await {
            Ok((_, Some(profile))) if !self.is_armed_for(&requester, &profile) => {
                let reason = format!(
                    "it is the profile {}, which installs, and this machine is not armed for it",
                    profile.name
                );
                self.refuse(&requester, &name, &reason, via);
                Err(Refused::Forbidden(reason))
            }
            Ok((content, _)) => Ok(Found { content, receipt: Receipt::File { name: name.to_string(), mac } }),
            Err(error) => {
                self.refuse(&requester, &name, &error.to_string(), via);
                Err(match error {
                    OpenError::NotFound | OpenError::NotAFile | OpenError::Loop => {
                        Refused::NotFound(error.to_string())
                    }
                    OpenError::Outside | OpenError::Denied => Refused::Forbidden(error.to_string()),
                    OpenError::TooLarge { .. } | OpenError::Failed(_) => Refused::Failed(error.to_string()),
                })
            }
        }
    }

    fn is_armed_for(&self, requester: &Client, profile: &Profile) -> bool {
        let plan = self.plan(&self.store.state(), requester);
        plan.profile.is_some_and(|planned| planned.name == profile.name)
    }

    fn configuration(
        self: &Arc<Self>,
        settings: &Arc<Settings>,
        ask: &Ask,
        name: &Name,
        requester: &Client,
        server: IpAddr,
        via: Via,
    ) -> Result<Found, Refused> {
        let state = self.store.state();
        let Some((client, plan)) = ask.decide(&settings.site, &state, &*settings.tree, requester) else {
            // A loader's search goes through a dozen names; that one is not there is no event.
            return Err(Refused::NotFound("no configuration at this name for this machine".into()));
        };
        let plan = beside_the_loader(&settings.site, &*settings.tree, plan, name);
        let who = self.who(&state, &client, &plan, requester);
        let own = who == Who::Itself;
        let setting =
            Setting { foreign: who == Who::Other, ..self.setting(settings, &state, &client, server) };
        let answer = setting.answer(&plan, Language::Pxelinux);
        let mut answer = answer.map_err(|error| self.no_answer(&client, name.as_str(), error, via))?;
        also_beneath(&mut answer.promise.needs, name);
        if own {
            self.give_up_if_exhausted(&plan);
        }
        Ok(written(name.to_string(), client.mac, own, answer))
    }

    /// The iPXE script for a machine.
    pub(crate) async fn script(
        self: &Arc<Self>,
        from: IpAddr,
        server: IpAddr,
        mac: Option<Mac>,
    ) -> Result<Found, Refused> {
        let requester = self.client_at(from).await;
        let client = match mac {
            Some(mac) if requester.mac != Some(mac) => {
                let attempts = self.attempts.lock();
                let attempt = attempts.of(mac);
                let (arch, uuid) = attempt.map_or((None, None), |attempt| (attempt.arch, attempt.uuid));
                Client { arch, uuid, ..Client::of(mac) }
            }
            _ => requester,
        };
        let client = Client { firmware: nextboot_boot::Firmware::Ipxe, ..client };
        let settings = self.settings.load_full();
        let state = self.store.state();
        let plan = self.plan(&state, &client);
        let who = self.who(&state, &client, &plan, &requester);
        let own = who == Who::Itself;
        let name = client.mac.map_or_else(|| "ipxe".to_owned(), |mac| format!("ipxe/{mac}"));
        let setting =
            Setting { foreign: who == Who::Other, ..self.setting(&settings, &state, &client, server) };
        match setting.answer(&plan, Language::Ipxe) {
            Ok(answer) => {
                if own {
                    self.give_up_if_exhausted(&plan);
                }
                Ok(written(name, client.mac, own, answer))
            }
            Err(NoAnswer::Nothing(why)) => {
                // iPXE shows what it reads, so the reason goes to the machine's own screen.
                let content = Content::from_bytes(nextboot_boot::ipxe::nothing(&why));
                Ok(Found { content, receipt: Receipt::Note })
            }
            Err(error) => Err(self.no_answer(&client, &name, error, Via::Http)),
        }
    }

    pub(super) fn setting<'a>(
        &'a self,
        settings: &'a Settings,
        state: &'a State,
        client: &'a Client,
        server: IpAddr,
    ) -> Setting<'a> {
        let attempt = client.mac.and_then(|mac| self.attempts.lock().of(mac).map(|attempt| attempt.id));
        // Behind a relay or an address translation the machine's own network knows us by another address.
        let server = client.address.and_then(|address| self.links.towards(address, server)).unwrap_or(server);
        Setting {
            site: &settings.site,
            state,
            tree: &*settings.tree,
            secret: &self.secret,
            client,
            server,
            attempt: attempt.unwrap_or_else(|| AttemptId(crate::clock::now().0)),
            foreign: false,
        }
    }

    /// Who asks for what is written for `client` under `plan`.
    fn who(&self, state: &State, client: &Client, plan: &Plan, requester: &Client) -> Who {
        let own: Vec<IpAddr> = self.links.all_addresses().into_iter().map(IpAddr::V4).collect();
        if requester.address.is_some_and(|address| is_ourselves(address, &own)) {
            return Who::Other;
        }
        let host = plan.host.as_ref().and_then(|name| state.host(name));
        let listed =
            host.is_some_and(|record| requester.mac.is_some_and(|mac| record.host.macs.contains(&mac)));
        let hears = self.hears_dhcp();
        let attempts = self.attempts.lock();
        let attempt = client.mac.and_then(|mac| attempts.of(mac));
        who(client, requester, Known { attempt, listed, hears })
    }

    pub(super) fn no_answer(&self, client: &Client, name: &str, error: NoAnswer, via: Via) -> Refused {
        let text = error.to_string();
        match error {
            NoAnswer::Nothing(_) | NoAnswer::NoMac => Refused::NotFound(text),
            NoAnswer::NoFile(_) => {
                let kind = EventKind::FileRefused { name: name.to_owned(), reason: text.clone(), via };
                self.note_once_in_a_while(client.mac, client.address, kind);
                Refused::NotFound(text)
            }
            NoAnswer::Template(_) | NoAnswer::Untranslatable { .. } => {
                let kind = EventKind::TemplateFailed { name: name.to_owned(), error: text.clone() };
                self.note_once_in_a_while(client.mac, client.address, kind);
                Refused::Template(text)
            }
        }
    }

    fn refuse(&self, requester: &Client, name: &Name, reason: &str, via: Via) {
        let kind = EventKind::FileRefused { name: name.to_string(), reason: reason.to_owned(), via };
        // Not about a machine that boots: somebody tries names.
        if requester.mac.is_some_and(|mac| self.attempts.lock().of(mac).is_some()) {
            self.note_once_in_a_while(requester.mac, requester.address, kind);
        } else {
            tracing::debug!(from = ?requester.address, "{kind}");
        }
    }
}

/// A PXELINUX in a directory of its own puts that before every name in its configuration, unless the site wrote it out.
fn also_beneath(needs: &mut Needs, name: &Name) {
    let Some(directory) = name.parent().and_then(|cfg| cfg.parent()) else { return };
    let prefixed = |set: &BTreeSet<String>| set.iter().map(|file| format!("{directory}/{file}")).collect();
    let more: Needs = needs.iter().map(prefixed).collect();
    needs.extend(more);
}

fn written(name: String, mac: Option<Mac>, own: bool, answer: Answer) -> Found {
    let content = Content::from_bytes(answer.text);
    Found { content, receipt: Receipt::Configuration { name, mac, own, promise: answer.promise } }
}

/// Opens a file, and says whose it is when it is an installer's.
async fn fetch(settings: &Arc<Settings>, name: &Name) -> Result<(Content, Option<Arc<Profile>>), OpenError> {
    let (settings, name) = (Arc::clone(settings), name.clone());
    let look = move || {
        let content = settings.roots.get(&name)?;
        let guarded = guarded(&settings.site, &*settings.tree, &name, &content);
        Ok((content, guarded))
    };
    tokio::task::spawn_blocking(look)
        .await
        .map_err(|error| OpenError::Failed(std::io::Error::other(error)))?
}

/// The profile whose file this is, when it installs: such a file is the profile's plan itself and not just a file. By its
/// text and not only by its name, because links, copies and a root's own path give it others.
fn guarded(site: &Site, tree: &dyn Tree, name: &Name, content: &Content) -> Option<Arc<Profile>> {
    let installs = |profile: &Arc<Profile>| profile.class == Class::Install;
    let is_file = |profile: &&Arc<Profile>| matches!(&profile.body, Body::File(file) if Name::parse(file).is_ok_and(|file| file == *name));
    let by_file = || site.profiles.values().filter(|profile| installs(profile)).find(is_file).cloned();
    let plain = || {
        let plain = name.as_str().strip_prefix(CONF_DIR)?.strip_prefix('/')?.parse().ok()?;
        site.profiles.get(&plain).cloned()
    };
    if let Some(profile) = by_file().or_else(plain) {
        // What the site calls harmless under this very name is.
        return Some(profile).filter(installs);
    }
    let len = usize::try_from(content.len()).ok().filter(|len| (1..=MAX_CONFIGURATION).contains(len))?;
    let mut text = vec![0; len];
    content.read_at_blocking(0, &mut text).ok()?;
    site.profile_with_text(tree, &text).filter(installs)
}

/// A loader in a directory of its own (`debian-installer/amd64/pxelinux.0`) looks for its default beside itself.
fn beside_the_loader(site: &Site, tree: &dyn Tree, plan: Plan, name: &Name) -> Plan {
    let Some(profile) = &plan.profile else { return plan };
    let by_default = matches!(&profile.body, Body::File(file) if file == TREE_DEFAULT);
    if !by_default || name.file() != "default" || name.as_str() == TREE_DEFAULT {
        return plan;
    }
    let Some(text) = tree.read(name.as_str()) else { return plan };
    // Nobody armed the machine: what it gets is no installer, wherever the loader stands.
    if site.profile_with_text(tree, &text).is_some_and(|profile| profile.class == Class::Install) {
        let why = format!("{name} installs, and nobody armed this machine");
        return Plan { profile: None, loader: None, why, ..plan };
    }
    let profile = Arc::new(Profile { body: Body::File(name.to_string()), ..(**profile).clone() });
    Plan { profile: Some(profile), ..plan }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nextboot_boot::MemoryTree;
    use nextboot_model::ProfileName;

    use super::*;

    const WIPE: &str = "DEFAULT wipe\n";

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn profile(name: &str, class: Class, file: &str) -> (ProfileName, Arc<Profile>) {
        let name: ProfileName = name.parse().unwrap();
        let profile =
            Profile { name: name.clone(), title: None, class, body: Body::File(file.into()), seed: None };
        (name, Arc::new(profile))
    }

    fn site() -> Site {
        let wipe = profile("wipe", Class::Install, "wipe/boot.cfg");
        let twin = profile("twin", Class::Live, "pxelinux.cfg/conf/twin");
        Site { profiles: BTreeMap::from([wipe, twin]), ..Site::default() }
    }

    fn tree() -> MemoryTree {
        let files = [
            ("wipe/boot.cfg", WIPE),
            ("pxelinux.cfg/conf/twin", WIPE),
            ("a/pxelinux.cfg/default", WIPE),
            ("b/pxelinux.cfg/default", "DEFAULT menu\n"),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.into()));
        MemoryTree { files: files.into(), ..MemoryTree::default() }
    }

    #[test]
    fn an_installers_file_is_told_by_name_and_by_text() {
        let whose = |at: &str, text: &str| {
            let content = Content::from_bytes(text.to_owned());
            guarded(&site(), &tree(), &name(at), &content).map(|profile| profile.name.to_string())
        };
        for at in ["wipe/boot.cfg", "pxelinux.cfg/conf/wipe", "linked.cfg", "srv/tftp/wipe/boot.cfg"] {
            assert_eq!(whose(at, WIPE).as_deref(), Some("wipe"), "{at}");
        }
        assert_eq!(whose("wipe/boot.cfg", "changed a moment ago").as_deref(), Some("wipe"));
        assert_eq!(
            whose("pxelinux.cfg/conf/twin", WIPE),
            None,
            "the site says of this name that it is harmless"
        );
        assert_eq!(whose("pxelinux.cfg/menu.cfg", "DEFAULT menu\n"), None);
        assert_eq!(whose("empty", ""), None);
        assert_eq!(whose("large", &"x".repeat(MAX_CONFIGURATION + 1)), None);
    }

    #[test]
    fn a_loader_in_a_directory_of_its_own_gets_its_own_default_but_no_installer() {
        let body = |at: &str, file: &str| {
            let (_, profile) = profile("default", Class::Unclassified, file);
            let client = Client::default();
            let plan = nextboot_boot::decide(&site(), &State::default(), &tree(), &client);
            let plan = Plan { profile: Some(profile), ..plan };
            let plan = beside_the_loader(&site(), &tree(), plan, &name(at));
            plan.profile.map(|profile| match &profile.body {
                Body::File(file) => file.clone(),
                _ => String::new(),
            })
        };
        assert_eq!(body(TREE_DEFAULT, TREE_DEFAULT).as_deref(), Some(TREE_DEFAULT));
        assert_eq!(body("b/pxelinux.cfg/default", TREE_DEFAULT).as_deref(), Some("b/pxelinux.cfg/default"));
        assert_eq!(body("c/pxelinux.cfg/default", TREE_DEFAULT).as_deref(), Some(TREE_DEFAULT));
        assert_eq!(body("b/pxelinux.cfg/default", "other").as_deref(), Some("other"));
        assert_eq!(body("a/pxelinux.cfg/default", TREE_DEFAULT), None);
    }

    #[test]
    fn a_loader_in_a_directory_of_its_own_fetches_beneath_it() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        let plain: Needs = vec![set(&["linux", "initrd"])];
        let mut needs = plain.clone();
        also_beneath(&mut needs, &name("pxelinux.cfg/default"));
        assert_eq!(needs, plain);
        also_beneath(&mut needs, &name("debian/amd64/pxelinux.cfg/01-02-00-00-00-00-01"));
        assert_eq!(needs, [plain[0].clone(), set(&["debian/amd64/linux", "debian/amd64/initrd"])]);
        let mut nothing = Needs::new();
        also_beneath(&mut nothing, &name("debian/pxelinux.cfg/default"));
        assert!(nothing.is_empty());
    }
}
