//! Owners: how they log in, what their sessions reach, and how these end.

use std::time::Duration;

use axum::http::HeaderMap;
use bloom_runtime::record::Actor;
use bloom_runtime::store::Store as _;
use bloom_server::{HashedPassword, Owners, SESSION, ServerConfig};
use futures::future::join_all;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use crate::world::{Answered, DIAGRAM, Setup, World, plain, proposing, signed};

const KEY: &str = "a key that is long enough";
pub(crate) const NAME: &str = "Олена Їжак";
pub(crate) const PASSWORD: &str = "їжачок у тумані";
const OWN: (&str, &str) = ("origin", "http://127.0.0.1:5000");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A server with a key and an owner.
async fn world() -> World {
    world_with(Setup { key: Some(KEY), ..Setup::default() }).await
}

async fn world_with(setup: Setup) -> World {
    let world = World::with(setup);
    add_owner(&world).await;
    world
}

/// Adds an owner, before the server is first asked for one.
pub(crate) async fn add_owner(world: &World) {
    let mut owners = Owners::default();
    let password = HashedPassword::of(&PASSWORD.into(), "salt").unwrap();
    let note = owners.set(&NAME.parse().unwrap(), password, &Actor("owner".to_owned()), 1);
    let text = serde_json::to_string(&owners).unwrap();
    assert!(!text.contains("їжачок"), "{text}");
    world.store.put_setting(Owners::SETTING, text, vec![note]).await.unwrap();
}

async fn log_in(world: &World, name: &str, password: &str) -> Answered {
    world.post("/api/v1/session", &json!({ "name": name, "password": password })).await
}

/// The token of a new session.
async fn token(world: &World) -> String {
    let opened = log_in(world, NAME, PASSWORD).await.ok(201);
    assert_eq!(opened["owner"], NAME);
    opened["token"].as_str().unwrap().to_owned()
}

async fn by_token(world: &World, token: &str, method: &str, path: &str, body: &Json) -> Answered {
    let bearer = format!("Bearer {token}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.send(method, path, &[("authorization", &bearer), ("content-type", "application/json")], body).await
}

async fn form(world: &World, name: &str, password: &str, headers: &[(&str, &str)]) -> Answered {
    let pairs = [("name", name), ("password", password)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    world.send("POST", "/api/v1/session", &[&[FORM], headers].concat(), body).await
}

fn cookie_of(headers: &HeaderMap) -> String {
    headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// What the audit log says was done, and by whom, the newest first.
async fn audited(world: &World) -> Vec<(String, String)> {
    let log = world.send("GET", "/api/v1/audit?limit=1000", &[("x-runtime-api-key", KEY)], "").await.ok(200);
    let text = |entry: &Json, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = log["entries"].as_array().unwrap().iter().rev();
    entries.map(|entry| (text(entry, "action"), text(entry, "actor"))).collect()
}

#[tokio::test]
async fn who_logs_in_is_known_by_name_until_the_session_ends() {
    let world = world().await;
    for (name, password) in [(NAME, "їжачок у тумані "), ("Олена", PASSWORD), ("", ""), ("a\nb", PASSWORD)]
    {
        let told = log_in(&world, name, password).await.refused(401, "AUTH_REQUIRED");
        assert_eq!(told["message"], "the name or the password is wrong", "nobody learns which");
    }
    for body in [json!({}), json!({ "name": NAME }), json!({ "name": NAME, "password": PASSWORD, "more": 1 })] {
        world.post("/api/v1/session", &body).await.refused(400, "VALIDATION_FAILED");
    }
    world
        .send("POST", "/api/v1/session", &[("content-type", "application/json")], "{")
        .await
        .refused(400, "INVALID_JSON");
    let token = token(&world).await;
    assert!(token.starts_with("bos_"));
    let who = by_token(&world, &token, "GET", "/api/v1/session", &Json::Null).await.ok(200);
    assert_eq!((&who["identity"], &who["owner"]), (&json!("owner:Олена Їжак"), &json!(NAME)));
    assert!(who["opened_at"].is_string() && who["expires_at"].is_string(), "{who}");
    // What takes a key takes the token.
    world.send("GET", "/api/v1/session", &[("x-runtime-api-key", &token)], "").await.ok(200);
    by_token(&world, &token, "GET", "/api/runtime/stats", &Json::Null).await.ok(200);
    by_token(&world, &token, "GET", "/api/v1/runs", &Json::Null).await.ok(200);
    let kept = world.store.setting(Owners::SETTING).await.unwrap().unwrap();
    assert!(kept.contains(NAME) && !kept.contains(&token[4..]), "the token itself is kept nowhere");

    let operator = world.send("GET", "/api/v1/session", &[("x-runtime-api-key", KEY)], "").await.ok(200);
    assert_eq!(operator, json!({ "identity": "operator", "owner": null, "opened_at": null, "expires_at": null }));
    world.send("GET", "/api/v1/session", &[], "").await.refused(401, "AUTH_REQUIRED");
    world.send("DELETE", "/api/v1/session", &[("x-runtime-api-key", KEY)], "").await.refused(404, "NOT_FOUND");
    assert_eq!(by_token(&world, &token, "DELETE", "/api/v1/session", &Json::Null).await.status, 204);
    by_token(&world, &token, "GET", "/api/v1/session", &Json::Null).await.refused(401, "AUTH_REQUIRED");
    let (actions, by) = (audited(&world).await, "owner:Олена Їжак".to_owned());
    assert_eq!(actions[..2], [("session_closed".to_owned(), by.clone()), ("session_opened".to_owned(), by)]);
    world.end().await;
}

#[tokio::test]
async fn a_session_is_over_after_a_day() {
    let world = world().await;
    let token = token(&world).await;
    world.pass(SESSION.saturating_sub(Duration::from_mins(1)));
    by_token(&world, &token, "GET", "/api/v1/session", &Json::Null).await.ok(200);
    world.pass(Duration::from_mins(1));
    by_token(&world, &token, "GET", "/api/v1/runs", &Json::Null).await.refused(401, "TOKEN_EXPIRED");
    let old = by_token(&world, &token, "GET", "/api/runtime/stats", &Json::Null).await;
    assert_eq!((old.status, old.json()), (401, json!({ "error": "Unauthorized" })));
    let cookie = format!("bloom_session={token}");
    world.send("GET", "/api/v1/runs", &[("cookie", &cookie)], "").await.refused(401, "TOKEN_EXPIRED");
    world.end().await;
}

#[tokio::test]
async fn a_session_outlives_the_server_but_not_its_secret() {
    let world = world().await;
    let token = token(&world).await;
    let store = world.store.clone();
    world.end().await;
    let with = |secret: Option<&str>| {
        let config = ServerConfig { session_secret: secret.map(Into::into), ..ServerConfig::default() };
        World::with(Setup { key: Some(KEY), config, store: Some(store.clone()), ..Setup::default() })
    };
    let again = with(None);
    by_token(&again, &token, "GET", "/api/v1/session", &Json::Null).await.ok(200);
    again.end().await;
    let another = with(Some("secret"));
    by_token(&another, &token, "GET", "/api/v1/session", &Json::Null).await.refused(401, "AUTH_REQUIRED");
    another.end().await;
}

#[tokio::test]
async fn the_page_logs_in_and_out_without_a_script() {
    let world = world().await;
    let page = async |headers: &[(&str, &str)]| {
        let answered = world.send("GET", "/login", headers, "").await;
        assert_eq!(
            (answered.status, &answered.headers["content-type"]),
            (200, &"text/html; charset=utf-8".parse().unwrap())
        );
        let policy = answered.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("script"), "{policy}");
        assert_eq!(answered.headers["referrer-policy"], "same-origin", "else the form's origin would be null");
        let text = answered.text();
        assert!(!text.contains("<script") && !text.contains("://"), "{text}");
        text
    };
    assert!(page(&[]).await.contains("<html lang=\"en\""));
    let text = page(&[("accept-language", "uk-UA,uk;q=0.9,en;q=0.8")]).await;
    assert!(
        text.contains("<html lang=\"uk\"") && text.contains("Увійти") && text.contains("type=\"password\""),
        "{text}"
    );
    assert!(!text.contains("bloom owner set"), "somebody can log in");

    let wrong = form(&world, NAME, "не той пароль зовсім", &[OWN, ("accept-language", "uk")]).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("Ім&#39;я або пароль неправильні.") && wrong.text().contains("<form"), "{wrong:?}");
    let opened = form(&world, NAME, PASSWORD, &[OWN]).await;
    assert_eq!((opened.status, &opened.headers["location"]), (303, &"/".parse().unwrap()));
    let set = opened.headers["set-cookie"].to_str().unwrap();
    assert!(set.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict"), "{set}");
    let cookie = cookie_of(&opened.headers);
    let text = page(&[("cookie", &format!("theme=dark; {cookie}"))]).await;
    assert!(text.contains("<strong>Олена Їжак</strong>") && text.contains("action=\"/logout\""), "{text}");

    let out = async |headers: &[(&str, &str)]| world.send("POST", "/logout", headers, "").await;
    out(&[("cookie", &cookie)]).await.refused(403, "FORBIDDEN");
    out(&[("cookie", &cookie), ("origin", "https://evil.example.org")]).await.refused(403, "FORBIDDEN");
    world.send("GET", "/api/v1/session", &[("cookie", &cookie)], "").await.ok(200);
    let gone = out(&[("cookie", &cookie), OWN]).await;
    assert_eq!((gone.status, cookie_of(&gone.headers).as_str()), (303, "bloom_session="));
    world.send("GET", "/api/v1/session", &[("cookie", &cookie)], "").await.refused(401, "AUTH_REQUIRED");
    assert_eq!(out(&[OWN]).await.status, 303, "who is out already is out");
    world.end().await;
}

#[tokio::test]
async fn with_a_cookie_only_a_page_of_this_server_changes_anything() {
    let world = world().await;
    let opened = form(&world, NAME, PASSWORD, &[("sec-fetch-site", "same-origin"), ("origin", "null")]).await;
    assert_eq!(opened.status, 303, "{opened:?}");
    let cookie = cookie_of(&opened.headers);
    let flow = signed(&plain("greet", "1.0.0"));
    let publish = async |headers: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie.as_str()), ("content-type", "application/json")], headers].concat();
        world.send("POST", "/api/v1/flows", &headers, &flow).await
    };
    let refused: [&[(&str, &str)]; 8] = [
        &[],
        &[("origin", "null")],
        &[("origin", "https://evil.example.org")],
        &[("origin", "http://127.0.0.1:5001")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), OWN],
        &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example.org")],
    ];
    for headers in refused {
        let told = publish(headers).await.refused(403, "FORBIDDEN");
        assert!(told["message"].as_str().unwrap().contains("Origin"), "{told}");
    }
    let stranger = world.send("POST", "/api/runtime/llm-tasks", &[("cookie", &cookie)], "{}").await;
    assert_eq!(stranger.status, 403);
    assert!(stranger.json()["error"].as_str().unwrap().contains("Origin"), "in the shape of its group: {stranger:?}");
    // Reading needs neither, as no page of another origin can read the answer.
    world.send("GET", "/api/v1/flows", &[("cookie", &cookie)], "").await.ok(200);
    publish(&[OWN]).await.ok(201);
    publish(&[("sec-fetch-site", "same-origin")]).await.ok(200);
    publish(&[("sec-fetch-site", "none")]).await.ok(200);
    // A token or a key is not added by browsers, so it needs no origin; it stands over the cookie.
    let token = token(&world).await;
    let bearer = format!("Bearer {token}");
    publish(&[("authorization", &bearer)]).await.ok(200);
    publish(&[("x-runtime-api-key", KEY)]).await.ok(200);
    publish(&[("x-runtime-api-key", "wrong"), OWN]).await.refused(401, "AUTH_REQUIRED");
    // Nobody has a person log in to another's session from elsewhere.
    let foreign = form(&world, NAME, PASSWORD, &[("origin", "https://evil.example.org")]).await;
    assert!(foreign.status == 403 && !foreign.headers.contains_key("set-cookie"), "{foreign:?}");
    assert_eq!(form(&world, NAME, PASSWORD, &[]).await.status, 403);
    world.end().await;
}

#[tokio::test]
async fn the_cookie_of_a_server_that_is_reached_by_https_goes_over_https_only() {
    let config = ServerConfig { public_url: Some("https://bloom.example.org".to_owned()), ..ServerConfig::default() };
    let world = world_with(Setup { key: Some(KEY), config, ..Setup::default() }).await;
    let opened = form(&world, NAME, PASSWORD, &[("origin", "https://bloom.example.org")]).await;
    assert!(opened.headers["set-cookie"].to_str().unwrap().ends_with("; SameSite=Strict; Secure"), "{opened:?}");
    world.end().await;
}

#[tokio::test]
async fn a_decision_bears_the_name_of_the_person() {
    let world = world_with(Setup::default()).await;
    world.run(&proposing("archivist")).await;
    let pending = world.get("/api/v1/proposals/pending").await.ok(200);
    let ids: Vec<&str> =
        pending["proposals"].as_array().unwrap().iter().map(|proposal| proposal["id"].as_str().unwrap()).collect();
    let token = token(&world).await;
    let rejected = json!({ "status": "rejected", "decision_note": "не те, що треба" });
    let path = format!("/api/v1/proposals/{}", ids[0]);
    let decided = by_token(&world, &token, "PATCH", &path, &rejected).await.ok(200);
    assert_eq!(decided["approval"]["decided_by"], "owner:Олена Їжак");
    let both = json!({ "proposal_ids": [ids[1]], "status": "approved" });
    assert_eq!(by_token(&world, &token, "PATCH", "/api/v1/proposals/batch", &both).await.ok(200)["updated"], 1);
    let whole = world.get(&format!("/api/v1/proposals/{}", ids[1])).await.ok(200);
    assert_eq!(whole["approval"]["decided_by"], "owner:Олена Їжак");
    let actions = audited(&world).await;
    for action in ["proposal_rejected", "proposal_approved"] {
        assert!(actions.contains(&(action.to_owned(), "owner:Олена Їжак".to_owned())), "{actions:?}");
    }
    world.end().await;
}

#[tokio::test]
async fn where_no_key_is_needed_a_session_still_is_the_person() {
    let world = world_with(Setup::default()).await;
    let who = async |headers: &[(&str, &str)]| world.send("GET", "/api/v1/session", headers, "").await;
    assert_eq!(who(&[]).await.ok(200)["identity"], "operator");
    let token = token(&world).await;
    let cookie = format!("bloom_session={token}");
    assert_eq!(who(&[("cookie", &cookie)]).await.ok(200)["owner"], NAME);
    // A cookie may be another server's of the same host; a token that is shown is meant for this one.
    assert_eq!(who(&[("cookie", "bloom_session=bos_old")]).await.ok(200)["identity"], "operator");
    who(&[("authorization", "Bearer bos_old")]).await.refused(401, "AUTH_REQUIRED");
    let write = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    world.send("POST", "/api/v1/flows", &write, signed(&plain("greet", "1.0.0"))).await.refused(403, "FORBIDDEN");
    world.end().await;
}

#[tokio::test]
async fn who_gets_another_password_or_is_removed_has_no_session() {
    let world = world().await;
    let (token, olena) =
        (token(&world).await, "/api/v1/owners/%D0%9E%D0%BB%D0%B5%D0%BD%D0%B0%20%D0%87%D0%B6%D0%B0%D0%BA");
    let new = json!({ "password": "зовсім інший пароль" });
    let by_key = world.send("PUT", "/api/v1/owners/Petro", &[("x-runtime-api-key", KEY)], new.to_string()).await;
    by_key.refused(403, "FORBIDDEN");
    let by_key = world.send("DELETE", olena, &[("x-runtime-api-key", KEY)], "").await;
    by_key.refused(403, "FORBIDDEN");
    let put = async |path: &str, body: &Json| by_token(&world, &token, "PUT", path, body).await;
    for (path, body) in [
        ("/api/v1/owners/Petro", json!({ "password": "коротко" })),
        ("/api/v1/owners/Petro", json!({ "password": "x".repeat(1025) })),
        ("/api/v1/owners/Petro", json!({})),
        ("/api/v1/owners/%0A", new.clone()),
    ] {
        put(path, &body).await.refused(400, "VALIDATION_FAILED");
    }
    by_token(&world, &token, "DELETE", olena, &Json::Null).await.refused(409, "INVALID_TRANSITION");
    by_token(&world, &token, "DELETE", "/api/v1/owners/Nobody", &Json::Null).await.refused(404, "NOT_FOUND");
    let petro = put("/api/v1/owners/Petro", &new).await.ok(200);
    assert_eq!((&petro["name"], &petro["set_by"]), (&json!("Petro"), &json!("owner:Олена Їжак")));
    let listed = world.send("GET", "/api/v1/owners", &[("x-runtime-api-key", KEY)], "").await.ok(200);
    assert_eq!((&listed["owners"][0]["name"], &listed["owners"][1]["name"]), (&json!(NAME), &json!("Petro")));
    assert!(!listed.to_string().contains("argon2"), "{listed}");

    put(olena, &new).await.ok(200);
    by_token(&world, &token, "GET", "/api/v1/session", &Json::Null).await.refused(401, "AUTH_REQUIRED");
    log_in(&world, NAME, PASSWORD).await.refused(401, "AUTH_REQUIRED");
    let opened = log_in(&world, NAME, "зовсім інший пароль").await.ok(201);
    let again = opened["token"].as_str().unwrap();
    let petro = log_in(&world, "Petro", "зовсім інший пароль").await.ok(201)["token"].as_str().unwrap().to_owned();
    assert_eq!(by_token(&world, again, "DELETE", "/api/v1/owners/Petro", &Json::Null).await.status, 204);
    by_token(&world, &petro, "GET", "/api/v1/session", &Json::Null).await.refused(401, "AUTH_REQUIRED");
    world.end().await;
}

#[tokio::test]
async fn many_log_in_at_once() {
    let world = world().await;
    let tokens: Vec<String> = join_all((0..8).map(|_| token(&world))).await;
    let mut different = tokens.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 8);
    for token in &tokens {
        by_token(&world, token, "GET", "/api/v1/session", &Json::Null).await.ok(200);
    }
    world.end().await;
}

#[tokio::test]
async fn an_address_that_guesses_passwords_is_not_listened_to() {
    let world = world().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v1/session", listener.local_addr().unwrap());
    let serving = tokio::spawn(world.server.clone().serve(listener, std::future::pending()));
    let client = bloom_worker::Trust::usual().client().build().unwrap();
    let asked = async |body: Json| {
        let sent = client.post(&url).header("content-type", "application/json").body(body.to_string());
        sent.send().await.unwrap().status().as_u16()
    };
    let mut told = Vec::new();
    while told.len() < 500 && told.last() != Some(&429) {
        told.extend(join_all((0..5).map(|_| asked(json!({ "name": "guess", "password": "a guess of mine" })))).await);
    }
    assert!(told.iter().filter(|status| **status == 401).count() >= 20 && told.last() == Some(&429), "{told:?}");
    assert_eq!(asked(json!({ "name": NAME, "password": PASSWORD })).await, 429, "whatever it shows");
    let page =
        client.post(&url).header(FORM.0, FORM.1).header("sec-fetch-site", "same-origin").body("name=a&password=b");
    let page = page.send().await.unwrap();
    assert_eq!(page.status().as_u16(), 429);
    assert!(page.text().await.unwrap().contains("Too many wrong attempts"));
    serving.abort();
    world.end().await;
}

#[tokio::test]
async fn a_diagram_is_published_by_the_decision_of_a_person() {
    let config = ServerConfig { signing_key: Some(crate::world::key()), ..ServerConfig::default() };
    let world = world_with(Setup { key: Some(KEY), config, ..Setup::default() }).await;
    let diagram = plain("greet", "1.0.0").to_string();
    let token = token(&world).await;
    let bearer = format!("Bearer {token}");
    let publish = async |who: (&str, &str), query: &str, body: &str| {
        let headers = [who, ("content-type", "application/octet-stream")];
        world.send("POST", &format!("/api/v1/flows{query}"), &headers, body).await
    };
    let person = ("authorization", bearer.as_str());
    let told = publish(("x-runtime-api-key", KEY), "?name=greet.drakon", &diagram).await.refused(403, "FORBIDDEN");
    assert!(told["message"].as_str().unwrap().contains("only an owner who is logged in"), "{told}");
    publish(person, "", &diagram).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    publish(person, "?version=1.0.0", &diagram).await.refused(400, "VALIDATION_FAILED");
    let found = publish(person, "?name=greet.drakon", "{}").await.refused(422, "COMPILE_FAILED");
    assert!(found["details"]["diagnostics"][0]["code"].is_string(), "{found}");

    let query = "?name=%D0%BF%D1%80%D0%B8%D0%B2%D1%96%D1%82.drakon&version=2.0.0";
    let published = publish(person, query, &diagram).await.ok(201);
    assert_eq!((&published["id"], &published["version"]), (&json!("greet"), &json!("2.0.0")));
    assert_eq!(published["signers"], json!([crate::world::key().public().id()]));
    publish(person, query, &diagram).await.ok(200);
    let other = diagram.replace("'ok': true", "'ok': false");
    publish(person, query, &other).await.refused(409, "FLOW_CONFLICT");
    let key = [("x-runtime-api-key", KEY)];
    let log = world.send("GET", "/api/v1/audit?limit=1000", &key, "").await.ok(200);
    let entry = log["entries"].as_array().unwrap().iter().find(|entry| entry["action"] == "flow_published").unwrap();
    let hash = bloom_ir::Digest::of(diagram.as_bytes());
    assert_eq!(entry["actor"], "owner:Олена Їжак");
    assert_eq!(entry["detail"], json!({ "ir": published["hash"], "source": hash.to_string() }));
    let path = format!("/api/v1/flows/greet/versions/{}/source", published["hash"].as_str().unwrap());
    assert_eq!(world.send("GET", &path, &key, "").await.text(), diagram);
    let run = by_token(&world, &token, "POST", "/api/v1/flows/greet/runs?wait=30", &json!({})).await.ok(200);
    assert_eq!(run["status"], "completed");
    // What is signed already is published as before.
    world.send("POST", "/api/v1/flows", &key, signed(&plain("other", "1.0.0"))).await.ok(201);
    world.end().await;

    let world = world_with(Setup { key: Some(KEY), ..Setup::default() }).await;
    let bearer = format!("Bearer {}", log_in(&world, NAME, PASSWORD).await.ok(201)["token"].as_str().unwrap());
    let refused = world.send("POST", "/api/v1/flows?name=a.drakon", &[("authorization", &bearer)], DIAGRAM).await;
    refused.refused(422, "POLICY_REFUSED");
    world.end().await;
}
