use hyper::Method;
use serde_json::{Map, Value, json};

use crate::{
    command::{Session, part},
    failure::Failure,
};

/// Hosts that are taken over from another program, one after the other. One that cannot be taken over does not keep the others.
pub(crate) struct Taking<'s> {
    session: &'s Session,
    dry_run: bool,
    added: Vec<String>,
    changed: Vec<String>,
    unchanged: Vec<String>,
    refused: Vec<String>,
}

impl<'s> Taking<'s> {
    pub(crate) fn new(session: &'s Session, dry_run: bool) -> Self {
        let empty = Vec::new;
        Self { session, dry_run, added: empty(), changed: empty(), unchanged: empty(), refused: empty() }
    }

    /// Makes a host like this, or gives one that is there already what `new` says of it besides what it boots. `new` is what
    /// the API takes for a new host; `always` are keys whose values the API does not show, so that they are sent each time.
    pub(crate) async fn host(&mut self, new: &Value, always: &[&str]) -> Result<(), Failure> {
        let name = new.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = format!("/api/hosts/{}", part(&name));
        let outcome = match self.session.client.get(&path).await {
            Ok(old) if old.get("name").and_then(Value::as_str) == Some(name.as_str()) => {
                let patch = patch(&old, new, always);
                if patch.is_empty() {
                    self.unchanged.push(name);
                    return Ok(());
                }
                self.changed.push(name.clone());
                if self.dry_run {
                    return Ok(());
                }
                self.session.client.call(Method::PATCH, &path, Some(&patch.into())).await
            }
            Ok(_) | Err(Failure::Refused(_)) => {
                self.added.push(name.clone());
                if self.dry_run {
                    return Ok(());
                }
                self.session.client.call(Method::POST, "/api/hosts", Some(new)).await
            }
            Err(failure) => return Err(failure),
        };
        match outcome {
            Ok(_) => Ok(()),
            Err(Failure::Refused(why)) => {
                self.added.retain(|added| *added != name);
                self.changed.retain(|changed| *changed != name);
                self.refused.push(format!("{name}: {why}"));
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// What was done, for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "dry_run": self.dry_run,
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "refused": self.refused,
        })
    }

    /// What was done, for people.
    pub(crate) fn text(&self) -> String {
        let will = if self.dry_run { "would be " } else { "" };
        let mut text = String::new();
        for (names, what) in [(&self.added, "added"), (&self.changed, "changed")] {
            if !names.is_empty() {
                text.push_str(&format!("{} hosts {will}{what}: {}\n", names.len(), names.join(", ")));
            }
        }
        if !self.unchanged.is_empty() {
            text.push_str(&format!("{} hosts are there already, just so\n", self.unchanged.len()));
        }
        for refused in &self.refused {
            text.push_str(&format!("not taken over: {refused}\n"));
        }
        if text.is_empty() {
            text.push_str("there are no hosts\n");
        }
        text
    }

    /// A failure when a host was refused, for the exit code.
    pub(crate) fn outcome(&self) -> Result<(), Failure> {
        match self.refused.len() {
            0 => Ok(()),
            number => Err(Failure::Refused(format!("{number} hosts were not taken over"))),
        }
    }
}

/// What the server has otherwise, of the keys that both have.
fn patch(old: &Value, new: &Value, always: &[&str]) -> Map<String, Value> {
    let new = new.as_object().cloned().unwrap_or_default();
    let differs = |key: &str, value: &Value| {
        !matches!(key, "name" | "held") && (always.contains(&key) || old.get(key) != Some(value))
    };
    new.into_iter().filter(|(key, value)| differs(key, value)).collect()
}
