//! HTML as far as the pages need it.

use std::fmt::Write as _;

/// Enough to be pleasant to read, in the dark too.
const STYLE: &str = "body{font-family:sans-serif;margin:1.5em;max-width:60em;color-scheme:light dark}table{border-collapse:collapse}\
td,th{padding:.15em 1em .15em 0;text-align:left;vertical-align:top}.E{color:#c22}.W{color:#a60}";

/// A page in the making.
pub(super) struct Html(String);

impl Html {
    /// A page with this title, which is its heading too.
    pub(super) fn new(title: &str) -> Self {
        let title = escaped(title);
        Self(format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} - nextboot</title>\n<style>{STYLE}</style>\n\
             </head>\n<body>\n<h1>{title}</h1>\n"
        ))
    }

    pub(super) fn heading(&mut self, text: &str) {
        // A string takes whatever is written.
        let _ = writeln!(self.0, "<h2>{}</h2>", escaped(text));
    }

    pub(super) fn line(&mut self, text: &str) {
        let _ = writeln!(self.0, "<p>{}</p>", escaped(text));
    }

    pub(super) fn link_line(&mut self, to: &str, text: &str) {
        let _ = writeln!(self.0, "<p>{}</p>", link(to, text));
    }

    /// A list of what is HTML already.
    pub(super) fn list(&mut self, kind: &str, from: usize, items: impl Iterator<Item = String>) {
        let start = if from > 0 { format!(" start=\"{}\"", from + 1) } else { String::new() };
        let _ = writeln!(self.0, "<{kind}{start}>");
        for item in items {
            let _ = writeln!(self.0, "<li>{item}</li>");
        }
        let _ = writeln!(self.0, "</{kind}>");
    }

    /// A table of what is HTML already.
    pub(super) fn table<const N: usize>(&mut self, head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
        self.0.push_str("<table>\n<tr>");
        for cell in head {
            let _ = write!(self.0, "<th>{}</th>", escaped(cell));
        }
        self.0.push_str("</tr>\n");
        for row in rows {
            self.0.push_str("<tr>");
            for cell in row {
                let _ = write!(self.0, "<td>{cell}</td>");
            }
            self.0.push_str("</tr>\n");
        }
        self.0.push_str("</table>\n");
    }

    /// What is HTML already.
    pub(super) fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</body>\n</html>\n");
        self.0
    }
}

/// Text as HTML shows it. What no HTML may hold becomes U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A link to an address of ours.
pub(super) fn link(to: &str, text: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escaped(to), escaped(text))
}

/// A name as one part of an address, whatever is in it.
pub(super) fn part(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_somebody_wrote_is_text() {
        let nasty = "<script>alert('x')</script>&\"\0\u{1b}";
        let page = {
            let mut html = Html::new(nasty);
            html.heading(nasty);
            html.line(nasty);
            html.link_line(&format!("/tests/{}/", part(nasty)), nasty);
            html.finish()
        };
        assert!(!page.contains("<script") && !page.contains("alert('") && !page.contains('\0'), "{page}");
        assert_eq!(escaped("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
        assert_eq!(part("1.2/ä b"), "1.2%2F%C3%A4%20b");
    }
}
