use nextboot_model::Event;
use serde_json::Value;

use super::time::{clock, offset};
use crate::output::plain;

/// The sentence of an event: the server's, or ours when it sent none.
fn sentence(event: &Value) -> String {
    if let Some(text) = event.get("text").and_then(Value::as_str) {
        return plain(text);
    }
    match serde_json::from_value::<Event>(event.clone()) {
        Ok(event) => plain(&event.kind.to_string()),
        Err(_) => plain(event.get("code").and_then(Value::as_str).unwrap_or("?")),
    }
}

fn at(event: &Value) -> u64 {
    event.get("at").and_then(Value::as_u64).unwrap_or_default()
}

/// An event as one line: when, who, what.
pub(crate) fn line(event: &Value) -> String {
    let name = |key: &str| event.get(key).and_then(Value::as_str);
    let who = name("host").or_else(|| name("mac")).unwrap_or("nextboot");
    format!("{}  {}  {}", clock(at(event)), plain(who), sentence(event))
}

/// The events of an attempt beneath each other, with their times since its begin.
pub(crate) fn timeline(started: u64, events: &[Value]) -> String {
    let line = |event: &Value| format!("  {:>10}  {}\n", offset(started, at(event)), sentence(event));
    events.iter().map(line).collect()
}
