use bloom_interpreter::effect::{Answer, EffectError};
use bloom_ir::Value;
use bloom_runtime::record::LeaseEnding;
use serde_json::json;

use crate::fleet::{agent, between, end, idle, lease, page, page_in, puller, status, task};
use crate::world::{World, asking_llm};

fn failure() -> LeaseEnding {
    LeaseEnding::Failed(EffectError::new("worker_error", "it broke <script>alert(1)</script>"))
}

#[tokio::test]
async fn tasks_are_listed_by_status_newest_first() {
    let world = idle();
    assert!(page(&world, "/tasks").await.contains("There are no tasks here"));
    puller(&world, "gpu").await;
    let (first, second, third) = (task(&world, "a").await, task(&world, "b").await, task(&world, "c").await);
    let grant = lease(&world, &first, "gpu").await;
    end(&world, &grant, failure()).await;
    lease(&world, &second, "gpu").await;
    let all = page(&world, "/tasks").await;
    let ids: Vec<&str> = all.split("data-task=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(ids, [third.as_str(), &second, &first]);
    let failed = page(&world, "/tasks?status=failed").await;
    assert!(
        failed.contains(&format!("data-task=\"{first}\"")) && !failed.contains(&format!("data-task=\"{third}\"")),
        "{failed}"
    );
    assert!(failed.contains("worker_error"), "{failed}");
    let held = page(&world, "/tasks?status=leased").await;
    assert!(held.contains("href=\"/workers/gpu\"") && held.contains("posted by a client"), "{held}");
    let ukrainian = page_in(&world, "/tasks", "uk").await;
    assert!(ukrainian.contains("у виконавця") && ukrainian.contains("невдале"), "{ukrainian}");
    for wrong in ["/tasks?status=odd", "/tasks?cursor=none", "/leases?status=odd", "/leases?cursor=none"] {
        assert_eq!(status(&world, wrong).await, 400, "{wrong}");
    }
    world.end().await;
}

#[tokio::test]
async fn tasks_are_paged() {
    let world = idle();
    for n in 0..51 {
        task(&world, &n.to_string()).await;
    }
    let first = page(&world, "/tasks?status=queued").await;
    assert_eq!(first.matches("data-task=").count(), 50);
    assert!(between(&first, "id=\"tasks\"", ">").contains("data-live"));
    let next = between(&first, "rel=\"next\" href=\"", "\"").replace("&#38;", "&");
    let second = page(&world, &next).await;
    assert_eq!(second.matches("data-task=").count(), 1);
    assert!(!second.contains("rel=\"next\"") && !between(&second, "id=\"tasks\"", ">").contains("data-live"));
    world.end().await;
}

#[tokio::test]
async fn a_task_is_shown_with_what_it_asks_and_what_came_of_it() {
    let world = idle();
    puller(&world, "gpu").await;
    let id = task(&world, "Review <script>alert(1)</script>").await;
    let path = format!("/tasks/{id}");
    let queued = page(&world, &path).await;
    assert!(queued.contains("Review &#60;script&#62;alert(1)") && queued.contains("0 / 1"), "{queued}");
    assert!(queued.contains("No node agent is online") && !queued.contains("Try it again"), "{queued}");
    let grant = lease(&world, &id, "gpu").await;
    let held = page(&world, &path).await;
    assert!(held.contains("<progress max=\"300\"") && held.contains("state-leased"), "{held}");
    end(&world, &grant, failure()).await;
    let failed = page(&world, &path).await;
    assert!(failed.contains("it broke &#60;script") && failed.contains("Try it again"), "{failed}");
    let requeue = between(&failed, "data-api=\"POST ", "\"").to_owned();
    world.post(&requeue, &json!({})).await.ok(200);
    let again = page(&world, &path).await;
    assert!(again.contains("state-queued") && !again.contains("Try it again"), "{again}");

    agent(&world, "rpi5").await;
    let offered = page(&world, &path).await;
    assert!(between(&offered, "id=\"dispatch\"", "</form>").contains("<option>rpi5</option>"), "{offered}");
    let grant = lease(&world, &id, "gpu").await;
    let answer = Answer { value: Value::from("Good <script>"), usage: None };
    end(&world, &grant, LeaseEnding::Completed(answer)).await;
    let done = page(&world, &path).await;
    assert!(done.contains("Good &#60;script") && done.contains("state-completed"), "{done}");
    assert_eq!(status(&world, "/tasks/none").await, 404);
    world.end().await;
}

#[tokio::test]
async fn a_task_of_a_run_leads_to_its_run_and_node() {
    let world = World::new();
    let run = world.run(&asking_llm("greet")).await;
    let run = run["run_id"].as_str().unwrap();
    let list = page(&world, "/tasks?status=completed").await;
    assert!(list.contains(&format!("href=\"/runs/{run}\"")) && list.contains("<code>n1</code>"), "{list}");
    let id = between(&list, "data-task=\"", "\"");
    let shown = page(&world, &format!("/tasks/{id}")).await;
    assert!(shown.contains(&format!("href=\"/runs/{run}\"")) && shown.contains("Greet"), "{shown}");
    assert!(!shown.contains("Try it again") && !shown.contains("Send it to a node"), "it is done");
    world.end().await;
}
