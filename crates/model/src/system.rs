//! What commands do to networks, and to pxemngr's systems, which may be a host and networks at once.

use std::sync::Arc;

use crate::{
    Change, Class, Command, Door, EventKind, Host, HostName, HostPatch, MAX_NETS, Mac, Net, NetAssignment,
    Network, ProfileName, Record, Refusal, State, Target, Timestamp, Until, Verdict,
};

/// Adds networks to a name, which becomes known when it is not.
pub(crate) fn add_networks(
    state: &State,
    name: &HostName,
    networks: &[Network],
    verdict: &mut Verdict,
) -> Result<(), Refusal> {
    let mut net = match state.net(name) {
        Some(net) => (**net).clone(),
        None if state.nets().len() >= MAX_NETS => return Err(Refusal::TooManyNets),
        None => Net::new(name.clone(), Vec::new()),
    };
    for network in networks {
        if let Some(owner) = state.net_of(*network).filter(|owner| owner.name != *name) {
            return Err(Refusal::NetworkTaken { network: *network, owner: owner.name.clone() });
        }
        if !net.networks.contains(network) {
            net.networks.push(*network);
        }
    }
    net.check()?;
    if state.net(name).is_none_or(|old| old.networks != net.networks) {
        verdict.put_net(net);
    }
    Ok(())
}

/// What the machines of a network boot from now on; nothing takes it back. `default` need not be known before.
pub(crate) fn assign_net(
    state: &State,
    name: &HostName,
    assignment: Option<NetAssignment>,
    verdict: &mut Verdict,
) -> Result<(), Refusal> {
    let net = match state.net(name) {
        Some(net) => (**net).clone(),
        None if name.as_str() == Net::DEFAULT => Net::new(name.clone(), vec![Network::ALL]),
        None => return Err(Refusal::UnknownNet(name.clone())),
    };
    let net = Net { assignment, ..net };
    net.check()?;
    let event = match &net.assignment {
        Some(NetAssignment { profile, by, .. }) => {
            EventKind::NetAssigned { profile: profile.clone(), by: by.clone() }
        }
        None => EventKind::NetFreed,
    };
    verdict.events.push((name.clone(), None, event));
    verdict.changes.push(Change::PutNet(Arc::new(net)));
    Ok(())
}

pub(crate) fn remove_net(state: &State, name: &HostName, verdict: &mut Verdict) -> Result<(), Refusal> {
    if state.net(name).is_none() {
        return Err(Refusal::UnknownNet(name.clone()));
    }
    verdict.changes.push(Change::RemoveNet(name.clone()));
    verdict.events.push((name.clone(), None, EventKind::NetRemoved));
    Ok(())
}

/// Tells the journal what was before the journal. A clock that went ahead there must not make it the newest for ever.
pub(crate) fn take_over(
    state: &State,
    name: &HostName,
    from: &str,
    history: &[(Timestamp, ProfileName)],
    now: Timestamp,
    verdict: &mut Verdict,
) -> Result<(), Refusal> {
    if state.host(name).is_none() && state.net(name).is_none() {
        return Err(Refusal::UnknownName(name.clone()));
    }
    let told = history.iter().map(|(since, profile)| {
        let since = (*since).min(now);
        let kind = EventKind::TakenOver { profile: profile.clone(), since, from: from.to_owned() };
        (name.clone(), None, kind)
    });
    verdict.events.extend(told);
    Ok(())
}

/// pxemngr's `addsystem`: a name gets cards and networks beside those that it has, also such as others have: they move. A
/// host needs a card, so one whose last card moves is forgotten, and so is a name whose last network does.
pub(crate) fn add_system(
    state: &State,
    name: &HostName,
    macs: &[Mac],
    networks: &[Network],
    by: &Door,
    now: Timestamp,
) -> Result<Verdict, Refusal> {
    if name.as_str() == Net::DEFAULT {
        return Err(Refusal::Reserved);
    }
    let mut steps = Steps { state: state.clone(), verdict: Verdict::default() };
    for mac in macs {
        let owner = steps.state.by_mac(*mac).filter(|record| record.host.name != *name).cloned();
        if let Some(record) = owner {
            steps.carry_out(&without_card(&record, *mac), now)?;
        }
    }
    for network in networks {
        let owner = steps.state.net_of(*network).filter(|net| net.name != *name).cloned();
        steps.take(owner.map(|net| without_network(&net, *network)).unwrap_or_default());
    }
    let known = steps.state.host(name).cloned();
    let mut all = known.as_ref().map(|record| record.host.macs.clone()).unwrap_or_default();
    let before = all.len();
    for mac in macs {
        if !all.contains(mac) {
            all.push(*mac);
        }
    }
    if all.len() > before {
        let command = match known {
            None => Command::AddHost { host: Host::new(name.clone(), all), by: by.clone() },
            Some(_) => {
                let patch = HostPatch { macs: Some(all), ..HostPatch::default() };
                Command::SetHost { name: name.clone(), patch }
            }
        };
        steps.carry_out(&command, now)?;
    }
    if !networks.is_empty() {
        let mut step = Verdict::default();
        add_networks(&steps.state, name, networks, &mut step)?;
        steps.take(step);
    }
    Ok(steps.verdict)
}

/// pxemngr's `nextboot`: the host of that name and its networks get the profile, or neither does.
pub(crate) fn assign_system(
    state: &State,
    name: &HostName,
    (profile, class): (&ProfileName, Class),
    by: &Door,
    now: Timestamp,
) -> Result<Verdict, Refusal> {
    let (is_host, is_net) = (state.host(name).is_some(), state.net(name).is_some());
    if !is_host && !is_net && name.as_str() != Net::DEFAULT {
        return Err(Refusal::UnknownName(name.clone()));
    }
    let mut steps = Steps { state: state.clone(), verdict: Verdict::default() };
    if is_net || !is_host {
        let profile = Some((profile.clone(), class));
        let assign = Command::AssignNet { name: name.clone(), profile, by: by.clone() };
        steps.carry_out(&assign, now)?;
    }
    if is_host {
        let assign = Command::Assign {
            targets: vec![Target::Name(name.clone())],
            profile: profile.clone(),
            class,
            until: Until::Changed,
            by: by.clone(),
        };
        steps.carry_out(&assign, now)?;
    }
    Ok(steps.verdict)
}

/// pxemngr's `delsystem`: a host and networks under one name go together.
pub(crate) fn remove_system(state: &State, name: &HostName, now: Timestamp) -> Result<Verdict, Refusal> {
    let (is_host, is_net) = (state.host(name).is_some(), state.net(name).is_some());
    if !is_host && !is_net {
        return Err(Refusal::UnknownName(name.clone()));
    }
    let mut steps = Steps { state: state.clone(), verdict: Verdict::default() };
    if is_host {
        steps.carry_out(&Command::RemoveHost { name: name.clone() }, now)?;
    }
    if is_net {
        steps.carry_out(&Command::RemoveNet { name: name.clone() }, now)?;
    }
    Ok(steps.verdict)
}

/// What several steps come to, of which each sees those before it.
struct Steps {
    state: State,
    verdict: Verdict,
}

impl Steps {
    fn carry_out(&mut self, command: &Command, now: Timestamp) -> Result<(), Refusal> {
        let step = command.check(&self.state, now)?;
        self.take(step);
        Ok(())
    }

    fn take(&mut self, step: Verdict) {
        step.changes.iter().for_each(|change| self.state.apply(change));
        self.verdict.changes.extend(step.changes);
        self.verdict.events.extend(step.events);
    }
}

fn without_card(record: &Record, mac: Mac) -> Command {
    let name = record.host.name.clone();
    let macs: Vec<Mac> = record.host.macs.iter().copied().filter(|own| *own != mac).collect();
    if macs.is_empty() {
        return Command::RemoveHost { name };
    }
    Command::SetHost { name, patch: HostPatch { macs: Some(macs), ..HostPatch::default() } }
}

fn without_network(net: &Net, network: Network) -> Verdict {
    let mut verdict = Verdict::default();
    let mut net = net.clone();
    net.networks.retain(|own| *own != network);
    if net.networks.is_empty() {
        verdict.changes.push(Change::RemoveNet(net.name.clone()));
        verdict.events.push((net.name, None, EventKind::NetRemoved));
    } else {
        verdict.put_net(net);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(state: &mut State, command: &Command) -> Result<Verdict, Refusal> {
        let verdict = command.check(state, Timestamp(5))?;
        verdict.changes.iter().for_each(|change| state.apply(change));
        Ok(verdict)
    }

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    fn add(system: &str, macs: &[u8], networks: &[&str]) -> Command {
        Command::AddSystem {
            name: name(system),
            macs: macs.iter().map(|last| Mac([2, 0, 0, 0, 0, *last])).collect(),
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            by: Door::Pxemngr { who: "test".into() },
        }
    }

    fn assign(net: &str, class: Class) -> Command {
        let profile: ProfileName = "p".parse().unwrap();
        let by = Door::Pxemngr { who: "test".into() };
        Command::AssignNet { name: name(net), profile: Some((profile, class)), by }
    }

    #[test]
    fn a_card_and_a_network_belong_to_the_system_that_was_told_last() {
        let mut state = State::default();
        run(&mut state, &add("n1", &[1, 2], &["10.34", "10.35.0.1"])).unwrap();
        assert!(run(&mut state, &add("n1", &[2], &["10.34"])).unwrap().changes.is_empty(), "nothing is new");
        run(&mut state, &add("n2", &[2], &["10.34"])).unwrap();
        assert_eq!(state.host(&name("n1")).unwrap().host.macs, [Mac([2, 0, 0, 0, 0, 1])]);
        assert_eq!(state.by_mac(Mac([2, 0, 0, 0, 0, 2])).unwrap().host.name, name("n2"));
        assert_eq!(state.net_of("10.34".parse().unwrap()).unwrap().name, name("n2"));
        assert_eq!(state.net(&name("n1")).unwrap().networks, ["10.35.0.1".parse().unwrap()]);
        run(&mut state, &add("n3", &[1], &["10.35.0.1"])).unwrap();
        assert!(state.host(&name("n1")).is_none() && state.net(&name("n1")).is_none());
        assert_eq!(run(&mut state, &add("default", &[7], &[])), Err(Refusal::Reserved));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut state = State::default();
        run(&mut state, &add("n1", &[1], &[])).unwrap();
        let wrong = add("n2", &[1, 0], &["0.0.0.0/0"]);
        assert!(matches!(run(&mut state, &wrong), Err(Refusal::BadNet(_))));
        assert!(state.host(&name("n1")).is_some() && state.host(&name("n2")).is_none());
    }

    fn assign_both(system: &str, class: Class) -> Command {
        let by = Door::Pxemngr { who: "test".into() };
        Command::AssignSystem { name: name(system), profile: "p".parse().unwrap(), class, by }
    }

    #[test]
    fn a_host_and_networks_of_one_name_are_told_as_one() {
        let mut state = State::default();
        run(&mut state, &add("both", &[1], &["10.34.0.7"])).unwrap();
        run(&mut state, &assign_both("both", Class::Install)).unwrap();
        assert_eq!(state.host(&name("both")).unwrap().assignment.profile.as_str(), "p");
        assert_eq!(state.net(&name("both")).unwrap().assignment.as_ref().unwrap().profile.as_str(), "p");

        run(&mut state, &add("wide", &[2], &["10.36"])).unwrap();
        assert!(matches!(run(&mut state, &assign_both("wide", Class::Install)), Err(Refusal::BadNet(_))));
        let wide = &state.host(&name("wide")).unwrap().assignment;
        assert!(wide.profile.is_local(), "what is refused changes neither");

        run(&mut state, &Command::RemoveSystem { name: name("both") }).unwrap();
        assert!(state.host(&name("both")).is_none() && state.net(&name("both")).is_none());
        run(&mut state, &assign_both("default", Class::Live)).unwrap();
        for command in [assign_both("both", Class::Live), Command::RemoveSystem { name: name("both") }] {
            assert_eq!(run(&mut state, &command), Err(Refusal::UnknownName(name("both"))));
        }
    }

    #[test]
    fn what_was_given_elsewhere_was_not_given_in_the_future() {
        let mut state = State::default();
        run(&mut state, &add("n1", &[1], &[])).unwrap();
        let profile: ProfileName = "p".parse().unwrap();
        let history = vec![(Timestamp(3), profile.clone()), (Timestamp(u64::MAX), profile)];
        let told = Command::TakeOver { name: name("n1"), from: "x".into(), history };
        let events = run(&mut state, &told).unwrap().events;
        let since: Vec<u64> = events
            .iter()
            .filter_map(|(_, _, kind)| match kind {
                EventKind::TakenOver { since, .. } => Some(since.0),
                _ => None,
            })
            .collect();
        assert_eq!(since, [3, 5]);
    }

    #[test]
    fn an_installer_is_for_single_addresses() {
        let mut state = State::default();
        run(&mut state, &add("net1", &[], &["10.34"])).unwrap();
        run(&mut state, &add("one", &[], &["10.34.0.7"])).unwrap();
        for net in ["net1", "default"] {
            let refused = run(&mut state, &assign(net, Class::Install)).unwrap_err();
            assert!(refused.to_string().contains("nextboot net add NAME ADDRESS"), "{refused}");
            run(&mut state, &assign(net, Class::Unclassified)).unwrap();
        }
        run(&mut state, &assign("one", Class::Install)).unwrap();
        let grown = run(&mut state, &add("one", &[], &["10.36"]));
        assert!(matches!(grown, Err(Refusal::BadNet(crate::BadNet::Installs { .. }))), "{grown:?}");
        assert!(matches!(run(&mut state, &assign("none", Class::Live)), Err(Refusal::UnknownNet(_))));
    }
}
