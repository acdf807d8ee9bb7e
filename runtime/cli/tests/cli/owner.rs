//! Owners, from their password to what they publish.

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::served::Served;
use crate::support::{Place, fixture, json as only};

const KEY: &str = "the key of this test";
const PASSWORD: &str = "їжачок у тумані";

fn owner(place: &Place, arguments: &[&str], typed: &str) -> Command {
    let mut command = place.bloom();
    command.arg("owner").args(arguments).write_stdin(typed.to_owned());
    command
}

fn refused(mut command: Command, status: i32, word: &str) {
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{told}");
    assert!(told.contains(word), "{told}");
}

fn serve(place: &Place) -> Served {
    Served::start_with(place, &["--workers", "0"], &[("RUNTIME_API_KEY", KEY), ("SESSION_SECRET", "of the old system")])
}

fn log_in(server: &Served, name: &str, password: &str) -> (u16, Value) {
    server.post("/api/v1/session", json!({ "name": name, "password": password }).to_string().as_bytes())
}

fn by_token(server: &Served, token: &str, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let headers = format!("authorization: Bearer {token}\r\n");
    let (status, body) = server.send(method, path, &headers, body);
    (status, serde_json::from_str(&body).unwrap_or_default())
}

#[test]
fn a_password_is_read_from_the_standard_input_and_never_from_an_argument() {
    let place = Place::new();
    refused(owner(&place, &["set", "Олена"], ""), 2, "no password stands");
    refused(owner(&place, &["set", "Олена"], "коротко\n"), 2, "at least 12 characters");
    refused(owner(&place, &["set", "Олена"], &"я".repeat(600)), 2, "at most 1024 bytes");
    refused(owner(&place, &["set", "а\nб"], PASSWORD), 2, "cannot be a name");
    refused(owner(&place, &["set", "Олена", PASSWORD], ""), 2, PASSWORD);
    refused(owner(&place, &["remove", "Олена"], ""), 1, "there is no owner Олена");
    owner(&place, &["set", "Олена"], &format!("{PASSWORD}\r\n")).assert().success();
    owner(&place, &["set", "Петро"], PASSWORD).assert().success();
    let listed = only(&mut owner(&place, &["list", "--json"], ""));
    assert_eq!(
        (&listed[0]["name"], &listed[1]["name"], &listed[1]["set_by"]),
        (&json!("Олена"), &json!("Петро"), &json!("owner"))
    );
    let told = owner(&place, &["remove", "Петро", "--lang", "uk"], "").output().unwrap();
    assert_eq!(String::from_utf8(told.stdout).unwrap(), "Власника Петро вилучено. Відкриті сеанси закінчено.\n");
    let table = owner(&place, &["list"], "").output().unwrap();
    assert!(String::from_utf8(table.stdout).unwrap().contains("Олена"));
}

#[test]
fn an_owner_logs_in_publishes_a_diagram_and_stays_logged_in_over_a_restart() {
    let place = Place::new();
    owner(&place, &["set", "Олена"], PASSWORD).assert().success();
    let server = serve(&place);
    refused(owner(&place, &["set", "Олена"], PASSWORD), 1, "is in use by process");
    assert_eq!(log_in(&server, "Олена", "не той пароль").0, 401);
    let (status, opened) = log_in(&server, "Олена", PASSWORD);
    assert_eq!(status, 201, "{opened}");
    let token = opened["token"].as_str().unwrap().to_owned();

    let diagram = std::fs::read(fixture("diagrams/if-else.drakon")).unwrap();
    let path = "/api/v1/flows?name=if-else.drakon&id=choice&version=1.0.0";
    let (status, published) = by_token(&server, &token, "POST", path, &diagram);
    assert_eq!(
        (status, &published["id"], &published["version"]),
        (201, &json!("choice"), &json!("1.0.0")),
        "{published}"
    );
    let broken = std::fs::read(fixture("diagrams/invalid/prose.drakon")).unwrap();
    let (status, found) = by_token(&server, &token, "POST", "/api/v1/flows?name=prose.drakon", &broken);
    assert_eq!((status, &found["error"]["code"]), (422, &json!("COMPILE_FAILED")), "{found}");
    assert!(found["error"]["details"]["diagnostics"][0]["code"].is_string(), "{found}");
    server.kill();
    let keys = only(place.bloom().args(["keys", "list", "--json"]));
    let trusted = keys["trust"]["keys"].as_array().unwrap().iter().find(|key| key["name"] == "server").unwrap();
    assert_eq!(trusted["roles"], json!(["server"]));

    let server = serve(&place);
    let (status, who) = by_token(&server, &token, "GET", "/api/v1/session", b"");
    assert_eq!((status, &who["identity"]), (200, &json!("owner:Олена")));
    let set = |name: &str, key: &str| {
        let mut command = owner(&place, &["set", name, "--server", &server.url()], "інший довгий пароль");
        command.env("BLOOM_CLIENT_API_KEY", key);
        command
    };
    refused(set("Петро", KEY), 3, "only an owner who is logged in");
    set("Петро", &token).assert().success();
    set("Олена", &token).assert().success();
    assert_eq!(by_token(&server, &token, "GET", "/api/v1/session", b"").0, 401, "the password is another now");
    assert_eq!(log_in(&server, "Олена", PASSWORD).0, 401);
    let (_, opened) = log_in(&server, "Олена", "інший довгий пароль");
    let mut remove = owner(&place, &["remove", "Петро", "--server", &server.url()], "");
    remove.env("BLOOM_CLIENT_API_KEY", opened["token"].as_str().unwrap()).assert().success();
    assert_eq!(log_in(&server, "Петро", "інший довгий пароль").0, 401);
}
