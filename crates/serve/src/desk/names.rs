use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use nextboot_boot::{
    Answer, Client, Language, NoAnswer, Plan, Profile, Question, Setting, Tree as _, installer_at,
};
use nextboot_files::{BadName, Content, Name, OpenError};
use nextboot_model::{AttemptId, EventKind, Mac, Needs, Promise, State, Via};

use super::{
    Found, Receipt, Refused,
    caller::Caller,
    who::{Known, Who, is_ourselves, who},
    written::{Sources, Text},
};
use crate::{
    appliance::{Appliance, Settings},
    tree::MAX_CONFIGURATION,
};

impl Appliance {
    /// What is at this name for whoever asks from this address, by HTTP with this cookie. `server` is our address as the
    /// asker knows it.
    pub(crate) async fn open(
        self: &Arc<Self>,
        from: IpAddr,
        cookie: Option<Mac>,
        server: IpAddr,
        name: &str,
        via: Via,
    ) -> Result<Found, Refused> {
        let name = Name::parse(name).map_err(|error| match error {
            BadName::Outside => Refused::Forbidden(error.to_string()),
            _ => Refused::NotFound(error.to_string()),
        })?;
        let caller = self.caller(from, cookie).await;
        let Caller { wire: requester, reads } = caller;
        self.took_our_offer(requester.mac);
        let settings = self.settings.load_full();
        if let Some(question) = Question::read(name.as_str()) {
            return self.configuration(&settings, &question, &name, &caller, server, via);
        }
        if name.file() == "autoexec.ipxe" && !self.has_its_own(&settings, &reads, &name) {
            return Box::pin(self.script_by(from, cookie, server, None, via)).await;
        }
        let mac = requester.mac;
        match fetch(&settings, &name).await {
            Ok((_, Some(profile))) if !self.is_armed_for(&reads, &profile) => {
                let reason = format!(
                    "it is the profile {}, which installs, and this machine is not armed for it",
                    profile.name
                );
                self.refuse(&requester, &name, &reason, via);
                Err(Refused::Forbidden(reason))
            }
            Ok((content, installer)) => Ok(Found {
                content,
                receipt: Receipt::File { name: name.as_str().into(), mac },
                for_all: installer.is_none() && name.file() != "autoexec.ipxe",
            }),
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

    /// Whether the tree's own file is what a machine gets at a name that every iPXE asks for: where the machine is left alone
    /// or gets what the tree says to everybody.
    fn has_its_own(&self, settings: &Settings, requester: &Client, name: &Name) -> bool {
        self.plan(&self.store.state(), requester).is_the_trees_default()
            && settings.tree.read(name.as_str()).is_some()
    }

    fn is_armed_for(&self, requester: &Client, profile: &Profile) -> bool {
        let plan = self.plan(&self.store.state(), requester);
        plan.profile.is_some_and(|planned| planned.name == profile.name)
    }

    fn configuration(
        self: &Arc<Self>,
        settings: &Arc<Settings>,
        question: &Question,
        name: &Name,
        caller: &Caller,
        server: IpAddr,
        via: Via,
    ) -> Result<Found, Refused> {
        let Caller { wire: requester, reads } = caller;
        let state = self.store.state();
        let Some((client, plan)) = question.decide(&settings.site, &state, &settings.tree.now(), reads)
        else {
            // A loader's search goes through a dozen names; that one is not there is no event.
            return Err(Refused::NotFound("no configuration at this name for this machine".into()));
        };
        let who = self.who(&state, &client, &plan, requester);
        let own = who == Who::Itself;
        let setting = Setting {
            foreign: who == Who::Other,
            via,
            own_directory: question.in_own_directory(),
            ..self.setting(settings, &state, &client, server)
        };
        let sources = Sources {
            site: &settings.site,
            setting: &setting,
            plan: &plan,
            language: question.language,
            name: name.as_str(),
        };
        let text =
            self.write(&sources).map_err(|error| self.no_answer(&client, name.as_str(), error, via))?;
        if own {
            self.give_up_if_exhausted(&plan);
        }
        Ok(found(name.as_str(), client.mac, own, text))
    }

    /// The iPXE script for a machine.
    pub(crate) async fn script(
        self: &Arc<Self>,
        from: IpAddr,
        cookie: Option<Mac>,
        server: IpAddr,
        mac: Option<Mac>,
    ) -> Result<Found, Refused> {
        self.script_by(from, cookie, server, mac, Via::Http).await
    }

    /// Newer iPXE looks for `autoexec.ipxe` beside itself before anything else, by whatever it was loaded by. Not found is
    /// the last line that people see then, and what they blame.
    async fn script_by(
        self: &Arc<Self>,
        from: IpAddr,
        cookie: Option<Mac>,
        server: IpAddr,
        mac: Option<Mac>,
        via: Via,
    ) -> Result<Found, Refused> {
        let Caller { wire: requester, reads } = self.caller(from, cookie).await;
        self.took_our_offer(requester.mac);
        let client = match mac {
            Some(mac) if reads.mac != Some(mac) => self.client_of(Some(mac), None),
            _ => reads,
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
        let sources = Sources {
            site: &settings.site,
            setting: &setting,
            plan: &plan,
            language: Language::Ipxe,
            name: &name,
        };
        match self.write(&sources) {
            Ok(text) => {
                if own {
                    self.give_up_if_exhausted(&plan);
                }
                Ok(found(&name, client.mac, own, text))
            }
            Err(NoAnswer::Nothing(why)) => {
                // iPXE shows what it reads, so the reason goes to the machine's own screen.
                let content = Content::from_bytes(nextboot_boot::ipxe::nothing(&why));
                Ok(Found { content, receipt: Receipt::Note, for_all: false })
            }
            Err(error) => Err(self.no_answer(&client, &name, error, via)),
        }
    }

    /// The text for what was decided just now.
    fn write(&self, sources: &Sources<'_>) -> Result<Text, NoAnswer> {
        if let Some(text) = self.written.get(sources) {
            return Ok(text);
        }
        let Answer { text, mut promise } = sources.setting.answer(sources.plan, sources.language)?;
        if sources.language == Language::Pxelinux {
            also_beneath(&mut promise, sources.name);
        }
        let text = Text { bytes: text, promise: Arc::new(promise) };
        self.written.keep(sources, &text);
        Ok(text)
    }

    pub(crate) fn setting<'a>(
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
            via: Via::Http,
            own_directory: false,
            attempt: attempt.unwrap_or_else(|| AttemptId(crate::clock::now().0)),
            foreign: false,
        }
    }

    /// Who asks for what is written for `client` under `plan`.
    fn who(&self, state: &State, client: &Client, plan: &Plan, requester: &Client) -> Who {
        if requester.address.is_some_and(|address| is_ourselves(address, |address| self.links.has(address))) {
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
fn also_beneath(promise: &mut Promise, name: &str) {
    let directory = name.rsplit_once('/').and_then(|(cfg, _)| cfg.rsplit_once('/'));
    let Some((directory, _)) = directory else { return };
    let prefixed = |set: &BTreeSet<String>| -> BTreeSet<String> {
        set.iter().map(|file| format!("{directory}/{file}")).collect()
    };
    let more: Needs = promise.needs.iter().map(prefixed).collect();
    promise.needs.extend(more);
    let more = prefixed(&promise.kernels);
    promise.kernels.extend(more);
}

fn found(name: &str, mac: Option<Mac>, own: bool, text: Text) -> Found {
    let Text { bytes, promise } = text;
    let receipt = Receipt::Configuration { name: name.into(), mac, own, promise };
    Found { content: Content::from_bytes(bytes), receipt, for_all: false }
}

/// All bytes of what is small enough to be a configuration.
fn small(content: &Content) -> Option<Vec<u8>> {
    let len = usize::try_from(content.len()).ok().filter(|len| *len <= MAX_CONFIGURATION)?;
    let mut text = vec![0; len];
    content.read_at_blocking(0, &mut text).ok()?;
    Some(text)
}

/// A file, and whose it is when it is an installer's.
type Fetched = (Content, Option<Arc<Profile>>);

/// Opens a file, and says whose it is when it is an installer's. Only what may wait for a disk takes the way over another
/// thread, which is longer than all the rest.
async fn fetch(settings: &Arc<Settings>, name: &Name) -> Result<Fetched, OpenError> {
    if let Some(fetched) = fetch_known(settings, name) {
        return Ok(fetched);
    }
    let (settings, name) = (Arc::clone(settings), name.clone());
    let look = move || {
        let content = settings.roots.get(&name)?;
        let installer = installer_at(&settings.site, &*settings.tree, name.as_str(), || small(&content));
        Ok((content, installer))
    };
    tokio::task::spawn_blocking(look)
        .await
        .map_err(|error| OpenError::Failed(std::io::Error::other(error)))?
}

/// The same where the kernel knows the file, and whose it is can be told without reading it.
fn fetch_known(settings: &Settings, name: &Name) -> Option<Fetched> {
    let content = settings.roots.get_known(name)?;
    let mut is_told = true;
    let installer = installer_at(&settings.site, &*settings.tree, name.as_str(), || {
        if content.len() > MAX_CONFIGURATION as u64 {
            return None;
        }
        is_told = content.as_bytes().is_some();
        content.as_bytes().map(|bytes| bytes.to_vec())
    });
    is_told.then_some((content, installer))
}

#[cfg(test)]
mod tests {
    use nextboot_model::Class;

    use super::*;

    #[test]
    fn only_what_can_be_a_configuration_is_read_whole() {
        assert_eq!(small(&Content::from_bytes("text")).as_deref(), Some(&b"text"[..]));
        assert_eq!(small(&Content::from_bytes("x".repeat(MAX_CONFIGURATION + 1))), None);
    }

    #[test]
    fn a_loader_in_a_directory_of_its_own_fetches_beneath_it() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        let plain = Promise {
            host: None,
            profile: "p".parse().unwrap(),
            class: Class::Live,
            armed: None,
            needs: vec![set(&["linux", "initrd"])],
            kernels: set(&["linux"]),
        };
        let mut promise = plain.clone();
        also_beneath(&mut promise, "pxelinux.cfg/default");
        assert_eq!(promise, plain);
        also_beneath(&mut promise, "debian/amd64/pxelinux.cfg/01-02-00-00-00-00-01");
        let beneath = set(&["debian/amd64/linux", "debian/amd64/initrd"]);
        assert_eq!(promise.needs, [plain.needs[0].clone(), beneath]);
        assert_eq!(promise.kernels, set(&["linux", "debian/amd64/linux"]));
        let mut nothing = Promise { needs: Needs::new(), kernels: BTreeSet::new(), ..plain };
        also_beneath(&mut nothing, "debian/pxelinux.cfg/default");
        assert!(nothing.needs.is_empty() && nothing.kernels.is_empty());
    }
}
