use std::{net::IpAddr, sync::Arc};

use nextboot_boot::{BadToken, Client, Plan};
use nextboot_files::{Content, Name, OpenError};
use nextboot_model::{EventKind, Mac, Record, State, Via};

use super::{Found, Receipt, Refused};
use crate::appliance::{Appliance, Settings};

impl Appliance {
    /// The seed `name`, rendered for the machine that the token was given to, else for the machine that asks. A machine
    /// gets only the seed of the profile it boots.
    pub(crate) async fn seed(
        self: &Arc<Self>,
        from: IpAddr,
        server: IpAddr,
        token: Option<&str>,
        name: &str,
    ) -> Result<Found, Refused> {
        let requester = self.client_at(from).await;
        let state = self.store.state();
        let client = match token {
            Some(token) => match self.secret.check(token, &state) {
                Ok(proof) => holder(&state, proof.mac, requester),
                Err(error @ BadToken::Spent) => return Err(Refused::Gone(error.to_string())),
                Err(error @ BadToken::Malformed) => return Err(Refused::NotFound(error.to_string())),
            },
            None => requester,
        };
        let settings = self.settings.load_full();
        let plan = self.plan(&state, &client);
        let wanted = Name::parse(name).map_err(|error| Refused::NotFound(error.to_string()))?;
        let is_wanted = |plan: &Plan| {
            let seed = plan.profile.as_ref().and_then(|profile| profile.seed.as_deref());
            seed.is_some_and(|seed| Name::parse(seed).ok().as_ref() == Some(&wanted))
        };
        let Some(plan) = running(&settings, &state, plan).into_iter().find(is_wanted) else {
            let reason = "it is not a seed of what this machine boots".to_owned();
            let kind = EventKind::FileRefused {
                name: format!("seed {wanted}"),
                reason: reason.clone(),
                via: Via::Http,
            };
            self.note_once_in_a_while(client.mac, client.address, kind);
            return Err(Refused::Forbidden(reason));
        };
        let failed = |error: String| {
            let kind = EventKind::TemplateFailed { name: wanted.to_string(), error: error.clone() };
            self.note_once_in_a_while(client.mac, client.address, kind);
            Refused::Template(error)
        };
        let seeds = settings
            .seeds
            .as_ref()
            .ok_or_else(|| failed("there is no directory of seeds ([boot] seeds)".into()))?;
        let template = match seeds.read_small(&wanted, nextboot_boot::MAX_RENDERED as u64) {
            Ok(template) => template,
            Err(OpenError::NotFound) => {
                return Err(failed(format!("the template {wanted} is not in the seeds directory")));
            }
            Err(error) => return Err(failed(format!("the template {wanted} cannot be read: {error}"))),
        };
        let template = std::str::from_utf8(&template)
            .map_err(|_| failed(format!("the template {wanted} is not UTF-8")))?;
        let setting = self.setting(&settings, &state, &client, server);
        let text =
            setting.seed(&plan, wanted.as_str(), template).map_err(|error| failed(error.to_string()))?;
        let receipt = Receipt::Seed { name: wanted.as_str().into(), mac: client.mac };
        Ok(Found { content: Content::from_bytes(text), receipt, for_all: false })
    }
}

/// Whoever shows a token for this MAC: the requester, where it is that very host (by whichever of its cards), else the
/// machine as far as the MAC tells. What else we know of somebody at another address does not hold for it.
fn holder(state: &State, mac: Mac, requester: Client) -> Client {
    let host = |record: Option<&Arc<Record>>| record.map(|record| record.host.name.clone());
    let itself = requester.mac == Some(mac)
        || host(state.by_mac(mac))
            .is_some_and(|name| host(state.find(requester.mac, requester.uuid)) == Some(name));
    // Behind a router or an address translation nobody is known, and it may well be the machine.
    match requester.mac {
        Some(_) if itself => requester,
        None => Client { mac: Some(mac), ..requester },
        Some(_) => Client::of(mac),
    }
}

/// What the machine may be running now: what it would boot next, and what it began to boot under an arming that was used
/// up by that: an installer fetches its seed after its kernel, which was the last thing to be delivered.
fn running(settings: &Settings, state: &State, plan: Plan) -> Vec<Plan> {
    let assignment = plan.host.as_ref().and_then(|name| state.host(name)).map(|record| &record.assignment);
    let last_attempt =
        assignment.filter(|_| plan.exhausted).map(|assignment| (&assignment.profile, assignment.since));
    let once =
        assignment.and_then(|assignment| assignment.used.as_ref()).map(|used| (&used.profile, used.since));
    let earlier: Vec<Plan> = last_attempt
        .into_iter()
        .chain(once)
        .filter_map(|(profile, since)| {
            let profile = settings.site.profile(&*settings.tree, profile)?;
            Some(Plan { profile: Some(profile), since: Some(since), ..plan.clone() })
        })
        .collect();
    std::iter::once(plan).chain(earlier).collect()
}
