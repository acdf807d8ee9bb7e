use serde_json::json;

use crate::world::{World, asking_llm, awaiting};

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
