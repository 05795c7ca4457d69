use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::Duration;

use crate::crowd::Count;

/// How often the bar moves on a terminal, and a line is written elsewhere.
const BAR: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(5);

const WIDTH: usize = 30;

/// How far all machines are, on standard error: one line that changes on a terminal, a line now and then elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    next: Duration,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let terminal = stderr().is_terminal();
        Self { terminal, next: if terminal { Duration::ZERO } else { LINE } }
    }

    /// Says it if it is time to.
    pub(crate) fn tell(&mut self, now: Duration, count: Count) {
        if now < self.next {
            return;
        }
        self.next = now + if self.terminal { BAR } else { LINE };
        let text = text(now, count);
        if self.terminal {
            let done = (count.booted + count.failed) * WIDTH / count.all.max(1);
            let bar = format!("{}{}", "#".repeat(done), ".".repeat(WIDTH - done.min(WIDTH)));
            self.write(&format!("\r[{bar}] {text}\x1b[K"));
        } else {
            self.write(&format!("{text}\n"));
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if self.terminal {
            self.write("\r\x1b[K");
        }
    }

    fn write(&self, text: &str) {
        let _ = stderr().write_all(text.as_bytes());
    }
}

fn text(now: Duration, count: Count) -> String {
    let Count { all, running, booted, failed } = count;
    format!("{:.0} s: {booted} of {all} booted, {failed} failed, {running} under way", now.as_secs_f64())
}
