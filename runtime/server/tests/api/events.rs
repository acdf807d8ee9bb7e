use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tower::ServiceExt as _;

use crate::world::{World, asking_llm, awaiting, plain, proposing};

fn ids(text: &str) -> Vec<u64> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_run_that_has_ended_is_told_to_its_end() {
    let world = World::new();
    let run = world.run(&asking_llm("greet")).await;
    let path = format!("/api/v1/runs/{}/events", run["run_id"].as_str().unwrap());
    let events = run["events"].as_u64().unwrap();
    let all = world.get(&path).await;
    assert_eq!(all.headers["content-type"], "text/event-stream");
    assert_eq!(ids(&all.text()), (1..=events).collect::<Vec<_>>());
    assert!(
        all.text().contains("event: run.started\n") && all.text().contains("event: run.completed\n"),
        "{}",
        all.text()
    );
    let data = all.text().lines().find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&data).unwrap()["seq"], 1);
    let rest = world.send("GET", &path, &[("last-event-id", "2")], "").await;
    assert_eq!(ids(&rest.text()), (3..=events).collect::<Vec<_>>());
    // A browser that is told so does not ask again.
    let nothing = world.send("GET", &path, &[("last-event-id", &events.to_string())], "").await;
    assert_eq!(nothing.status, 204);
    world.send("GET", &path, &[("last-event-id", "x")], "").await.refused(400, "VALIDATION_FAILED");
    world.end().await;
}

#[tokio::test]
async fn who_watches_a_run_hears_of_it_as_it_goes_on() {
    let world = World::new();
    let run = world.waiting(&awaiting("wait")).await;
    let (path, signal) = (format!("/api/v1/runs/{run}/events"), format!("/api/v1/runs/{run}/signal/go"));
    let (told, _) = tokio::join!(world.get(&path), async {
        tokio::task::yield_now().await;
        world.post(&signal, &json!(7)).await.ok(202)
    });
    assert!(told.text().contains("event: signal.received\n"), "{}", told.text());
    assert!(told.text().trim_end().lines().any(|line| line == "event: run.completed"), "{}", told.text());
    world.end().await;
}

#[tokio::test]
async fn what_is_not_recorded_yet_is_told_without_a_number() {
    let world = World::new();
    let mut calling = awaiting("call");
    calling["policy"]["allowed_tools"] = json!({ "read-notes": { "effect": "read" } });
    calling["nodes"]["n1"]["next"] = json!("n3");
    calling["nodes"]["n3"] = json!({
        "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "into": "b", "next": "n4",
        "on_error": { "to": "n4", "into": "e" },
    });
    calling["nodes"]["n4"] = calling["nodes"]["n1"].clone();
    calling["nodes"]["n4"]["next"] = json!("n2");
    let run = world.waiting(&calling).await;
    let (path, signal) = (format!("/api/v1/runs/{run}/events"), format!("/api/v1/runs/{run}/signal/go"));
    let mut stream = Stream::of(&world, &path, None).await;
    world.post(&signal, &json!(7)).await.ok(202);
    // Of a run that has ended nothing is told that is not recorded: it goes on once this has been heard of.
    let (id, data) = loop {
        let (id, kind, data) = stream.next().await;
        if kind == "transient.performing" {
            break (id, data);
        }
    };
    assert_eq!(id, None, "{data}");
    assert_eq!((&data["node"], &data["attempt"]), (&json!("n3"), &json!(1)));
    world.post(&signal, &json!(8)).await.ok(202);
    while stream.next().await.1 != "run.completed" {}
    world.end().await;
}

/// A stream of what happens.
struct Stream {
    body: Body,
    text: String,
}

/// An event: its id, its kind, its data.
type Told = (Option<u64>, String, Json);

impl Stream {
    /// To all runs.
    async fn open(world: &World, last: Option<u64>) -> Self {
        Self::of(world, "/api/v1/events/stream", last).await
    }

    async fn of(world: &World, path: &str, last: Option<u64>) -> Self {
        let mut request = Request::get(path).header("host", "127.0.0.1:5000");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new() }
    }

    async fn next(&mut self) -> Told {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                let told = field("event").map(|kind| {
                    let data = serde_json::from_str(field("data").unwrap()).unwrap();
                    (field("id").map(|id| id.parse().unwrap()), kind.to_owned(), data)
                });
                match told {
                    Some(told) => return told,
                    None => continue,
                }
            }
            let frame = tokio::time::timeout(Duration::from_mins(1), self.body.frame()).await;
            let frame = frame.expect("nothing is told").expect("the stream ended").unwrap();
            self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    }

    /// All up to the one that says this of that.
    async fn until(&mut self, kind: &str, status: &str) -> Vec<Told> {
        let mut all = Vec::new();
        loop {
            let told = self.next().await;
            let is_last = told.1 == kind && told.2["status"] == status;
            all.push(told);
            if is_last {
                return all;
            }
        }
    }
}

fn kinds(told: &[Told]) -> Vec<(&str, &str)> {
    told.iter().map(|(_, kind, data)| (kind.as_str(), data["status"].as_str().unwrap_or_default())).collect()
}

#[tokio::test]
async fn what_happens_to_all_runs_is_told() {
    let world = World::new();
    world.run(&plain("before", "1.0.0")).await;
    let mut stream = Stream::open(&world, None).await;
    let run = world.run(&proposing("archivist")).await;
    let told = stream.until("run.status.changed", "completed").await;
    let of_kind = |kind: &str| told.iter().filter(|told| told.1 == kind).collect::<Vec<_>>();
    let changes = of_kind("run.status.changed");
    assert_eq!(changes.len(), 2, "nothing is told of what was before: {told:?}");
    for (id, _, data) in &changes {
        assert!(id.is_some());
        assert_eq!((&data["run_id"], &data["agent_slug"]), (&run["run_id"], &json!("archivist")));
    }
    let made: Vec<&Json> = of_kind("proposal.created").iter().map(|told| &told.2["proposal_id"]).collect();
    let mut expected: Vec<&Json> = run["proposals_created"].as_array().unwrap().iter().collect();
    expected.sort_by_key(|id| made.iter().position(|made| made == id));
    assert_eq!(made, expected, "each is told once");
    let memory = of_kind("proposal.created").into_iter().find(|told| told.2["action"] == "memory-update").unwrap();
    let path = format!("/api/v1/proposals/{}", memory.2["proposal_id"].as_str().unwrap());
    world.send("PATCH", &path, &[("content-type", "application/json")], r#"{"status": "approved"}"#).await.ok(200);
    let decided = stream.until("proposal.status.changed", "applied").await;
    let statuses: Vec<&str> = kinds(&decided).into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["approved", "applying", "applied"]);
    world.end().await;
}

#[tokio::test]
async fn steps_are_told_as_they_end() {
    let world = World::new();
    let mut stream = Stream::open(&world, None).await;
    let run = world.run(&asking_llm("greet")).await;
    let mut told = stream.until("run.status.changed", "completed").await;
    // What is told once and what is recorded may come in either order.
    if !told.iter().any(|told| told.1 == "run.step.completed") {
        told.push(stream.next().await);
    }
    let step = told.iter().find(|told| told.1 == "run.step.completed").unwrap();
    assert_eq!(step.0, None, "a step is told once");
    assert_eq!((&step.2["run_id"], &step.2["step_name"]), (&run["run_id"], &json!("n1")));
    assert_eq!((&step.2["status"], &step.2["type"]), (&json!("completed"), &json!("run.step.completed")));
    world.end().await;
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_it_missed() {
    let world = World::new();
    let mut stream = Stream::open(&world, None).await;
    world.run(&plain("first", "1.0.0")).await;
    let seen = stream.until("run.status.changed", "completed").await;
    let last = seen.iter().filter_map(|told| told.0).max().unwrap();
    drop(stream);
    let missed = world.run(&proposing("missed")).await;
    let mut stream = Stream::open(&world, Some(last)).await;
    let told = stream.until("run.status.changed", "completed").await;
    assert!(told.iter().all(|told| told.1 == "proposal.created" || told.2["run_id"] == missed["run_id"]), "{told:?}");
    assert_eq!(told.iter().filter(|told| told.1 == "proposal.created").count(), 2, "{told:?}");
    assert!(told.iter().filter_map(|told| told.0).all(|id| id > last));
    // One that is ahead of the log is behind nothing.
    let mut ahead = Stream::open(&world, Some(u64::MAX)).await;
    let run = world.run(&plain("next", "1.0.0")).await;
    assert_eq!(ahead.next().await.2["run_id"], run["run_id"]);
    world.send("GET", "/api/v1/events/stream", &[("last-event-id", "x")], "").await.refused(400, "VALIDATION_FAILED");
    world.end().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nobody_up_and_misses_nothing_that_is_recorded() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let mut stream = Stream::open(&world, None).await;
    for _ in 0..100 {
        world.post("/api/v1/flows/greet/runs?wait=30", &json!({})).await.ok(200);
    }
    let mut ended = 0;
    while ended < 100 {
        let (_, kind, data) = stream.next().await;
        ended += u32::from(kind == "run.status.changed" && data["status"] == "completed");
    }
    world.end().await;
}
