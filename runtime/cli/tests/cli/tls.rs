//! Servers with a certificate, and the commands and workers that speak to them.

use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use assert_cmd::Command;

use crate::served::Served;
use crate::support::{Place, fixture, signed_greeting};

const KEY: &str = "the key of this test";

fn certificate() -> PathBuf {
    fixture("keys/tls.test.pem")
}

/// A server with the certificate of the tests, which is for `localhost` and `127.0.0.1`.
fn serving(place: &Place, address: &str) -> Served {
    let (certificate, key) = (certificate(), fixture("keys/tls.test.key.pem"));
    let variables = [
        ("RUNTIME_API_KEY", KEY),
        ("BLOOM_SERVER_TLS_CERTIFICATE", certificate.to_str().unwrap()),
        ("BLOOM_SERVER_TLS_KEY", key.to_str().unwrap()),
    ];
    let server = Served::start_at(place, address, &["--workers", "0"], &variables);
    assert!(server.url().starts_with("https://"), "{}", server.url());
    server
}

/// The server by the name of its certificate.
fn by_name(server: &Served, scheme: &str) -> String {
    format!("{scheme}://localhost:{}", server.address.rsplit_once(':').unwrap().1)
}

/// A command that shows the key to a server.
fn told(place: &Place, url: &str, arguments: &[&str]) -> Command {
    let mut command = place.bloom();
    command.env("BLOOM_CLIENT_API_KEY", KEY).timeout(Duration::from_mins(2));
    command.args(arguments).args(["--server", url]);
    command
}

/// A worker that would answer the greeting's question.
fn worker(place: &Place, url: &str) -> Command {
    let mut command = place.bloom();
    command.env("BLOOM_WORKER_KEY", KEY).env("BLOOM_DATA", place.path("worker")).timeout(Duration::from_mins(2));
    command.args(["worker", "--name", "w1", "--server", url]);
    let answers = place.write("worker.json", r#"{ "default": { "answer": { "text": "hello" } } }"#);
    command.arg(format!("--llm=scripted:{}", answers.display()));
    command
}

/// What stands on the standard error of a command that fails.
fn refused(command: &mut Command, status: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_worker_and_commands_speak_tls_to_a_server_whose_certificate_they_know() {
    let place = Place::new();
    let flow = signed_greeting(&place);
    let server = serving(&place, "127.0.0.1:0");
    let url = by_name(&server, "https");
    let ask = |arguments: &[&str]| {
        let mut command = told(&place, &url, arguments);
        let output = command.env("BLOOM_CLIENT_CA", certificate()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("unencrypted"), "{stderr}");
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    ask(&["flow", "publish", flow.to_str().unwrap(), "--json"]);
    let run = ask(&["flow", "start", "greeting", "--input", "name=Ann", "--json"]);

    let described = worker(&place, &url);
    let mut process = Process::new(described.get_program());
    for (name, value) in described.get_envs() {
        match value {
            Some(value) => process.env(name, value),
            None => process.env_remove(name),
        };
    }
    process.args(described.get_args()).env("BLOOM_WORKER_CA", certificate());
    let log = std::fs::File::create(place.path("worker.log")).unwrap();
    let mut process = process.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let ended = (0..1200).find_map(|_| {
        let runs = ask(&["runs", "--flow", "greeting", "--status", "completed", "--json"]);
        std::thread::sleep(Duration::from_millis(50));
        runs.get(0).cloned()
    });
    process.kill().unwrap();
    process.wait().unwrap();
    let log = std::fs::read_to_string(place.path("worker.log")).unwrap();
    let ended = ended.unwrap_or_else(|| panic!("the worker did not do it: {log}"));
    assert_eq!(ended["run_id"], run["run_id"]);
    assert!(!log.contains("unencrypted"), "{log}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_believed() {
    let place = Place::new();
    let server = serving(&place, "127.0.0.1:0");
    let url = by_name(&server, "https");
    let untrusted = refused(&mut told(&place, &url, &["runs"]), 1);
    assert!(untrusted.contains("vouches") && untrusted.contains("client.ca"), "{untrusted}");
    let untrusted = refused(&mut worker(&place, &url), 1);
    assert!(untrusted.contains("vouches") && untrusted.contains("worker.ca"), "{untrusted}");
    assert!(!untrusted.contains(KEY), "{untrusted}");
    let missing = place.path("none.pem");
    assert!(refused(told(&place, &url, &["runs"]).env("BLOOM_CLIENT_CA", &missing), 2).contains("none.pem"));
    let empty = place.write("empty.pem", "");
    let unfit = refused(told(&place, &url, &["runs"]).env("BLOOM_CLIENT_CA", &empty), 2);
    assert!(unfit.contains("client.ca") && unfit.contains("no certificate"), "{unfit}");
    let unfit = refused(worker(&place, &url).env("BLOOM_WORKER_CA", &empty), 2);
    assert!(unfit.contains("worker.ca") && unfit.contains("no certificate"), "{unfit}");
}

// Of the addresses of this machine beside 127.0.0.1, only Linux has all of 127.0.0.0/8.
#[cfg(target_os = "linux")]
#[test]
fn a_certificate_for_another_name_is_not_believed() {
    let place = Place::new();
    let server = serving(&place, "127.0.0.2:0");
    let wrong = refused(told(&place, &server.url(), &["runs"]).env("BLOOM_CLIENT_CA", certificate()), 1);
    assert!(wrong.contains("another name") && wrong.contains("localhost"), "{wrong}");
    let wrong = refused(worker(&place, &server.url()).env("BLOOM_WORKER_CA", certificate()), 1);
    assert!(wrong.contains("another name") && wrong.contains("localhost"), "{wrong}");
}

#[test]
fn who_speaks_tls_to_a_server_that_does_not_or_the_other_way_round_is_told_so() {
    let place = Place::new();
    let encrypted = serving(&place, "127.0.0.1:0");
    let url = by_name(&encrypted, "http");
    for stderr in [refused(&mut told(&place, &url, &["runs"]), 1), refused(&mut worker(&place, &url), 1)] {
        assert!(stderr.contains("write https://"), "{stderr}");
    }
    drop(encrypted);
    let plain = Served::start_with(&place, &["--workers", "0"], &[("RUNTIME_API_KEY", KEY)]);
    let url = by_name(&plain, "https");
    for stderr in [refused(&mut told(&place, &url, &["runs"]), 1), refused(&mut worker(&place, &url), 1)] {
        assert!(stderr.contains("does not speak TLS") && stderr.contains("http://"), "{stderr}");
    }
}

#[test]
fn a_key_that_others_could_read_is_warned_of() {
    let place = Place::new();
    // Nobody listens there; the warning comes first.
    let exposed = refused(&mut told(&place, "http://0.0.0.0:1", &["runs"]), 1);
    assert!(exposed.contains("unencrypted") && exposed.contains("http://0.0.0.0:1/"), "{exposed}");
    for url in ["http://127.0.0.1:1", "https://0.0.0.0:1"] {
        let stderr = refused(&mut told(&place, url, &["runs"]), 1);
        assert!(!stderr.contains("unencrypted"), "{stderr}");
    }
    // It is another address of the server's.
    let server = Served::start_with(&place, &["--workers", "0"], &[("RUNTIME_API_KEY", KEY)]);
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    let exposed = refused(worker(&place, &url).env("BLOOM_WORKER_KEY", "guess"), 3);
    assert!(exposed.contains("unencrypted") && !exposed.contains("guess"), "{exposed}");
    let without_key = refused(place.bloom().args(["runs", "--server", "http://0.0.0.0:1"]), 1);
    assert!(!without_key.contains("unencrypted"), "{without_key}");
}
