use serde_json::{Value as Json, json};

use crate::world::{Setup, World, asking_llm, awaiting, flow, plain, proposing};

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
        assert_eq!(world.get(&format!("/api/v1/runs?{query}")).await.ok(200)["total"], total, "{query}");
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
    for _ in 0..1000 {
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
    for path in ["cancel", "signal/go", "replay", "rerun"] {
        world.post(&format!("/api/v1/runs/none/{path}"), &json!({})).await.refused(404, "NOT_FOUND");
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
