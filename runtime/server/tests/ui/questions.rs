//! Human tasks: what waits for an answer, and what was answered by whom.

use serde_json::{Value as Json, json};

use crate::pages::{MARKUP, NAME, OWN, owner, page_as, section, shown};
use crate::world::{World, flow};

/// Asks a person for an answer that is a text.
fn asking(id: &str) -> Json {
    flow(
        id,
        "1.0.0",
        &json!({
            "n1": { "type": "action", "op": "await", "into": "a", "next": "n2",
                    "ask": { "title": [{ "text": format!("Which? {MARKUP}") }], "text": [{ "text": format!("Say it\n{MARKUP}") }],
                             "schema": { "type": "string" } } },
            "n2": { "type": "return", "status": "completed", "value": "v['a']" },
        }),
    )
}

#[tokio::test]
async fn a_question_is_shown_answered_and_told_of() {
    let world = World::new();
    let cookie = owner(&world).await;
    let empty = shown(&page_as(&world, "/questions", &cookie, "en").await);
    assert!(
        section(&empty, "open").contains("No run waits") && section(&empty, "history").contains("Nothing was answered")
    );
    let run = world.waiting(&asking("ask")).await;
    let id = world.get("/api/v1/questions").await.ok(200)["questions"][0]["id"].as_str().unwrap().to_owned();
    let list = shown(&page_as(&world, "/questions", &cookie, "en").await);
    assert!(section(&list, "open").contains("Which? &#60;script") && section(&list, "open").contains(&run), "{list}");
    let path = format!("/questions/{id}");
    let page = shown(&page_as(&world, &path, &cookie, "en").await);
    assert!(page.contains("Say it\n&#60;script") && page.contains(&format!("data-api=\"POST /api/v1{path}/answer\"")));
    assert!(section(&page, "standing").contains(&format!("/runs/{run}/effects?item=12")), "{page}");
    let answer = section(&page, "answer");
    assert!(answer.contains("type=\"text\" name=\"answer\"") && answer.contains(" required"), "{answer}");
    assert!(shown(&page_as(&world, &path, &cookie, "uk").await).contains("чекає на відповідь"));

    let headers = [("cookie", cookie.as_str()), OWN, ("content-type", "application/json")];
    let answer = json!({ "answer": format!("this {MARKUP}") }).to_string();
    world.send("POST", &format!("/api/v1{path}/answer"), &headers, answer).await.ok(200);
    let page = shown(&page_as(&world, &path, &cookie, "en").await);
    assert!(section(&page, "answer").contains("this &#60;script") && !page.contains("data-api=\"POST"), "{page}");
    assert!(section(&page, "standing").contains(NAME), "{page}");
    assert!(section(&page, "audit").contains("question_answered"), "{page}");
    let list = shown(&page_as(&world, "/questions", &cookie, "en").await);
    assert!(section(&list, "history").contains(&id) && section(&list, "history").contains(NAME), "{list}");
    world.end().await;
}

#[tokio::test]
async fn a_question_that_nobody_answers_any_more_says_so() {
    let world = World::new();
    let run = world.waiting(&asking("ask")).await;
    let id = world.get("/api/v1/questions").await.ok(200)["questions"][0]["id"].as_str().unwrap().to_owned();
    world.post(&format!("/api/v1/runs/{run}/cancel"), &json!({})).await.ok(200);
    for _ in 0..2000 {
        if world.get(&format!("/api/v1/questions/{id}")).await.ok(200)["status"] == "closed" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let page = shown(&page_as(&world, &format!("/questions/{id}"), "", "en").await);
    assert!(section(&page, "answer").contains("closed without an answer"), "{page}");
    assert_eq!(page_as(&world, "/questions/none", "", "en").await.status, 404);
    assert_eq!(page_as(&world, "/questions?skip=x", "", "en").await.status, 400);
    world.end().await;
}
