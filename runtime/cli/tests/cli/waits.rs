//! Runs that wait, and what people do about them: each command a process of its own.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json as value};

use crate::interrupt::interrupt;
use crate::process::Lines;
use crate::served::Served;
use crate::support::{Place, json, signed_greeting};

/// A signed flow of these nodes, of which `n1` comes first.
fn flow(place: &Place, nodes: &Value) -> String {
    let document = value!({
        "ir": "0.1",
        "flow": { "id": "wait", "version": "0.0.0", "title": "Очікування", "kind": "procedure", "locale": "uk" },
        "inputs": {}, "outputs": {}, "policy": {}, "entry": "n1", "nodes": nodes,
    });
    let (unsigned, signed) = (place.write("wait.json", document.to_string()), place.path("wait.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    signed.to_str().unwrap().to_owned()
}

/// Asks whether to approve, and why.
fn approval(place: &Place) -> String {
    let ask = |title: &str, schema: Value, into: &str, next: &str| {
        value!({ "type": "action", "op": "await", "into": into, "next": next, "ask": {
            "title": [{ "text": title }], "text": [{ "text": "Пропозиція чекає на вас." }], "schema": schema
        } })
    };
    let number = value!({ "type": "integer", "minimum": 1 });
    flow(
        place,
        &value!({
            "n1": ask("Скільки схвалити?", number, "скільки", "n2"),
            "n2": ask("Чому?", value!({ "type": "string" }), "чому", "n3"),
            "n3": { "type": "return", "status": "completed", "value": "[v['скільки'], v['чому']]" },
        }),
    )
}

/// Waits for two signals of one name.
fn payments(place: &Place) -> String {
    let wait = |into: &str, next: &str| {
        value!({ "type": "action", "op": "await", "signal": "оплата", "into": into, "next": next,
            "schema": { "type": "object", "required": ["сума"] } })
    };
    let end = value!({ "type": "return", "status": "completed", "value": "[v['a']['сума'], v['b']['сума']]" });
    flow(place, &value!({ "n1": wait("a", "n2"), "n2": wait("b", "n3"), "n3": end }))
}

fn told(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
    let output = place.bloom().args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

/// The run that begins to wait, and what it waits for.
fn waiting(place: &Place, flow: &str) -> (String, Value) {
    let output = place.bloom().args(["run", flow]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["status"], "waiting");
    (told["run"].as_str().unwrap().to_owned(), told["waits"][0].clone())
}

#[test]
fn a_person_answers_and_the_run_goes_on() {
    let place = Place::new();
    let (run, waits) = waiting(&place, &approval(&place));
    assert_eq!((&waits["for"], &waits["name"]), (&"question".into(), &"Скільки схвалити?".into()));
    let question = waits["question"].as_str().unwrap();
    let (_, listed) = told(&place, &["--lang", "uk", "questions", "list"]);
    assert!(listed.contains("ПИТАННЯ") && listed.contains("Скільки схвалити?"), "{listed}");
    let (_, shown) = told(&place, &["questions", "show", question]);
    assert!(shown.contains("Пропозиція чекає на вас.") && shown.contains("minimum"), "{shown}");

    for (answer, expected) in
        [("0", "не те, про що питають"), ("\"багато\"", "не те, про що питають"), ("багато", "JSON")]
    {
        let (status, text) = told(&place, &["--lang", "uk", "answer", question, answer]);
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
    let (status, text) = told(&place, &["--lang", "uk", "answer", "немає-такого", "1"]);
    assert_eq!(status, Some(1), "{text}");
    let (status, text) = told(&place, &["--lang", "uk", "answer", question, "3"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(&format!("bloom run --resume {run}")), "{text}");
    let (status, text) = told(&place, &["answer", question, "4"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("is answered: nobody waits"), "{text}");

    // The second question wants a text, which needs no quotes.
    let output = place.bloom().args(["run", "--resume", &run]).output().unwrap();
    let resumed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let second = resumed["waits"][0]["question"].as_str().unwrap();
    told(&place, &["answer", second, "бо так"]);
    assert_eq!(json(place.bloom().args(["run", "--resume", &run]))["result"], value!([3, "бо так"]));
    place.bloom().args(["replay", &run]).assert().success();
    assert_eq!(json(place.bloom().args(["questions", "list", "--json"])), value!([]));
    assert_eq!(json(place.bloom().args(["questions", "list", "--all", "--json"])).as_array().unwrap().len(), 2);
}

#[test]
fn a_signal_must_be_awaited_and_fit() {
    let place = Place::new();
    let (run, waits) = waiting(&place, &payments(&place));
    assert_eq!((&waits["for"], &waits["name"]), (&"signal".into(), &"оплата".into()));
    let (status, text) = told(&place, &["--lang", "uk", "signal", &run, "доставка"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("доставка") && text.contains("оплата"), "{text}");
    for payload in ["7", r#"{"sum": 7}"#, "{"] {
        let (status, text) = told(&place, &["signal", &run, "оплата", payload]);
        assert_eq!(status, Some(2), "{payload}: {text}");
    }
    assert_eq!(told(&place, &["signal", "немає", "оплата"]).0, Some(1));
    // Both come before the run goes on, and are taken in their order.
    for sum in ["7", "9"] {
        assert_eq!(told(&place, &["signal", &run, "оплата", &format!(r#"{{"сума": {sum}}}"#)]).0, Some(0));
    }
    assert_eq!(json(place.bloom().args(["run", "--resume", &run]))["result"], value!([7, 9]));
    let (status, text) = told(&place, &["--lang", "uk", "signal", &run, "оплата", r#"{"сума": 1}"#]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("уже завершився"), "{text}");
    place.bloom().args(["replay", &run]).assert().success();
}

#[test]
fn signals_that_nobody_takes_are_bounded() {
    let place = Place::new();
    let (run, _) = waiting(&place, &payments(&place));
    // As long as an argument may be; eight of them are a mebibyte.
    let payload = format!(r#"{{"сума": "{}"}}"#, "a".repeat(128 * 1024 - 40));
    for _ in 0..8 {
        let (status, text) = told(&place, &["signal", &run, "оплата", &payload]);
        assert_eq!(status, Some(0), "{text}");
    }
    let (status, text) = told(&place, &["signal", &run, "оплата", &payload]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("too many signals wait"), "{text}");
    assert_eq!(json(place.bloom().args(["show", &run, "--json"]))["run"]["status"], "running");
}

#[test]
fn a_cancelled_run_asks_nobody() {
    let place = Place::new();
    let (run, waits) = waiting(&place, &approval(&place));
    let question = waits["question"].as_str().unwrap();
    let (status, text) = told(&place, &["--lang", "uk", "cancel", &run, "--reason", "передумали"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("скасовано"), "{text}");
    let (_, shown) = told(&place, &["show", &run]);
    assert!(shown.contains("cancelled"), "{shown}");
    for arguments in [&["answer", question, "1"][..], &["cancel", &run], &["signal", &run, "оплата"]] {
        assert_eq!(told(&place, arguments).0, Some(1), "{arguments:?}");
    }
    let closed = json(place.bloom().args(["questions", "show", question, "--json"]));
    assert_eq!(closed["status"], "closed");
    // Resuming tells that it is over, and how.
    let (status, text) = told(&place, &["run", "--resume", &run]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("has ended already: cancelled"), "{text}");
}

#[test]
fn a_run_that_sleeps_goes_on_after_its_process_was_killed() {
    let place = Place::new();
    let sleeping = value!({
        "n1": { "type": "action", "op": "sleep", "for": "1500", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "run.now - run.started_at >= 1500" },
    });
    let flow = flow(&place, &sleeping);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bloom"))
        .env("BLOOM_DATA", place.path("data"))
        .args(["run", &flow, "--wait", "--progress", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Lines::of(child.stderr.take().unwrap()).next().unwrap();
    let started: Value = serde_json::from_str(&started).unwrap();
    let run = started["run"].as_str().unwrap().to_owned();
    interrupt(&child, Signal::KILL);
    child.wait().unwrap();
    let resumed = json(place.bloom().args(["run", "--resume", &run, "--wait"]));
    assert_eq!((&resumed["status"], &resumed["result"]), (&"completed".into(), &true.into()), "{resumed}");
    place.bloom().args(["replay", &run]).assert().success();
}

#[test]
fn a_run_that_sleeps_for_long_is_left_and_says_until_when() {
    let place = Place::new();
    let flow = flow(
        &place,
        &value!({
            "n1": { "type": "action", "op": "sleep", "for": "3600000", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "null" },
        }),
    );
    let (run, waits) = waiting(&place, &flow);
    assert!(waits["for"] == "sleep" && waits["until"].is_i64(), "{waits}");
    let (status, text) = told(&place, &["--lang", "uk", "run", "--resume", &run, "--text"]);
    assert_eq!(status, Some(4), "{text}");
    assert!(text.contains("Він чекає до") && text.contains(&format!("bloom run --resume {run}")), "{text}");
    let (_, listed) = told(&place, &["runs"]);
    assert!(listed.contains("waiting"), "{listed}");
}

#[test]
fn a_person_answers_what_an_llm_would_be_asked() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let output =
        place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", "--llm", "human"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let waiting: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = waiting["run"].as_str().unwrap();
    assert_eq!((&waiting["waits"][0]["for"], &waiting["waits"][0]["name"]), (&"question".into(), &"Greet Ann".into()));
    let question = waiting["waits"][0]["question"].as_str().unwrap();
    let (status, text) = told(&place, &["answer", question, "{\"text\": 5}"]);
    assert_eq!(status, Some(2), "{text}");
    // The one text that is asked for needs neither braces nor quotes.
    let (status, text) = told(&place, &["answer", question, "Hello, Ann!"]);
    assert_eq!(status, Some(0), "{text}");
    let ended = json(place.bloom().args(["run", "--resume", run]));
    assert_eq!(ended["result"], value!({ "greeting": "Hello, Ann!" }));
    assert_eq!(ended["tokens"], 0);
    place.bloom().args(["replay", run]).assert().success();
}

#[test]
fn a_server_asks_people_and_a_worker_elsewhere_does_not() {
    let place = Place::new();
    signed_greeting(&place);
    let server = Served::start_with(&place, &[], &[("BLOOM_RUN_LLM", "human")]);
    server.publish(&place);
    let (status, run) = server.post("/api/v1/flows/greeting/runs", br#"{"inputs": {"name": "Ann"}}"#);
    assert_eq!(status, 202, "{run}");
    let run = format!("/api/v1/runs/{}", run["run_id"].as_str().unwrap());
    let asked = server.get("/api/v1/questions");
    let question = &asked["questions"][0];
    assert_eq!((&question["title"], &question["text"]), (&value!("Greet Ann"), &value!("Greet Ann")));
    assert_eq!(server.get("/api/runtime/llm-tasks"), value!([]), "no worker is to answer");
    let answer = format!("/api/v1/questions/{}/answer", question["id"].as_str().unwrap());
    let (status, refused) = server.post(&answer, br#"{"answer": {"words": "Hello"}}"#);
    assert_eq!(status, 422, "{refused}");
    let (status, answered) = server.post(&answer, br#"{"answer": {"text": "Hello"}}"#);
    assert_eq!(status, 200, "{answered}");
    let ended = (0..1200).find_map(|_| {
        let run = server.get(&run);
        std::thread::sleep(Duration::from_millis(50));
        (run["status"] != "running").then_some(run)
    });
    assert_eq!(ended.unwrap()["result"], value!({ "greeting": "Hello" }));

    let elsewhere = Place::new();
    let (status, text) = told(&elsewhere, &["worker", "--server", &server.url(), "--name", "w1", "--llm", "human"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("bloom serve"), "{text}");
}
