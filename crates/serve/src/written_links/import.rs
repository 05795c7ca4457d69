use std::sync::Arc;

use futures_util::future::join_all;
use nextboot_boot::{Client, Tree as _, decide};
use nextboot_model::{Command, Door, Record, State};

use super::pass::changed;
use crate::{
    appliance::{Appliance, Settings},
    tree::CFG_DIR,
};

/// How many changes wait for the disk together.
const AT_ONCE: usize = 512;

/// Makes links of hosts about which nobody has spoken their assignments, so that nothing is lost when we write there: of all hosts,
/// or of those that changed since `before`.
pub(super) async fn take(app: &Arc<Appliance>, before: Option<Arc<State>>, state: &Arc<State>) {
    let (settings, now) = (app.settings.load_full(), Arc::clone(state));
    let find = move || -> Vec<Command> {
        let records = changed(before.as_deref(), &now);
        records.iter().filter_map(|record| command(&settings, &now, record)).collect()
    };
    let commands = match tokio::task::spawn_blocking(find).await {
        Ok(commands) => commands,
        Err(error) => return tracing::error!(%error, "links made by hand were not taken over"),
    };
    for some in commands.chunks(AT_ONCE) {
        for done in join_all(some.iter().map(|command| app.store.submit(command.clone()))).await {
            if let Err(error) = done {
                tracing::warn!(%error, "a link made by hand cannot be taken over; it goes on counting as it is");
            }
        }
    }
}

fn command(settings: &Settings, state: &State, record: &Record) -> Option<Command> {
    if !record.assignment.is_first() {
        return None;
    }
    let tree = settings.tree.now();
    let client = Client { mac: record.host.macs.first().copied(), ..Client::default() };
    let plan = decide(&settings.site, state, &tree, &client);
    let entry = plan.hand.filter(|entry| {
        let file = entry.strip_prefix(CFG_DIR).and_then(|file| file.strip_prefix('/'));
        record.host.macs.iter().any(|mac| file == Some(mac.pxelinux().as_str()))
    })?;
    let hand = tree.entry(&entry)?;
    // A link; a file is text of its own, which no profile's name stands for.
    let profile = settings.site.profile_at(&tree, hand.target.as_deref()?)?;
    Some(Command::TakeEntry {
        name: record.host.name.clone(),
        profile: profile.name.clone(),
        class: profile.class,
        since: hand.made,
        by: Door::Hand { entry },
    })
}
