//! From one request to its answer.

use std::ops::Range;
use std::time::SystemTime;

use crate::condition::{Validators, Verdict};
use crate::kind::{HTML, TEXT, content_type};
use crate::path::{BadPath, Route, decode, wished};
use crate::range::Part;
use crate::reply::{Body, Reply};
use crate::request::{Fields, Only};
use crate::status::Status;
use crate::{Asker, Claim, Delivery, Desk, Found, Limits, Refusal, Sent, What, Whom, Why};

/// One request and what is needed to answer it.
pub(crate) struct Exchange<'a, D> {
    pub(crate) desk: &'a D,
    pub(crate) limits: &'a Limits,
    pub(crate) asker: &'a Asker,
    pub(crate) method: &'a str,
    pub(crate) fields: Fields<'a>,
}

impl<D: Desk> Exchange<'_, D> {
    /// The answer for this path, which is still encoded.
    pub(crate) async fn answer(&self, path: Option<&str>) -> Reply {
        // Only CONNECT and OPTIONS have targets without a path.
        let path = match decode(path.unwrap_or_default(), self.limits.path) {
            Ok(path) => path,
            Err(BadPath::TooLong) => return Reply::line(Status::UriTooLong, "the path is too long"),
            Err(BadPath::NoName) => return no_name(),
        };
        let route = Route::of(&path);
        let reads = matches!(self.method, "GET" | "HEAD");
        let result = match route {
            Route::CallBack(token) => return self.call_back(token).await,
            // To look must not take a test from the queue.
            Route::NextTest(_) if self.method == "HEAD" => return Reply::fresh(Status::Ok, None, 0),
            Route::LocalBoot(whom) => return self.next_boot(whom, None).await,
            Route::NextBoot(whom, profile) => return self.next_boot(whom, Some(profile)).await,
            Route::Upload(_) if !reads => return Reply::not_allowed("GET, HEAD, POST, PUT"),
            _ if !reads => return Reply::not_allowed("GET, HEAD"),
            _ if path.is_empty() => return no_name(),
            Route::Script(mac) => {
                self.desk.script(self.asker, mac).await.map(|found| self.found(&path, &found))
            }
            Route::Seed { token, name } => {
                self.desk.seed(self.asker, token, name).await.map(|found| self.found(name, &found))
            }
            Route::Profile(mac) => self.desk.profile(self.asker, mac).await.map(|name| self.said(name)),
            Route::NextTest(mac) => self
                .desk
                .next_test(self.asker, Claim::of(self.fields), mac)
                .await
                .map(|found| self.found(&path, &found)),
            Route::TestScript { test, name } => match self.desk.test_script(self.asker, test).await {
                // The tree may have a directory of that name.
                Err(refusal) if refusal.why == Why::NotFound => {
                    self.desk.open(self.asker, name).await.map(|found| self.found(name, &found))
                }
                found => found.map(|found| self.found(name, &found)),
            },
            // A log comes another way. Who only looks finds a page there, or what the tree has.
            Route::Upload(_) => {
                self.desk.open(self.asker, &path).await.map(|found| self.found(&path, &found))
            }
            Route::Name(name) => match self.desk.open(self.asker, name).await {
                Err(refusal) => return self.wished(name, refusal).await,
                Ok(found) => Ok(self.found(name, &found)),
            },
        };
        result.unwrap_or_else(|refusal| self.refused(&refusal))
    }

    /// A GET does it, too: that is what the one line of shell in an installer can say. HEAD is only a look.
    async fn call_back(&self, token: &str) -> Reply {
        match self.method {
            "HEAD" => Reply::fresh(Status::Ok, None, 0),
            "GET" | "POST" | "PUT" => match self.desk.call_back(self.asker, token).await {
                Ok(text) => Reply::line(Status::Ok, &text),
                Err(refusal) => self.refused(&refusal),
            },
            _ => Reply::not_allowed("GET, HEAD, POST, PUT"),
        }
    }

    /// A GET does it, too: `wget` in an installer says nothing else. HEAD is only a look.
    async fn next_boot(&self, whom: Whom<'_>, profile: Option<&str>) -> Reply {
        match self.method {
            "HEAD" => Reply::fresh(Status::Ok, None, 0),
            "GET" | "POST" | "PUT" => {
                let claim = Claim::of(self.fields);
                match self.desk.next_boot(self.asker, claim, whom, profile).await {
                    Ok(text) => Reply::text(Status::Ok, text),
                    Err(refusal) => self.refused(&refusal),
                }
            }
            _ => Reply::not_allowed("GET, HEAD, POST, PUT"),
        }
    }

    /// Where there is nothing at a name, that may be a machine's wish for itself.
    async fn wished(&self, name: &str, refusal: Refusal) -> Reply {
        let wish = wished(name).filter(|_| self.method == "GET" && refusal.why == Why::NotFound);
        let Some(profile) = wish else { return self.refused(&refusal) };
        let claim = Claim::of(self.fields);
        match self.desk.next_boot(self.asker, claim, Whom::Itself, Some(profile)).await {
            Ok(text) => Reply::text(Status::Ok, text),
            // There is no such profile, or nobody knows who asks: it was a name after all.
            Err(Refusal { why: Why::NotFound, .. }) => self.refused(&refusal),
            Err(refused) => self.refused(&refused),
        }
    }

    /// A short text; for HEAD its length.
    fn said(&self, text: String) -> Reply {
        if self.method == "HEAD" {
            return Reply::fresh(Status::Ok, None, text.len() as u64);
        }
        Reply::text(Status::Ok, text)
    }

    fn refused(&self, refusal: &Refusal) -> Reply {
        tracing::debug!(from = %self.asker.from, why = ?refusal.why, message = refusal.message, "refused");
        Reply::refused(refusal)
    }

    fn found(&self, name: &str, found: &Found) -> Reply {
        if matches!(found.what, What::File | What::OwnFile) {
            return self.file(name, found);
        }
        let len = found.content.len();
        match found.what {
            What::Page => return Reply::page(HTML, self.body(name, found, 0..len), len),
            What::Log => return Reply::page(TEXT, self.body(name, found, 0..len), len),
            _ => {}
        }
        Reply::fresh(Status::Ok, self.body(name, found, 0..len), len)
    }

    fn file(&self, name: &str, found: &Found) -> Reply {
        let content = &found.content;
        let validators = Validators::new(content.etag(), content.modified(), SystemTime::now());
        let of = content.len();
        let kept = found.what == What::File;
        match validators.judge(self.fields) {
            Verdict::Go => {}
            Verdict::NotModified => {
                self.probed(name, found);
                return Reply::file(Status::NotModified, &validators, kept, None);
            }
            Verdict::Failed => {
                return Reply::line(Status::PreconditionFailed, "the file is another one by now");
            }
        }
        let (status, part) = match self.part(&validators, of) {
            Part::Whole => (Status::Ok, 0..of),
            Part::Bytes(part) => (Status::PartialContent, part),
            Part::Unsatisfiable => {
                let mut reply =
                    Reply::text(Status::RangeNotSatisfiable, format!("the file has {of} bytes\n"));
                reply.content_range(format_args!("*"), of);
                return reply;
            }
        };
        let mut reply = Reply::file(status, &validators, kept, self.body(name, found, part.clone()));
        reply.describe(content_type(name), part.end - part.start);
        if status == Status::PartialContent {
            // A part is never empty.
            reply.content_range(format_args!("{}-{}", part.start, part.end - 1), of);
        }
        reply
    }

    /// Only GET has ranges (RFC 9110 section 14.2), and two fields are as good as two ranges.
    fn part(&self, validators: &Validators, of: u64) -> Part {
        match self.fields.only("Range") {
            Only::Value(value) if self.method == "GET" && validators.allows_range(self.fields) => {
                Part::read(value, of)
            }
            _ => Part::Whole,
        }
    }

    /// The body, or for HEAD none.
    fn body(&self, name: &str, found: &Found, part: Range<u64>) -> Option<Body> {
        if self.method == "HEAD" {
            self.probed(name, found);
            return None;
        }
        let sent = self.sent(name, found, part.start);
        Some(Body { content: found.content.clone(), part, sent: Some(sent) })
    }

    fn probed(&self, name: &str, found: &Found) {
        self.desk.sent(self.asker, self.sent(name, found, 0));
    }

    /// A delivery of which nothing was handed over yet.
    fn sent(&self, name: &str, found: &Found, start: u64) -> Sent {
        Sent {
            name: name.to_owned(),
            what: found.what,
            ticket: found.ticket.clone(),
            start,
            end: start,
            of: found.content.len(),
            millis: 0,
            delivery: Delivery::Probed,
        }
    }
}

fn no_name() -> Reply {
    Reply::line(Status::BadRequest, "the path is not the name of anything")
}
