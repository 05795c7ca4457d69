use super::{HttpAnswer, HttpRequest};

/// More header than any boot server sends.
const LONGEST_HEAD: usize = 64 * 1024;
/// More than any script, configuration or loader; what is kept of a body ends here.
const LARGEST_KEPT: usize = 64 << 20;

/// An answer as it comes in.
#[derive(Debug)]
pub(crate) struct Answer {
    head_only: bool,
    keep: bool,
    /// The header, until it is whole.
    head: Vec<u8>,
    answer: Option<HttpAnswer>,
    wrong: Option<String>,
}

impl Answer {
    /// Nothing came yet.
    pub(crate) fn new(request: &HttpRequest) -> Self {
        Self {
            head_only: request.method == "HEAD",
            keep: request.keep,
            head: Vec::new(),
            answer: None,
            wrong: None,
        }
    }

    /// More of it came.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        if let Some(answer) = &mut self.answer {
            let missing = answer.content_length.map_or(usize::MAX, |length| {
                usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(answer.size)
            });
            let bytes = bytes.get(..bytes.len().min(missing)).unwrap_or_default();
            answer.size += bytes.len();
            if self.keep && answer.body.len() + bytes.len() <= LARGEST_KEPT {
                answer.body.extend_from_slice(bytes);
            }
            return;
        }
        // The end of the header may begin in what came before.
        let from = self.head.len().saturating_sub(3);
        self.head.extend_from_slice(bytes);
        let end = self.head.get(from..).and_then(|new| new.windows(4).position(|four| four == b"\r\n\r\n"));
        let Some(end) = end else {
            if self.head.len() > LONGEST_HEAD {
                self.wrong = Some("the header has no end".to_owned());
            }
            return;
        };
        let mut head = std::mem::take(&mut self.head);
        let body = head.split_off(from + end + 4);
        match read_head(&String::from_utf8_lossy(&head)) {
            Ok(answer) => {
                self.answer = Some(answer);
                if !self.head_only {
                    self.read(&body);
                }
            }
            Err(words) => self.wrong = Some(words),
        }
    }

    /// Nothing more is to come, as far as the header told.
    pub(crate) fn is_whole(&self) -> bool {
        let whole = |answer: &HttpAnswer| {
            self.head_only || answer.content_length.is_some_and(|length| length <= answer.size as u64)
        };
        self.wrong.is_some() || self.answer.as_ref().is_some_and(whole)
    }

    /// The answer, after the other end has closed.
    pub(crate) fn take(&mut self) -> Result<HttpAnswer, String> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let answer = self.answer.take().ok_or("the connection ended before the header did")?;
        match answer.content_length {
            Some(length) if !self.head_only && length > answer.size as u64 => {
                Err(format!("{} of {length} bytes came", answer.size))
            }
            _ => Ok(answer),
        }
    }
}

fn read_head(head: &str) -> Result<HttpAnswer, String> {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut answer = HttpAnswer {
        status: status.ok_or_else(|| format!("{first:?} is no answer"))?,
        ..HttpAnswer::default()
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-type" => answer.content_type = Some(value.to_owned()),
            "content-length" => {
                let length = value.parse().map_err(|_| format!("{value:?} is no length"))?;
                answer.content_length = Some(length);
            }
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => {
                return Err("chunked answers are not understood: boot firmware may not either".to_owned());
            }
            _ => {}
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: &HttpRequest, parts: &[&[u8]]) -> (bool, Result<HttpAnswer, String>) {
        let mut answer = Answer::new(request);
        parts.iter().for_each(|part| answer.read(part));
        (answer.is_whole(), answer.take())
    }

    #[test]
    fn an_answer_is_read_however_it_is_cut() {
        let get = HttpRequest::get("http://10.0.0.1/x", "test");
        let bytes =
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCONTENT-type: text/plain\r\n\r\nhello, and more";
        for cut in 0..bytes.len() {
            let (whole, answer) = read(&get, &[&bytes[..cut], &bytes[cut..]]);
            let answer = answer.unwrap();
            assert_eq!((whole, answer.status, answer.body.as_slice()), (true, 200, &b"hello"[..]), "{cut}");
            assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
        }
        let unread = HttpRequest { keep: false, ..get.clone() };
        let (_, answer) = read(&unread, &[bytes]);
        assert!(matches!(answer, Ok(HttpAnswer { size: 5, body, .. }) if body.is_empty()));
        let head = HttpRequest { method: "HEAD", ..get };
        let (whole, answer) = read(&head, &[&bytes[..bytes.len() - 15]]);
        assert!(whole && answer.is_ok_and(|answer| answer.content_length == Some(5)));
    }

    #[test]
    fn what_is_no_answer_is_said_in_words() {
        let get = HttpRequest::get("http://10.0.0.1/x", "test");
        for (bytes, words) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"[..], "4 of 5 bytes came"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "\"many\" is no length"),
            (b"HTTP/1.1 200 OK\r\nContent", "the connection ended before the header did"),
            (b"hello\r\n\r\n", "\"hello\" is no answer"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "chunked"),
            (&[b'x'; 70_000], "the header has no end"),
        ] {
            let answer = read(&get, &[bytes]).1.unwrap_err();
            assert!(answer.contains(words), "{answer}");
        }
    }
}
