//! The example file against the code, settings as they arrive, and complaints to the letter.

mod complaints;
mod example;
mod hostile;
mod profiles;
mod remedies;
mod server;

use std::path::Path;

use crate::Config;

const EXAMPLE: &str = include_str!("../../../../config/nextboot.toml");

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("f.toml")).unwrap_or_else(|complaints| panic!("{complaints}"))
}

/// All complaints, each as `LINE: COMPLAINT`.
fn complaints(text: &str) -> Vec<String> {
    let complaints = Config::parse(text, Path::new("f.toml")).expect_err("it should be refused");
    complaints.list().iter().map(|complaint| format!("{}: {complaint}", complaint.line)).collect()
}

/// The example with the keys that are commented out for want of a default.
fn example_in_full() -> String {
    let is_key = |line: &str| {
        line.starts_with('[')
            || line.split_once(" = ").is_some_and(|(key, _)| {
                // It stands in the place of what else is shown.
                key != "dnsmasq_conf"
                    && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
    };
    let uncomment = |line: &'static str| line.strip_prefix('#').filter(|rest| is_key(rest)).unwrap_or(line);
    EXAMPLE.lines().map(uncomment).collect::<Vec<_>>().join("\n")
}
