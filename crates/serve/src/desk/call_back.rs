use std::{net::IpAddr, sync::Arc};

use nextboot_boot::BadToken;
use nextboot_model::{Command, Door, EventKind};
use nextboot_store::SubmitError;

use super::Refused;
use crate::appliance::Appliance;

impl Appliance {
    /// An installed system calls back with the token that it was given. The answer is durable before it leaves.
    pub(crate) async fn call_back(self: &Arc<Self>, from: IpAddr, token: &str) -> Result<String, Refused> {
        let state = self.store.state();
        let proof = match self.secret.check(token, &state) {
            Ok(proof) => proof,
            Err(error) => {
                let kind = EventKind::CallBackRefused { from, reason: error.to_string() };
                let mac = self.client_at(from).await.mac;
                self.note_once_in_a_while(mac, Some(from), kind);
                return Err(match error {
                    BadToken::Malformed => Refused::NotFound(error.to_string()),
                    BadToken::Spent => Refused::Gone(error.to_string()),
                });
            }
        };
        let by = Door::Machine { from };
        match self.store.submit(Command::CallBack { mac: proof.mac, armed: proof.armed, by }).await {
            Ok(_) => Ok("done; the next boot is the local disk".into()),
            Err(SubmitError::Refused(refusal)) => Err(Refused::Gone(refusal.to_string())),
            Err(error) => Err(Refused::Failed(error.to_string())),
        }
    }
}
