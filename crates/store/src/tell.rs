use std::borrow::Cow;

use nextboot_model::Event;

/// Writes an event to the log: the log is a view of the journal.
pub(crate) fn tell(event: &Event) {
    let host = event.host.as_ref().map(|host| tracing::field::display(host.as_str()));
    let mac = event.mac.map(tracing::field::display);
    let attempt = event.attempt.map(tracing::field::display);
    let text = event.kind.to_string();
    let text = one_line(&text);
    if event.kind.is_warning() {
        tracing::warn!(target: "event", host, mac, attempt, "{text}");
    } else {
        tracing::info!(target: "event", host, mac, attempt, "{text}");
    }
}

/// A client's words must not write lines of their own into the log.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(one_line("ä"), "ä");
    }
}
