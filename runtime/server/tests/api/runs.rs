use bloom_interpreter::history::{Chain, Payload};
use bloom_ir::{Digest, Value, VerifiedIr};
use bloom_runtime::engine::Submit;
use bloom_runtime::record::{Actor, ContextId, RunId, RunStatus};
use bloom_runtime::store::{Append, Store as _};
use serde_json::{Value as Json, json};

use crate::world::{Setup, World, asking_llm, awaiting, component, flow, key, plain, proposing};

#[tokio::test]
async fn a_run_is_submitted_and_waited_for() {
    let world = World::new();
    world.published(&asking_llm("greet")).await;
    let run = world.post("/api/v1/flows/greet/runs?wait=30", &json!({ "inputs": { "name": "Ann" } })).await.ok(200);
    assert_eq!(
        (&run["status"], &run["result"], &run["steps_completed"]),
        (&json!("completed"), &json!("hello"), &json!(1))
    );
    assert_eq!(
        (&run["agent_slug"], &run["flow_version"], &run["context_id"]),
        (&json!("greet"), &json!("1.0.0"), &json!("default"))
    );
    assert_eq!(
        (&run["trigger"], &run["error"], &run["inputs"]),
        (&json!("manual"), &Json::Null, &json!({ "name": "Ann" }))
    );
    assert!(run["started_at"].as_str().unwrap().starts_with("2026-01-01T00:00:0"), "{run}");
    let id = run["run_id"].as_str().unwrap();
    for path in [format!("/api/v1/runs/{id}"), format!("/api/v1/runs/{id}/status")] {
        assert_eq!(world.get(&path).await.ok(200), run);
    }
    world.end().await;
}

#[tokio::test]
async fn a_run_that_goes_on_is_accepted() {
    let world = World::new();
    world.published(&awaiting("wait")).await;
    let run = world.post("/api/v1/flows/wait/runs", &json!({})).await.ok(202);
    assert_eq!(run["finished_at"], Json::Null);
    let held = world.post("/api/v1/flows/wait/runs?wait=1", &json!({})).await.ok(202);
    assert_eq!((&held["status"], &held["waiting"]), (&json!("running"), &json!(true)));
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_run_is_refused() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let post =
        async |path: &str, body: &str| world.send("POST", path, &[("content-type", "application/json")], body).await;
    let runs = "/api/v1/flows/greet/runs";
    post("/api/v1/flows/none/runs", "{}").await.refused(404, "NOT_FOUND");
    post(runs, r#"{"version": "2.0.0"}"#).await.refused(404, "NOT_FOUND");
    post(runs, "{").await.refused(400, "INVALID_JSON");
    post(runs, "[]").await.refused(400, "VALIDATION_FAILED");
    let unknown = post(runs, r#"{"input": {}}"#).await.refused(400, "VALIDATION_FAILED");
    assert!(unknown["message"].as_str().unwrap().contains("unknown field `input`"), "{unknown}");
    post(runs, r#"{"dispatch": "elsewhere"}"#).await.refused(400, "VALIDATION_FAILED");
    post(runs, r#"{"context_id": ""}"#).await.refused(400, "VALIDATION_FAILED");
    let limits = post(runs, r#"{"limits": {"max_token": 5}}"#).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(limits["details"]["field"], "limits");
    let unfit = post(runs, r#"{"inputs": {"name": 5}}"#).await.refused(422, "SCHEMA_MISMATCH");
    assert!(unfit["message"].as_str().unwrap().contains("name"), "{unfit}");
    post(&format!("{runs}?wait=61"), "{}").await.refused(400, "VALIDATION_FAILED");
    post(&format!("{runs}?wait=soon"), "{}").await.refused(400, "VALIDATION_FAILED");
    world.send("POST", runs, &[("content-type", "text/plain")], "{}").await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    world.send("POST", runs, &[("idempotency-key", "ключ")], "{}").await.refused(400, "VALIDATION_FAILED");
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 0);
    world.end().await;
}

#[tokio::test]
async fn the_same_key_gives_the_same_run() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    world.published(&plain("other", "1.0.0")).await;
    let submit = async |flow: &str, key: &str, body: Json| {
        let path = format!("/api/v1/flows/{flow}/runs?wait=30");
        world.send("POST", &path, &[("idempotency-key", key)], body.to_string()).await
    };
    let first = submit("greet", "k 1", json!({})).await.ok(200);
    let again = submit("greet", "k 1", json!({ "inputs": {} })).await.ok(200);
    assert_eq!(first["run_id"], again["run_id"]);
    let refused = submit("greet", "k 1", json!({ "inputs": { "name": "Ann" } })).await.refused(409, "DUPLICATE_ENTRY");
    assert_eq!(refused["details"]["run_id"], first["run_id"]);
    assert_ne!(submit("greet", "k 2", json!({})).await.ok(200)["run_id"], first["run_id"]);
    assert_ne!(submit("other", "k 1", json!({})).await.ok(200)["run_id"], first["run_id"]);
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 3);
    world.end().await;
}

#[tokio::test]
async fn the_same_key_at_the_same_time_makes_one_run() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let submit = || world.send("POST", "/api/v1/flows/greet/runs?wait=30", &[("idempotency-key", "k")], "{}");
    let (a, b, c, d) = tokio::join!(submit(), submit(), submit(), submit());
    let ids: Vec<Json> = [a, b, c, d].iter().map(|answered| answered.ok(200)["run_id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 1);
    world.end().await;
}

#[tokio::test]
async fn runs_are_listed_page_by_page() {
    let world = World::new();
    world.published(&plain("a", "1.0.0")).await;
    world.published(&plain("b", "1.0.0")).await;
    for flow in ["a", "b", "a", "b", "a"] {
        world.post(&format!("/api/v1/flows/{flow}/runs?wait=30"), &json!({})).await.ok(200);
    }
    let ids = |list: &Json| -> Vec<String> {
        list["runs"].as_array().unwrap().iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect()
    };
    let all = world.get("/api/v1/runs").await.ok(200);
    assert_eq!(
        (&all["total"], &all["limit"], &all["offset"], &all["next_cursor"]),
        (&json!(5), &json!(20), &json!(0), &Json::Null)
    );
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/api/v1/runs?limit=2{cursor}")).await.ok(200);
        walked.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, ids(&all));
    let of_a = world.get("/api/v1/runs?flow=a").await.ok(200);
    assert_eq!((&of_a["total"], &of_a["runs"]), (&json!(3), &world.get("/api/v1/runs?agent=a").await.ok(200)["runs"]));
    assert_eq!(ids(&world.get("/api/v1/runs?limit=2&offset=1").await.ok(200)), ids(&all)[1..3]);
    for (query, total) in [
        ("status=completed", 5),
        ("status=failed", 0),
        ("from=2026-01-01", 5),
        ("to=2025-12-31", 0),
        ("to=2026-01-01", 5),
        ("from=2026-01-02", 0),
        ("from=2025-12-31T23:59:59Z&to=2026-01-02T00:00:00Z", 5),
        ("status=completed&flow=b", 2),
    ] {
        let list = world.get(&format!("/api/v1/runs?{query}")).await.ok(200);
        assert_eq!((&list["total"], &list["total_is_exact"]), (&json!(total), &json!(true)), "{query}");
    }
    for query in [
        "limit=0",
        "limit=101",
        "offset=10001",
        "status=done",
        "from=yesterday",
        "cursor=none",
        "page=2",
        "flow=a&agent=b",
    ] {
        world.get(&format!("/api/v1/runs?{query}")).await.refused(400, "VALIDATION_FAILED");
    }
    world.end().await;
}

#[tokio::test]
async fn a_history_is_read_in_pages_and_as_lines() {
    let world = World::new();
    let run = world.run(&asking_llm("greet")).await;
    let path = format!("/api/v1/runs/{}/history", run["run_id"].as_str().unwrap());
    let page = world.get(&format!("{path}?limit=2")).await.ok(200);
    let kinds: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["type"].clone()).collect();
    assert_eq!((kinds, &page["next"]), (vec![json!("run.started"), json!("effect.requested")], &json!(3)));
    let rest = world.get(&format!("{path}?from=3")).await.ok(200);
    assert_eq!(rest["next"], Json::Null);
    let lines = world.send("GET", &path, &[("accept", "application/jsonl")], "").await;
    assert_eq!(lines.headers["content-type"], "application/jsonl");
    let events = bloom_interpreter::history::read_lines(&lines.text()).unwrap();
    assert_eq!(events.len() as u64, run["events"].as_u64().unwrap());
    assert_eq!(events.last().unwrap().hash().to_string(), run["history_head"].as_str().unwrap());
    let other_name = world.send("GET", &path, &[("accept", "application/x-ndjson")], "").await;
    assert_eq!(
        (&other_name.headers["content-type"], &other_name.bytes),
        (&"application/x-ndjson".parse().unwrap(), &lines.bytes)
    );
    for query in ["from=0", "limit=0", "limit=1001", "from=-1", "x=1"] {
        world.get(&format!("{path}?{query}")).await.refused(400, "VALIDATION_FAILED");
    }
    world.end().await;
}

#[tokio::test]
async fn a_run_is_seen_as_steps_a_trace_an_envelope_and_a_replay() {
    let world = World::new();
    let run = world.run(&asking_llm("greet")).await;
    let base = format!("/api/v1/runs/{}", run["run_id"].as_str().unwrap());
    let steps = world.get(&format!("{base}/steps")).await.ok(200);
    let step = &steps["steps"][0];
    assert_eq!(
        (&step["step_number"], &step["step_name"], &step["status"]),
        (&json!(1), &json!("n1"), &json!("completed"))
    );
    let trace = world.get(&format!("{base}/trace")).await.ok(200);
    assert_eq!((&trace["agrees"], &trace["icons"]), (&json!(true), &json!({ "12": 1 })));
    let envelope = world.get(&format!("{base}/envelope")).await.ok(200);
    assert_eq!((&envelope["task"]["task_id"], &envelope["task"]["flow_id"]), (&run["run_id"], &json!("greet")));
    assert_eq!(
        (&envelope["result"]["status"], &envelope["result"]["outputs"]["result"]),
        (&json!("success"), &json!("hello"))
    );
    let members = |value: &Json| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let result = &envelope["result"];
    assert_eq!(members(result), "artifacts logs metrics outputs status task_id");
    assert_eq!(members(&result["metrics"]), "latency_ms retries tokens_used");
    assert_eq!(members(&result["logs"][0]), "ms node_id phase ts");
    assert_eq!((&result["logs"][0]["phase"], &result["logs"][0]["node_id"]), (&json!("llm_call"), &json!("n1")));
    assert_eq!(
        members(&envelope["task"]),
        "context_id flow_id flow_version inputs ir_hash ir_ref lease limits policy task_id"
    );
    let replayed = world.post(&format!("{base}/replay"), &json!({})).await.ok(200);
    assert_eq!((&replayed["agrees"], &replayed["position"]), (&json!(true), &Json::Null));
    let until = world.post(&format!("{base}/replay"), &json!({ "until": 2 })).await.ok(200);
    assert_eq!(until["position"]["seq"], 2);
    world.post(&format!("{base}/replay"), &json!({ "until": -1 })).await.refused(400, "VALIDATION_FAILED");
    world.end().await;
}

#[tokio::test]
async fn a_run_that_failed_says_why() {
    let world = World::new();
    let run = world
        .run(&flow("fail", "1.0.0", &json!({ "n1": { "type": "return", "status": "completed", "value": "1 / 0" } })))
        .await;
    assert_eq!(run["status"], "failed");
    assert!(run["error"].as_str().unwrap().contains(": "), "{run}");
    assert!(run["error_details"]["code"].is_string(), "{run}");
    let envelope = world.get(&format!("/api/v1/runs/{}/envelope", run["run_id"].as_str().unwrap())).await.ok(200);
    assert_eq!(envelope["result"]["status"], "failed");
    world.end().await;
}

#[tokio::test]
async fn a_run_is_run_again_as_another() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let run = world.post("/api/v1/flows/greet/runs?wait=30", &json!({ "inputs": { "name": "Ann" } })).await.ok(200);
    let path = format!("/api/v1/runs/{}/rerun", run["run_id"].as_str().unwrap());
    let again = world.send("POST", &path, &[("idempotency-key", "k")], "").await;
    assert!(matches!(again.status, 200 | 202), "{again:?}");
    assert_ne!(again.json()["run_id"], run["run_id"]);
    assert_eq!((&again.json()["inputs"], &again.json()["ir"]), (&run["inputs"], &run["ir"]));
    let repeated = world.send("POST", &path, &[("idempotency-key", "k")], "").await;
    assert_eq!(repeated.json()["run_id"], again.json()["run_id"]);
    world.end().await;
}

#[tokio::test]
async fn a_run_that_is_run_again_twice_at_the_same_time_is_so_once() {
    let world = World::new();
    let run = world.run(&plain("greet", "1.0.0")).await;
    let path = format!("/api/v1/runs/{}/rerun", run["run_id"].as_str().unwrap());
    let rerun = || world.send("POST", &path, &[("idempotency-key", "k")], "");
    let (one, other) = tokio::join!(rerun(), rerun());
    assert!([one.status, other.status].iter().all(|status| matches!(status, 200 | 202)), "{one:?} {other:?}");
    assert_eq!(one.json()["run_id"], other.json()["run_id"]);
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 2);
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_run_again_is_refused() {
    let world = World::new();
    let greet = plain("greet", "1.0.0");
    let run = world.run(&greet).await["run_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/runs/{run}/rerun");
    let rerun = async |key: &str| world.send("POST", &path, &[("idempotency-key", key)], "").await;
    for key in ["", "ключ"] {
        rerun(key).await.refused(400, "VALIDATION_FAILED");
    }
    // The run that the key stands for was asked for in another way.
    let hex = Digest::of(format!("idempotency\nrun\nrerun\n{run}\nk").as_bytes()).hex();
    let id =
        [&hex[..8], &hex[8..12], &format!("8{}", &hex[12..15]), &format!("8{}", &hex[15..18]), &hex[18..30]].join("-");
    let submit = Submit {
        ir: VerifiedIr::signed(serde_json::from_value(greet).unwrap(), &key()).unwrap(),
        inputs: Value::empty_map(),
        by: Actor("operator".to_owned()),
        context: ContextId::new("default"),
        setting: json!({ "request": "another" }).into(),
        limits: None,
        budget: None,
        is_awaited: false,
    };
    world.engine.submit_as(RunId::new(id.as_str()), submit).await.unwrap();
    let refused = rerun("k").await.refused(409, "DUPLICATE_ENTRY");
    assert_eq!(refused["details"]["run_id"], id);
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 2);
    assert!(matches!(rerun("l").await.status, 200 | 202), "another key is another run");
    world.end().await;
}

#[tokio::test]
async fn a_flow_that_waits_is_no_workers() {
    let world = World::new();
    world.published(&awaiting("wait")).await;
    let refused = world.post("/api/v1/flows/wait/runs", &json!({ "dispatch": "worker" })).await;
    assert!(refused.refused(422, "POLICY_REFUSED")["details"]["problems"][0].is_string());
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 0);
    world.end().await;
}

#[tokio::test]
async fn a_run_is_cancelled_once() {
    let world = World::with(Setup { has_worker: false, ..Setup::default() });
    world.published(&asking_llm("greet")).await;
    let run = world.post("/api/v1/flows/greet/runs", &json!({})).await.ok(202);
    let path = format!("/api/v1/runs/{}/cancel", run["run_id"].as_str().unwrap());
    let cancelled = world.post(&path, &json!({ "reason": "not needed" })).await.ok(200);
    assert_eq!(cancelled["status"], "cancelled");
    let refused = world.post(&path, &json!({})).await.refused(409, "RUN_ENDED");
    assert_eq!(refused["details"]["status"], "cancelled");
    world.post(&path, &json!({ "why": 1 })).await.refused(400, "VALIDATION_FAILED");
    world.end().await;
}

#[tokio::test]
async fn a_signal_moves_a_run_on() {
    let world = World::new();
    let run = world.waiting(&awaiting("wait")).await;
    let base = format!("/api/v1/runs/{run}");
    let post = async |name: &str, key: &str, body: &str| {
        world.send("POST", &format!("{base}/signal/{name}"), &[("idempotency-key", key)], body).await
    };
    let unknown = post("stop", "1", "1").await.refused(404, "NOT_FOUND");
    assert_eq!(unknown["details"]["awaited"], json!(["go"]));
    let unfit = post("go", "2", "\"x\"").await.refused(422, "SCHEMA_MISMATCH");
    assert!(unfit["details"]["problems"].is_array(), "{unfit}");
    post("go", "3", "nothing").await.refused(400, "INVALID_JSON");
    assert_eq!(post("go", "4", "7").await.ok(202), json!({ "run_id": run, "name": "go" }));
    // Said again it is not sent again, and nothing else can be said with the same key.
    assert_eq!(post("go", "4", "7").await.ok(202)["name"], "go");
    post("go", "4", "8").await.refused(409, "DUPLICATE_ENTRY");
    for _ in 0..12_000 {
        let seen = world.get(&base).await.ok(200);
        if seen["status"] == "completed" {
            assert_eq!(seen["result"], 7);
            post("go", "5", "1").await.refused(409, "RUN_ENDED");
            return world.end().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the signal moved nothing");
}

#[tokio::test]
async fn too_many_signals_are_refused() {
    let world = World::new();
    // Between two of them nobody takes one: it waits for another name.
    let mut both = awaiting("wait");
    both["nodes"]["n1"]["signal"] = json!("first");
    both["nodes"]["n1"]["next"] = json!("n3");
    both["nodes"]["n3"] = json!({ "type": "action", "op": "await", "signal": "go", "into": "a", "next": "n2" });
    let run = world.waiting(&both).await;
    let path = format!("/api/v1/runs/{run}/signal/go");
    for _ in 0..100 {
        world.post(&path, &json!(1)).await.ok(202);
    }
    let refused = world.post(&path, &json!(1)).await;
    refused.refused(429, "RATE_LIMITED");
    assert!(refused.headers.contains_key("retry-after"));
    world.end().await;
}

#[tokio::test]
async fn what_is_done_to_no_run_is_not_found() {
    let world = World::new();
    for path in ["", "/status", "/steps", "/history", "/trace", "/envelope", "/events"] {
        world.get(&format!("/api/v1/runs/none{path}")).await.refused(404, "NOT_FOUND");
    }
    world.post("/api/v1/runs/none/fork", &json!({ "at": 1 })).await.refused(404, "NOT_FOUND");
    for path in ["cancel", "signal/go", "replay", "rerun"] {
        world.post(&format!("/api/v1/runs/none/{path}"), &json!({})).await.refused(404, "NOT_FOUND");
    }
    for body in [json!({ "until": "the end" }), json!({ "to": 1 })] {
        world.post("/api/v1/runs/none/replay", &body).await.refused(400, "VALIDATION_FAILED");
    }
    world.end().await;
}

#[tokio::test]
async fn proposals_of_a_run_stand_in_it() {
    let world = World::new();
    let run = world.run(&proposing("propose")).await;
    assert_eq!(run["proposals_created"].as_array().unwrap().len(), 2, "{run}");
    world.end().await;
}

/// Waits until a run has ended.
async fn ended(world: &World, run: &str) -> Json {
    for _ in 0..12_000 {
        let seen = world.get(&format!("/api/v1/runs/{run}")).await.ok(200);
        if !seen["finished_at"].is_null() {
            return seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("run {run} does not end");
}

#[tokio::test]
async fn a_run_is_left_at_an_event_by_another_one() {
    let world = World::new();
    let run = world.waiting(&awaiting("wait")).await;
    let path = format!("/api/v1/runs/{run}/fork");
    let fork =
        async |key: &str, body: Json| world.send("POST", &path, &[("idempotency-key", key)], body.to_string()).await;
    let made = fork("k", json!({ "at": 2 })).await.ok(202);
    assert_eq!(made["origin"], json!({ "run_id": run, "at": 2 }));
    assert_eq!(world.get(&format!("/api/v1/runs/{run}")).await.ok(200)["origin"], Json::Null);
    assert_eq!(fork("k", json!({ "at": 2 })).await.ok(202)["run_id"], made["run_id"]);
    fork("k", json!({ "at": 1 })).await.refused(409, "DUPLICATE_ENTRY");
    let other = fork("l", json!({ "at": 1, "version": "1.0.0" })).await.ok(202);
    assert_ne!(other["run_id"], made["run_id"]);
    // It goes on for itself.
    let id = made["run_id"].as_str().unwrap();
    world.post(&format!("/api/v1/runs/{id}/signal/go"), &json!(7)).await.ok(202);
    assert_eq!(ended(&world, id).await["result"], 7);
    assert_eq!(world.get(&format!("/api/v1/runs/{run}")).await.ok(200)["status"], "running");
    let steps = world.get(&format!("/api/v1/runs/{id}/steps")).await.ok(200);
    assert_eq!(steps["steps"].as_array().unwrap().len(), 1, "what was asked for again is one step: {steps}");
    let log = world.get("/api/v1/audit").await.ok(200);
    let forked = |entry: &&Json| entry["action"] == "run_forked" && entry["entity_id"] == id;
    assert_eq!(log["entries"].as_array().unwrap().iter().filter(forked).count(), 1);
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_forked_is_refused() {
    let world = World::new();
    let run = world.waiting(&awaiting("wait")).await;
    let mut other = awaiting("wait");
    other["flow"]["version"] = json!("2.0.0");
    other["nodes"]["n1"]["signal"] = json!("another");
    world.published(&other).await;
    let path = format!("/api/v1/runs/{run}/fork");
    for at in [0, 3] {
        let refused = world.post(&path, &json!({ "at": at })).await.refused(400, "VALIDATION_FAILED");
        assert_eq!((&refused["details"]["field"], &refused["details"]["most"]), (&json!("at"), &json!(2)));
    }
    for body in [json!({}), json!({ "at": -1 }), json!({ "at": 1, "ir": "x" })] {
        world.post(&path, &body).await.refused(400, "VALIDATION_FAILED");
    }
    world.post(&path, &json!({ "at": 1, "version": "3.0.0" })).await.refused(404, "NOT_FOUND");
    let differs = world.post(&path, &json!({ "at": 2, "version": "2.0.0" })).await.refused(409, "FORK_DIFFERS");
    assert!(differs["details"]["verdict"].as_str().is_some_and(|verdict| !verdict.is_empty()), "{differs}");
    world.post(&format!("{path}?wait=61"), &json!({ "at": 1 })).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 1);
    world.end().await;
}

#[tokio::test]
async fn the_correlation_id_of_a_submission_is_its_key() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let path = "/api/v1/flows/greet/runs?wait=30";
    let submit = async |headers: &[(&str, &str)], body: Json| world.send("POST", path, headers, body.to_string()).await;
    let first = submit(&[], json!({ "correlation_id": "corr 1" })).await.ok(200);
    assert_eq!(submit(&[], json!({ "correlation_id": "corr 1" })).await.ok(200)["run_id"], first["run_id"]);
    let header = [("idempotency-key", "corr 1")];
    assert_eq!(submit(&header, json!({})).await.ok(200)["run_id"], first["run_id"], "it is the same key");
    let other = json!({ "correlation_id": "corr 1", "inputs": { "name": "Ann" } });
    submit(&[], other).await.refused(409, "DUPLICATE_ENTRY");
    let two = submit(&header, json!({ "correlation_id": "corr 2" })).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(two["details"]["field"], "correlation_id");
    submit(&[], json!({ "correlation_id": "" })).await.refused(400, "VALIDATION_FAILED");
    world.end().await;
}

#[tokio::test]
async fn a_budget_profile_that_is_not_known_is_refused() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let submit =
        async |limits: Json| world.post("/api/v1/flows/greet/runs?wait=30", &json!({ "limits": limits })).await;
    let run = submit(json!({ "cost_policy": "standard", "max_tokens": 5 })).await.ok(200);
    let envelope = world.get(&format!("/api/v1/runs/{}/envelope", run["run_id"].as_str().unwrap())).await.ok(200);
    let limits = &envelope["task"]["limits"];
    assert_eq!((&limits["cost_policy"], &limits["max_tokens"]), (&json!("standard"), &json!(5)));
    let refused = submit(json!({ "cost_policy": "lavish" })).await.refused(422, "POLICY_REFUSED");
    assert_eq!(refused["details"]["allowed"], json!(["standard"]));
    submit(json!({ "cost_policy": 5 })).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 1);
    world.end().await;
}

#[tokio::test]
async fn a_run_that_goes_on_says_where_it_stands() {
    let world = World::with(Setup { has_worker: false, ..Setup::default() });
    world.published(&asking_llm("greet")).await;
    let run = world.post("/api/v1/flows/greet/runs", &json!({})).await.ok(202);
    let base = format!("/api/v1/runs/{}", run["run_id"].as_str().unwrap());
    let seen = world.get(&base).await.ok(200);
    assert_eq!((&seen["current_step"], &seen["steps_completed"]), (&json!("n1"), &json!(0)));
    assert!(seen.get("queue_position").is_none() && seen["started_at"].is_string(), "{seen}");
    let steps = world.get(&format!("{base}/steps")).await.ok(200);
    let running = &steps["steps"][0];
    assert_eq!((&running["status"], &running["finished_at"]), (&json!("running"), &Json::Null));
    assert_eq!((&running["output_summary"], &running["error"]), (&Json::Null, &Json::Null));
    world.end().await;
}

#[tokio::test]
async fn steps_say_what_they_gave_or_why_they_failed() {
    let world = World::new();
    let run = world.run(&asking_llm("greet")).await;
    assert_eq!(run["current_step"], Json::Null);
    let steps = world.get(&format!("/api/v1/runs/{}/steps", run["run_id"].as_str().unwrap())).await.ok(200);
    assert_eq!(steps["steps"][0]["output_summary"], r#"{"text":"hello"}"#);
    // Nobody answers in time.
    let mut late = awaiting("late");
    late["nodes"]["n1"]["timeout_seconds"] = json!(1);
    let run = world.waiting(&late).await;
    world.pass(std::time::Duration::from_mins(1));
    let run = ended(&world, &run).await;
    assert_eq!(run["status"], "failed", "{run}");
    let steps = world.get(&format!("/api/v1/runs/{}/steps", run["run_id"].as_str().unwrap())).await.ok(200);
    let step = &steps["steps"][0];
    assert_eq!((&step["status"], &step["output_summary"]), (&json!("failed"), &Json::Null));
    assert!(step["error"].as_str().unwrap().starts_with("timeout: "), "{step}");
    world.end().await;
}

#[tokio::test]
async fn a_history_that_does_not_follow_from_its_program_is_found_out() {
    let world = World::new();
    let run = world.waiting(&awaiting("wait")).await;
    let mut chain = Chain::default();
    let id = RunId::new(run.as_str());
    for event in world.store.history(&id, 1, usize::MAX).await.unwrap() {
        chain.accept(&event).unwrap();
    }
    let (expected, at) = (chain.seq(), 1_900_000_000_000);
    let forged = chain.seal(at, Payload::RunCompleted { result: Value::from(7_i64), state: Digest::of(b"forged") });
    let append = Append::of(id, expected, vec![forged], RunStatus::Completed);
    world.store.append(append).await.unwrap();
    let trace = world.get(&format!("/api/v1/runs/{run}/trace")).await.ok(200);
    assert_eq!(trace["agrees"], false, "{trace}");
    let replay = world.post(&format!("/api/v1/runs/{run}/replay"), &json!({})).await.ok(200);
    assert_eq!(
        (&replay["agrees"], &replay["agreed"], &replay["divergence"]["seq"]),
        (&json!(false), &json!(2), &json!(3))
    );
    assert_eq!(replay["verdict"], trace["verdict"]);
    world.end().await;
}

/// What a flow pinned is not there any more.
#[tokio::test]
async fn what_may_not_run_any_more_is_refused() {
    let world = World::new();
    let bytes = component("echo");
    let taken = world.send("POST", "/api/v1/tools", &[("content-type", "application/wasm")], &bytes).await.ok(202);
    for _ in 0..12_000 {
        if world.get(taken["url"].as_str().unwrap()).await.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let mut wants_tool = plain("greet", "1.0.0");
    wants_tool["policy"]["allowed_tools"] = json!({ "echo": { "effect": "read", "digest": Digest::of(&bytes) } });
    let run = world.run(&wants_tool).await["run_id"].as_str().unwrap().to_owned();
    let store = world.store.clone();
    world.end().await;
    let world = World::with(Setup { store: Some(store), ..Setup::default() });
    let submit = world.post("/api/v1/flows/greet/runs", &json!({})).await.refused(422, "POLICY_REFUSED");
    assert!(submit["details"]["problems"][0].as_str().unwrap().contains("echo"), "{submit}");
    let path = |what: &str| format!("/api/v1/runs/{run}/{what}");
    world.post(&path("rerun"), &json!({})).await.refused(422, "POLICY_REFUSED");
    world.post(&path("fork"), &json!({ "at": 1 })).await.refused(422, "POLICY_REFUSED");
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 1);
    world.end().await;
}

#[tokio::test]
async fn a_signal_that_is_larger_than_all_of_them_may_be_is_too_large() {
    let world = World::new();
    let mut any = awaiting("wait");
    any["nodes"]["n1"]["schema"] = json!({});
    let run = world.waiting(&any).await;
    let path = format!("/api/v1/runs/{run}/signal/go");
    world.post(&path, &json!("x".repeat(1 << 20))).await.refused(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(world.get(&format!("/api/v1/runs/{run}")).await.ok(200)["waiting"], true);
    world.end().await;
}
