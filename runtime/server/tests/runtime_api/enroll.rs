//! A machine becomes a node with a token that was made for it.

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::install::{Machine, SCRIPT, is_there, ok, program};
use crate::stand_in::agent;
use crate::world::{Answer, World};

const EXCHANGE: &str = "/api/runtime/enroll";

/// Makes a token for a node.
async fn token(world: &World, worker: &str) -> String {
    let made = world.post("/api/v1/enroll-tokens", json!({ "worker": worker })).await.ok(201);
    assert_eq!((&made["worker"], &made["expires_at"]), (&json!(worker), &json!("2023-11-14T22:28:20.000Z")));
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("bet_"), "{token}");
    token
}

/// Exchanges it, with nothing else to show.
async fn exchange(world: &World, body: Value) -> Answer {
    world.send(Method::POST, EXCHANGE, Some(body.to_string()), None).await
}

async fn script(world: &World, query: &str) -> (u16, String) {
    let request = Request::get(format!("{SCRIPT}?{query}")).body(Body::empty()).unwrap();
    let response = world.respond(request).await;
    let status = response.status().as_u16();
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) {
    let body = answer.ok(status);
    assert_eq!(body["code"], code, "{body}");
    assert!(body["error"].as_str().unwrap().contains("enroll token"), "{body}");
}

#[tokio::test]
async fn a_token_becomes_the_key_of_one_node_once_also_over_a_restart() {
    let world = World::new();
    let token = token(&world, "rpi5").await;
    let kept = world.store.setting("enroll_tokens").await.unwrap().unwrap();
    assert!(!kept.contains(&token[4..]), "the token itself is kept nowhere");
    let world = world.restarted();

    let (status, text) = script(&world, &format!("agent=bloom&enroll={token}")).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("NODE_ID='rpi5'\n") && text.contains(&format!("ENROLL_TOKEN='{token}'\n")), "{text}");
    let other = world.send(Method::GET, &format!("{SCRIPT}?node_id=rpi4&enroll={token}"), None, None).await;
    assert_eq!(other.wrong(), ["node_id"], "it is for one node");

    let enrolled = exchange(&world, json!({ "token": token })).await.ok(201);
    assert_eq!((&enrolled["worker_id"], &enrolled["agent_key"]), (&json!("rpi5"), &Value::Null));
    let key = enrolled["worker_key"].as_str().unwrap();
    let register =
        |name: &str| Some(json!({ "name": name, "capabilities": { "provides": ["llm.command"] } }).to_string());
    world.send(Method::POST, "/api/runtime/workers", register("rpi5"), Some(key)).await.ok(201);
    world.send(Method::POST, "/api/runtime/workers", register("rpi4"), Some(key)).await.error(403);

    let world = world.restarted();
    refused(exchange(&world, json!({ "token": token })).await, 410, "ENROLL_USED");
    refused(world.get(&format!("{SCRIPT}?enroll={token}")).await, 410, "ENROLL_USED");
    let actions = world.actions().await;
    assert_eq!(actions[1..4], ["worker_key_issued", "worker_enrolled", "enroll_token_issued"]);
    let log = world.get("/api/runtime/audit").await.ok(200);
    assert_eq!((&log[2]["actor"], &log[2]["detail"]["worker"]), (&json!("worker:rpi5"), &json!("rpi5")));
    assert!(!log.to_string().contains(&token) && !log.to_string().contains(key), "{log}");
    let keys = world.get("/api/v1/worker-keys").await.ok(200);
    assert_eq!(keys["keys"][0]["created_by"], "operator", "who made the token answers for it");
}

#[tokio::test]
async fn what_is_no_token_or_no_longer_one_is_told_apart() {
    let world = World::new();
    let (first, late) = (token(&world, "rpi5").await, token(&world, "rpi4").await);
    let second = token(&world, "rpi5").await;
    for unknown in [first.as_str(), "bet_guess"] {
        refused(exchange(&world, json!({ "token": unknown })).await, 401, "ENROLL_UNKNOWN");
        let asked = world.send(Method::GET, &format!("{SCRIPT}?enroll={unknown}"), None, None).await;
        refused(asked, 401, "ENROLL_UNKNOWN");
    }
    for (body, wrong) in [(json!({}), vec!["token"]), (json!({ "token": 1, "agent": "java" }), vec!["agent", "token"])]
    {
        assert_eq!(exchange(&world, body).await.wrong(), wrong);
    }
    world.pass(15 * 60 * 1000 - 1);
    exchange(&world, json!({ "token": second })).await.ok(201);
    world.pass(1);
    refused(exchange(&world, json!({ "token": late })).await, 410, "ENROLL_EXPIRED");
    refused(world.send(Method::GET, &format!("{SCRIPT}?enroll={late}"), None, None).await, 410, "ENROLL_EXPIRED");
    for name in ["", "local:1", "a/b"] {
        assert_eq!(world.post("/api/v1/enroll-tokens", json!({ "worker": name })).await.status, 400, "{name:?}");
    }
}

#[tokio::test]
async fn a_token_reaches_the_script_and_nothing_else_and_only_who_has_the_key_makes_one() {
    let world = World::new();
    let token = token(&world, "rpi5").await;
    for path in ["/api/runtime/workers", "/api/runtime/workers/rpi5", "/api/v1/runs", SCRIPT] {
        assert_eq!(world.send(Method::GET, path, None, Some(&token)).await.status, 401, "{path}");
        if path != SCRIPT {
            assert_eq!(
                world.send(Method::GET, &format!("{path}?enroll={token}"), None, None).await.status,
                401,
                "{path}"
            );
        }
    }
    let body = || Some(json!({ "worker": "rpi6" }).to_string());
    for shown in [None, Some(token.as_str())] {
        assert_eq!(world.send(Method::POST, "/api/v1/enroll-tokens", body(), shown).await.status, 401);
    }
    let key = exchange(&world, json!({ "token": token })).await.ok(201)["worker_key"].as_str().unwrap().to_owned();
    assert_eq!(world.send(Method::POST, "/api/v1/enroll-tokens", body(), Some(&key)).await.status, 403);
}

#[tokio::test]
async fn two_who_show_a_token_at_once_do_not_both_get_a_key() {
    let world = World::new();
    let token = token(&world, "rpi5").await;
    let body = || json!({ "token": token });
    let many = futures::future::join_all((0..8).map(|_| exchange(&world, body()))).await;
    let mut statuses: Vec<u16> = many.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 410, 410, 410, 410, 410, 410, 410]);
}

#[tokio::test]
async fn an_address_that_guesses_tokens_is_not_listened_to() {
    let world = World::new();
    let token = token(&world, "rpi5").await;
    let (url, serving) = world.serve(0).await;
    let client = bloom_worker::Trust::usual().client().build().unwrap();
    let shown = async |token: &str| {
        let asked = client.post(format!("{url}{EXCHANGE}")).header("content-type", "application/json");
        asked.body(json!({ "token": token }).to_string()).send().await.unwrap().status().as_u16()
    };
    let mut told = Vec::new();
    while told.len() < 2000 && told.last() != Some(&429) {
        told.push(shown("bet_guess").await);
    }
    assert!(told.len() > 10 && told[..told.len() - 1].iter().all(|status| *status == 401), "{told:?}");
    assert_eq!(shown(&token).await, 429, "not even with the right one");
    let asked = client.get(format!("{url}{SCRIPT}?enroll={token}")).send().await.unwrap();
    assert_eq!(asked.status().as_u16(), 429);
    serving.abort();
}

#[tokio::test]
async fn an_agent_that_was_installed_with_a_token_is_shown_a_key_of_its_own() {
    let (own, shared) = (agent().await, agent().await);
    let world = World::new();
    let token = token(&world, "own").await;
    let enrolled = exchange(&world, json!({ "token": token, "agent": "python" })).await.ok(201);
    assert_eq!(enrolled["worker_key"], Value::Null);
    let key = enrolled["agent_key"].as_str().unwrap().to_owned();
    let world = world.restarted();
    for (name, agent) in [("own", &own), ("shared", &shared)] {
        world.post("/api/runtime/workers", json!({ "name": name, "url": agent.url })).await.ok(201);
        world.get(&format!("/api/runtime/workers/{name}/agent-health")).await.ok(200);
    }
    assert_eq!(own.asked()[0].key, Some(key));
    assert_eq!(shared.asked()[0].key.as_deref(), Some("the agents' key"));

    let silent = World::with(|config| config.agent_key = None);
    let token = self::token(&silent, "own").await;
    let enrolled = exchange(&silent, json!({ "token": token, "agent": "python" })).await.ok(201);
    assert_eq!(enrolled, json!({ "worker_id": "own", "worker_key": null, "agent_key": null }));
}

#[tokio::test]
async fn the_script_exchanges_the_token_while_it_installs() {
    if !is_there("curl") {
        println!("skipped: there is no curl here");
        return;
    }
    let world = World::new();
    let (url, serving) = world.serve(0).await;
    let token = token(&world, "rpi5").await;
    let encoded = url.replace(':', "%3A").replace('/', "%2F");
    let (status, text) = script(&world, &format!("agent=bloom&server_url={encoded}&enroll={token}")).await;
    assert_eq!(status, 200, "{text}");
    let place = tempfile::tempdir().unwrap();
    let bloom = program(place.path());
    let run = async |program: &str| {
        let (text, program) = (text.clone(), program.to_owned());
        // The script speaks to the server, which needs this thread.
        let ran = tokio::task::spawn_blocking(move || {
            let machine = Machine::new("systemd");
            (machine.run(&text, &[("BLOOM_INSTALL_PROGRAM", &program)]), machine)
        });
        ran.await.unwrap()
    };
    // What is found wrong before the exchange leaves the token as good as it was.
    let (missing, _) = run("/nowhere/bloom").await;
    assert!(!missing.status.success(), "{missing:?}");
    let (installed, machine) = run(&bloom).await;
    let told = ok(&installed);
    assert!(told.contains("bloom-worker is installed on rpi5") && !told.contains("It has no key"), "{told}");
    let settings = machine.read("etc/bloom/worker.env");
    let key = settings.split_once("BLOOM_WORKER_KEY='").unwrap().1.split_once('\'').unwrap().0.to_owned();
    assert!(key.starts_with("bwk_") && !settings.contains(&token), "{settings}");
    let body = Some(json!({ "name": "rpi5" }).to_string());
    world.send(Method::POST, "/api/runtime/workers", body, Some(&key)).await.ok(201);

    let (again, machine) = run(&bloom).await;
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && said.contains("this enroll token was used"), "{again:?}");
    assert!(!machine.root.path().join("etc/bloom/worker.env").exists());
    serving.abort();
}
