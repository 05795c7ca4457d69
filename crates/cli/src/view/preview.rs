use super::Preview;
use crate::output::{pairs, plain_lines};

/// What a host would get as such a machine, and what its loader would read.
pub(crate) fn preview(would: &Preview) -> String {
    let named = |profile: &String| match would.class.as_deref() {
        Some("install" | "live") => format!("{profile} ({})", would.class.as_deref().unwrap_or_default()),
        _ => profile.clone(),
    };
    let loader = would.loader.as_deref().unwrap_or("none");
    let mut text = pairs(vec![
        ("as", Some(would.machine.clone())),
        ("boots", Some(would.profile.as_ref().map_or_else(|| "nothing".into(), named))),
        ("because", Some(would.why.clone())),
        ("loader", Some(with_reason(loader, &would.loader_why))),
        ("told", would.boot_file.clone().filter(|file| file != loader)),
        ("reads", would.no_text.as_ref().map(|why| format!("nothing: {why}"))),
    ]);
    if let (Some(reads), Some(read)) = (&would.reads, &would.text) {
        text.push_str(&format!("\nfor {}:\n{}", plain_lines(reads), plain_lines(read)));
    }
    text
}

/// A loader and why, as one line.
pub(super) fn with_reason(loader: &str, why: &str) -> String {
    if why.is_empty() { loader.to_owned() } else { format!("{loader}: {why}") }
}
