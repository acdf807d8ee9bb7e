//! The page of a run, and what is reached from it.

use std::time::Duration;

use serde_json::json;

use crate::drawing::{
    EVIL, assert_harmless, drawing, ended, greeting, icon, page, published, published_file, refused, told, waiting,
};
use crate::world::World;

async fn greeted(world: &World) -> String {
    published(world, "greet", "Greeting", "", &greeting()).await;
    ended(world, "greet", &json!({})).await
}

#[tokio::test]
async fn the_way_that_a_run_took_is_lit_up() {
    let world = drawing();
    let run = greeted(&world).await;
    let shown = page(&world, &format!("/runs/{run}")).await;
    assert_harmless(&shown);
    for (id, is_taken) in [("3", true), ("4", true), ("5", true), ("6", false)] {
        assert_eq!(icon(&shown, id).contains("shape taken"), is_taken, "{id}: {}", icon(&shown, id));
    }
    assert!(
        shown.contains("class=\"way taken\"") && !shown.contains("shape current") && !shown.contains("shape failed")
    );
    assert!(shown.contains("&quot;nice&quot;") || shown.contains("&#34;nice&#34;"), "the result is shown");
    // Of what is over nothing is followed.
    assert!(!shown.contains("data-live"), "{shown}");
    assert!(shown.contains("href=\"/flows/greet/versions/sha256") && shown.contains("Asked for by"));
    world.end().await;
}

#[tokio::test]
async fn a_run_that_waits_says_for_what_and_how_to_send_it() {
    let world = drawing();
    let items = json!({ "3": { "type": "action", "content": "a ← AWAIT \"go\" WITHIN 2 h", "one": "4" },
        "4": { "type": "action", "content": "RETURN {a: a}", "one": "1" } });
    published(&world, "wait", "Waiting", "", &items).await;
    let run = waiting(&world, "wait").await;
    let shown = page(&world, &format!("/runs/{run}")).await;
    assert!(icon(&shown, "3").contains("shape current"), "{}", icon(&shown, "3"));
    assert!(shown.contains(&format!("data-live=\"/api/v1/runs/{run}/events?after=")), "{shown}");
    let (_, waits) = shown.split_once("id=\"waits\"").unwrap();
    let waits = waits.split("</ul>").next().unwrap();
    assert!(
        waits.contains("Signal go") && waits.contains("until <time") && waits.contains("data-icon=\"3\""),
        "{waits}"
    );
    assert!(shown.contains(&format!("data-api=\"POST /api/v1/runs/{run}/signal/go\"")) && shown.contains("ask-cancel"));
    assert!(shown.contains("data-of=\"payload\"") && shown.contains("id=\"signal-1-1\" name=\"payload\""), "{shown}");
    world.post(&format!("/api/v1/runs/{run}/signal/go"), &json!(1)).await.ok(202);
    for _ in 0..12_000 {
        if world.get(&format!("/api/v1/runs/{run}")).await.ok(200)["status"] == "completed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What was known is followed on, and not known for ever.
    let shown = page(&world, &format!("/runs/{run}")).await;
    assert!(icon(&shown, "4").contains("shape taken") && !shown.contains("shape current"), "{shown}");
    assert!(!shown.contains("id=\"waits\"") && !shown.contains("ask-cancel") && !shown.contains("/signal/"));
    world.end().await;
}

#[tokio::test]
async fn why_a_run_failed_stands_first_in_words_with_the_place_and_the_remedy() {
    let world = drawing();
    let items = json!({ "3": { "type": "action", "content": "x = 6 / n", "one": "4" },
        "4": { "type": "action", "content": "RETURN {x: x}", "one": "1" } });
    published(&world, "divide", "Division", "n: int", &items).await;
    let run = ended(&world, "divide", &json!({ "n": 0 })).await;
    let shown = page(&world, &format!("/runs/{run}")).await;
    let (before, why) = shown.split_once("id=\"why\"").unwrap();
    assert!(!before.contains("id=\"path\""), "it stands before everything else");
    let why = why.split("</section>").next().unwrap();
    for part in
        ["A whole number was divided by zero.", "division_by_zero", "Ask first whether the divisor is 0.", "x = 6 / n"]
    {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert!(why.contains("data-icon=\"3\"") && icon(&shown, "3").contains("shape failed"), "{why}");
    let ukrainian = told(&world, &format!("/runs/{run}"), "uk").await;
    assert!(ukrainian.contains("Чому він не вдався"), "{ukrainian}");
    world.end().await;
}

#[tokio::test]
async fn what_an_icon_asked_is_shown_whole() {
    let world = drawing();
    let run = greeted(&world).await;
    let shown = page(&world, &format!("/runs/{run}/effects?item=3")).await;
    assert_harmless(&shown);
    for part in ["asked once", "Greet", "hello", "data-item=\"3\"", "What the answer must satisfy"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let none = page(&world, &format!("/runs/{run}/effects?item=5")).await;
    assert!(none.contains("has asked nobody for anything"), "{none}");
    assert_eq!(refused(&world, &format!("/runs/{run}/effects?item=99")).await.0, 404);
    assert_eq!(refused(&world, &format!("/runs/{run}/effects?effect=n99%231")).await.0, 404);
    assert_eq!(refused(&world, &format!("/runs/{run}/effects")).await.0, 400);
    assert_eq!(refused(&world, "/runs/none").await.0, 404);
    world.end().await;
}

/// The address of the first link of a page that has this attribute.
#[track_caller]
fn link(page: &str, attribute: &str) -> String {
    let tags = page.split("<a ").skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag);
    let has = |tag: &&str| tag.split(' ').any(|part| part == attribute);
    let tag = tags.into_iter().find(has).unwrap_or_else(|| panic!("no {attribute} in {page}"));
    let (_, rest) = tag.split_once("href=\"").unwrap();
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

#[tokio::test]
async fn pseudocode_is_shown_with_the_lines_that_were_passed() {
    let world = drawing();
    let text = format!(
        "BEGIN \"Count\"\n  PARAM n: int\n  REPEAT n times\n    LOG \"{}\"\n  IF n > 5\n    FAIL \"too many\"\n  RETURN n\nEND\n",
        "<script>"
    );
    published_file(&world, "count", "count.md", text.into_bytes()).await;
    let line = |page: &str, number: u32| {
        let (_, rest) =
            page.split_once(&format!("data-item=\"{number}\"")).unwrap_or_else(|| panic!("{number}: {page}"));
        rest.split_once("</li>").unwrap().0.to_owned()
    };
    let run = ended(&world, "count", &json!({ "n": 3 })).await;
    let shown = page(&world, &format!("/runs/{run}")).await;
    assert_harmless(&shown);
    assert!(line(&shown, 4).contains("shape taken") && line(&shown, 4).contains("×3"), "{shown}");
    assert!(!line(&shown, 6).contains("taken") && line(&shown, 7).contains("taken"), "{shown}");
    let failed = ended(&world, "count", &json!({ "n": 6 })).await;
    let shown = page(&world, &format!("/runs/{failed}")).await;
    assert!(line(&shown, 6).contains("shape failed") && !line(&shown, 7).contains("taken"), "{shown}");
    assert!(shown.contains("too many"), "{shown}");
    // What tells them apart stands in the list.
    let list = page(&world, "/runs").await;
    assert!(list.contains("n: 3") && list.contains("n: 6"), "{list}");
    let moment = page(&world, &format!("/runs/{run}/travel?at=1")).await;
    assert!(moment.contains("class=\"lines\""), "{moment}");
    world.end().await;
}

#[tokio::test]
async fn what_would_have_happened_with_the_other_answer_is_two_links_away() {
    let world = drawing();
    let run = greeted(&world).await;
    let effects = link(&page(&world, &format!("/runs/{run}")).await, "data-effect");
    let otherwise = link(&page(&world, &effects).await, "data-otherwise");
    let answers = page(&world, &format!("/runs/{run}/what-if")).await;
    assert_harmless(&answers);
    assert_eq!(link(&answers, "data-otherwise"), otherwise, "and by the button of the run's page");
    assert!(answers.contains("text: hello"), "{answers}");
    let shown = page(&world, &otherwise).await;
    assert_harmless(&shown);
    assert!(shown.contains("The run would have come to another end."), "{shown}");
    assert!(icon(&shown, "6").contains("shape taken") && !icon(&shown, "5").contains("shape taken"), "{shown}");
    assert!(shown.contains("rude") && shown.contains("nice") && shown.contains("id=\"parting\""), "{shown}");
    let ukrainian = told(&world, &otherwise, "uk").await;
    assert!(ukrainian.contains("Запуск дійшов би іншого кінця."), "{ukrainian}");
    // The run itself is as it was.
    assert_eq!(world.get(&format!("/api/v1/runs/{run}")).await.ok(200)["result"], json!({ "said": "nice" }));

    let (path, _) = otherwise.split_once("&member").unwrap();
    let same = page(&world, &format!("{path}&answer=%7B%22text%22%3A%22hello%22%7D")).await;
    assert!(same.contains("Nothing would have been different."), "{same}");
    let failed = page(&world, &format!("{path}&error=quota")).await;
    assert!(failed.contains("another end") && failed.contains("quota"), "{failed}");
    for (answer, told) in [("%7B", "cannot be told"), ("%7B%22text%22%3A%22x%22%7D", "not what is asked for")] {
        let shown = page(&world, &format!("{path}&answer={answer}")).await;
        assert!(shown.contains(told), "{answer}: {shown}");
    }
    assert_eq!(refused(&world, &format!("/runs/{run}/what-if?effect=none")).await.0, 404);

    // An answer that is longer than any address.
    let (path, query) = path.split_once('?').unwrap();
    let long = "%D1%97".repeat(40_000);
    let form = format!("{}&answer=%7B%22text%22%3A%22{long}%22%7D", query.replace("&#38;", "&"));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
    let answered = world.send("POST", path, &headers, form).await;
    assert_eq!(answered.status, 200, "{}", answered.text());
    assert!(answered.text().contains("їїїї"), "what was written stands in its field");
    world.end().await;
}

#[tokio::test]
async fn the_api_tells_what_would_have_happened_too() {
    let world = drawing();
    let run = greeted(&world).await;
    let steps = world.get(&format!("/api/v1/runs/{run}/steps")).await.ok(200);
    let (path, effect) = (format!("/api/v1/runs/{run}/what-if"), steps["steps"][0]["effect"].clone());
    let found = world.post(&path, &json!({ "effect": effect, "answer": { "text": "bye" } })).await.ok(200);
    assert_eq!(found["diverges"], true);
    assert_eq!(found["what_if"]["outcome"]["replayed"]["result"], json!({ "said": "rude" }), "{found}");
    assert_eq!((&found["icons"]["6"], &found["icons"]["5"]), (&json!(1), &json!(null)), "{found}");
    assert_eq!(found["what_if"]["parting"]["recorded"]["item"], "5", "{found}");
    assert_eq!(found["what_if"]["parting"]["replayed"]["item"], "6", "{found}");
    let same = world.post(&path, &json!({ "effect": effect, "answer": { "text": "hello" } })).await.ok(200);
    assert_eq!(same["diverges"], false, "{same}");
    world.post(&path, &json!({ "effect": effect })).await.refused(400, "VALIDATION_FAILED");
    world.post(&path, &json!({ "effect": "n9#9", "answer": null })).await.refused(404, "NOT_FOUND");
    world.post(&path, &json!({ "effect": effect, "answer": null })).await.refused(422, "SCHEMA_MISMATCH");
    world.end().await;
}

#[tokio::test]
async fn a_replay_is_told_in_words() {
    let world = drawing();
    let run = greeted(&world).await;
    let shown = page(&world, &format!("/runs/{run}/replay")).await;
    assert!(
        shown.contains("The history is what the program does, to the last byte.") && shown.contains("events agree")
    );
    world.end().await;
}

/// A flow whose loop starts a timer for each of these.
fn timers() -> serde_json::Value {
    json!({
        "3": { "type": "loopbegin", "content": "i; list", "one": "4" },
        "4": { "type": "action", "content": "TIMER \"t\" 1 min", "one": "5" },
        "5": { "type": "loopend", "one": "1" },
    })
}

#[tokio::test]
async fn many_events_and_effects_stand_on_pages() {
    let world = drawing();
    published(&world, "many", "Many", "list: [int]", &timers()).await;
    let run = ended(&world, "many", &json!({ "list": (0..150).collect::<Vec<_>>() })).await;
    let shown = page(&world, &format!("/runs/{run}")).await;
    assert!(shown.contains("1 to 100 of 150") && shown.contains("?effects=2#waterfall"), "{shown}");
    assert_eq!(shown.matches("class=\"bar bar-completed\"").count(), 100);
    assert!(icon(&shown, "4").contains("shape taken") && shown.contains("×150"), "{shown}");
    // The events behind the first are fetched when they come near.
    assert!(
        shown.contains(&format!("data-src=\"/runs/{run}/history?from=201\"")) && !shown.contains("id=\"event-201\"")
    );
    assert!(shown.contains("id=\"event-200\""));
    let second = page(&world, &format!("/runs/{run}?effects=2")).await;
    assert!(second.contains("101 to 150 of 150") && second.contains("?effects=1#waterfall"), "{second}");
    let events = page(&world, &format!("/runs/{run}/history?from=201")).await;
    assert!(
        events.contains("id=\"event-201\"") && events.contains("Answered") && events.contains("from=1\""),
        "{events}"
    );
    assert_eq!(refused(&world, &format!("/runs/{run}/history?from=0")).await.0, 400);
    assert_eq!(refused(&world, &format!("/runs/{run}/history?from=999")).await.0, 400);
    let of_icon = page(&world, &format!("/runs/{run}/effects?item=4")).await;
    assert!(of_icon.contains("asked 150 times") && of_icon.matches("<article").count() == 10, "{of_icon}");
    let older = page(&world, &link(&of_icon, "rel=\"next\"")).await;
    assert!(older.matches("<article").count() == 10 && older != of_icon);
    world.end().await;
}

#[tokio::test]
async fn what_others_wrote_is_text() {
    let world = drawing();
    let text = EVIL.replace('"', "'");
    let items = json!({
        "3": { "type": "action", "content": format!("answer ← LLM(\"{text}\")\nFORMAT {{text: string}}"), "one": "4" },
        "4": { "type": "comment", "content": EVIL, "one": "5" },
        "5": { "type": "action", "content": format!("ARTIFACT \"{text}\" ← answer.text"), "one": "6" },
        "6": { "type": "action", "content": format!("FAIL \"{text}\""), "one": "1" },
    });
    published(&world, "evil", EVIL, "a: string", &items).await;
    let run = ended(&world, "evil", &json!({ "a": EVIL })).await;
    for path in ["", "/effects?item=3", "/effects?item=5", "/history", "/travel?at=2", "/replay"] {
        for language in ["en", "uk"] {
            let shown = told(&world, &format!("/runs/{run}{path}"), language).await;
            assert_harmless(&shown);
        }
    }
    let shown = page(&world, &format!("/runs/{run}")).await;
    assert!(
        shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;") || shown.contains("&#60;script&#62;alert(1)"),
        "{shown}"
    );
    world.end().await;
}

#[tokio::test]
async fn without_its_diagram_or_program_a_run_is_shown_all_the_same() {
    let world = World::new();
    let run = world.run(&crate::world::plain("plain", "1.0.0")).await;
    let shown = page(&world, &format!("/runs/{}", run["run_id"].as_str().unwrap())).await;
    assert!(
        shown.contains("The file that the flow was made from is not kept here")
            && shown.contains("The run has asked for nothing yet.")
    );
    world.end().await;
}
