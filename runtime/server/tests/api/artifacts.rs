use bloom_ir::Digest;
use serde_json::json;

use crate::world::{Answered, Setup, World, flow, plain};

fn header<'a>(answered: &'a Answered, name: &str) -> &'a str {
    answered.headers.get(name).unwrap_or_else(|| panic!("no {name}: {answered:?}")).to_str().unwrap()
}

/// Hands out a text twice under one name, and a number.
fn handing_out(id: &str) -> serde_json::Value {
    let emit = |name: &str, value: &str, next: &str| json!({ "type": "emit", "kind": "artifact", "name": name, "value": value, "next": next });
    flow(
        id,
        "1.0.0",
        &json!({
            "n1": emit("report", "'first'", "n2"),
            "n2": emit("report", "'Звіт за день'", "n3"),
            "n3": emit("numbers", "{'b': [1, 2], 'a': 1.5}", "n4"),
            "n4": { "type": "return", "status": "completed", "value": "null" },
        }),
    )
}

#[tokio::test]
async fn artifacts_of_a_run_are_listed_and_read_with_their_types() {
    let world = World::new();
    let run = world.run(&handing_out("maker")).await;
    let at = format!("/api/v1/runs/{}/artifacts", run["run_id"].as_str().unwrap());
    let report = "Звіт за день".as_bytes();
    let listed = world.get(&at).await.ok(200);
    assert_eq!(listed["run_id"], run["run_id"]);
    let artifacts = listed["artifacts"].as_array().unwrap();
    let url = |name: &str| format!("{at}/{name}");
    for (artifact, name, size, kind, digest, version, supersedes) in [
        (&artifacts[0], "numbers", 19, "application/json", Digest::of(br#"{"a":1.5,"b":[1,2]}"#), 1, None),
        (
            &artifacts[1],
            "report",
            report.len(),
            "text/plain; charset=utf-8",
            Digest::of(report),
            2,
            Some(Digest::of(b"first")),
        ),
    ] {
        let made = artifact["created_at"].as_str().unwrap();
        assert!(run["started_at"].as_str().unwrap() <= made && made <= run["finished_at"].as_str().unwrap(), "{made}");
        let expected = json!({
            "name": name, "type": kind, "size_bytes": size, "created_at": made, "download_url": url(name), "digest": digest,
            "version": version, "supersedes": supersedes, "job_id": run["run_id"],
        });
        assert_eq!(*artifact, expected);
        assert_eq!(world.get(artifact["download_url"].as_str().unwrap()).await.bytes.len(), size);
    }
    assert_eq!(artifacts.len(), 2);
    let text = world.get(&format!("{at}/report")).await;
    assert_eq!((text.status, &text.bytes[..]), (200, report));
    assert_eq!(header(&text, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&text, "accept-ranges"), "bytes");
    assert_eq!(header(&text, "etag"), format!("\"{}\"", Digest::of(report)));
    assert_eq!(header(&text, "x-content-type-options"), "nosniff");
    let numbers = world.get(&format!("{at}/numbers")).await;
    assert_eq!(header(&numbers, "content-type"), "application/json");
    assert_eq!(numbers.text(), r#"{"a":1.5,"b":[1,2]}"#);
    let envelope = world.get(&at.replace("/artifacts", "/envelope")).await.ok(200);
    let named = &envelope["result"]["artifacts"];
    assert_eq!(
        (&named[1]["artifact_id"], &named[1]["type"]),
        (&listed["artifacts"][1]["digest"], &json!("EXECUTION_RESULT"))
    );
    assert_eq!(world.get(named[1]["url"].as_str().unwrap()).await.bytes, text.bytes);
    let kept = world.get("/api/runtime/artifacts").await.ok(200);
    let told = |artifact: &serde_json::Value| {
        assert_eq!((&artifact["job_id"], &artifact["finalized"]), (&run["run_id"], &json!(true)), "{artifact}");
        (artifact["name"].clone(), artifact["content"].clone(), artifact["type"].clone(), artifact["task_id"].clone())
    };
    let due = |name: &str, content: &str| (json!(name), json!(content), json!("EXECUTION_RESULT"), json!(null));
    let expected = [due("numbers", r#"{"a":1.5,"b":[1,2]}"#), due("report", "Звіт за день"), due("report", "first")];
    let kept = kept.as_array().unwrap();
    assert_eq!(kept.iter().map(told).collect::<Vec<_>>(), expected, "newest first");
    let again = world.get(kept[1]["url"].as_str().unwrap()).await;
    assert_eq!((&again.bytes[..], header(&again, "content-type")), (report, "text/plain; charset=utf-8"));
    world.get(&format!("{at}/none")).await.refused(404, "NOT_FOUND");
    world.get("/api/v1/runs/none/artifacts").await.refused(404, "NOT_FOUND");
    world.get("/api/v1/runs/none/artifacts/report").await.refused(404, "NOT_FOUND");

    let run = world.run(&plain("idle", "1.0.0")).await;
    let listed = world.get(&format!("/api/v1/runs/{}/artifacts", run["run_id"].as_str().unwrap())).await.ok(200);
    assert_eq!(listed["artifacts"], json!([]));
    world.end().await;
}

#[tokio::test]
async fn a_range_of_an_artifact_is_answered_with_that_part() {
    let world = World::new();
    let run = world.run(&handing_out("maker")).await;
    let at = format!("/api/v1/runs/{}/artifacts/numbers", run["run_id"].as_str().unwrap());
    let ask = async |headers: &[(&str, &str)]| world.send("GET", &at, headers, "").await;
    let all = ask(&[]).await;
    let tag = header(&all, "etag").to_owned();
    for (range, told, part) in [
        ("bytes=0-4", "bytes 0-4/19", r#"{"a":"#),
        ("bytes=5-7", "bytes 5-7/19", "1.5"),
        ("bytes=-6", "bytes 13-18/19", "[1,2]}"),
        ("bytes=18-", "bytes 18-18/19", "}"),
        ("bytes=0-999", "bytes 0-18/19", r#"{"a":1.5,"b":[1,2]}"#),
    ] {
        let answered = ask(&[("range", range)]).await;
        assert_eq!((answered.status, answered.text().as_str()), (206, part), "{range}");
        assert_eq!(header(&answered, "content-range"), told);
        assert_eq!((header(&answered, "etag"), header(&answered, "content-type")), (tag.as_str(), "application/json"));
    }
    for range in ["bytes=19-", "bytes=-0"] {
        let answered = ask(&[("range", range)]).await;
        answered.refused(416, "RANGE_NOT_SATISFIABLE");
        assert_eq!(header(&answered, "content-range"), "bytes */19");
    }
    for range in ["bytes=4-2", "bytes=0-1,3-4", "lines=0-1", "all"] {
        let answered = ask(&[("range", range)]).await;
        assert_eq!((answered.status, answered.bytes.len()), (200, 19), "{range} is passed over");
        assert!(!answered.headers.contains_key("content-range"));
    }
    let weak = format!("\"another\", W/{tag}");
    for known in [tag.as_str(), weak.as_str(), "*"] {
        let answered = ask(&[("if-none-match", known), ("range", "bytes=0-4")]).await;
        assert_eq!((answered.status, answered.bytes.len()), (304, 0), "{known}");
        assert_eq!(header(&answered, "etag"), tag);
    }
    assert_eq!(ask(&[("if-none-match", "\"another\"")]).await.status, 200);
    assert_eq!(ask(&[("range", "bytes=0-4"), ("if-range", &tag)]).await.status, 206);
    assert_eq!(ask(&[("range", "bytes=0-4"), ("if-range", "\"another\"")]).await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn what_a_task_brought_is_read_by_its_id() {
    let world = World::with(Setup { has_worker: false, ..Setup::default() });
    let worker = json!({ "name": "w1", "capabilities": { "claude_cli": true, "max_concurrency": 1 } });
    world.post("/api/runtime/workers", &worker).await.ok(201);
    let task = json!({ "context_id": "c", "agent_slug": "reader", "prompt": "p" });
    let task = world.post("/api/runtime/llm-tasks", &task).await.ok(201);
    let task = format!("/api/runtime/llm-tasks/{}", task["id"].as_str().unwrap());
    world.post(&format!("{task}/lease"), &json!({ "worker_id": "w1" })).await.ok(201);
    let content = "What it found";
    let brought = json!({ "status": "success", "output": content, "metrics": { "duration_ms": 1 } });
    let done = world.post(&format!("{task}/complete"), &brought).await.ok(200);
    let id = done["artifact"]["id"].as_str().unwrap_or_else(|| panic!("{done}"));
    let at = format!("/api/v1/artifacts/{id}");
    let answered = world.get(&at).await;
    assert_eq!((answered.status, answered.text().as_str()), (200, content));
    assert_eq!(done["artifact"]["url"], at);
    assert_eq!(header(&answered, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&answered, "accept-ranges"), "bytes");
    let part = world.send("GET", &at, &[("range", "bytes=1-3")], "").await;
    assert_eq!((part.status, part.text().as_str()), (206, &content[1..4]));
    world.send("GET", &at, &[("range", "bytes=100000-")], "").await.refused(416, "RANGE_NOT_SATISFIABLE");
    world.get("/api/v1/artifacts/none").await.refused(404, "NOT_FOUND");
    world.end().await;
}
