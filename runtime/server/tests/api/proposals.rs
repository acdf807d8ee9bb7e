use serde_json::{Value as Json, json};

use crate::world::{World, proposing};

/// The ids of the proposals of a run: a summary, and a change of memory.
async fn proposed(world: &World) -> (String, String) {
    world.run(&proposing("archivist")).await;
    let pending = world.get("/api/v1/proposals/pending").await.ok(200);
    assert_eq!((&pending["total"], &pending["limit"], &pending["offset"]), (&json!(2), &json!(20), &json!(0)));
    let of = |action: &str| {
        let all = pending["proposals"].as_array().unwrap();
        let found = all.iter().find(|proposal| proposal["action"] == action).unwrap();
        assert_eq!(found["source"]["identity"], "agent:archivist");
        assert!(found["content"]["summary"].is_string() && found["approval"].is_null(), "{found}");
        found["id"].as_str().unwrap().to_owned()
    };
    (of("propose-summary"), of("memory-update"))
}

async fn decide(world: &World, id: &str, body: Json) -> crate::world::Answered {
    world
        .send("PATCH", &format!("/api/v1/proposals/{id}"), &[("content-type", "application/json")], body.to_string())
        .await
}

#[tokio::test]
async fn a_proposal_is_approved_and_applied() {
    let world = World::new();
    let (summary, memory) = proposed(&world).await;
    let whole = world.get(&format!("/api/v1/proposals/{memory}")).await.ok(200);
    assert_eq!(
        (&whole["status"], &whole["approval"]["decided_by"], &whole["apply_result"]["error"]),
        (&json!("pending"), &Json::Null, &Json::Null)
    );
    assert_eq!((&whole["base_revision"], &whole["target_hash"]), (&json!("0"), &Json::Null));
    let of_note = world.get(&format!("/api/v1/proposals/{summary}")).await.ok(200);
    for member in ["base_revision", "target_hash"] {
        assert_eq!(of_note.get(member), Some(&Json::Null), "what is not known is said to be so: {of_note}");
    }
    let applied = decide(&world, &memory, json!({ "status": "approved" })).await.ok(200);
    assert_eq!((&applied["status"], &applied["approval"]["decided_by"]), (&json!("applied"), &json!("operator")));
    decide(&world, &memory, json!({ "status": "approved" })).await.refused(409, "INVALID_TRANSITION");
    // Of a kind that nothing applies yet: it stays approved, and the same word again changes nothing.
    let approved = decide(&world, &summary, json!({ "status": "approved", "decision_note": "good" })).await.ok(200);
    assert_eq!((&approved["status"], &approved["approval"]["decision_note"]), (&json!("approved"), &json!("good")));
    assert_eq!(decide(&world, &summary, json!({ "status": "approved" })).await.ok(200), approved);
    let late = decide(&world, &summary, json!({ "status": "rejected", "decision_note": "on second thoughts" })).await;
    assert_eq!(late.refused(409, "INVALID_TRANSITION")["message"], "Cannot transition from 'approved' to 'rejected'");
    assert_eq!(world.get("/api/v1/proposals/pending").await.ok(200)["total"], 0);
    assert_eq!(world.get("/api/v1/proposals/history").await.ok(200)["total"], 1);
    assert_eq!(world.get("/api/v1/proposals/history?status=approved,applied").await.ok(200)["total"], 2);
    world.end().await;
}

#[tokio::test]
async fn a_rejection_says_why() {
    let world = World::new();
    let (summary, memory) = proposed(&world).await;
    for note in [Json::Null, json!("too short"), json!("   пробіли   ")] {
        decide(&world, &summary, json!({ "status": "rejected", "decision_note": note }))
            .await
            .refused(400, "VALIDATION_FAILED");
    }
    let rejected =
        decide(&world, &summary, json!({ "status": "rejected", "decision_note": "не те, що треба" })).await.ok(200);
    assert_eq!(rejected["status"], "rejected");
    decide(&world, &summary, json!({ "status": "applied" })).await.refused(400, "VALIDATION_FAILED");
    // What nobody reads must not seem to have been heard.
    let meant = json!({ "status": "approved", "decison_note": "a typo" });
    let unknown = decide(&world, &memory, meant).await.refused(400, "VALIDATION_FAILED");
    assert!(unknown["message"].as_str().unwrap().contains("decison_note"), "{unknown}");
    let noted = decide(&world, &memory, json!({ "status": "rejected", "note": "не відображає тези" })).await.ok(200);
    assert_eq!(noted["approval"]["decision_note"], "не відображає тези");
    decide(&world, "none", json!({ "status": "approved" })).await.refused(404, "NOT_FOUND");
    world.get("/api/v1/proposals/none").await.refused(404, "NOT_FOUND");
    world.end().await;
}

#[tokio::test]
async fn many_are_decided_on_each_for_itself() {
    let world = World::new();
    let (summary, memory) = proposed(&world).await;
    let batch = async |body: Json| {
        world.send("PATCH", "/api/v1/proposals/batch", &[("content-type", "application/json")], body.to_string()).await
    };
    let done = batch(json!({ "proposal_ids": [summary, "none", memory], "status": "approved" })).await.ok(200);
    assert_eq!((&done["updated"], &done["skipped"]), (&json!(2), &json!(1)));
    assert_eq!((&done["errors"][0]["proposal_id"], &done["errors"][0]["code"]), (&json!("none"), &json!("NOT_FOUND")));
    let none = batch(json!({ "proposal_ids": [], "status": "approved" })).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(none["details"], json!({ "field": "proposal_ids", "count": 0 }));
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    batch(json!({ "proposal_ids": many, "status": "approved" })).await.refused(400, "VALIDATION_FAILED");
    batch(json!({ "proposal_ids": [summary], "status": "rejected" })).await.refused(400, "VALIDATION_FAILED");
    world.end().await;
}

#[tokio::test]
async fn only_what_was_approved_is_applied_again() {
    let world = World::new();
    let (summary, memory) = proposed(&world).await;
    let apply = async |id: &str, body: Json| world.post(&format!("/api/v1/proposals/{id}/apply"), &body).await;
    apply(&memory, json!({})).await.refused(409, "INVALID_TRANSITION");
    apply("none", json!({})).await.refused(404, "NOT_FOUND");
    apply(&memory, json!({ "force": true })).await.refused(409, "INVALID_TRANSITION");
    decide(&world, &summary, json!({ "status": "approved" })).await.ok(200);
    assert_eq!(apply(&summary, json!({})).await.ok(200)["status"], "approved");
    world.end().await;
}

#[tokio::test]
async fn lists_are_filtered_and_bounded() {
    let world = World::new();
    proposed(&world).await;
    let total =
        async |query: &str| world.get(&format!("/api/v1/proposals/pending?{query}")).await.ok(200)["total"].clone();
    assert_eq!(
        (total("agent=archivist").await, total("agent=x").await, total("action=memory-update").await),
        (json!(2), json!(0), json!(1))
    );
    let second = world.get("/api/v1/proposals/pending?limit=1&offset=1").await.ok(200);
    assert_eq!((second["proposals"].as_array().unwrap().len(), &second["total"]), (1, &json!(2)));
    for query in ["pending?limit=0", "pending?limit=101", "pending?x=1", "history?status=done", "history?from=x"] {
        world.get(&format!("/api/v1/proposals/{query}")).await.refused(400, "VALIDATION_FAILED");
    }
    world.end().await;
}

/// Two changes of one memory, made against the same version of it: the first is applied, the second fails.
async fn in_conflict(world: &World) -> String {
    let (_, first) = proposed(world).await;
    let mut other = proposing("archivist");
    other["flow"]["version"] = json!("1.0.1");
    other["nodes"]["n2"]["value"] = json!(
        "{'target': {'type': 'memory', 'path': 'memory'}, 'base_revision': 0, 'content': {'set': {'last_run': 8}}}"
    );
    let run = world.run(&other).await;
    let pending = world.get("/api/v1/proposals/pending?action=memory-update").await.ok(200);
    let of_run = |proposal: &&Json| proposal["source"]["run_id"] == run["run_id"];
    let second =
        pending["proposals"].as_array().unwrap().iter().find(of_run).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(decide(world, &first, json!({ "status": "approved" })).await.ok(200)["status"], "applied");
    let failed = decide(world, &second, json!({ "status": "approved" })).await.ok(200);
    assert_eq!((&failed["status"], &failed["apply_result"]["reason"]), (&json!("failed"), &json!("conflict")));
    second
}

#[tokio::test]
async fn what_could_not_be_applied_is_tried_again_and_forced_after_a_conflict() {
    let world = World::new();
    let second = in_conflict(&world).await;
    let apply = async |body: Json| world.post(&format!("/api/v1/proposals/{second}/apply"), &body).await;
    let again = apply(json!({})).await.ok(200);
    assert_eq!((&again["status"], &again["apply_result"]["reason"]), (&json!("failed"), &json!("conflict")));
    let forced = apply(json!({ "force": true })).await.ok(200);
    assert_eq!((&forced["status"], &forced["apply_result"]["version"]), (&json!("applied"), &json!(2)));
    assert_eq!(forced["apply_result"]["forced"], true, "that it was made on another version is kept");
    apply(json!({ "force": true })).await.refused(409, "INVALID_TRANSITION");
    apply(json!({ "forced": true })).await.refused(400, "VALIDATION_FAILED");
    world.end().await;
}

#[tokio::test]
async fn what_could_not_be_applied_is_dropped_by_a_rejection() {
    let world = World::new();
    let second = in_conflict(&world).await;
    decide(&world, &second, json!({ "status": "rejected" })).await.refused(400, "VALIDATION_FAILED");
    let rejection = json!({ "status": "rejected", "decision_note": "the first one will do" });
    assert_eq!(decide(&world, &second, rejection.clone()).await.ok(200)["status"], "rejected");
    assert_eq!(decide(&world, &second, rejection).await.ok(200)["status"], "rejected", "said again it changes nothing");
    decide(&world, &second, json!({ "status": "approved" })).await.refused(409, "INVALID_TRANSITION");
    world.post(&format!("/api/v1/proposals/{second}/apply"), &json!({})).await.refused(409, "INVALID_TRANSITION");
    world.end().await;
}

#[tokio::test]
async fn what_expired_is_not_decided_on() {
    let world = World::new();
    let (summary, _) = proposed(&world).await;
    world.pass(std::time::Duration::from_hours(366 * 24));
    decide(&world, &summary, json!({ "status": "approved" })).await.refused(409, "INVALID_TRANSITION");
    assert_eq!(world.get(&format!("/api/v1/proposals/{summary}")).await.ok(200)["status"], "expired");
    world.end().await;
}

#[tokio::test]
async fn a_batch_tells_of_those_that_stand_where_they_cannot_be_decided_on() {
    let world = World::new();
    let (summary, memory) = proposed(&world).await;
    decide(&world, &memory, json!({ "status": "approved" })).await.ok(200);
    let body = json!({ "proposal_ids": [memory, summary], "status": "approved" }).to_string();
    let path = "/api/v1/proposals/batch";
    let done = world.send("PATCH", path, &[("content-type", "application/json")], body).await.ok(200);
    assert_eq!((&done["updated"], &done["skipped"]), (&json!(1), &json!(1)));
    let expected = json!({
        "proposal_id": memory, "code": "INVALID_TRANSITION", "message": "Cannot transition from 'applied' to 'approved'",
    });
    assert_eq!(done["errors"], json!([expected]));
    world.end().await;
}
