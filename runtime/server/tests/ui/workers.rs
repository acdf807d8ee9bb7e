use std::time::Duration;

use bloom_interpreter::effect::EffectError;
use bloom_runtime::record::LeaseEnding;
use serde_json::json;

use crate::fleet::{agent, between, end, idle, lease, page, page_in, puller, status, task};

#[tokio::test]
async fn all_workers_are_shown_with_what_they_are_and_hold() {
    let world = idle();
    world.engine.register_worker(vec!["llm.echo".to_owned()]);
    agent(&world, "rpi5").await;
    puller(&world, "gpu 1").await;
    let task = task(&world, "Review").await;
    lease(&world, &task, "gpu 1").await;
    let shown = page(&world, "/workers").await;
    let row = |name: &str| between(&shown, &format!("data-worker=\"{name}"), "</tr>").to_owned();
    let (node, asking, own) = (row("rpi5"), row("gpu 1"), row("local:"));
    assert!(node.contains("node agent") && node.contains("1.2&#60;script&#62;"), "{node}");
    assert!(
        asking.contains("asks for tasks") && asking.contains(">1 / 4<") && asking.contains("label:gpu&#60;script"),
        "{asking}"
    );
    assert!(asking.contains("href=\"/workers/gpu%201\"") && asking.contains("state-online"), "{asking}");
    assert!(own.contains("within this server") && own.contains("llm.echo"), "{own}");
    assert!(shown.contains("3 of 3 online"), "{shown}");
    let ukrainian = page_in(&world, "/workers", "uk").await;
    assert!(ukrainian.contains("язку 3 з 3") && ukrainian.contains("просить завдання"), "{ukrainian}");
    assert!(!ukrainian.contains("asks for tasks"));
    world.end().await;
}

#[tokio::test]
async fn a_worker_that_is_not_heard_of_is_shown_offline() {
    let world = idle();
    assert!(page(&world, "/workers").await.contains("No worker is here"));
    puller(&world, "gpu").await;
    let before = page(&world, "/workers").await;
    assert!(between(&before, "data-worker=\"gpu\"", "</tr>").contains("state-online"));
    world.pass(Duration::from_secs(90));
    let shown = page(&world, "/workers").await;
    let row = between(&shown, "data-worker=\"gpu\"", "</tr>");
    assert!(row.contains("state-offline") && row.contains("1 min 30 s"), "{row}");
    assert!(between(&shown, "<section id=\"workers\"", ">").contains("data-live data-every"), "it is looked at again");
    world.end().await;
}

#[tokio::test]
async fn a_worker_is_shown_with_its_leases_and_told_what_removing_it_does() {
    let world = idle();
    puller(&world, "gpu").await;
    for prompt in ["one", "two"] {
        let task = task(&world, prompt).await;
        lease(&world, &task, "gpu").await;
    }
    let shown = page(&world, "/workers/gpu").await;
    assert_eq!(shown.matches("data-lease=").count(), 2, "{shown}");
    assert!(
        shown.contains("2 leases are revoked") && shown.contains("data-api=\"DELETE /api/runtime/workers/gpu\""),
        "{shown}"
    );
    let ukrainian = page_in(&world, "/workers/gpu", "uk").await;
    assert!(ukrainian.contains("2 оренди буде відкликано"), "{ukrainian}");
    world.send("DELETE", "/api/runtime/workers/gpu", &[], "").await.ok(200);
    assert_eq!(status(&world, "/workers/gpu").await, 404);
    let queued = page(&world, "/tasks?status=queued").await;
    assert_eq!(queued.matches("data-task=").count(), 2, "both are queued again");
    world.end().await;
}

#[tokio::test]
async fn a_worker_that_is_not_logged_in_says_so_and_can_be_let_in() {
    let world = idle();
    agent(&world, "rpi5").await;
    puller(&world, "gpu").await;
    for (worker, said) in [("rpi5", "log in <script>"), ("gpu", "log in")] {
        let task = task(&world, worker).await;
        let grant = lease(&world, &task, worker).await;
        end(&world, &grant, LeaseEnding::Failed(EffectError::new("not_logged_in", said))).await;
    }
    assert!(page(&world, "/workers").await.contains("not logged in"));
    let shown = page(&world, "/workers/rpi5").await;
    let blocked = between(&shown, "id=\"blocked\"", "</form>");
    assert!(
        blocked.contains("log in &#60;script") && blocked.contains("data-api=\"POST /api/runtime/workers\""),
        "{blocked}"
    );
    let asking = page(&world, "/workers/gpu").await;
    assert!(asking.contains("It looks by itself") && !asking.contains("Let it in again"), "it lets itself in");
    world.post("/api/runtime/workers", &json!({ "name": "rpi5" })).await.ok(200);
    assert!(!page(&world, "/workers/rpi5").await.contains("id=\"blocked\""));
    world.end().await;
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told_with_its_end() {
    let world = idle();
    puller(&world, "gpu").await;
    let task = task(&world, "Review").await;
    let grant = lease(&world, &task, "gpu").await;
    end(&world, &grant, LeaseEnding::Failed(EffectError::new("quota", "used up"))).await;
    let shown = page(&world, "/workers").await;
    let row = between(&shown, "data-worker=\"gpu\"", "</tr>");
    assert!(row.contains("quota used up") && row.contains("<time datetime=\"2026-01-01T00:05"), "{row}");
    world.end().await;
}

#[tokio::test]
async fn the_command_that_makes_a_machine_a_worker_takes_a_token_that_the_api_makes() {
    let world = idle();
    let shown = page(&world, "/workers").await;
    let form = between(&shown, "data-api=\"POST /api/v1/enroll-tokens\"", "</form>");
    assert!(form.contains("name=\"worker\""), "{form}");
    let command = between(&shown, "<pre id=\"enroll-command\"", "</pre>");
    assert!(
        command.contains("/api/runtime/agent-install-script?agent=bloom") && command.contains("data-member=\"token\"")
    );
    let made = world.post("/api/v1/enroll-tokens", &json!({ "worker": "rpi5" })).await.ok(201);
    let script = format!("/api/runtime/agent-install-script?agent=bloom&enroll={}", made["token"].as_str().unwrap());
    let script = world.get(&script).await;
    assert_eq!(script.status, 200, "{}", script.text());
    world.end().await;
}
