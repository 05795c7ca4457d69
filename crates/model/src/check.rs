use std::sync::Arc;

use crate::{
    Assignment, Change, Command, Door, EventKind, Host, HostName, MAX_HOSTS, Mac, NetAssignment, ProfileName,
    Record, Refusal, State, Target, Timestamp, Until, Used, Verdict,
    system::{add_networks, add_system, assign_net, assign_system, remove_net, remove_system, take_over},
    test_command::drop_queue,
};

impl Command {
    /// Decides what this command changes in `state` at the moment `now`.
    ///
    /// # Errors
    /// Why nothing can be changed.
    pub fn check(&self, state: &State, now: Timestamp) -> Result<Verdict, Refusal> {
        let mut verdict = Verdict::default();
        match self {
            Self::Test(command) => return command.check(state, now),
            Self::AddHost { host, by } => {
                check_new(state, host)?;
                let record = Record { host: host.clone(), assignment: Assignment::local(now, by.clone()) };
                verdict.put(record, EventKind::HostAdded { macs: host.macs.clone() });
            }
            Self::TakeHost { host, profile, class, since, by } => {
                check_new(state, host)?;
                let assignment = Assignment {
                    profile: profile.clone(),
                    class: *class,
                    ..Assignment::local((*since).min(now), by.clone())
                };
                let mac = host.macs.first().copied();
                verdict.put(
                    Record { host: (**host).clone(), assignment },
                    EventKind::HostAdded { macs: host.macs.clone() },
                );
                if !profile.is_local() {
                    let assigned = EventKind::Assigned {
                        profile: profile.clone(),
                        until: Until::Changed,
                        by: by.clone(),
                    };
                    verdict.events.push((host.name.clone(), mac, assigned));
                }
            }
            Self::TakeEntry { name, profile, class, since, by } => {
                let record = known(state, name)?;
                if record.assignment.is_first() {
                    let assignment = Assignment {
                        profile: profile.clone(),
                        class: *class,
                        ..Assignment::local((*since).min(now), by.clone())
                    };
                    let event = EventKind::Assigned {
                        profile: profile.clone(),
                        until: Until::Changed,
                        by: by.clone(),
                    };
                    verdict.reassign(record, assignment, event);
                }
            }
            Self::SetHost { name, patch } => {
                let old = known(state, name)?;
                let host = patch.apply(&old.host);
                check_host(state, &host)?;
                verdict.put(Record { host, assignment: old.assignment.clone() }, EventKind::HostChanged);
            }
            Self::RemoveHost { name } => {
                let old = known(state, name)?;
                verdict.changes.push(Change::Remove(name.clone()));
                drop_queue(state, name, &mut verdict);
                verdict.events.push((name.clone(), old.host.macs.first().copied(), EventKind::HostRemoved));
            }
            Self::Assign { targets, profile, class, until, by } => {
                for record in resolve(state, targets)? {
                    let old = &record.assignment;
                    let before = (*until == Until::Once).then(|| Box::new(lasting(old).clone()));
                    let assignment = Assignment {
                        profile: profile.clone(),
                        class: *class,
                        until: *until,
                        since: later(now, old),
                        by: by.clone(),
                        delivered: 0,
                        failed: None,
                        before,
                        used: None,
                    };
                    let event =
                        EventKind::Assigned { profile: profile.clone(), until: *until, by: by.clone() };
                    verdict.reassign(record, assignment, event);
                }
            }
            Self::Rescue { targets, profile, class, by } => {
                for record in resolve(state, targets)? {
                    let old = &record.assignment;
                    let before = unrescued(lasting(old));
                    let returns = !before.arms() && before.profile != *profile;
                    let assignment = Assignment {
                        profile: profile.clone(),
                        class: *class,
                        before: returns.then(|| Box::new(before.clone())),
                        ..Assignment::local(later(now, old), by.clone())
                    };
                    let event = EventKind::Assigned {
                        profile: profile.clone(),
                        until: Until::Changed,
                        by: by.clone(),
                    };
                    verdict.reassign(record, assignment, event);
                }
            }
            Self::AddNet { name, networks } => add_networks(state, name, networks, &mut verdict)?,
            Self::RemoveNet { name } => remove_net(state, name, &mut verdict)?,
            Self::AssignNet { name, profile, by } => {
                let assignment = profile.clone().map(|(profile, class)| NetAssignment {
                    profile,
                    class,
                    since: now,
                    by: by.clone(),
                });
                assign_net(state, name, assignment, &mut verdict)?;
            }
            Self::TakeOver { name, from, history } => {
                take_over(state, name, from, history, now, &mut verdict)?
            }
            Self::AddSystem { name, macs, networks, by } => {
                return add_system(state, name, macs, networks, by, now);
            }
            Self::AssignSystem { name, profile, class, by } => {
                return assign_system(state, name, (profile, *class), by, now);
            }
            Self::RemoveSystem { name } => return remove_system(state, name, now),
            Self::Cancel { targets, by } => {
                for record in resolve(state, targets)? {
                    let assignment = back(&record.assignment, now, by);
                    let event = EventKind::Cancelled {
                        profile: record.assignment.profile.clone(),
                        now: assignment.profile.clone(),
                        by: by.clone(),
                    };
                    verdict.reassign(record, assignment, event);
                }
            }
            Self::CallBack { mac, armed, by } => {
                let Some(record) = state.by_mac(*mac) else {
                    return arrive(state, *mac, *armed, by, now);
                };
                let old = &record.assignment;
                let event = |profile: &ProfileName| EventKind::CalledBack {
                    profile: profile.clone(),
                    by: by.clone(),
                };
                match (*armed, &old.used) {
                    // What was armed once is over already, and what holds instead was not what called back.
                    (Some(armed), Some(used)) if armed == used.since => {
                        let assignment = Assignment { used: None, ..old.clone() };
                        verdict.reassign(record, assignment, event(&used.profile));
                    }
                    (Some(armed), _) if armed != old.since => {
                        return Err(Refusal::Stale(record.host.name.clone()));
                    }
                    _ => {
                        // Without a proof it is most likely what was delivered last that calls.
                        let used = old.used.as_ref().filter(|_| armed.is_none());
                        let profile = used.map_or(&old.profile, |used| &used.profile);
                        verdict.reassign(
                            record,
                            Assignment::local(later(now, old), by.clone()),
                            event(profile),
                        );
                    }
                }
            }
            Self::Delivered { name, armed } => {
                let record = armed_record(state, name, *armed)?;
                let mut assignment = record.assignment.clone();
                assignment.delivered = assignment.delivered.saturating_add(1);
                let profile = assignment.profile.clone();
                let (delivered, by) =
                    (assignment.delivered, Door::Rule { rule: "the boot armed once was delivered".into() });
                if assignment.until == Until::Once {
                    let used = Used { profile: profile.clone(), since: *armed };
                    let assignment = Assignment { used: Some(used), ..back(&record.assignment, now, &by) };
                    let event = EventKind::UsedUp { profile, now: assignment.profile.clone() };
                    verdict.reassign(record, assignment, event);
                } else {
                    verdict.reassign(record, assignment, EventKind::Delivered { profile, times: delivered });
                }
            }
            Self::GiveUp { name, armed, reason } => {
                let record = armed_record(state, name, *armed)?;
                let by = Door::Rule { rule: reason.clone() };
                let mut assignment = Assignment::local(later(now, &record.assignment), by);
                assignment.failed = Some(reason.clone());
                let profile = record.assignment.profile.clone();
                verdict.reassign(record, assignment, EventKind::GaveUp { profile, reason: reason.clone() });
            }
        }
        Ok(verdict)
    }
}

/// A machine that is no host says of itself that it is done: from now on it is one, with `local`. So the call-back works for
/// machines that somebody boots through the tree's `default` or by hand. A proof of an assignment is one of a host that was
/// removed since; nobody else may make hosts this way.
fn arrive(
    state: &State,
    mac: Mac,
    armed: Option<Timestamp>,
    by: &Door,
    now: Timestamp,
) -> Result<Verdict, Refusal> {
    let name = mac.to_string().replace(':', "-").parse();
    let (Door::Machine { .. }, None, Ok(name)) = (by, armed, name) else {
        return Err(Refusal::UnknownMac(mac));
    };
    let host = Host::new(name, vec![mac]);
    let add = Command::AddHost { host: host.clone(), by: by.clone() };
    let mut verdict = add.check(state, now)?;
    let called_back = EventKind::CalledBack { profile: ProfileName::local(), by: by.clone() };
    verdict.events.push((host.name, Some(mac), called_back));
    Ok(verdict)
}

/// What holds when nothing holds once.
fn lasting(held: &Assignment) -> &Assignment {
    match &held.before {
        Some(before) if held.until == Until::Once => before,
        _ => held,
    }
}

/// What held before a host was rescued, if it is.
fn unrescued(held: &Assignment) -> &Assignment {
    held.before.as_deref().unwrap_or(held)
}

/// What holds when an assignment ends early.
fn back(old: &Assignment, now: Timestamp, by: &Door) -> Assignment {
    match &old.before {
        // With its old time: a link that was stronger before is stronger again.
        Some(before) => (**before).clone(),
        None => Assignment::local(later(now, old), by.clone()),
    }
}

/// A moment for a new assignment: now, but never the same as or earlier than the old one's, even when the clock steps
/// back: `since` tells one arming from the next.
fn later(now: Timestamp, old: &Assignment) -> Timestamp {
    let last = old.used.as_ref().map_or(old.since, |used| used.since.max(old.since));
    now.max(Timestamp(last.0.saturating_add(1)))
}

fn known<'s>(state: &'s State, name: &HostName) -> Result<&'s Arc<Record>, Refusal> {
    state.host(name).ok_or_else(|| Refusal::UnknownName(name.clone()))
}

fn armed_record<'s>(state: &'s State, name: &HostName, armed: Timestamp) -> Result<&'s Arc<Record>, Refusal> {
    let record = known(state, name)?;
    if record.assignment.since == armed { Ok(record) } else { Err(Refusal::Stale(name.clone())) }
}

fn resolve<'s>(state: &'s State, targets: &[Target]) -> Result<Vec<&'s Arc<Record>>, Refusal> {
    let mut records: Vec<&Arc<Record>> = Vec::with_capacity(targets.len().min(1024));
    let mut seen = std::collections::HashSet::new();
    for target in targets {
        let record = match target {
            Target::Name(name) => known(state, name)?,
            Target::Mac(mac) => state.by_mac(*mac).ok_or(Refusal::UnknownMac(*mac))?,
        };
        if !seen.insert(&record.host.name) {
            return Err(Refusal::Twice(record.host.name.clone()));
        }
        records.push(record);
    }
    Ok(records)
}

fn check_new(state: &State, host: &Host) -> Result<(), Refusal> {
    if state.host(&host.name).is_some() {
        return Err(Refusal::NameTaken(host.name.clone()));
    }
    if state.len() >= MAX_HOSTS {
        return Err(Refusal::Full);
    }
    check_host(state, host)
}

fn check_host(state: &State, host: &Host) -> Result<(), Refusal> {
    host.check()?;
    let other = |record: Option<&Arc<Record>>| {
        record.map(|record| record.host.name.clone()).filter(|owner| *owner != host.name)
    };
    for mac in &host.macs {
        if let Some(owner) = other(state.by_mac(*mac)) {
            return Err(Refusal::MacTaken { mac: *mac, owner });
        }
    }
    if let Some(uuid) = host.uuid
        && let Some(owner) = other(state.by_uuid(uuid))
    {
        return Err(Refusal::UuidTaken { uuid, owner });
    }
    if let Some(address) = host.address
        && let Some(owner) = other(state.by_address(address))
    {
        return Err(Refusal::AddressTaken { address, owner });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x23, 0x34, 0xa3, 0xe9, 0x09, 0xcc]);

    fn call_back(armed: Option<Timestamp>, by: Door) -> Result<Verdict, Refusal> {
        Command::CallBack { mac: MAC, armed, by }.check(&State::default(), Timestamp(5))
    }

    #[test]
    fn a_machine_that_is_no_host_becomes_one_when_it_calls_back_for_itself() {
        let machine = Door::Machine { from: "10.0.0.9".parse().unwrap() };
        let verdict = call_back(None, machine.clone()).unwrap();
        let mut state = State::default();
        verdict.changes.iter().for_each(|change| state.apply(change));
        let record = state.by_mac(MAC).unwrap();
        assert_eq!(record.host.name.as_str(), "23-34-a3-e9-09-cc");
        assert_eq!(record.assignment, Assignment::local(Timestamp(5), machine.clone()));
        assert!(matches!(
            &verdict.events[..],
            [(_, Some(MAC), EventKind::HostAdded { .. }), (_, Some(MAC), EventKind::CalledBack { .. })]
        ));
        assert_eq!(call_back(Some(Timestamp(1)), machine), Err(Refusal::UnknownMac(MAC)));
    }

    #[test]
    fn nobody_else_makes_hosts_by_calling_back() {
        for by in [Door::Deploy { who: "x".into() }, Door::Rule { rule: "x".into() }] {
            assert_eq!(call_back(None, by), Err(Refusal::UnknownMac(MAC)));
        }
    }
}
