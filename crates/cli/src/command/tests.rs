//! Commands against a small real HTTP server on a unix socket.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, UnixListener};

use super::*;

#[derive(Debug, Parser)]
#[command(name = "nextboot")]
struct Program {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What the server was asked: method, path with query, body, `Authorization`.
type Asked = Arc<Mutex<Vec<(String, String, String, Option<String>)>>>;

/// Answers every request by the first entry whose path is the beginning of the request's, as `METHOD PATH`.
#[derive(Clone, Default)]
struct Answers {
    entries: Arc<Vec<(&'static str, u16, String)>>,
    asked: Asked,
}

impl Answers {
    fn new(entries: &[(&'static str, u16, &str)]) -> Self {
        let entries =
            entries.iter().map(|(path, status, body)| (*path, *status, (*body).to_owned())).collect();
        Self { entries: Arc::new(entries), asked: Asked::default() }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let what = format!("{} {}", request.method(), request.uri());
        let token = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let method = request.method().to_string();
        let path = request.uri().to_string();
        let body = request.into_body().collect().await?.to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.asked.lock().unwrap().push((method, path, body, token));
        let found = self.entries.iter().find(|(path, ..)| what.starts_with(path));
        let (status, body) = found.map_or((404, String::new()), |(_, status, body)| (*status, body.clone()));
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok(response)
    }
}

async fn serve<L, S>(answers: Answers, mut accept: impl FnMut() -> L)
where
    L: Future<Output = S>,
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    loop {
        let stream = TokioIo::new(accept().await);
        let answers = answers.clone();
        let service = service_fn(move |request| answers.clone().answer(request));
        tokio::spawn(http1::Builder::new().serve_connection(stream, service));
    }
}

/// Runs a command line against a server with these answers; says what was asked, and the exit code.
fn run_against(answers: &Answers, line: &str) -> (Vec<(String, String, String)>, u8, String) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("api.sock");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (code, message) = runtime.block_on(async {
        let listener = UnixListener::bind(&socket).unwrap();
        let accept = || async { listener.accept().await.unwrap().0 };
        tokio::select! {
            () = serve(answers.clone(), accept) => unreachable!(),
            result = command_line(&socket, line) => result,
        }
    });
    let asked = std::mem::take(&mut *answers.asked.lock().unwrap());
    (asked.into_iter().map(|(method, path, body, _)| (method, path, body)).collect(), code, message)
}

async fn command_line(socket: &Path, line: &str) -> (u8, String) {
    let words = ["nextboot", "--socket", socket.to_str().unwrap()].into_iter().chain(line.split(' '));
    let program = Program::try_parse_from(words).unwrap();
    match run::<Program>(&program.global, program.command).await {
        Ok(()) => (0, String::new()),
        Err(failure) => (failure.code(), failure.to_string()),
    }
}

fn error(message: &str) -> String {
    json!({ "error": { "code": "some-code", "message": message } }).to_string()
}

const HOST: &str = r#"{"name":"n1","macs":["52:54:00:00:00:01"],"assignment":{"profile":"local","until":"changed","since":1},"boots":{"profile":"local","why":"x"}}"#;

#[test]
fn commands_ask_what_the_api_offers() {
    let hosts = format!(r#"{{"hosts":[{HOST}],"next":null}}"#);
    let answers = Answers::new(&[
        ("PUT /api/assignments", 200, &hosts),
        ("POST /api/cancel", 200, &hosts),
        ("POST /api/power/refresh", 200, r#"{"controllers":[]}"#),
        ("POST /api/power", 200, r#"{"hosts":[{"host":"n1","ok":true,"state":"on","did":"on"}]}"#),
        ("POST /api/rescue", 200, r#"{"profile":"grml","hosts":[{"host":"n1","boots":"grml"}]}"#),
        ("POST /api/hosts", 201, HOST),
        ("POST /api/reload", 200, r#"{"reloaded":true}"#),
        ("PATCH /api/hosts/n1", 200, HOST),
        ("DELETE /api/hosts/n1", 204, ""),
        ("GET /api/hosts/n1/attempts", 200, r#"{"attempts":[]}"#),
        ("GET /api/hosts/", 200, HOST),
        ("GET /api/hosts?limit=1000&after=n1", 200, r#"{"hosts":[],"next":null}"#),
        ("GET /api/hosts?limit=1000", 200, &hosts.replace("null", "\"n1\"")),
        ("GET /api/profiles/grml", 200, r#"{"name":"grml","class":"live","kind":"file"}"#),
        ("GET /api/profiles", 200, r#"{"profiles":[]}"#),
        ("GET /api/leases", 200, r#"{"leases":[]}"#),
        ("GET /api/neighbours", 200, r#"{"neighbours":[]}"#),
        ("POST /api/neighbours/probe", 200, r#"{"neighbours":[]}"#),
        ("GET /api/attempts", 200, r#"{"attempts":[]}"#),
        ("GET /api/events?after=7", 200, r#"{"events":[]}"#),
        ("GET /api/events", 200, r#"{"events":[{"id":7,"at":1,"code":"stopped"}]}"#),
        ("GET /api/status", 200, r#"{"version":"0.1.0"}"#),
    ]);
    for (line, wanted) in [
        ("boot n1 n2 grml", vec![("PUT", "/api/assignments", r#"{"hosts":["n1","n2"],"profile":"grml"}"#)]),
        (
            "boot n1 grml --once",
            vec![("PUT", "/api/assignments", r#"{"hosts":["n1"],"profile":"grml","until":"once"}"#)],
        ),
        (
            "boot n1 grml --now",
            vec![
                ("PUT", "/api/assignments", r#"{"hosts":["n1"],"profile":"grml"}"#),
                ("POST", "/api/power", r#"{"action":"boot-network","hosts":["n1"]}"#),
            ],
        ),
        (
            "boot n1 local --now",
            vec![
                ("PUT", "/api/assignments", r#"{"hosts":["n1"],"profile":"local"}"#),
                ("POST", "/api/power", r#"{"action":"cycle","hosts":["n1"]}"#),
            ],
        ),
        ("power off n1 n2", vec![("POST", "/api/power", r#"{"action":"off","hosts":["n1","n2"]}"#)]),
        ("power refresh", vec![("POST", "/api/power/refresh", "")]),
        ("rescue n1", vec![("POST", "/api/rescue", r#"{"hosts":["n1"],"off":false,"restart":true}"#)]),
        (
            "rescue n1 --later",
            vec![("POST", "/api/rescue", r#"{"hosts":["n1"],"off":false,"restart":false}"#)],
        ),
        ("rescue n1 --off", vec![("POST", "/api/rescue", r#"{"hosts":["n1"],"off":true,"restart":false}"#)]),
        ("cancel n1", vec![("POST", "/api/cancel", r#"{"hosts":["n1"]}"#)]),
        (
            "host add n1 52-54-00-00-00-01 --address 10.0.0.9 --loader ipxe.efi --var a=b",
            vec![(
                "POST",
                "/api/hosts",
                r#"{"address":"10.0.0.9","loader":"ipxe.efi","macs":["52:54:00:00:00:01"],"name":"n1","vars":{"a":"b"}}"#,
            )],
        ),
        (
            "host set n1 --no-uuid --address 10.0.0.8 --var a=b --unset c",
            vec![(
                "PATCH",
                "/api/hosts/n1",
                r#"{"address":"10.0.0.8","uuid":null,"vars":{"a":"b","c":null}}"#,
            )],
        ),
        ("host set n1 --loader none", vec![("PATCH", "/api/hosts/n1", r#"{"loader":"none"}"#)]),
        ("host set n1 --exit grub-chain", vec![("PATCH", "/api/hosts/n1", r#"{"exit":"grub-chain"}"#)]),
        ("host set n1 --no-exit", vec![("PATCH", "/api/hosts/n1", r#"{"exit":null}"#)]),
        ("host set n1 --no-loader", vec![("PATCH", "/api/hosts/n1", r#"{"loader":null}"#)]),
        ("host set n1 --no-power", vec![("PATCH", "/api/hosts/n1", r#"{"power":null}"#)]),
        (
            "host set n1 --power ipmi --bmc 10.0.9.1 --bmc-interface lan",
            vec![(
                "PATCH",
                "/api/hosts/n1",
                r#"{"power":{"address":"10.0.9.1","interface":"lan","kind":"ipmi"}}"#,
            )],
        ),
        (
            "host set n1 --power redfish --bmc 10.0.9.1 --bmc-port 8443 --bmc-insecure",
            vec![(
                "PATCH",
                "/api/hosts/n1",
                r#"{"power":{"insecure":true,"kind":"redfish","url":"https://10.0.9.1:8443"}}"#,
            )],
        ),
        (
            "host set n1 --power command --adapter pdu --adapter-var port=7",
            vec![(
                "PATCH",
                "/api/hosts/n1",
                r#"{"power":{"adapter":"pdu","kind":"command","vars":{"port":"7"}}}"#,
            )],
        ),
        ("host rm n1", vec![("DELETE", "/api/hosts/n1", "")]),
        (
            "host ls",
            vec![("GET", "/api/hosts?limit=1000", ""), ("GET", "/api/hosts?limit=1000&after=n1", "")],
        ),
        ("host show a/b?c", vec![("GET", "/api/hosts/a%2Fb%3Fc", "")]),
        ("show n1", vec![("GET", "/api/hosts/n1", ""), ("GET", "/api/hosts/n1/attempts?limit=3", "")]),
        ("show n1 --as uefi-x64", vec![("GET", "/api/hosts/n1/preview?as=uefi-x64", "")]),
        ("profile ls", vec![("GET", "/api/profiles", "")]),
        ("profile show grml", vec![("GET", "/api/profiles/grml", "")]),
        ("leases", vec![("GET", "/api/leases", "")]),
        ("neighbours", vec![("GET", "/api/neighbours", "")]),
        ("neighbours --probe", vec![("POST", "/api/neighbours/probe", "")]),
        ("machines", vec![("GET", "/api/attempts", "")]),
        ("events --host n1 -n 1", vec![("GET", "/api/events?limit=1&host=n1", "")]),
        (
            "events --host 52:54:00:00:00:01 -n 1",
            vec![("GET", "/api/events?limit=1&mac=52:54:00:00:00:01", "")],
        ),
        ("events --mac 525400000001", vec![("GET", "/api/events?limit=200&mac=52:54:00:00:00:01", "")]),
        (
            "--json events",
            vec![
                ("GET", "/api/events?after=0&limit=5000", ""),
                ("GET", "/api/events?after=7&limit=5000", ""),
            ],
        ),
        ("status", vec![("GET", "/api/status", "")]),
        ("reload", vec![("POST", "/api/reload", "")]),
        ("completions bash", vec![]),
    ] {
        let (asked, code, message) = run_against(&answers, line);
        let wanted: Vec<_> = wanted
            .into_iter()
            .map(|(method, path, body)| (method.into(), path.into(), body.into()))
            .collect();
        assert_eq!((asked, code, message.as_str()), (wanted, 0, ""), "{line}");
    }
}

#[test]
fn exit_codes_say_what_went_wrong() {
    for (status, body, code, message) in [
        (404, error("no host is named n1"), 1, "no host is named n1"),
        (409, error("a\u{1b}[2Jb"), 1, "a\u{fffd}[2Jb"),
        (422, error("line 1\nline 2"), 1, "line 1\nline 2"),
        (
            401,
            error("a token is needed"),
            4,
            "a token is needed\nRun this as root or as the server's own user.",
        ),
        (403, error("no"), 4, "no\nRun this as root or as the server's own user."),
        (500, "<html>".into(), 3, "does not answer as nextboot does: it says 500 Internal Server Error"),
        (200, "<html>".into(), 3, "does not answer as nextboot does: "),
        (200, "[]".into(), 3, "does not answer as nextboot does: "),
    ] {
        let answers = Answers::new(&[("GET /api/leases", status, &body)]);
        let (_, found, text) = run_against(&answers, "leases");
        assert_eq!(found, code, "{status} {body}: {text}");
        assert!(text.contains(message), "{status} {body}: {text}");
    }
}

#[test]
fn a_password_comes_from_a_file_and_goes_to_the_server_only() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    std::fs::write(&file, "s3cr3t w0rd\nanother line\n").unwrap();
    let answers = Answers::new(&[("PATCH /api/hosts/n1", 200, HOST)]);
    let line =
        format!("host set n1 --power ipmi --bmc b --bmc-user u --bmc-password-file {}", file.display());
    let (asked, code, message) = run_against(&answers, &line);
    assert_eq!((code, message.as_str()), (0, ""));
    assert_eq!(asked[0].2, r#"{"power":{"address":"b","kind":"ipmi","password":"s3cr3t w0rd","user":"u"}}"#);
    let (_, code, message) =
        run_against(&answers, "host set n1 --power ipmi --bmc-password-file /does/not/exist");
    assert_eq!(code, 2);
    assert!(message.starts_with("cannot read a secret from /does/not/exist"), "{message}");
}

#[test]
fn a_host_that_was_not_switched_is_an_exit_code() {
    let some = r#"{"hosts":[{"host":"a","ok":true,"state":"on","did":"on","was":"off"},
        {"host":"b","ok":false,"state":"unknown","error":{"code":"slow","message":"no answer"}}]}"#;
    let answers =
        Answers::new(&[("POST /api/power", 200, some), ("PUT /api/assignments", 200, r#"{"hosts":[]}"#)]);
    for line in ["power on a b", "boot a b grml --now"] {
        let (_, code, message) = run_against(&answers, line);
        assert_eq!((code, message.as_str()), (1, "1 of 2 hosts: not done"), "{line}");
    }
    let by_hand = r#"{"hosts":[{"host":"a","boots":"r","changed":true,"power":{"ok":false,"error":{"code":"no-power"}}}]}"#;
    let (_, code, message) = run_against(&Answers::new(&[("POST /api/rescue", 200, by_hand)]), "rescue a");
    assert_eq!((code, message.as_str()), (0, ""), "it is to be reset by hand");
}

#[test]
fn one_refused_removal_does_not_keep_the_others() {
    let answers = Answers::new(&[
        ("DELETE /api/hosts/a", 204, ""),
        ("DELETE /api/hosts/b", 404, &error("no host is named b")),
        ("DELETE /api/hosts/c", 204, ""),
    ]);
    let (asked, code, message) = run_against(&answers, "host rm a b c");
    assert_eq!((asked.len(), code, message.as_str()), (3, 1, "no host is named b"));
}

#[test]
fn a_server_that_is_not_there_is_explained() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("api.sock");
    let (code, message) = runtime.block_on(command_line(&socket, "status"));
    assert_eq!(code, 3);
    assert!(message.starts_with(&format!("there is no socket at {}", socket.display())), "{message}");
    assert!(message.contains("systemctl status nextboot"), "{message}");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let (code, message) = runtime.block_on(command_line(&socket, "status"));
    assert_eq!(code, 3);
    assert!(message.starts_with("nobody listens at"), "{message}");
    let (code, message) = runtime.block_on(command_line(&socket, "--server https://x status"));
    assert_eq!(code, 2, "{message}");
}

#[test]
fn a_token_goes_along_to_a_server_elsewhere() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "secret\n").unwrap();
    let answers = Answers::new(&[("GET /api/status", 401, &error("wrong token"))]);
    let (code, message) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = format!("--server http://127.0.0.1:{port} --token-file {} status", token.display());
        let accept = || async { listener.accept().await.unwrap().0 };
        tokio::select! {
            () = serve(answers.clone(), accept) => unreachable!(),
            result = command_line(Path::new("unused"), &line) => result,
        }
    });
    assert_eq!(code, 4);
    assert_eq!(message, "wrong token\nIs the token the one in the server's token file?");
    let asked = answers.asked.lock().unwrap();
    assert_eq!(asked[0].3.as_deref(), Some("Bearer secret"));
}

/// The stream ends behind each event; the next connection has to begin where the last one ended.
#[test]
fn following_goes_on_where_it_was_cut() {
    let event = |id: u64| format!("id: {id}\ndata: {}\n\n", json!({ "id": id, "at": 1, "code": "stopped" }));
    let answers = Answers::new(&[
        ("GET /api/events/stream?after=8", 401, &error("enough")),
        ("GET /api/events/stream?after=7", 200, &format!("{}{}", event(7), event(8))),
        ("GET /api/events/stream?after=5", 200, &format!(": hello\n\n{}{}", event(6), event(7))),
        ("GET /api/events?limit=1", 200, &json!({ "events": [Value::from_iter([("id", 5)])] }).to_string()),
    ]);
    let (asked, code, message) = run_against(&answers, "events --follow -n 0");
    assert_eq!(code, 4, "{message}");
    let paths: Vec<&str> = asked.iter().map(|(_, path, _)| path.as_str()).collect();
    let stream = ["/api/events/stream?after=5", "/api/events/stream?after=7", "/api/events/stream?after=8"];
    assert_eq!(paths, ["/api/events?limit=1"].into_iter().chain(stream).collect::<Vec<_>>());
}

/// A server gives 5000 events at most in one answer.
#[test]
fn more_events_than_one_answer_holds_are_fetched_in_pages() {
    let page = |ids: std::ops::Range<u64>| {
        json!({ "events": ids.map(|id| json!({ "id": id, "at": 1, "code": "stopped" })).collect::<Vec<_>>() })
            .to_string()
    };
    let answers = Answers::new(&[
        ("GET /api/events?before=1001&limit=2", 200, &page(999..1001)),
        ("GET /api/events?limit=5000", 200, &page(1001..6001)),
    ]);
    let (asked, code, message) = run_against(&answers, "--json events --limit 5002");
    assert_eq!((asked.len(), code), (2, 0), "{message}");
}
