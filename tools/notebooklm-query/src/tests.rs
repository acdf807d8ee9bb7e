//! What the backend's contract says, without a backend.

use std::cell::RefCell;
use std::rc::Rc;

use bloom_tool::testing::{Host, response, set_call_id};

use super::*;

fn input(question: &str) -> Input {
    serde_json::from_value(json!({ "question": question })).unwrap()
}

/// Asks a backend that answers so, one answer a request; with what it was asked.
fn asked(input: Input, answers: Vec<(u16, Value)>) -> (Result<Output, Failure>, Vec<Request>) {
    let (requests, answers) = (Rc::new(RefCell::new(Vec::new())), RefCell::new(answers.into_iter()));
    let seen = Rc::clone(&requests);
    let host = Host::new().config("url", "https://nlm.example.org/").http(move |request| {
        seen.borrow_mut().push(request.clone());
        let (status, body) = answers.borrow_mut().next().expect("no further request is made");
        Ok(response(status, body.to_string()))
    });
    set_call_id("run-1/n3#1");
    let output = host.run(|| notebooklm_query(input));
    let requests = requests.borrow().clone();
    (output, requests)
}

fn fails(status: u16, body: Value) -> Failure {
    asked(input("Що?"), vec![(status, body)]).0.unwrap_err()
}

fn brief() -> Value {
    json!({
        "artifact_id": "art-1", "job_id": "x", "type": "RESEARCH_BRIEF", "finalized": true,
        "content": {
            "title": "Research Brief", "summary": "Смичок веде рука.",
            "sections": [
                { "heading": "Тиск", "body": "Менше.", "sources": ["a.md", "b.md"] },
                { "body": "Без назви.", "sources": ["a.md"] },
            ],
            "conclusions": ["Повільніше."], "open_questions": ["А темп?"],
        },
        "sources": [{ "ref": "a.md", "excerpt": "рука веде" }],
    })
}

#[test]
fn a_question_becomes_a_research_job() {
    let question = Input {
        context: Some("Текст нотатки".into()),
        sources: vec!["a.md".into()],
        entity_refs: vec!["смичок".into()],
        ..input("Що?")
    };
    let (answer, requests) = asked(question, vec![(200, brief())]);
    assert!(answer.is_ok(), "{answer:?}");
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://nlm.example.org/jobs/process"));
    let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "job_id": job_id("run-1/n3#1"), "job_type": "RESEARCH",
            "payload": { "query": "Що?", "context_snapshot": "Текст нотатки", "sources": ["a.md"], "constraints": {} },
            "context": { "entity_refs": ["смичок"] },
        })
    );
    assert!(request.headers.iter().any(|header| header.name == "prefer" && header.value == "wait=30"));
}

#[test]
fn a_brief_is_read_with_what_it_rests_on() {
    let answer = asked(input("Що?"), vec![(200, brief())]).0.unwrap();
    assert_eq!(answer.answer, "Смичок веде рука.\n\n## Тиск\n\nМенше.\n\nБез назви.");
    let citation = |source: &str, excerpt: &str| Citation { source: source.into(), excerpt: excerpt.into() };
    assert_eq!(answer.citations, [citation("b.md", ""), citation("a.md", "рука веде")]);
    assert_eq!((answer.conclusions, answer.open_questions), (vec!["Повільніше.".into()], vec!["А темп?".into()]));
    assert_eq!(answer.artifact_id.as_deref(), Some("art-1"));
}

#[test]
fn a_job_that_is_not_done_is_asked_for_again_under_the_same_id() {
    let accepted = json!({ "accepted": true, "job_id": "x", "estimated_seconds": 15 });
    let (answer, _) = asked(input("Що?"), vec![(202, accepted)]);
    let later = answer.unwrap_err();
    assert!(later.code == "not_ready" && later.retryable && later.message.contains("15"), "{later:?}");
    let working = fails(200, json!({ "job_id": "x", "status": "NOTEBOOKLM_CALL" }));
    assert_eq!((working.code.as_str(), working.retryable), ("not_ready", true));
    assert_eq!(job_id("run-1/n3#1"), job_id("run-1/n3#1"));
    assert_ne!(job_id("run-1/n3#1"), job_id("run-1/n3#2"));
    let id = job_id("run-1/n3#1");
    assert!(id.len() == 36 && id.as_bytes()[14] == b'8' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
}

#[test]
fn what_a_job_left_as_an_artifact_is_fetched() {
    let done =
        json!({ "job_id": "x", "status": "COMPLETE", "artifact_id": "art-1", "artifact_url": "https://elsewhere" });
    let (answer, requests) = asked(input("Що?"), vec![(200, done.clone()), (200, brief())]);
    assert_eq!(answer.unwrap().artifact_id.as_deref(), Some("art-1"));
    assert_eq!(
        (requests[1].method.as_str(), requests[1].url.as_str()),
        ("GET", "https://nlm.example.org/artifacts/art-1")
    );
    let empty = asked(input("Що?"), vec![(200, done), (200, json!({ "artifact_id": "art-1" }))]).0.unwrap_err();
    assert_eq!(empty.code, "invalid_response");
    let elsewhere = json!({ "status": "COMPLETE", "artifact_id": "../secrets" });
    assert_eq!(fails(200, elsewhere).code, "invalid_response");
    let within = json!({ "status": "COMPLETE", "artifact": brief() });
    assert!(asked(input("Що?"), vec![(200, within)]).0.is_ok());
}

#[test]
fn an_answer_of_the_mcp_tool_is_read_too() {
    let plain = json!({ "answer": "Так.", "citations": ["a.md", { "source": "b.md", "text": "бо" }] });
    let answer = asked(input("Що?"), vec![(200, plain)]).0.unwrap();
    assert_eq!(
        (answer.answer.as_str(), answer.citations.len(), answer.citations[1].excerpt.as_str()),
        ("Так.", 2, "бо")
    );
}

#[test]
fn what_goes_wrong_says_whether_to_try_again() {
    for (status, body, code, retryable) in [
        (400, json!({ "detail": "bad" }), "invalid_question", false),
        (422, json!({ "detail": [{ "loc": ["payload"] }] }), "invalid_question", false),
        (401, json!({}), "not_authorised", false),
        (429, json!({}), "nlm_unavailable", true),
        (503, json!({ "detail": "cold start" }), "nlm_unavailable", true),
        (404, json!({}), "invalid_response", false),
        (200, json!({}), "invalid_response", false),
        (200, json!([]), "invalid_response", false),
        (200, json!({ "answer": " " }), "invalid_response", false),
        (
            200,
            json!({ "status": "FAILED", "error": { "code": "RATE_LIMIT", "message": "m" } }),
            "nlm_unavailable",
            true,
        ),
        (200, json!({ "status": "FAILED", "error": { "code": "VALIDATION_ERROR" } }), "invalid_question", false),
        (200, json!({ "status": "FAILED" }), "nlm_failed", false),
        (200, json!({ "artifact": { "artifact": { "artifact": 1 } } }), "invalid_response", false),
    ] {
        let failure = fails(status, body.clone());
        assert_eq!((failure.code.as_str(), failure.retryable), (code, retryable), "{status} {body}");
    }
}

#[test]
fn a_backend_that_is_not_there_is_tried_again_and_one_that_is_not_granted_is_not() {
    let with = |failure: Failure| {
        let host = Host::new().config("url", "http://nlm").http(move |_| Err(failure.clone()));
        host.run(|| notebooklm_query(input("Що?"))).unwrap_err()
    };
    assert_eq!(with(Failure::new("connection_failed", "").retryable()).code, "nlm_unavailable");
    assert_eq!(with(Failure::new("not_granted", "")).code, "not_granted");
}

#[test]
fn more_than_notebooklm_takes_is_not_sent() {
    let (answer, requests) = asked(Input { context: Some("ї".repeat(25_001)), ..input("Що?") }, Vec::new());
    assert_eq!((answer.unwrap_err().code.as_str(), requests.len()), ("question_too_large", 0));
}
