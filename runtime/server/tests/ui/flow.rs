//! The pages of flows, with the compiler as it is.

use std::sync::Arc;

use bloom_ir::{Document, SigningKey};
use bloom_runtime::record::Actor;
use bloom_runtime::store::Store as _;
use bloom_server::{HashedPassword, Owners, ServerConfig};
use serde_json::{Value as Json, json};

use crate::drawing::{Drawer, EVIL, assert_harmless, page, told};
use crate::world::{self, Answered, Setup, World, flow, plain, signed, signed_by};

/// The part of a page with this id.
fn part<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, part) = page
        .split_once(&format!("<section id=\"{id}\""))
        .or_else(|| page.split_once(&format!("id=\"{id}\"")))
        .unwrap_or_else(|| panic!("{id} is not in {page}"));
    part.split("</section>").next().unwrap()
}

/// A server with an owner and a key to sign with, that draws.
async fn with_owner() -> (World, String) {
    let config = ServerConfig { signing_key: Some(world::key()), ..ServerConfig::default() };
    let world = World::with(Setup { config, compiler: Arc::new(Drawer), ..Setup::default() });
    let mut owners = Owners::default();
    let password = HashedPassword::of(&"їжачок у тумані".into(), "salt").unwrap();
    let note = owners.set(&"Олена".parse().unwrap(), password, &Actor("owner".to_owned()), 1);
    world.store.put_setting(Owners::SETTING, serde_json::to_string(&owners).unwrap(), vec![note]).await.unwrap();
    let opened =
        world.post("/api/v1/session", &json!({ "name": "Олена", "password": "їжачок у тумані" })).await.ok(201);
    (world, format!("Bearer {}", opened["token"].as_str().unwrap()))
}

/// A diagram with an action and a question of these texts.
fn diagram(action: &str, question: &str) -> String {
    json!({
        "type": "drakon", "params": "name: string # who is greeted",
        "items": {
            "1": { "type": "end" },
            "2": { "type": "branch", "branchId": 0, "one": "3" },
            "3": { "type": "action", "content": action, "one": "4" },
            "4": { "type": "question", "content": question, "one": "1", "two": "1", "flag1": 1 },
        },
    })
    .to_string()
}

async fn sent(world: &World, path: &str, bearer: &str, body: &str) -> Answered {
    world.send("POST", path, &[("authorization", bearer), ("accept-language", "uk")], body).await
}

#[tokio::test]
async fn flows_are_listed_with_who_signed_them_and_what_they_ran() {
    let world = World::new();
    assert!(part(&page(&world, "/flows").await, "flows").contains("There are no flows yet"));
    world.published(&plain("a", "1.0.0")).await;
    world.run(&plain("b", "1.1.0")).await;
    world.published(&plain("b", "1.0.0")).await;
    let shown = page(&world, "/flows").await;
    let list = part(&shown, "flows");
    assert!(list.contains("2 flows") && list.contains("Flow b") && list.contains("<td>1.1.0</td>"), "{list}");
    assert!(list.contains(">author</span>") && list.contains("No runs yet."), "{list}");
    assert!(list.contains("href=\"/runs?flow=b&amp;status=completed\""), "{list}");
    let found = page(&world, "/flows?q=FLOW%20B").await;
    assert!(!part(&found, "flows").contains("Flow a") && part(&found, "flows").contains("Flow b"), "{found}");
    assert!(page(&world, "/flows?q=zzz").await.contains("No flow has these words"));
    let after = page(&world, "/flows?after=a").await;
    assert!(!part(&after, "flows").contains("Flow a") && part(&after, "flows").contains("Flow b"), "{after}");
    assert!(told(&world, "/flows", "uk").await.contains("2 схеми"));
    world.end().await;
}

#[tokio::test]
async fn many_flows_stand_on_several_pages() {
    let world = World::new();
    for number in 0..51 {
        world.published(&plain(&format!("f{number:02}"), "1.0.0")).await;
    }
    let first = page(&world, "/flows").await;
    assert!(first.contains("href=\"/flows?after=f49\"") && !first.contains("Flow f50"), "{first}");
    let second = page(&world, "/flows?after=f49").await;
    assert!(
        second.contains("Flow f50") && !second.contains("Flow f49") && !second.contains("rel=\"next\""),
        "{second}"
    );
    world.end().await;
}

#[tokio::test]
async fn a_flow_tells_what_it_is_and_what_it_may_do() {
    let world = World::new();
    let mut first = plain("greet", "1.0.0");
    first["policy"]["limits"] = json!({ "timeout_seconds": 90, "max_cost_micro_usd": 1_250_000 });
    first["policy"]["allowed_tools"] =
        json!({ "read-notes": { "effect": "read", "capabilities": ["files:notes", "http:example.org GET"] } });
    first["inputs"] = json!({ "type": "object", "required": ["name"], "properties": {
        "name": { "type": "string", "description": "who is greeted", "maxLength": 60 },
        "style": { "enum": ["warm", "cold"], "default": "warm" },
    } });
    first["outputs"] = json!({ "type": "object", "properties": { "ok": { "type": "boolean" } } });
    world.published(&first).await;
    world.published(&plain("greet", "0.9.0")).await;
    let shown = page(&world, "/flows/greet").await;
    for text in [
        "1 min 30 s",
        "$1.25",
        "reads the folder notes",
        "asks example.org over the network",
        "propose-summary",
        "It may propose to change its memory.",
        "No tool reaches the network.",
        "only reads",
    ] {
        assert!(part(&shown, "policy").contains(text), "{text}: {shown}");
    }
    let inputs = part(&shown, "inputs");
    assert!(
        inputs.contains("who is greeted")
            && inputs.contains("one of: warm, cold")
            && inputs.contains("At most 60 characters."),
        "{inputs}"
    );
    assert!(part(&shown, "outputs").contains("yes or no"));
    let start = part(&shown, "start");
    assert!(
        start.contains("data-api=\"POST /api/v1/flows/greet/runs\"") && start.contains("data-then=\"/runs/{run_id}\""),
        "{start}"
    );
    assert!(
        start.contains("name=\"inputs.name\"")
            && start.contains("name=\"limits.timeout_seconds\"")
            && start.contains("max=\"90\""),
        "{start}"
    );
    assert!(part(&shown, "drawn").contains("is not kept here"), "{shown}");
    let versions = part(&shown, "versions");
    assert!(
        versions.contains(">0.9.0</a>") && versions.contains(">1.0.0</a> <span class=\"muted\">shown"),
        "{versions}"
    );
    assert!(
        part(&page(&world, "/flows/greet/versions/0.9.0").await, "outputs").contains("It does not say what it gives.")
    );
    let ukrainian = told(&world, "/flows/greet", "uk").await;
    assert!(ukrainian.contains("Що їй дозволено") && ukrainian.contains("одне з: warm, cold"), "{ukrainian}");

    let other = page(&world, "/flows/greet/versions/0.9.0").await;
    assert!(other.contains("Version 0.9.0 is started.") && !other.contains("the newest<"), "{other}");
    for path in ["/flows/none", "/flows/greet/versions/2.0.0", "/flows/greet/versions/sha256:00", "/codes/D100"] {
        assert_eq!(world.send("GET", path, &[("accept", "text/html")], "").await.status, 404, "{path}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_form_starts_what_is_shown() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let shown = page(&world, "/flows/greet").await;
    let hash = shown.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    // As the script makes it of the fields when nothing is filled in.
    let run = world.post("/api/v1/flows/greet/runs?wait=30", &json!({ "version": hash, "inputs": {} })).await.ok(200);
    assert_eq!(run["status"], "completed", "{run}");
    assert!(part(&page(&world, "/flows/greet").await, "runs").contains("status=completed"));
    let failing = flow(
        "fails",
        "1.0.0",
        &json!({ "n1": { "type": "return", "status": "failed", "value": "{'code': 'too_late', 'message': 'm'}" } }),
    );
    let run = world.run(&failing).await;
    let shown = page(&world, "/flows/fails").await;
    assert!(
        part(&shown, "failures").contains("<code>too_late</code>")
            && part(&shown, "failures").contains(run["run_id"].as_str().unwrap()),
        "{shown}"
    );
    world.end().await;
}

#[tokio::test]
async fn what_is_not_trusted_any_more_cannot_be_started() {
    let world = World::new();
    let stranger = signed_by(&plain("odd", "1.0.0"), &SigningKey::from_seed(&[9; 32]));
    let document: Document = serde_json::from_slice(&stranger).unwrap();
    let hashed = document.hashed();
    let record = bloom_runtime::record::FlowRecord {
        hash: hashed.hash,
        program: hashed.program,
        id: "odd".to_owned(),
        version: "1.0.0".to_owned(),
        title: EVIL.to_owned(),
        stored_at: 1,
    };
    world.store.put_flow(record, stranger, Vec::new()).await.unwrap();
    let shown = page(&world, "/flows/odd").await;
    assert!(part(&shown, "untrusted").contains("It may not run:") && !shown.contains("data-api=\"POST"), "{shown}");
    assert!(shown.contains("state-untrusted") && page(&world, "/flows").await.contains("not trusted"), "{shown}");
    assert_harmless(&shown);
    world.end().await;
}

#[tokio::test]
async fn texts_of_others_are_shown_as_texts() {
    let (world, bearer) = with_owner().await;
    let mut evil = plain("evil", "1.0.0");
    evil["flow"]["title"] = json!(EVIL);
    evil["inputs"] = json!({ "type": "object", "title": EVIL, "properties": {
        EVIL: { "type": "string", "title": EVIL, "description": EVIL, "default": EVIL, "examples": [EVIL], "pattern": EVIL, "format": EVIL },
        "choice": { "enum": [EVIL, { EVIL: EVIL }], "default": EVIL },
        "odd": { "type": "object", "default": { EVIL: EVIL } },
        "lines": { "type": "array", "items": { "type": "string" }, "default": [EVIL, "</textarea>"] },
    } });
    evil["outputs"] = json!({ "type": "string", "description": EVIL });
    evil["source"]["name"] = json!(EVIL);
    world.published(&evil).await;
    for path in ["/flows", "/flows/evil", &format!("/flows?q={}", "%3Cscript%3E%22onload=")] {
        assert_harmless(&page(&world, path).await);
    }
    assert!(page(&world, "/flows/evil").await.contains("&#60;script&#62;alert(1)"), "it is shown");

    let of_icons =
        diagram(&format!("x ← \"{}\" + name", EVIL.replace('"', "'")), "x == \"<img src=x onerror=alert(1)>\"?");
    let published =
        sent(&world, "/api/v1/flows?name=%3Cb%3E.drakon&id=icons&version=1.0.0", &bearer, &of_icons).await.ok(201);
    assert_eq!(published["id"], "icons");
    let shown = page(&world, "/flows/icons").await;
    assert!(part(&shown, "diagram").contains("<svg") && part(&shown, "diagram").contains("data-item=\"3\""), "{shown}");
    assert!(part(&shown, "diagram").contains("&lt;script&gt;") && !shown.contains("<img src=x"), "{shown}");
    assert!(shown.contains("id=\"pseudocode-uk\"") && shown.contains("id=\"pseudocode-en\""), "{shown}");
    assert_harmless(&shown);
    world.end().await;
}

#[tokio::test]
async fn a_diagram_is_checked_before_it_is_published() {
    let (world, bearer) = with_owner().await;
    let wrong = diagram("x ← unknown_word(name", "x == 1?");
    let found = sent(&world, "/api/v1/check?name=greet.drakon", &bearer, &wrong).await;
    assert_eq!(found.headers["content-language"], "uk");
    let found = found.ok(200);
    let first = &found["diagnostics"][0];
    assert_eq!(
        (&found["flow"], &first["item"], &first["severity"]),
        (&Json::Null, &json!("3"), &json!("error")),
        "{found}"
    );
    assert!(first["message"].as_str().unwrap().chars().any(|letter| ('а'..='я').contains(&letter)), "{found}");
    assert_eq!(first["about"], format!("/codes/{}", first["code"].as_str().unwrap()));
    assert_eq!(found["refused"]["code"], "COMPILE_FAILED");
    let picture = found["picture"].as_str().unwrap();
    let icon = picture.split("<g ").find(|group| group.contains("data-item=\"3\"")).unwrap();
    assert!(icon.contains("class=\"shape failed\"") && picture.matches(" failed\"").count() == 1, "{picture}");

    let right = diagram("x ← \"Hello, \" + name", "x == \"\"?");
    let fine = sent(&world, "/api/v1/check?name=greet.drakon&version=1.0.0", &bearer, &right).await.ok(200);
    assert_eq!(
        (&fine["refused"], &fine["newest"], &fine["known"]),
        (&Json::Null, &Json::Null, &json!(false)),
        "{fine}"
    );
    assert_eq!(fine["signers"], json!([{ "key": world::key().public().id(), "name": "author", "roles": [] }]));
    let published = sent(&world, "/api/v1/flows?name=greet.drakon&version=1.0.0", &bearer, &right).await.ok(201);
    assert_eq!((&published["hash"], &published["program"]), (&fine["flow"]["hash"], &fine["flow"]["program"]));
    let again = sent(&world, "/api/v1/check?name=greet.drakon&version=1.0.0", &bearer, &right).await.ok(200);
    assert_eq!((&again["known"], &again["newest"]), (&json!(true), &json!("1.0.0")));
    let other = sent(&world, "/api/v1/check?name=greet.drakon&version=1.0.0", &bearer, &right.replace("Hello", "Bye"))
        .await
        .ok(200);
    assert_eq!(other["refused"]["code"], "FLOW_CONFLICT", "{other}");
    let log = world.get("/api/v1/audit").await.ok(200);
    let published = log["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == "flow_published");
    assert_eq!(published.count(), 1, "a check publishes nothing: {log}");

    let pseudocode = "BEGIN \"Greeting\"\n  RETURN {text: unknown_thing(}\nEND\n";
    let found = sent(&world, "/api/v1/check?name=greet.md", &bearer, pseudocode).await.ok(200);
    let lines: Vec<_> = found["diagnostics"].as_array().unwrap().iter().map(|found| found["line"].clone()).collect();
    assert!(found["picture"].is_null() && lines.contains(&json!(2)), "{found}");
    world.end().await;
}

#[tokio::test]
async fn publishing_is_for_people_and_the_page_says_so() {
    let (world, bearer) = with_owner().await;
    let shown = page(&world, "/flows").await;
    assert!(part(&shown, "publish").contains("href=\"/login?next=/flows\""), "{shown}");
    let checked = world
        .post("/api/v1/check?name=greet.drakon", &serde_json::from_str(&diagram("x ← name", "x == \"\"?")).unwrap())
        .await;
    assert_eq!(checked.ok(200)["refused"]["code"], "FORBIDDEN");
    let headers = [("authorization", bearer.as_str()), ("accept", "text/html")];
    let shown = world.send("GET", "/flows", &headers, "").await.text();
    assert!(!part(&shown, "publish").contains("/login?next"), "{shown}");
    let code = told(&world, "/codes/D100", "uk").await;
    assert!(
        code.contains("Це &#60;b&#62;хибно&#60;/b&#62;, <code>a</code>")
            && code.contains("<strong>Why.</strong>")
            && code.contains("<code>&#60;i&#62;</code>"),
        "{code}"
    );
    world.end().await;

    let world = World::new();
    let signed = signed(&plain("greet", "1.0.0"));
    let json = [("content-type", "application/json")];
    let fine = world.send("POST", "/api/v1/check", &json, &signed).await.ok(200);
    assert_eq!(
        (&fine["refused"], &fine["flow"]["id"], &fine["picture"]),
        (&Json::Null, &json!("greet"), &Json::Null),
        "{fine}"
    );
    let stranger = signed_by(&plain("greet", "1.0.0"), &SigningKey::from_seed(&[9; 32]));
    let refused = world.send("POST", "/api/v1/check", &json, stranger).await.ok(200);
    assert_eq!((&refused["refused"]["code"], &refused["signers"]), (&json!("UNTRUSTED"), &json!([])), "{refused}");
    let broken = world.send("POST", "/api/v1/check", &json, "{}").await.ok(200);
    assert_eq!((&broken["refused"]["code"], &broken["flow"]), (&json!("COMPILE_FAILED"), &Json::Null), "{broken}");
    assert!(broken["diagnostics"][0]["message"].is_string(), "{broken}");
    let mut wants = plain("wants", "1.0.0");
    wants["policy"]["allowed_tools"] = json!({ "delete-all": { "effect": "operational" } });
    let refused = world.send("POST", "/api/v1/check", &json, world::signed(&wants)).await.ok(200);
    assert_eq!(refused["refused"]["code"], "POLICY_REFUSED", "{refused}");
    world.send("POST", "/api/v1/check", &json, "{").await.refused(400, "INVALID_JSON");
    world.send("POST", "/api/v1/check?id=a", &json, &signed).await.refused(400, "VALIDATION_FAILED");
    world.send("POST", "/api/v1/check?colour=a", &json, &signed).await.refused(400, "VALIDATION_FAILED");
    world
        .send("POST", "/api/v1/check", &[("content-type", "text/plain")], "a")
        .await
        .refused(415, "UNSUPPORTED_MEDIA_TYPE");
    world.end().await;

    let config = ServerConfig { max_body: 100, ..ServerConfig::default() };
    let world = World::with(Setup { key: Some("a key that is long enough"), config, ..Setup::default() });
    world.send("POST", "/api/v1/check", &json, &signed).await.refused(401, "AUTH_REQUIRED");
    let shown = [json[0], ("x-runtime-api-key", "a key that is long enough")];
    world.send("POST", "/api/v1/check", &shown, &signed).await.refused(413, "PAYLOAD_TOO_LARGE");
    let led = world.send("GET", "/flows/greet", &[("accept", "text/html")], "").await;
    assert_eq!((led.status, &led.headers["location"]), (303, &"/login?next=%2Fflows%2Fgreet".parse().unwrap()));
    world.end().await;
}
