use serde_json::{Value as Json, json};

use crate::world::{World, asking};

#[tokio::test]
async fn a_question_is_answered_once_with_what_it_asks_for() {
    let world = World::new();
    let run = world.waiting(&asking("ask")).await;
    let open = world.get(&format!("/api/v1/questions?run={run}")).await.ok(200);
    let question = &open["questions"][0];
    assert_eq!(
        (&question["title"], &question["status"], &question["run_id"]),
        (&json!("Which?"), &json!("open"), &json!(run))
    );
    assert_eq!(question["text"], question["asked"]["text"]);
    assert!(question["text"].is_string(), "{question}");
    let id = question["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/api/v1/questions/{id}")).await.ok(200), *question);
    let path = format!("/api/v1/questions/{id}/answer");
    world.post(&path, &json!({ "answer": 5 })).await.refused(422, "SCHEMA_MISMATCH");
    world.post(&path, &json!({})).await.refused(400, "VALIDATION_FAILED");
    let answered = world.post(&path, &json!({ "answer": "that" })).await.ok(200);
    assert_eq!((&answered["status"], &answered["answered_by"]), (&json!("answered"), &json!("operator")));
    let again = world.post(&path, &json!({ "answer": "this" })).await.refused(409, "INVALID_TRANSITION");
    assert_eq!(again["details"]["status"], "answered");
    assert_eq!(world.get("/api/v1/questions").await.ok(200)["questions"], json!([]));
    assert_eq!(world.get("/api/v1/questions?all=true").await.ok(200)["questions"][0]["answer"], "that");
    world.end().await;
}

#[tokio::test]
async fn a_question_of_a_run_that_was_stopped_is_answered_no_more() {
    let world = World::new();
    let run = world.waiting(&asking("ask")).await;
    let open = world.get(&format!("/api/v1/questions?run={run}")).await.ok(200);
    let path = format!("/api/v1/questions/{}/answer", open["questions"][0]["id"].as_str().unwrap());
    world.post(&format!("/api/v1/runs/{run}/cancel"), &json!({})).await.ok(200);
    let refused = world.post(&path, &json!({ "answer": "that" })).await.refused(409, "INVALID_TRANSITION");
    assert_ne!(refused["details"]["status"], "open");
    world.end().await;
}

#[tokio::test]
async fn no_question_is_not_found() {
    let world = World::new();
    world.get("/api/v1/questions/none").await.refused(404, "NOT_FOUND");
    world.post("/api/v1/questions/none/answer", &json!({ "answer": Json::Null })).await.refused(404, "NOT_FOUND");
    for query in ["limit=0", "limit=101", "all=perhaps", "x=1"] {
        world.get(&format!("/api/v1/questions?{query}")).await.refused(400, "VALIDATION_FAILED");
    }
    world.end().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused() {
    let world = World::new();
    let run = world.waiting(&asking("ask")).await;
    let open = world.get(&format!("/api/v1/questions?run={run}")).await.ok(200);
    let path = format!("/api/v1/questions/{}/answer", open["questions"][0]["id"].as_str().unwrap());
    world.post(&path, &json!({ "answer": "x".repeat(1 << 20) })).await.refused(413, "PAYLOAD_TOO_LARGE");
    let plain = [("content-type", "text/plain")];
    world.send("POST", &path, &plain, r#"{"answer": "x"}"#).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(world.get(&format!("/api/v1/questions?run={run}")).await.ok(200)["questions"][0]["status"], "open");
    world.end().await;
}
