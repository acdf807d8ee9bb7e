//! Settings: what is told of them, and that no secret is.

use std::collections::BTreeMap;

use bloom_runtime::engine::{Allowance, Budget, Budgets};
use bloom_server::{ControlPlaneConfig, ServerConfig};
use serde_json::{Value as Json, json};

use crate::pages::{KEY, NAME, OWN, owner, page_as, section, shown, with_key};
use crate::world::{Setup, World, asking_llm};

async fn by(world: &World, cookie: &str, method: &str, path: &str, body: &Json) -> Json {
    let headers = [("cookie", cookie), OWN, ("content-type", "application/json")];
    let answered = world.send(method, path, &headers, body.to_string()).await;
    assert!((200..300).contains(&answered.status), "{}", answered.text());
    answered.json()
}

#[tokio::test]
async fn no_secret_stands_on_the_page() {
    let plane = ControlPlaneConfig {
        url: Some("http://plane.example.org".to_owned()),
        admin_key: Some("0123456789abcdefSECRET".into()),
        ..ControlPlaneConfig::default()
    };
    let config = ServerConfig {
        control_plane: plane,
        agent_key: Some("the agents' SECRET".into()),
        session_secret: Some("the sessions' SECRET".into()),
        ..ServerConfig::default()
    };
    let world = World::with(Setup { key: Some(KEY), config, ..Setup::default() });
    let cookie = owner(&world).await;
    let key = by(&world, &cookie, "POST", "/api/v1/worker-keys", &json!({ "worker": "rpi" })).await;
    let token = by(&world, &cookie, "POST", "/api/v1/enroll-tokens", &json!({ "worker": "nas" })).await;
    let page = shown(&page_as(&world, "/settings", &cookie, "en").await);
    for secret in [KEY, "SECRET", key["secret"].as_str().unwrap(), token["token"].as_str().unwrap(), "argon2", "bos_"] {
        assert!(!page.contains(secret), "{secret} stands in {page}");
    }
    let plane = section(&page, "control-plane");
    assert!(plane.contains("http://plane.example.org") && plane.contains("0123****CRET"), "{plane}");
    let keys = section(&page, "keys");
    assert!(keys.contains("rpi") && keys.contains(key["id"].as_str().unwrap()) && keys.contains(NAME), "{keys}");
    assert!(keys.contains(&format!("DELETE /api/v1/worker-keys/{}", key["id"].as_str().unwrap())), "{keys}");
    assert!(section(&page, "enroll").contains("nas") && section(&page, "enroll").contains("open"), "{page}");
    by(&world, &cookie, "DELETE", &format!("/api/v1/worker-keys/{}", key["id"].as_str().unwrap()), &json!({})).await;
    let page = shown(&page_as(&world, "/settings", &cookie, "en").await);
    assert!(section(&page, "keys").contains("revoked") && !section(&page, "keys").contains("DELETE"), "{page}");
    world.end().await;
}

#[tokio::test]
async fn owners_are_changed_by_owners_alone() {
    let world = with_key();
    let cookie = owner(&world).await;
    let page = shown(&page_as(&world, "/settings", &cookie, "en").await);
    let owners = section(&page, "owners");
    assert!(owners.contains(NAME) && owners.contains("(you)") && owners.contains("id=\"set-owner\""), "{owners}");
    let by_key = world.send("GET", "/settings", &[("x-runtime-api-key", KEY)], "").await;
    let by_key = shown(&by_key);
    let owners = section(&by_key, "owners");
    assert!(
        owners.contains(NAME) && !owners.contains("data-api") && owners.contains("/login?next=%2Fsettings"),
        "{owners}"
    );
    world.end().await;
}

#[tokio::test]
async fn what_agents_have_used_is_held_against_their_budgets() {
    let day = Allowance { calls: Some(10), ..Allowance::default() };
    let profiles = BTreeMap::from([("standard".to_owned(), Budget { day, ..Budget::default() })]);
    let budgets = Budgets { profiles, agents: BTreeMap::new() };
    let world = World::with(Setup { budgets, ..Setup::default() });
    let unused = shown(&page_as(&world, "/settings", "", "uk").await);
    assert!(section(&unused, "budgets").contains("Сьогодні LLM не викликали"), "{unused}");
    world.run(&asking_llm("greeter")).await;
    let page = shown(&page_as(&world, "/settings", "", "en").await);
    let budgets = section(&page, "budgets");
    assert!(
        budgets.contains("data-agent=\"greeter\"") && budgets.contains("<meter") && budgets.contains("10 %"),
        "{budgets}"
    );
    assert!(
        section(&page, "limits").contains("8 MiB")
            && section(&page, "server").contains("data-fact=\"settings-version\"")
    );
    assert!(section(&page, "store").contains("can be read and written"), "{page}");
    world.end().await;
}

#[tokio::test]
async fn contexts_and_who_reads_them_are_shown() {
    let world = World::new();
    let cookie = owner(&world).await;
    by(&world, &cookie, "PUT", "/api/v1/contexts/%3Cscript%3Ealert/delegations/reader", &json!({})).await;
    let page = shown(&page_as(&world, "/settings", &cookie, "en").await);
    let contexts = section(&page, "contexts");
    assert!(
        contexts.contains("&#60;script&#62;alert")
            && contexts.contains("DELETE /api/v1/contexts/%3Cscript%3Ealert/delegations/reader")
    );
    assert!(contexts.contains("PUT /api/v1/contexts/{context}/delegations/{reader}"), "{contexts}");
    world.end().await;
}
