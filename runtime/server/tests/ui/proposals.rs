//! Proposals: the inbox, what each would change, and who may decide.

use serde_json::{Value as Json, json};

use crate::pages::{KEY, MARKUP, NAME, OWN, owner, page_as, section, shown, with_key};
use crate::world::{Answered, World, flow, proposing};

/// A flow whose proposals have all that one may have, written by somebody who means ill.
fn boasting() -> Json {
    let markup = MARKUP.replace(['\'', '"'], "");
    let value = json!({
        "target": { "type": "note", "path": format!("notes/{markup}") },
        "content": {
            "content": format!("first\n{markup}\nlast"), "summary": format!("sum {markup}"), "confidence": 0.75,
            "reasoning": format!("because {markup}"),
            "citations": [{ "source": format!("src {markup}"), "quote": format!("quote {markup}") }, "plain.md"],
        },
    });
    // Of JSON, an expression differs by its quotes only.
    let value = value.to_string().replace("\\n", "\n").replace('"', "'").replace('\n', "\\n");
    flow(
        "boaster",
        "1.0.0",
        &json!({
            "n1": { "type": "emit", "kind": "proposal", "name": "s", "action": "propose-summary", "value": value, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "null" },
        }),
    )
}

async fn pending(world: &World, action: &str) -> String {
    let key = [("x-runtime-api-key", KEY)];
    let path = format!("/api/v1/proposals/pending?action={action}");
    let found = world.send("GET", &path, &key, "").await.ok(200);
    found["proposals"][0]["id"].as_str().unwrap().to_owned()
}

async fn by(world: &World, cookie: &str, method: &str, path: &str, body: &Json) -> Answered {
    let headers = [("cookie", cookie), OWN, ("content-type", "application/json")];
    world.send(method, path, &headers, body.to_string()).await
}

/// Publishes and runs a flow with the key.
async fn run(world: &World, cookie: &str, flow: &Json) -> String {
    let headers = [("cookie", cookie), OWN, ("content-type", "application/json")];
    let published = world.send("POST", "/api/v1/flows", &headers, crate::world::signed(flow)).await.ok(201);
    let path = format!("/api/v1/flows/{}/runs?wait=30", published["id"].as_str().unwrap());
    by(world, cookie, "POST", &path, &json!({})).await.ok(200)["run_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_inbox_shows_what_waits_and_lets_owners_choose() {
    let world = with_key();
    let cookie = owner(&world).await;
    let empty = shown(&page_as(&world, "/proposals", &cookie, "en").await);
    assert!(section(&empty, "inbox").contains("No proposal waits") && section(&empty, "history").contains("none here"));
    let of = run(&world, &cookie, &proposing("archivist")).await;
    run(&world, &cookie, &boasting()).await;
    let page = shown(&page_as(&world, "/proposals", &cookie, "en").await);
    let inbox = section(&page, "inbox");
    for told in ["propose-summary", "memory-update", "archivist", "notes/a", &format!("/runs/{of}"), "because"] {
        assert!(inbox.contains(told), "{told}: {inbox}");
    }
    assert_eq!(inbox.matches("type=\"checkbox\"").count(), 3, "{inbox}");
    assert!(page.contains("name=\"status\" value=\"approved\"") && page.contains("value=\"rejected\""), "{page}");
    let uk = shown(&page_as(&world, "/proposals", &cookie, "uk").await);
    assert!(uk.contains("Чекають на рішення") && uk.contains("Відхилити"), "{uk}");
    for bad in ["status=done", "skip=x", "skip=-1"] {
        assert_eq!(page_as(&world, &format!("/proposals?{bad}"), &cookie, "en").await.status, 400, "{bad}");
    }
    world.end().await;
}

#[tokio::test]
async fn who_is_not_logged_in_by_name_is_told_so_in_place_of_forms() {
    let world = with_key();
    let cookie = owner(&world).await;
    run(&world, &cookie, &proposing("archivist")).await;
    let id = pending(&world, "memory-update").await;
    let next = ["%2Fproposals", &format!("%2Fproposals%2F{id}")].map(|path| format!("/login?next={path}"));
    for (path, next) in ["/proposals".to_owned(), format!("/proposals/{id}")].iter().zip(&next) {
        let page = world.send("GET", path, &[("x-runtime-api-key", KEY)], "").await;
        let page = shown(&page);
        assert!(page.contains("id=\"log-in-first\"") && page.contains(next.as_str()), "{page}");
        assert!(!page.contains("type=\"checkbox\"") && !page.contains("data-api=\"PATCH"), "{page}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_proposal_shows_what_it_is_and_why_as_text() {
    let world = with_key();
    let cookie = owner(&world).await;
    let of = run(&world, &cookie, &boasting()).await;
    let id = pending(&world, "propose-summary").await;
    let page = shown(&page_as(&world, &format!("/proposals/{id}"), &cookie, "en").await);
    let escaped = "&#60;script&#62;alert(x)&#60;/script&#62;";
    for part in ["because ", "src ", "quote ", "sum ", "first\n"] {
        assert!(page.contains(&format!("{part}{escaped}")), "{part}: {page}");
    }
    assert!(section(&page, "why").contains("plain.md") && section(&page, "why").contains("0.75"), "{page}");
    // The icon that handed it out, in the run.
    let standing = section(&page, "standing");
    assert!(standing.contains(&format!("/runs/{of}/effects?item=12")) && standing.contains(">Read</a>"), "{standing}");
    assert!(section(&page, "change").contains("Nothing is known of what stands there"), "{page}");
    assert_eq!(page_as(&world, "/proposals/none", &cookie, "en").await.status, 404);
    world.end().await;
}

#[tokio::test]
async fn a_change_of_memory_is_shown_against_the_memory_as_it_stands() {
    let world = with_key();
    let cookie = owner(&world).await;
    run(&world, &cookie, &proposing("archivist")).await;
    let id = pending(&world, "memory-update").await;
    let path = format!("/proposals/{id}");
    let page = shown(&page_as(&world, &path, &cookie, "en").await);
    let change = section(&page, "change");
    assert!(change.contains("memory as it stands now") && change.contains("lines added"), "{change}");
    assert!(change.contains("class=\"added\"") && change.contains("last_run"), "{change}");
    let applied =
        by(&world, &cookie, "PATCH", &format!("/api/v1{path}"), &json!({ "status": "approved" })).await.ok(200);
    assert_eq!(applied["status"], "applied");
    let page = shown(&page_as(&world, &path, &cookie, "en").await);
    assert!(section(&page, "decision").contains("nothing to decide"), "{page}");
    assert!(
        section(&page, "standing").contains(NAME) && section(&page, "standing").contains("state-applied"),
        "{page}"
    );
    // Who approved it stands here, and leads to the log.
    let audit = section(&page, "audit");
    assert!(
        audit.contains("proposal_approved") && audit.contains("proposal_applied") && audit.contains(NAME),
        "{audit}"
    );
    assert!(audit.contains(&format!("/audit?entity={id}")), "{audit}");

    // A later change shows the words that differ.
    let mut other = proposing("archivist");
    other["flow"]["version"] = json!("1.0.1");
    other["nodes"]["n2"]["value"] = json!(
        "{'target': {'type': 'memory', 'path': 'memory'}, 'base_revision': 1, 'content': {'set': {'last_run': 8}}}"
    );
    run(&world, &cookie, &other).await;
    let id = pending(&world, "memory-update").await;
    let page = shown(&page_as(&world, &format!("/proposals/{id}"), &cookie, "en").await);
    let change = section(&page, "change");
    assert!(change.contains("<del>") && change.contains("<ins>"), "{change}");
    assert!(change.contains("<span class=\"hidden\">added</span>"), "not by colour alone: {change}");
    world.end().await;
}

#[tokio::test]
async fn after_a_conflict_there_is_force_or_dropping() {
    let world = with_key();
    let cookie = owner(&world).await;
    run(&world, &cookie, &proposing("archivist")).await;
    let first = pending(&world, "memory-update").await;
    let mut other = proposing("archivist");
    other["flow"]["version"] = json!("1.0.1");
    other["nodes"]["n2"]["value"] = json!(
        "{'target': {'type': 'memory', 'path': 'memory'}, 'base_revision': 0, 'content': {'set': {'last_run': 8}}}"
    );
    run(&world, &cookie, &other).await;
    let approve = json!({ "status": "approved" });
    let second = pending(&world, "memory-update").await;
    assert_ne!(first, second);
    by(&world, &cookie, "PATCH", &format!("/api/v1/proposals/{first}"), &approve).await.ok(200);
    let failed = by(&world, &cookie, "PATCH", &format!("/api/v1/proposals/{second}"), &approve).await.ok(200);
    assert_eq!(failed["apply_result"]["reason"], "conflict");
    let page = shown(&page_as(&world, &format!("/proposals/{second}"), &cookie, "en").await);
    let decision = section(&page, "decision");
    for form in ["id=\"force\"", "id=\"again\"", "id=\"reject\"", "id=\"force-asks\""] {
        assert!(decision.contains(form), "{form}: {decision}");
    }
    assert!(section(&page, "change").contains("<ins>"), "what force would make of what stands there: {page}");
    let dropped = json!({ "status": "rejected", "decision_note": format!("{MARKUP} is enough") });
    by(&world, &cookie, "PATCH", &format!("/api/v1/proposals/{second}"), &dropped).await.ok(200);
    let page = shown(&page_as(&world, &format!("/proposals/{second}"), &cookie, "uk").await);
    assert!(section(&page, "standing").contains("відхилена"), "{page}");
    let history = shown(&page_as(&world, "/proposals?status=rejected", &cookie, "en").await);
    assert!(section(&history, "history").contains(&second) && !section(&history, "history").contains(&first));
    world.end().await;
}

#[tokio::test]
async fn what_repeats_another_leads_to_that_one() {
    let world = with_key();
    let cookie = owner(&world).await;
    run(&world, &cookie, &proposing("archivist")).await;
    let first = pending(&world, "propose-summary").await;
    by(&world, &cookie, "POST", "/api/v1/flows/archivist/runs?wait=30", &json!({})).await.ok(200);
    let second = pending(&world, "propose-summary").await;
    assert_ne!(first, second);
    let page = shown(&page_as(&world, &format!("/proposals/{second}"), &cookie, "en").await);
    assert!(section(&page, "decision").contains(&format!("/proposals/{first}")), "{page}");
    let inbox = shown(&page_as(&world, "/proposals", &cookie, "en").await);
    assert_eq!(section(&inbox, "inbox").matches("type=\"checkbox\"").count(), 2, "those that repeat are not chosen");
    world.end().await;
}
