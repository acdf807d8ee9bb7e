//! What runs may use, and what all runs of an agent may use in a day.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bloom_runtime::engine::{Allowance, Budget, Budgets};
use bloom_store::RedbStore;
use futures::future::join_all;
use serde_json::{Value as Json, json};

use crate::world::{Setup, World, asking_llm, plain};

const A_DAY: Duration = Duration::from_hours(24);

/// Three calls of an LLM in a day for each agent, and two for runs that are `frugal`.
fn budgets() -> Budgets {
    let calls = |calls| Budget { day: Allowance { calls: Some(calls), ..Allowance::default() }, ..Budget::default() };
    let profiles = [("standard", calls(3)), ("frugal", calls(2))];
    Budgets { profiles: profiles.map(|(name, budget)| (name.to_owned(), budget)).into(), agents: BTreeMap::new() }
}

fn world(store: Option<Arc<RedbStore>>) -> World {
    World::with(Setup { budgets: budgets(), store, ..Setup::default() })
}

async fn greeted(world: &World, body: &Json) -> Json {
    world.post("/api/v1/flows/greet/runs?wait=30", body).await.ok(200)
}

/// How a run ended: its status, or the code of its error; and its replay agrees.
async fn outcome(world: &World, run: &Json) -> String {
    let path = format!("/api/v1/runs/{}/replay", run["run_id"].as_str().unwrap());
    assert_eq!(world.post(&path, &json!({})).await.ok(200)["agrees"], true);
    run["error_details"]["code"].as_str().or(run["status"].as_str()).unwrap().to_owned()
}

#[tokio::test]
async fn what_is_spent_of_a_day_is_there_again_after_midnight_and_not_after_a_restart() {
    let first = world(None);
    first.published(&asking_llm("greet")).await;
    for expected in ["completed", "completed", "completed", "budget_exhausted"] {
        let run = greeted(&first, &json!({})).await;
        assert_eq!(outcome(&first, &run).await, expected);
        if expected == "budget_exhausted" {
            let details = &run["error_details"]["details"];
            assert_eq!(
                (&details["of"], &details["per"], &details["limit"]),
                (&json!("calls"), &json!("day"), &json!(3))
            );
        }
    }
    first.published(&asking_llm("other")).await;
    let other = first.post("/api/v1/flows/other/runs?wait=30", &json!({})).await.ok(200);
    assert_eq!(outcome(&first, &other).await, "completed", "another agent");
    let store = first.store.clone();
    first.end().await;

    let second = world(Some(store));
    let spent = greeted(&second, &json!({})).await;
    assert_eq!(outcome(&second, &spent).await, "budget_exhausted");
    second.pass(A_DAY);
    let run = greeted(&second, &json!({})).await;
    assert_eq!(outcome(&second, &run).await, "completed");
    assert_eq!(outcome(&second, &spent).await, "budget_exhausted", "its replay goes the same way on any day");
    second.end().await;
}

#[tokio::test]
async fn runs_at_the_same_time_use_no_more_than_there_is() {
    let world = world(None);
    world.published(&asking_llm("greet")).await;
    let nothing = json!({});
    let runs = join_all((0..8).map(|_| greeted(&world, &nothing))).await;
    let completed = runs.iter().filter(|run| run["status"] == "completed").count();
    assert_eq!(completed, 3, "{runs:?}");
    for run in runs.iter().filter(|run| run["status"] != "completed") {
        assert_eq!(outcome(&world, run).await, "budget_exhausted");
    }
    world.end().await;
}

#[tokio::test]
async fn a_submission_names_a_profile_and_one_that_is_not_there_is_refused_with_those_that_are() {
    let world = world(None);
    world.published(&asking_llm("greet")).await;
    world.published(&plain("still", "1.0.0")).await;
    let frugal = json!({ "limits": { "cost_policy": "frugal" } });
    for expected in ["completed", "completed", "budget_exhausted"] {
        let run = greeted(&world, &frugal).await;
        assert_eq!(outcome(&world, &run).await, expected);
        let path = format!("/api/v1/runs/{}", run["run_id"].as_str().unwrap());
        let envelope = world.get(&format!("{path}/envelope")).await.ok(200);
        assert_eq!(envelope["task"]["limits"]["cost_policy"], "frugal");
    }
    let last = greeted(&world, &frugal).await;
    let standard = greeted(&world, &json!({})).await;
    assert_eq!(outcome(&world, &standard).await, "completed", "one is left by the standard one");
    world.pass(A_DAY);
    let path = format!("/api/v1/runs/{}/rerun", last["run_id"].as_str().unwrap());
    let again = world.send("POST", &path, &[], "").await.json();
    let envelope = world.get(&format!("/api/v1/runs/{}/envelope", again["run_id"].as_str().unwrap())).await.ok(200);
    assert_eq!(envelope["task"]["limits"]["cost_policy"], "frugal", "it is run again by the same profile");

    let lavish = json!({ "limits": { "cost_policy": "lavish" } });
    let refused = world.post("/api/v1/flows/still/runs", &lavish).await.refused(422, "POLICY_REFUSED");
    let known = json!({ "field": "limits.cost_policy", "value": "lavish", "allowed": ["frugal", "standard"] });
    assert_eq!(refused["details"], known);
    world.end().await;
}
