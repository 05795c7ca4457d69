//! Who is behind a proxy.

use std::net::Ipv4Addr;

use crate::server::{From, MACHINE, OWN_MAC, STRANGER, Server, TRUSTED};

const STATUS: &str = "GET /api/status";
/// One whose word the site takes.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 4, 1);

#[tokio::test]
async fn trust_is_in_the_client_and_never_in_the_proxy() {
    let server = Server::start().await;
    let ask = async |from: Ipv4Addr, fields: &[&str]| {
        server.ask(From::Address(from), STATUS, fields, "").await.status
    };
    let of = |field: &str, client: Ipv4Addr| format!("{field}{client}");
    for field in ["X-Forwarded-For: ", "Forwarded: for="] {
        assert_eq!(ask(PROXY, &[&of(field, TRUSTED)]).await, 200, "{field}");
        assert_eq!(ask(PROXY, &[&of(field, STRANGER)]).await, 401, "{field}");
        assert_eq!(ask(STRANGER, &[&of(field, TRUSTED)]).await, 401, "nobody else's word counts");
        assert_eq!(ask(TRUSTED, &[&of(field, STRANGER)]).await, 200, "for better or worse");
    }
    assert_eq!(ask(PROXY, &[&format!("X-Forwarded-For: {TRUSTED}, {STRANGER}")]).await, 401);
    assert_eq!(ask(PROXY, &[&format!("X-Forwarded-For: {STRANGER}, {TRUSTED}, {PROXY}")]).await, 200);
    for unclear in [
        "X-Forwarded-For: unknown".to_owned(),
        format!("X-Forwarded-For: {TRUSTED}, x"),
        format!("X-Forwarded-For: {}{TRUSTED}", "1.1.1.1, ".repeat(500)),
    ] {
        assert_eq!(ask(PROXY, &[&unclear]).await, 400, "{unclear:.60}");
    }
    let two = [format!("Forwarded: for={TRUSTED}"), format!("X-Forwarded-For: {STRANGER}")];
    assert_eq!(ask(PROXY, &[&two[0], &two[1]]).await, 400, "the client wrote one of them");
}

#[tokio::test]
async fn a_machine_sends_itself_to_its_disk_through_a_proxy_and_nobody_else() {
    let server = Server::start().await;
    server.add("n1", OWN_MAC).await;
    let body = format!(r#"{{"hosts":[{{"macAddress":"{OWN_MAC}"}}]}}"#);
    let deploy = async |client: Ipv4Addr| {
        let field = format!("X-Forwarded-For: {client}");
        let call = "PUT /configurations/local/deploy";
        server.ask(From::Address(PROXY), call, &[&field], &body).await.status
    };
    assert_eq!(deploy(MACHINE).await, 200);
    assert_eq!(deploy(STRANGER).await, 401);
}
