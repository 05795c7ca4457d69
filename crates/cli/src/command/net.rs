use hyper::Method;
use nextboot_model::HostName;
use serde_json::json;

use super::{Session, part};
use crate::{args::NetCommand, failure::Failure, output, view};

impl Session {
    pub(super) async fn net(&self, command: NetCommand) -> Result<(), Failure> {
        match command {
            NetCommand::Ls => {
                let answer = self.client.get("/api/nets").await?;
                self.say(&answer, || Ok(view::nets(&self.read::<Vec<_>>(&answer, Some("nets"))?)))
            }
            NetCommand::Add { name, networks } => {
                let body = json!({ "name": name, "networks": networks });
                let answer = self.client.call(Method::POST, "/api/nets", Some(&body)).await?;
                self.say(&answer, || Ok(view::net(&self.read(&answer, None)?)))
            }
            NetCommand::Boot { name, profile } => self.net_boot(&name, &json!({ "profile": profile })).await,
            NetCommand::Cancel { name } => self.net_boot(&name, &json!({ "profile": null })).await,
            NetCommand::Rm { names } => {
                for name in &names {
                    let path = format!("/api/nets/{}", part(name.as_str()));
                    self.client.call(Method::DELETE, &path, None).await?;
                }
                let names: Vec<&str> = names.iter().map(HostName::as_str).collect();
                let answer = json!({ "removed": names });
                self.say(&answer, || Ok(format!("{} removed", output::plain(&names.join(", ")))))
            }
        }
    }

    async fn net_boot(&self, name: &HostName, body: &serde_json::Value) -> Result<(), Failure> {
        let path = format!("/api/nets/{}/assignment", part(name.as_str()));
        let answer = self.client.call(Method::PUT, &path, Some(body)).await?;
        self.say(&answer, || Ok(view::net(&self.read(&answer, None)?)))
    }
}
