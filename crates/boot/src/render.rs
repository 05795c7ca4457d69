use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use minijinja::{
    Value,
    value::{Enumerator, Object},
};
use nextboot_model::{Arch, AttemptId, Mac, Record};

use crate::{Client, Profile, templates::compiled};

/// Longest template and longest result, in bytes.
pub const MAX_RENDERED: usize = 1024 * 1024;

/// Everything a template sees.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// The host, if the machine is one.
    pub record: Option<&'a Arc<Record>>,
    /// The machine.
    pub client: &'a Client,
    /// The machine's MAC that this boot uses.
    pub mac: Mac,
    /// What it boots.
    pub profile: &'a Arc<Profile>,
    /// The attempt.
    pub attempt: AttemptId,
    /// Proves this boot to us; see [`crate::Proof`].
    pub token: &'a str,
    /// Our address on the machine's network.
    pub server: IpAddr,
    /// Port of the boot side of HTTP.
    pub http_port: u16,
    /// Port of the control API.
    pub api_port: u16,
}

/// A template that cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// minijinja's complaint, with the line.
    #[error("{name}{}: {message}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Template {
        /// The template's name.
        name: String,
        /// The line, from 1.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// Longer than [`MAX_RENDERED`].
    #[error("{name} is larger than {MAX_RENDERED} bytes")]
    TooLarge {
        /// The template's name.
        name: String,
    },
    /// A kernel command line of several lines.
    #[error("{name} must be one line once rendered")]
    NotOneLine {
        /// The template's name.
        name: String,
    },
}

impl Scene<'_> {
    /// The boot side's address, without a slash at its end.
    #[must_use]
    pub fn base(&self) -> String {
        base(self.server, self.http_port)
    }

    /// Renders a template. An undefined name is an error, so that no machine installs with half a seed.
    ///
    /// # Errors
    /// What is wrong with the template, and in which line.
    pub fn render(&self, name: &str, template: &str) -> Result<String, TemplateError> {
        render(name, template, || Value::from_object(self.names()))
    }

    /// Renders a kernel's command line.
    ///
    /// # Errors
    /// As [`Scene::render`]; also when the result is not one line.
    pub fn render_line(&self, name: &str, template: &str) -> Result<String, TemplateError> {
        let text = self.render(name, template)?;
        let line = text.trim();
        if line.contains(char::is_control) {
            return Err(TemplateError::NotOneLine { name: name.to_owned() });
        }
        Ok(line.to_owned())
    }

    fn names(&self) -> Names {
        Names {
            record: self.record.cloned(),
            client: *self.client,
            mac: self.mac,
            profile: Arc::clone(self.profile),
            attempt: self.attempt,
            token: self.token.to_owned(),
            server: self.server,
            http: self.base(),
            api: base(self.server, self.api_port),
        }
    }
}

/// Renders a template with these names. An undefined one is an error.
pub(crate) fn render(
    name: &str,
    template: &str,
    names: impl FnOnce() -> Value,
) -> Result<String, TemplateError> {
    let too_large = || TemplateError::TooLarge { name: name.to_owned() };
    if template.len() > MAX_RENDERED {
        return Err(too_large());
    }
    let complain = |error: minijinja::Error| {
        let message = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        TemplateError::Template { name: name.to_owned(), line: error.line(), message }
    };
    // Everything that a template says begins with one.
    if !template.contains('{') {
        return Ok(template.to_owned());
    }
    let template = compiled(template).map_err(complain)?;
    let template = template.get().map_err(complain)?;
    let mut out = Bounded(Vec::new());
    match template.render_captured_to(names(), &mut out) {
        Err(_) if out.is_full() => Err(too_large()),
        Err(error) => Err(complain(error)),
        Ok(_) => String::from_utf8(out.0).map_err(|_| too_large()),
    }
}

/// What a template can say, written out only when it does: most say one or two things. What is not known is left out, not
/// empty: using it is an error that names it.
#[derive(Debug)]
struct Names {
    record: Option<Arc<Record>>,
    client: Client,
    mac: Mac,
    profile: Arc<Profile>,
    attempt: AttemptId,
    token: String,
    server: IpAddr,
    http: String,
    api: String,
}

impl Names {
    const ALL: &[&str] =
        &["attempt", "callback_url", "deploy_url", "host", "profile", "seed_url", "server", "token"];
    const WITHOUT_SEED: &[&str] =
        &["attempt", "callback_url", "deploy_url", "host", "profile", "server", "token"];

    fn host(&self) -> BTreeMap<&'static str, Value> {
        let known = self.record.as_ref().map(|record| &record.host);
        let name = known.map_or_else(|| self.mac.to_string().replace(':', "-"), |host| host.name.to_string());
        let macs: Vec<String> = match known {
            Some(host) => host.macs.iter().map(ToString::to_string).collect(),
            None => vec![self.mac.to_string()],
        };
        let mut host = BTreeMap::from([
            ("name", Value::from(name)),
            ("mac", self.mac.to_string().into()),
            ("macs", macs.into()),
            ("vars", Value::from_pairs(known.iter().flat_map(|host| host.vars.clone()))),
        ]);
        let reserved = known.and_then(|host| host.address).map(IpAddr::V4);
        host.extend(self.client.address.or(reserved).map(|address| ("address", address.to_string().into())));
        let uuid = self.client.uuid.or_else(|| known.and_then(|host| host.uuid));
        host.extend(uuid.map(|uuid| ("uuid", uuid.to_string().into())));
        host.extend(self.client.arch.and_then(Arch::machine).map(|machine| ("arch", machine.into())));
        host
    }

    fn profile(&self) -> BTreeMap<&'static str, Value> {
        let mut profile = BTreeMap::from([
            ("name", Value::from(self.profile.name.as_str())),
            ("class", self.profile.class.to_string().into()),
        ]);
        profile.extend(self.profile.title.as_ref().map(|title| ("title", title.as_str().into())));
        profile
    }

    fn server(&self) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([
            ("address", Value::from(self.server.to_string())),
            ("http", self.http.as_str().into()),
            ("api", self.api.as_str().into()),
        ])
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let Self { http, api, token, .. } = &**self;
        Some(match key {
            "host" => self.host().into(),
            "profile" => self.profile().into(),
            "server" => self.server().into(),
            "attempt" => self.attempt.0.into(),
            "token" => token.as_str().into(),
            "callback_url" => format!("{http}/done/{token}").into(),
            "deploy_url" => format!("{api}/configurations/local/deploy").into(),
            "seed_url" => format!("{http}/seed/{token}/{}", self.profile.seed.as_ref()?).into(),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(if self.profile.seed.is_some() { Self::ALL } else { Self::WITHOUT_SEED })
    }
}

/// The address of the boot side, without a slash at its end.
#[must_use]
pub fn base(server: IpAddr, port: u16) -> String {
    let server = match server {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    if port == 80 { format!("http://{server}") } else { format!("http://{server}:{port}") }
}

/// Takes so much and no more.
struct Bounded(Vec<u8>);

impl Bounded {
    fn is_full(&self) -> bool {
        self.0.len() >= MAX_RENDERED
    }
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(MAX_RENDERED - self.0.len());
        self.0.extend_from_slice(&bytes[..taken]);
        if taken == 0 && !bytes.is_empty() { Err(std::io::ErrorKind::FileTooLarge.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
