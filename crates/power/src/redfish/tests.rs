//! What emulators do not do and controllers do: ETags, other names, connections that end, nonsense.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use nextboot_model::{Power, Secret, Timestamp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::{Known, Runner, Target};

/// A request as the service got it: method and path, `If-Match`, `Authorization`, body.
type Asked = Arc<Mutex<Vec<(String, Option<String>, Option<String>, String)>>>;

/// Status, ETag and body of an answer.
type Said = (u16, Option<String>, String);

/// A service whose one system is somewhere else than most; it closes the connection after each answer.
struct Service {
    address: SocketAddr,
    asked: Asked,
}

impl Service {
    /// `answer` is for a method and path, for how many requests there were before, and for `If-Match`.
    async fn start(answer: fn(&str, usize, Option<&str>) -> Said) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Asked::default();
        let told = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let told = Arc::clone(&told);
                let service = service_fn(move |request: Request<Incoming>| {
                    let told = Arc::clone(&told);
                    async move {
                        let what = format!("{} {}", request.method(), request.uri());
                        let header = |name| {
                            request.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
                        };
                        let (etag, user) = (header("if-match"), header("authorization"));
                        let body = request.into_body().collect().await?.to_bytes();
                        let body = String::from_utf8(body.to_vec()).unwrap();
                        let before = {
                            let mut told = told.lock().unwrap();
                            told.push((what.clone(), etag.clone(), user, body));
                            told.len() - 1
                        };
                        let (status, tag, body) = answer(&what, before, etag.as_deref());
                        let mut response = Response::builder().status(status).header("connection", "close");
                        if let Some(tag) = tag {
                            response = response.header("etag", tag);
                        }
                        Ok::<_, hyper::Error>(response.body(Full::new(Bytes::from(body))).unwrap())
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, asked }
    }

    fn endpoint(&self) -> Redfish {
        Redfish {
            url: format!("http://{}/", self.address),
            user: "admin".into(),
            password: Some(Secret::new("pass:w")),
            ..Redfish::default()
        }
    }

    fn lines(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(what, ..)| what.clone()).collect()
    }
}

const ROOT: &str = r#"{"Systems":{"@odata.id":"/redfish/v1/Computers"}}"#;
const LIST: &str = r#"{"Members":[{"@odata.id":"/redfish/v1/Computers/Self"}]}"#;
const SYSTEM: &str = r##"{"PowerState":"On","Actions":{"#ComputerSystem.Reset":{"target":"/redfish/v1/Computers/Self/Do",
    "ResetType@Redfish.AllowableValues":["ForceOn","ForceOff","ForceRestart"]}}}"##;

fn tree(what: &str) -> Option<Said> {
    let body = match what {
        "GET /redfish/v1/" => ROOT,
        "GET /redfish/v1/Computers" => LIST,
        _ => return None,
    };
    Some((200, None, body.into()))
}

#[tokio::test]
async fn a_change_is_made_against_what_was_seen_and_again_when_that_is_old() {
    let service = Service::start(|what, before, etag| {
        tree(what).unwrap_or_else(|| match (what, etag) {
            ("GET /redfish/v1/Computers/Self", _) => (200, Some(format!("W/\"{before}\"")), SYSTEM.into()),
            // Somebody else has changed it meanwhile; the next time nobody has.
            ("PATCH /redfish/v1/Computers/Self", Some("W/\"2\"")) => (412, None, String::new()),
            ("PATCH /redfish/v1/Computers/Self", Some(_)) => (204, None, String::new()),
            _ => (428, None, String::new()),
        })
    })
    .await;
    let (settings, redfish) = (Settings::default(), service.endpoint());
    Controller { settings: &settings, redfish: &redfish }.boot_network().await.unwrap();
    let asked = service.asked.lock().unwrap().clone();
    let patches: Vec<_> = asked.iter().filter(|(what, ..)| what.starts_with("PATCH")).collect();
    assert_eq!(patches.len(), 2, "{asked:?}");
    assert_eq!(patches[1].1.as_deref(), Some("W/\"6\""));
    assert_eq!(patches[1].2.as_deref(), Some("Basic YWRtaW46cGFzczp3"));
    assert_eq!(
        patches[1].3,
        r#"{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}"#
    );
}

#[tokio::test]
async fn a_reset_is_one_that_the_system_allows_at_the_place_it_names() {
    let service = Service::start(|what, _, _| {
        tree(what).unwrap_or_else(|| match what {
            "GET /redfish/v1/Computers/Self" => (200, None, SYSTEM.into()),
            "POST /redfish/v1/Computers/Self/Do" => (202, None, String::new()),
            _ => (404, None, String::new()),
        })
    })
    .await;
    let (settings, redfish) = (Settings::default(), service.endpoint());
    let controller = Controller { settings: &settings, redfish: &redfish };
    assert_eq!(controller.status().await, Ok(PowerState::On));
    controller.on().await.unwrap();
    controller.cycle().await.unwrap();
    let bodies: Vec<String> = service
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|(.., body)| body.clone())
        .filter(|body| !body.is_empty())
        .collect();
    assert_eq!(bodies, [r#"{"ResetType":"ForceOn"}"#, r#"{"ResetType":"ForceRestart"}"#]);
    let other = Redfish { system: Some("7".into()), ..redfish };
    let error = Controller { settings: &settings, redfish: &other }.on().await.unwrap_err().to_string();
    assert!(error.contains("It has: Self; name one with --bmc-system"), "{error}");
    assert!(!service.lines().iter().any(|line| line.ends_with("/7")));
}

/// OpenBMC and others name a resource of its own, `@Redfish.ActionInfo`, instead of the words.
#[tokio::test]
async fn a_controller_that_does_not_say_what_it_allows_gets_the_words_that_all_know() {
    let service = Service::start(|what, _, _| {
        tree(what).unwrap_or_else(|| match what {
            "GET /redfish/v1/Computers/Self" => {
                let system = r##"{"Actions":{"#ComputerSystem.Reset":{"target":"/do","@Redfish.ActionInfo":"/info"}}}"##;
                (200, None, system.into())
            }
            _ => (204, None, String::new()),
        })
    })
    .await;
    let (settings, redfish) = (Settings::default(), service.endpoint());
    let controller = Controller { settings: &settings, redfish: &redfish };
    controller.on().await.unwrap();
    controller.off().await.unwrap();
    controller.press_reset().await.unwrap();
    controller.cycle().await.unwrap();
    let asked = service.asked.lock().unwrap().clone();
    let words = asked.iter().filter(|(what, ..)| what == "POST /do").map(|(.., body)| body.as_str());
    let wanted = ["On", "ForceOff", "ForceRestart", "ForceRestart"];
    assert_eq!(words.collect::<Vec<_>>(), wanted.map(|word| format!("{{\"ResetType\":\"{word}\"}}")));
}

#[tokio::test]
async fn nonsense_is_refused_and_bounded() {
    let of = |answer| async move {
        let service = Service::start(answer).await;
        let redfish = service.endpoint();
        let settings = Settings::default();
        Controller { settings: &settings, redfish: &redfish }.status().await.unwrap_err().to_string()
    };
    let error = of(|_, _, _| (200, None, "<html>".into())).await;
    assert!(error.contains("is no JSON"), "{error}");
    let error = of(|_, _, _| (200, None, "{}".into())).await;
    assert!(error.contains("is this a Redfish service?"), "{error}");
    let error = of(|_, _, _| (200, None, format!("\"{}\"", "x".repeat(2 << 20)))).await;
    assert!(error.contains("length limit exceeded"), "{error}");
    let error =
        of(|_, _, _| (200, None, r#"{"Systems":{"@odata.id":"http://elsewhere/redfish"}}"#.into())).await;
    assert!(error.contains("names no systems"), "{error}");
    let error = of(|_, _, _| (500, None, r#"{"error":{"message":"tired\u001b[2J"}}"#.into())).await;
    assert!(error.ends_with("it answers 500 Internal Server Error to GET /redfish/v1/: tired[2J"), "{error}");
}

#[tokio::test]
async fn an_answer_that_never_ends_is_ended_by_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").await;
            held.push(stream);
        }
    });
    let settings = Settings { limit: Duration::from_millis(300), retries: 1, ..Settings::default() };
    let target = Target {
        host: "n1".parse().unwrap(),
        power: Power::Redfish(Redfish { url, ..Redfish::default() }),
        address: None,
        macs: Vec::new(),
        wires: Vec::new(),
        uefi: false,
    };
    let runner = Runner::new(&settings);
    let error = runner.perform(&settings, &target, PowerAction::Status, Timestamp(7)).await.unwrap_err();
    assert_eq!(error.code(), "slow", "{error}");
    assert_eq!(runner.known(&target.host), Known { state: PowerState::Unknown, at: Some(Timestamp(7)) });
}

#[test]
fn states_and_references_are_taken_only_as_they_should_be() {
    assert_eq!(state(&json!({"PowerState": "On"})), PowerState::On);
    assert_eq!(state(&json!({"PowerState": "PoweringOff"})), PowerState::Off);
    assert_eq!(state(&json!({"PowerState": 7})), PowerState::Unknown);
    let of = |text: &str| link(&json!({"Systems": {"@odata.id": text}}), "/Systems");
    assert_eq!(of("/redfish/v1/Systems"), Some("/redfish/v1/Systems".into()));
    for wrong in ["", "http://other/x", "//other/x", "/a b", "/a\r\nX: y"] {
        assert_eq!(of(wrong), None, "{wrong:?}");
    }
}
