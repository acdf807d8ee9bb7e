use std::time::Duration;

use serde_json::json;

use crate::fleet::{between, idle, page, page_in, puller, task};
use crate::world::{asking, flow, plain, proposing};

#[tokio::test]
async fn the_overview_tells_how_everything_stands() {
    let world = idle();
    let serving = world.server.clone();
    let serving = tokio::spawn(async move { serving.serve_by(std::future::pending()).await });
    let empty = page(&world, "/").await;
    assert!(empty.contains("There are no runs here") && empty.contains("No run has failed"), "{empty}");
    world.run(&plain("done", "1.0.0")).await;
    let failing =
        flow("fails", "1.0.0", &json!({ "n1": { "type": "return", "status": "completed", "value": "1 / 0" } }));
    world.run(&failing).await;
    world.run(&proposing("proposes")).await;
    world.waiting(&asking("asks")).await;
    puller(&world, "gpu").await;
    task(&world, "Review").await;
    world.pass(Duration::from_secs(40));
    let mut shown = String::new();
    for _ in 0..12_000 {
        shown = page(&world, "/").await;
        if between(&shown, "<dt>Runs that ended</dt><dd>", "<") == "3" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let card = |id: &str| between(&shown, &format!("<section class=\"card\" id=\"{id}\">"), "</section>").to_owned();
    let waiting = card("waiting");
    assert!(waiting.contains("<a href=\"/proposals\">Proposals</a></dt><dd>2<"), "{waiting}");
    assert!(waiting.contains("<a href=\"/questions\">Questions</a></dt><dd>1<"), "{waiting}");
    let runs = card("by-status");
    assert!(runs.contains("<a href=\"/runs?status=completed\">2</a>") && runs.contains("status=failed\">1<"), "{runs}");
    let work = card("work");
    assert!(
        work.contains("<dd>1 / 1</dd>") && work.contains("status=queued\">Tasks in the queue</a></dt><dd>1<"),
        "{work}"
    );
    assert!(work.contains("The oldest waits</dt><dd>40 s"), "{work}");
    let health = card("health");
    assert!(health.contains("reads and writes") && health.contains("none set"), "{health}");
    let hour = between(&shown, "<section id=\"hour\"", "</section>");
    assert!(
        hour.contains("<title id=\"runs-title\">") && hour.contains("3 in the hour, 3 in the busiest minute"),
        "{hour}"
    );
    assert!(hour.contains("<rect x=\"591\""), "of this minute: {hour}");
    let failures = between(&shown, "<section id=\"failures\"", "</section>");
    assert!(failures.contains("fails") && !failures.contains("done"), "{failures}");
    let ukrainian = page_in(&world, "/", "uk").await;
    assert!(ukrainian.contains("Остання година") && ukrainian.contains("Найновіші невдачі"), "{ukrainian}");
    serving.abort();
    world.end().await;
}
