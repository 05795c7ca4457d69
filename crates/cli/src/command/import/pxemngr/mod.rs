//! pxemngr's database, which Django made: its systems, what they were given, and their test runs.

mod database;
mod runs;
mod systems;

use serde_json::{Value, json};

use self::{
    database::Database,
    systems::{Outcome, Taken},
};
use crate::{args::ImportPxemngr, command::Session, failure::Failure, output};

impl Session {
    pub(super) async fn import_pxemngr(&self, from: &ImportPxemngr) -> Result<(), Failure> {
        let db = Database::open(&from.from.file)?;
        let systems = systems::read(&db)?;
        let (runs, unread) = runs::read(&db)?;
        let (taken, mut left) = systems::sort(systems.clone());
        let (mut done, mut had) = (Vec::new(), Vec::new());
        for system in taken {
            match self.take(&system, from.from.dry_run).await {
                Ok(Outcome::Taken(notes)) => {
                    left.extend(notes);
                    done.push(system);
                }
                Ok(Outcome::Known) => had.push(system.name),
                Err(Failure::Refused(why)) => left.push(format!("{}: {why}", system.name)),
                Err(failure) => return Err(failure),
            }
        }
        let mut hosts = self.hosts_of(&systems).await?;
        if from.from.dry_run {
            let would_be =
                |name: &str| done.iter().any(|taken| taken.name.as_str() == name && !taken.macs.is_empty());
            let new = systems.iter().filter(|system| would_be(&system.name));
            hosts.extend(new.map(|system| (system.id, system.name.clone())));
        }
        let tests = self.take_runs(from, runs, &hosts).await?;
        left.extend(unread);
        left.extend(tests.left);
        if self.json {
            let systems: Vec<Value> = done.iter().map(Taken::json).collect();
            output::json(&json!({
                "dry_run": from.from.dry_run, "systems": systems, "had": had,
                "tests": { "taken": tests.taken, "had": tests.had, "logs": tests.logs }, "left": left,
            }))?;
        } else {
            let would = if from.from.dry_run { "would be " } else { "" };
            let mut text: Vec<String> =
                done.iter().map(|system| format!("{would}taken over: {}", system.text())).collect();
            text.extend(had.iter().map(|name| format!("here already: {name}")));
            text.extend(left.iter().map(|why| format!("left: {why}")));
            text.push(format!(
                "{} systems and {} test runs {would}taken over, {} and {} were here already, {} logs {would}copied",
                done.len(),
                tests.taken,
                had.len(),
                tests.had,
                tests.logs
            ));
            output::print(&output::plain_lines(&text.join("\n")))?;
        }
        if left.is_empty() {
            Ok(())
        } else {
            Err(Failure::Refused("not all was taken over; see above".into()))
        }
    }
}
