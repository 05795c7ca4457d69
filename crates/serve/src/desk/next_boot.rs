//! pxemngr's addresses: what a machine boots, and what it is to boot from now on.

use std::{net::IpAddr, sync::Arc};

use nextboot_boot::Profile;
use nextboot_http::{Claim, Whom};
use nextboot_model::{Command, Door, Host, HostName, Mac, Net, ProfileName, State, Target, Until};
use nextboot_store::SubmitError;

use super::{Refused, caller::Caller};
use crate::{appliance::Appliance, clock};

/// Something whose next boot can be changed.
enum Subject {
    /// A host.
    Host(HostName),
    /// A machine that is none.
    Stranger(Mac),
    /// The machines of a network that are none, or all such (`default`).
    Net(HostName),
}

impl Appliance {
    /// The name of the profile that a machine boots: the one with this MAC, else the one that asks. While it boots what was
    /// armed for this one boot, that.
    pub(crate) async fn profile_of(
        self: &Arc<Self>,
        from: IpAddr,
        cookie: Option<Mac>,
        mac: Option<Mac>,
    ) -> Result<String, Refused> {
        let Caller { reads, .. } = self.caller(from, cookie).await;
        let client = match mac {
            Some(mac) if reads.mac != Some(mac) => self.client_of(Some(mac), None),
            _ => reads,
        };
        let state = self.store.state();
        let plan = self.plan(&state, &client);
        let running = client.mac.and_then(|mac| self.attempts.lock().of(mac)?.profile.clone());
        let assignment = state.find(client.mac, client.uuid).map(|record| &record.assignment);
        let is_over = |name: &ProfileName| {
            assignment.is_some_and(|held| {
                held.used.as_ref().is_some_and(|used| used.profile == *name)
                    || plan.exhausted && held.profile == *name
            })
        };
        let running = running.filter(is_over);
        let name = running.or_else(|| plan.profile.map(|profile| profile.name.clone()));
        name.map(|name| name.to_string()).ok_or(Refused::NotFound(plan.why))
    }

    /// From now on a machine boots this profile, or without one its own disk, until somebody changes it. A machine may send
    /// itself to its own disk: by our lease or the kernel's neighbour table its address must be its own. Everything else
    /// wants what the control API wants.
    pub(crate) async fn next_boot(
        self: &Arc<Self>,
        from: IpAddr,
        claim: Claim<'_>,
        whom: Whom<'_>,
        profile: Option<&str>,
    ) -> Result<String, Refused> {
        let profile = self.wanted(profile)?;
        let owner = self.owner(from).await;
        let state = self.store.state();
        let subject = subject(&state, from, owner, whom)?;
        let itself = owner.filter(|mac| match &subject {
            Subject::Host(name) => state.by_mac(*mac).is_some_and(|record| record.host.name == *name),
            Subject::Stranger(stranger) => stranger == mac,
            Subject::Net(_) => false,
        });
        let command = match (itself, subject) {
            (Some(mac), _) if profile.name.is_local() => {
                if state.by_mac(mac).is_some_and(|record| record.assignment.just_called_back(clock::now())) {
                    return Ok(said(&profile));
                }
                Command::CallBack { mac, armed: None, by: Door::Machine { from } }
            }
            (_, Subject::Host(name)) => Command::Assign {
                targets: vec![Target::Name(name)],
                profile: profile.name.clone(),
                class: profile.class,
                until: Until::Changed,
                by: self.authorized(from, claim)?,
            },
            (_, Subject::Net(name)) => Command::AssignNet {
                name,
                profile: Some((profile.name.clone(), profile.class)),
                by: self.authorized(from, claim)?,
            },
            (_, Subject::Stranger(mac)) => {
                let by = self.authorized(from, claim)?;
                let host = made_of(mac).filter(|_| profile.name.is_local());
                let host =
                    host.ok_or_else(|| Refused::NotFound(format!("no host has the MAC address {mac}")))?;
                Command::AddHost { host, by }
            }
        };
        // A system may be a host and networks at once; what may be refused comes first.
        if let Command::Assign { targets, by, .. } = &command
            && let [Target::Name(name)] = &targets[..]
            && state.net(name).is_some()
        {
            let profile = Some((profile.name.clone(), profile.class));
            self.carry_out(Command::AssignNet { name: name.clone(), profile, by: by.clone() }).await?;
        }
        self.carry_out(command).await?;
        Ok(said(&profile))
    }

    async fn carry_out(&self, command: Command) -> Result<(), Refused> {
        match self.store.submit(command).await {
            Ok(_) => Ok(()),
            Err(SubmitError::Refused(refusal)) if refusal.is_unknown() => {
                Err(Refused::NotFound(refusal.to_string()))
            }
            Err(SubmitError::Refused(refusal)) => Err(Refused::Forbidden(refusal.to_string())),
            Err(error) => Err(Refused::Failed(error.to_string())),
        }
    }

    fn wanted(&self, profile: Option<&str>) -> Result<Arc<Profile>, Refused> {
        let settings = self.settings.load();
        let name = profile.map_or_else(|| Ok(ProfileName::local()), str::parse);
        let found = name.ok().and_then(|name| settings.site.profile(&settings.tree.now(), &name));
        found.ok_or_else(|| {
            let name: String = profile.unwrap_or_default().chars().take(100).collect();
            Refused::NotFound(format!("no profile is named {name}"))
        })
    }

    /// Whoever may change what others boot, in words.
    pub(super) fn authorized(&self, from: IpAddr, claim: Claim<'_>) -> Result<Door, Refused> {
        if claim.token.is_some_and(|token| self.token.is(token.as_bytes())) {
            return Ok(Door::Pxemngr { who: format!("token from {from}") });
        }
        let settings = self.settings.load();
        if !settings.config.api.trusted.iter().any(|network| network.contains(&from)) {
            let how = "only a machine's own way back to its disk is free: send the header `Authorization: Bearer TOKEN` with the \
                       content of the server's token file, or call from a network that [api] trusted names";
            return Err(Refused::Forbidden(how.into()));
        }
        if claim.by_browser {
            let how = "a browser sent this, and the page of somebody else may have told it to: use curl, or the token";
            return Err(Refused::Forbidden(how.into()));
        }
        Ok(Door::Pxemngr { who: format!("{from} (trusted network)") })
    }
}

/// What pxemngr answers, to the byte.
fn said(profile: &Profile) -> String {
    format!("Next boot set to {}", profile.name)
}

fn subject(state: &State, from: IpAddr, owner: Option<Mac>, whom: Whom<'_>) -> Result<Subject, Refused> {
    let machine = |mac: Mac| match state.by_mac(mac) {
        Some(record) => Subject::Host(record.host.name.clone()),
        None => Subject::Stranger(mac),
    };
    match whom {
        Whom::Machine(mac) => Ok(machine(mac)),
        Whom::Itself => owner.map(machine).ok_or_else(|| {
            let why = "neither a lease of ours nor the kernel's neighbour table says whose this address is";
            Refused::NotFound(format!("{from}: {why}"))
        }),
        Whom::Named(name) => {
            let known = name.parse::<HostName>().ok().and_then(|name| match name.as_str() {
                _ if state.host(&name).is_some() => Some(Subject::Host(name)),
                Net::DEFAULT => Some(Subject::Net(name)),
                _ => state.net(&name).is_some().then_some(Subject::Net(name)),
            });
            known.or_else(|| name.parse().ok().map(machine)).ok_or_else(|| {
                let name: String = name.chars().take(100).collect();
                Refused::NotFound(format!("no host and no network is named {name}"))
            })
        }
    }
}

/// A host for a machine that was none, as a call-back makes one.
fn made_of(mac: Mac) -> Option<Host> {
    let name = mac.to_string().replace(':', "-").parse().ok()?;
    Some(Host::new(name, vec![mac]))
}
