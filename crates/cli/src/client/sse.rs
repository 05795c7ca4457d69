//! Server-Sent Events, as the HTML standard describes them (section 9.2.6), read piece by piece.

/// Longest message that is taken, in bytes; what is longer is left out.
const MAX_MESSAGE: usize = 1024 * 1024;

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its id, if it has one.
    pub(crate) id: Option<String>,
    /// Its data, lines joined by line feeds.
    pub(crate) data: String,
}

/// Puts messages together from the pieces in which they arrive.
#[derive(Debug, Default)]
pub(crate) struct Sse {
    line: Vec<u8>,
    message: Message,
    too_long: bool,
    after_cr: bool,
}

impl Sse {
    /// Takes a piece of the stream and gives the messages that it completes.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        for &byte in piece {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => messages.extend(self.end_of_line()),
                _ if self.line.len() >= MAX_MESSAGE => self.too_long = true,
                byte => self.line.push(byte),
            }
        }
        messages
    }

    fn end_of_line(&mut self) -> Option<Message> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let message = std::mem::take(&mut self.message);
            let whole = !std::mem::take(&mut self.too_long);
            return (whole && !message.data.is_empty()).then_some(message);
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.message.id = Some(value.to_owned()),
            "data" if self.message.data.len() + value.len() > MAX_MESSAGE => self.too_long = true,
            "data" => {
                if !self.message.data.is_empty() {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
            }
            // Comments (no field name) keep the connection alive; other fields mean nothing to us.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b": hello\n\nid: 7\ndata: {\"a\":\ndata: 1}\n\nretry: 5\r\nid:8\r\ndata:x\r\n\r\ndata\n\nid: 9\n\ndata: cut";

    fn message(id: &str, data: &str) -> Message {
        Message { id: Some(id.into()), data: data.into() }
    }

    #[test]
    fn messages_come_out_whole_however_the_stream_is_cut() {
        let wanted = [message("7", "{\"a\":\n1}"), message("8", "x")];
        for size in 1..=STREAM.len() {
            let mut sse = Sse::default();
            let found: Vec<Message> = STREAM.chunks(size).flat_map(|piece| sse.push(piece)).collect();
            assert_eq!(found, wanted, "pieces of {size}");
        }
    }

    #[test]
    fn an_endless_line_holds_no_more_memory_than_a_message_may() {
        let mut sse = Sse::default();
        for _ in 0..40 {
            sse.push(&[b'x'; 64 * 1024]);
        }
        assert!(sse.line.len() <= MAX_MESSAGE);
        assert_eq!(sse.push(b"\n\ndata: y\n\n"), [Message { id: None, data: "y".into() }]);
    }
}
