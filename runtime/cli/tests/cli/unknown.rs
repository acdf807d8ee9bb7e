//! A run that is killed while an operational tool does its work: nobody knows whether it was done, so a person is asked.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json as value};

use crate::support::{Place, ended, has_tools, json};

/// A signed flow that posts an order, and asks a person where nobody knows whether that was done.
fn order(place: &Place, address: &str) -> String {
    let program = format!(
        "BEGIN\n  answer ← http-post(\"http://{address}/orders\", {{strings: 4}})\n  RETURN answer.body\nEND\n"
    );
    let program = place.write("order.md", program);
    let mut document = json(place.bloom().arg("compile").arg(program));
    document.as_object_mut().unwrap().remove("integrity");
    document["flow"]["locale"] = "uk".into();
    document["nodes"]["n1"]["on_unknown"] = "ask".into();
    let (unsigned, signed) = (place.write("order.json", document.to_string()), place.path("order.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    signed.to_str().unwrap().to_owned()
}

/// The next request that a run makes, and where its answer goes.
pub(crate) fn asked(listener: &TcpListener, run: &mut Child) -> (String, TcpStream) {
    let stream = accepted(listener, run);
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap() > 0 && line.trim() != "" {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (String::from_utf8(body).unwrap(), stream)
}

/// The next connection. A run that ends before it makes one, or makes none for two minutes, fails the test.
fn accepted(listener: &TcpListener, run: &mut Child) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    for _ in 0..2400 {
        match listener.accept() {
            Ok((stream, _)) => return stream,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        assert_eq!(run.try_wait().unwrap(), None, "the run ended before it called");
        std::thread::sleep(Duration::from_millis(50));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    panic!("the run did not call");
}

fn bloom(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bloom"));
    command.env("BLOOM_DATA", place.path("data")).env("XDG_CONFIG_HOME", place.path("config")).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the flow and kills it when its order has arrived.
fn killed(place: &Place, flow: &str, listener: &TcpListener) {
    let mut child = bloom(place, &["run", flow]).spawn().unwrap();
    let (body, stream) = asked(listener, &mut child);
    assert_eq!(body, r#"{"strings":4}"#);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(stream);
}

/// What a person is asked when the run is resumed.
fn question(place: &Place) -> String {
    let output = bloom(place, &["run", "--resume", "last"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let waits = &told["waits"][0];
    assert_eq!((&waits["for"], &waits["name"]), (&"question".into(), &"Чи виконав `http-post` свою роботу?".into()));
    waits["question"].as_str().unwrap().to_owned()
}

#[test]
fn a_call_that_was_killed_is_asked_about_and_the_answer_is_taken() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    place.write("data/bloom.toml", format!("[tools.http-post]\nhttp = ['http://{address} POST']\n"));
    let flow = order(&place, &address);

    // It was done: the run goes on with what the person found out, and nothing is called again.
    killed(&place, &flow, &listener);
    let asked_about = question(&place);
    let shown = bloom(&place, &["questions", "show", &asked_about, "--lang", "uk"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("ніхто не знає") && shown.contains("strings") && shown.contains("not_done"), "{shown}");
    assert_eq!(question(&place), asked_about, "it is asked once");
    let wrong = bloom(&place, &["answer", &asked_about, r#"{"outcome": "maybe"}"#]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let found = value!({ "status": 201, "url": "u", "headers": {}, "format": "json", "body": { "order": 7 } });
    let done = value!({ "outcome": "done", "result": found }).to_string();
    assert!(bloom(&place, &["answer", &asked_about, &done]).status().unwrap().success());
    let end = json(place.bloom().args(["run", "--resume", "last"]));
    assert_eq!((&end["status"], &end["result"]), (&"completed".into(), &value!({ "order": 7 })), "{end}");
    place.bloom().args(["replay", "last"]).assert().success();

    // It counts as failed.
    killed(&place, &flow, &listener);
    let asked_about = question(&place);
    assert!(bloom(&place, &["answer", &asked_about, r#"{"outcome": "failed"}"#]).status().unwrap().success());
    let end = json(place.bloom().args(["run", "--resume", "last"]));
    assert_eq!((&end["status"], &end["error"]["code"]), (&"failed".into(), &"outcome_unknown".into()), "{end}");
    place.bloom().args(["replay", "last"]).assert().success();

    // It was not done: it is called again, and killed again it is asked about again.
    killed(&place, &flow, &listener);
    let not_done = r#"{"outcome": "not_done"}"#;
    assert!(bloom(&place, &["answer", &question(&place), not_done]).status().unwrap().success());
    let mut child = bloom(&place, &["run", "--resume", "last"]).spawn().unwrap();
    let (_, stream) = asked(&listener, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(stream);
    assert!(bloom(&place, &["answer", &question(&place), not_done]).status().unwrap().success());
    let mut child = bloom(&place, &["run", "--resume", "last"]).spawn().unwrap();
    let (_, mut stream) = asked(&listener, &mut child);
    let answer = r#"{"order":8}"#;
    let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{answer}", answer.len()).unwrap();
    ended(&mut child);
    let output = child.wait_with_output().unwrap();
    let end: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&end["status"], &end["result"]), (&"completed".into(), &value!({ "order": 8 })), "{end}");
    place.bloom().args(["replay", "last"]).assert().success();
}
