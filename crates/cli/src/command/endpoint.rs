//! What switches a host, from the command line to the API.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::Path,
};

use serde_json::{Map, Value, json};

use crate::{
    args::{PowerArgs, PowerKind},
    failure::Failure,
    terminal,
};

/// Longest line that a password is taken from, in bytes.
const MAX_LINE: u64 = 8192;

/// The endpoint that the options describe; nothing when they describe none.
pub(super) fn of(args: &PowerArgs) -> Result<Option<Value>, Failure> {
    let Some(kind) = args.power else { return Ok(None) };
    let mut body = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(key.to_owned(), value);
        }
    };
    match kind {
        PowerKind::Ipmi => {
            set("kind", Some("ipmi".into()));
            set("address", args.bmc.clone().map(Value::from));
            set("mac", args.bmc_mac.map(|mac| json!(mac)));
            set("subnet", args.bmc_subnet.clone().map(Value::from));
            set("port", args.bmc_port.map(Value::from));
            set("interface", args.bmc_interface.clone().map(Value::from));
            set("user", args.bmc_user.clone().map(Value::from));
            set("password", password(args)?.map(Value::from));
        }
        PowerKind::Redfish => {
            set("kind", Some("redfish".into()));
            set("url", args.bmc.as_deref().map(|place| url(place, args.bmc_port)).map(Value::from));
            set("system", args.bmc_system.clone().map(Value::from));
            set("insecure", args.bmc_insecure.then_some(Value::Bool(true)));
            set("user", args.bmc_user.clone().map(Value::from));
            set("password", password(args)?.map(Value::from));
        }
        PowerKind::Wol => {
            set("kind", Some("wol".into()));
            set("macs", Some(json!(args.wol_macs)).filter(|_| !args.wol_macs.is_empty()));
            set("broadcast", args.wol_broadcast.map(|to| json!(to)));
            set("interface", args.wol_interface.clone().map(Value::from));
        }
        PowerKind::Command => {
            let adapter = args.adapter.clone().ok_or_else(|| {
                Failure::Usage(
                    "--power command needs --adapter NAME: a [[power.adapter]] of the server".into(),
                )
            })?;
            set("kind", Some("command".into()));
            set("adapter", Some(adapter.into()));
            set("address", args.bmc.clone().map(Value::from));
            set("mac", args.bmc_mac.map(|mac| json!(mac)));
            set("subnet", args.bmc_subnet.clone().map(Value::from));
            let vars: Result<Map<String, Value>, Failure> = args
                .adapter_vars
                .iter()
                .map(|(key, value)| Ok((key.clone(), variable(value)?.into())))
                .collect();
            set("vars", Some(Value::Object(vars?)));
        }
    }
    Ok(Some(body.into()))
}

/// Most people write the host alone.
fn url(place: &str, port: Option<u16>) -> String {
    let url = if place.contains("://") { place.to_owned() } else { format!("https://{place}") };
    match port {
        Some(port) => format!("{}:{port}", url.trim_end_matches('/')),
        None => url,
    }
}

/// The password: from the file, else from the environment, else from whoever sits at the terminal.
fn password(args: &PowerArgs) -> Result<Option<String>, Failure> {
    if let Some(path) = &args.bmc_password_file {
        return first_line(path).map(Some);
    }
    if args.bmc_password.is_some() {
        return Ok(args.bmc_password.clone());
    }
    match &args.bmc_user {
        Some(user) if io::stdin().is_terminal() => ask(user).map(Some),
        _ => Ok(None),
    }
}

fn variable(value: &str) -> Result<String, Failure> {
    match value.strip_prefix('@') {
        Some(file) => first_line(Path::new(file)),
        None => Ok(value.to_owned()),
    }
}

/// The first line of a file; `-` is the standard input.
fn first_line(path: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::SecretFile { path: path.to_owned(), error };
    let mut line = String::new();
    if path == Path::new("-") {
        io::BufReader::new(io::stdin().take(MAX_LINE)).read_line(&mut line).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        io::BufReader::new(file.take(MAX_LINE)).read_line(&mut line).map_err(failed)?;
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask(user: &str) -> Result<String, Failure> {
    let mut out = io::stderr();
    write!(out, "password of {user} at the controller: ")?;
    out.flush()?;
    let line = terminal::without_echo(|| first_line(Path::new("-")));
    writeln!(out)?;
    line
}
