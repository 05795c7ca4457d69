use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use bytes::Bytes;
use nextboot_model::{AttemptId, Exit, Mac, Promise, State, Until, Via};

use crate::{
    Body, Client, Linux, Plan, Profile, Proof, Scene, Secret, Site, TemplateError, Tree, grub, ipxe,
    pxelinux::{self, Entry, Menu, Shown, Untranslatable},
    question::is_grubs,
    render::base,
};

/// The loader that reads an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// PXELINUX and its kin.
    Pxelinux,
    /// iPXE.
    Ipxe,
    /// GRUB.
    Grub,
}

impl Language {
    /// The loader that reads it, for people.
    #[must_use]
    pub fn loader(self) -> &'static str {
        match self {
            Self::Pxelinux => "PXELINUX",
            Self::Ipxe => "iPXE",
            Self::Grub => "GRUB",
        }
    }
}

/// What a loader gets to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: Bytes,
    /// What it promises, for following the attempt.
    pub promise: Promise,
}

/// Why a plan has no text for a loader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The plan is to leave the machine alone; why, in words.
    #[error("{0}")]
    Nothing(String),
    /// The file that the profile is has gone, is empty, or too large.
    #[error("the profile's file {0} is not there, is empty, or too large")]
    NoFile(String),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The configuration says what the loader that asks cannot do.
    #[error("{profile} cannot be written for {loader}: {why}")]
    Untranslatable {
        /// The profile.
        profile: String,
        /// The loader.
        loader: &'static str,
        /// Why.
        why: Untranslatable,
    },
    /// The machine has no MAC that we know, and the text needs one.
    #[error("it is not known which machine asks")]
    NoMac,
}

/// Where an answer is written from and for whom.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The site.
    pub site: &'a Site,
    /// The state at the moment of the decision.
    pub state: &'a State,
    /// The files.
    pub tree: &'a dyn Tree,
    /// The key for tokens.
    pub secret: &'a Secret,
    /// Who asks.
    pub client: &'a Client,
    /// Our address on the machine's network.
    pub server: IpAddr,
    /// How the loader asks: what it can fetch by.
    pub via: Via,
    /// Whether PXELINUX asked in a directory of its own (`efi32/pxelinux.cfg/...`), which it puts before every name that it
    /// reads and that does not say otherwise.
    pub own_directory: bool,
    /// The attempt that the machine is in.
    pub attempt: AttemptId,
    /// Whether somebody else than the machine asks, as far as can be known: what is written has a token then that proves
    /// nothing, so that nobody fetches another machine's seed or calls back for it.
    pub foreign: bool,
}

/// Stands where a token would for somebody who only looks.
const NO_TOKEN: &str = "000000000000000000000000000000000000000000000000000000000000";

impl Setting<'_> {
    /// Writes what a loader reads under this plan.
    ///
    /// # Errors
    /// Why there is nothing to read.
    pub fn answer(&self, plan: &Plan, language: Language) -> Result<Answer, NoAnswer> {
        let profile = plan.profile.as_ref().ok_or_else(|| NoAnswer::Nothing(plan.why.clone()))?;
        let (text, kernels) = match &profile.body {
            Body::Local => (self.local(language), Vec::new()),
            Body::Linux(linux) => {
                let args = self.with_scene(plan, profile, |scene| {
                    scene.render_line(&format!("the arguments of profile {}", profile.name), &linux.args)
                })??;
                (self.linux(profile, linux, args, language)?, vec![linux.clone()])
            }
            Body::Iso(name) if language == Language::Ipxe => {
                let script = ipxe::sanboot(&base(self.server, self.site.http_port), name);
                // It is never read whole, so that it was read is not to be seen.
                (script.map_err(|why| untranslatable(profile, language, why))?.into(), Vec::new())
            }
            Body::Iso(name) => {
                return Err(untranslatable(profile, language, Untranslatable::Iso(name.clone())));
            }
            Body::File(name) => {
                let text = self.tree.read(name).ok_or_else(|| NoAnswer::NoFile(name.clone()))?;
                match (language, is_grubs(name)) {
                    (Language::Pxelinux, false) => {
                        let kernels = kernels_of(&Menu::read_all(self.tree, &text));
                        (text, kernels)
                    }
                    (Language::Grub, true) => (text, Vec::new()),
                    (_, true) => {
                        let why = Untranslatable::ForGrub(name.clone());
                        return Err(untranslatable(profile, language, why));
                    }
                    (_, false) => self.translate(profile, &text, language)?,
                }
            }
        };
        let promise = Promise {
            host: plan.host.clone(),
            profile: profile.name.clone(),
            class: profile.class,
            armed: plan.armed.filter(|_| self.counts(plan)),
            needs: kernels.iter().map(|linux| self.needed(linux)).collect(),
            kernels: kernels.iter().filter_map(|linux| self.own_name(&linux.kernel)).collect(),
        };
        Ok(Answer { text, promise })
    }

    /// Whether it matters how often the plan was delivered in full. Each time costs a write to the disk, so a rack that
    /// boots from its own disks after a power cut is not counted.
    fn counts(&self, plan: &Plan) -> bool {
        let record = plan.host.as_ref().and_then(|name| self.state.host(name));
        let until = record.map(|record| record.assignment.until);
        !plan.exhausted && (plan.installs() || until.is_some_and(|until| until != Until::Changed))
    }

    /// Renders a seed of the plan's profile; `template` is its text.
    ///
    /// # Errors
    /// Why there is nothing to read.
    pub fn seed(&self, plan: &Plan, name: &str, template: &str) -> Result<String, NoAnswer> {
        let profile = plan.profile.as_ref().ok_or_else(|| NoAnswer::Nothing(plan.why.clone()))?;
        Ok(self.with_scene(plan, profile, |scene| scene.render(name, template))??)
    }

    fn with_scene<T>(
        &self,
        plan: &Plan,
        profile: &Arc<Profile>,
        run: impl FnOnce(&Scene<'_>) -> T,
    ) -> Result<T, NoAnswer> {
        let record = plan.host.as_ref().and_then(|name| self.state.host(name));
        let mac: Mac = self
            .client
            .mac
            .or_else(|| record.and_then(|record| record.host.macs.first().copied()))
            .ok_or(NoAnswer::NoMac)?;
        let token = if self.foreign {
            NO_TOKEN.to_owned()
        } else {
            // A host found by its UUID boots with a card that it is not known by; the token proves the host.
            let known = record.filter(|record| !record.host.macs.contains(&mac));
            let mac = known.and_then(|record| record.host.macs.first().copied()).unwrap_or(mac);
            self.secret.token(&Proof { mac, attempt: self.attempt, armed: plan.since })
        };
        Ok(run(&Scene {
            record,
            client: self.client,
            mac,
            profile,
            attempt: self.attempt,
            token: &token,
            server: self.server,
            http_port: self.site.http_port,
            api_port: self.site.api_port,
        }))
    }

    fn local(&self, language: Language) -> Bytes {
        match language {
            Language::Pxelinux => pxelinux::local(self.site.serial.as_deref(), self.exit()).into(),
            Language::Ipxe => ipxe::local(self.leave()).into(),
            Language::Grub => grub::local(&self.ground()).into(),
        }
    }

    fn ground(&self) -> grub::Ground<'_> {
        grub::Ground {
            serial: self.site.serial.as_deref(),
            server: self.server,
            http_port: self.site.http_port,
            http: self.via == Via::Http,
            mac: self.client.mac,
            arch: self.client.arch,
            exit: self.exit(),
        }
    }

    fn exit(&self) -> Exit {
        let record = self.state.find(self.client.mac, self.client.uuid);
        self.site.exits.of(record.map(|record| &record.host), self.client)
    }

    fn leave(&self) -> ipxe::Leave {
        ipxe::Leave { exit: self.exit(), arch: self.client.arch }
    }

    fn linux(
        &self,
        profile: &Profile,
        linux: &Linux,
        args: String,
        language: Language,
    ) -> Result<Bytes, NoAnswer> {
        if language == Language::Pxelinux {
            let serial = self.site.serial.as_deref();
            let linux = &Linux {
                kernel: self.rooted(&linux.kernel),
                initrds: linux.initrds.iter().map(|name| self.rooted(name)).collect(),
                args: String::new(),
            };
            return Ok(pxelinux::linux(serial, &profile.name, self.client.mac, linux, &args).into());
        }
        let name = profile.name.to_string();
        let title = profile.title.clone().unwrap_or_else(|| name.clone());
        let linux = Some(Linux { args, ..linux.clone() });
        self.show(profile, &Shown::One(Entry { name, title, linux, sysappend: 2 }), language)
    }

    /// A name beneath the roots as PXELINUX must read it to ask for just that. A slash does not make it forget its own
    /// directory (seen: `efi32//small/vmlinuz`); two colons do, by TFTP.
    fn rooted(&self, name: &str) -> String {
        if !self.own_directory || name.contains("://") {
            return name.to_owned();
        }
        match self.via {
            Via::Tftp => format!("::{}", name.trim_start_matches("::").trim_start_matches('/')),
            Via::Http => ipxe::url(&base(self.server, self.site.http_port), name),
        }
    }

    fn translate(
        &self,
        profile: &Profile,
        text: &[u8],
        language: Language,
    ) -> Result<(Bytes, Vec<Linux>), NoAnswer> {
        let menu = Menu::read_all(self.tree, text);
        let shown = menu.shown().map_err(|why| untranslatable(profile, language, why))?;
        let kernels = match &shown {
            Shown::One(entry) => entry.linux.iter().cloned().collect(),
            Shown::Menu { .. } => kernels_of(&menu),
        };
        Ok((self.show(profile, &shown, language)?, kernels))
    }

    fn show(&self, profile: &Profile, shown: &Shown, language: Language) -> Result<Bytes, NoAnswer> {
        let text = match language {
            Language::Grub => grub::configuration(&self.ground(), shown),
            Language::Pxelinux | Language::Ipxe => {
                ipxe::script(&base(self.server, self.site.http_port), shown, self.leave())
            }
        };
        text.map(Bytes::from).map_err(|why| untranslatable(profile, language, why))
    }

    /// The files of ours that a kernel needs: clean names, without those that another server has.
    fn needed(&self, linux: &Linux) -> BTreeSet<String> {
        [&linux.kernel].into_iter().chain(&linux.initrds).filter_map(|name| self.own_name(name)).collect()
    }

    fn own_name(&self, name: &str) -> Option<String> {
        let base = base(self.server, self.site.http_port);
        let name = match name.strip_prefix(&base) {
            Some(rest) => rest,
            None if name.contains("://") => return None,
            None => name,
        };
        Some(clean(name))
    }
}

/// Every entry of a menu is a way to boot it; entries that boot the disk or run a module need nothing more from us
/// that we could name, but they are not what an armed boot waits for when there is an entry with a kernel.
fn kernels_of(menu: &Menu) -> Vec<Linux> {
    menu.labels.iter().filter_map(|label| label.as_linux()).collect()
}

fn untranslatable(profile: &Profile, language: Language, why: Untranslatable) -> NoAnswer {
    NoAnswer::Untranslatable { profile: profile.name.to_string(), loader: language.loader(), why }
}

/// A name as the files room writes it: no leading slash, no `//` or `.`, `..` resolved.
pub(crate) fn clean(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.trim_start_matches("::").split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
