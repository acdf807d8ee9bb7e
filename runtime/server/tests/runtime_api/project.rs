//! Managed projects.

use bloom_runtime::record::{CloneStatus, NodeStatus, NodeStatusId, ProjectId, WorkerId};
use serde_json::{Value, json};

use crate::stand_in::{NOWHERE, StandIn, agent, plane};
use crate::world::{START, World};

const PROJECTS: &str = "/api/runtime/projects";

async fn created(world: &World, more: Value) -> String {
    let mut body = json!({ "name": "garden", "repo_url": "https://example.org/garden.git" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let project = world.post(PROJECTS, body).await.ok(201);
    format!("{PROJECTS}/{}", project["id"].as_str().unwrap())
}

async fn node(world: &World, name: &str, url: &str) {
    world.post("/api/runtime/workers", json!({ "name": name, "url": url })).await.ok(201);
}

#[tokio::test]
async fn project_is_created_listed_and_deleted() {
    let world = World::new();
    assert_eq!(world.get(PROJECTS).await.ok(200), json!([]));
    let body =
        json!({ "name": "garden-seedling", "repo_url": "git@example.org:a/b.git", "target_path": "/srv/garden" });
    let project = world.post(PROJECTS, body.clone()).await.ok(201);
    let expected = json!({
        "id": project["id"], "name": "garden-seedling", "repo_url": "git@example.org:a/b.git",
        // The first 16 digits of the SHA-256 of the name.
        "canonical_id": project["canonical_id"], "target_path": "/srv/garden", "clone_status": "pending",
        "primary_node_id": null, "created_at": START, "updated_at": START, "error_message": null,
    });
    assert_eq!(project, expected);
    let canonical = bloom_ir::Digest::of(b"garden-seedling").hex();
    assert_eq!(project["canonical_id"], canonical[..16]);
    assert_eq!(world.post(PROJECTS, body).await.error(409), "A project with this name already exists");
    assert_eq!(world.get(PROJECTS).await.ok(200), json!([expected]));
    let path = format!("{PROJECTS}/{}", project["id"].as_str().unwrap());
    let mut detail = expected;
    detail["nodes"] = json!([]);
    assert_eq!(world.get(&path).await.ok(200), detail);
    assert_eq!(world.get(&format!("{path}/node-status")).await.ok(200), json!([]));
    assert_eq!(world.delete(&path).await.ok(200), json!({ "removed": true, "id": project["id"] }));
    assert_eq!(world.delete(&path).await.error(404), "Project not found");
    assert_eq!(world.get(&path).await.error(404), "Project not found");
    assert_eq!(world.actions().await, ["project_deleted", "project_created"]);
}

#[tokio::test]
async fn wrong_project_is_told_by_member() {
    let world = World::new();
    assert_eq!(world.post(PROJECTS, json!({})).await.wrong(), ["name", "repo_url"]);
    let body = json!({ "name": "a/b", "repo_url": "ext::sh -c id", "target_path": "../x", "primary_node_id": ".." });
    assert_eq!(world.post(PROJECTS, body).await.wrong(), ["name", "primary_node_id", "repo_url", "target_path"]);
    let body = json!({ "name": "x".repeat(257), "repo_url": "https://example.org/a" });
    assert_eq!(world.post(PROJECTS, body).await.wrong(), ["name"]);
    assert_eq!(world.get(PROJECTS).await.ok(200), json!([]));
}

#[tokio::test]
async fn project_is_cloned_to_a_node() {
    let world = World::new();
    let path = created(&world, json!({ "target_path": "/srv/garden" })).await;
    let clone = format!("{path}/clone");
    let none = json!({});
    assert_eq!(world.post(&format!("{PROJECTS}/none/clone"), none.clone()).await.error(404), "Project not found");
    assert!(world.post(&clone, none.clone()).await.error(400).starts_with("No target node"));
    assert_eq!(world.post(&clone, json!({ "node_id": "none" })).await.error(404), "Worker not found");
    world.puller("w1", 1).await;
    assert_eq!(world.post(&clone, json!({ "node_id": "w1" })).await.error(400), "Worker has no URL");
    assert_eq!(world.post(&clone, json!({ "node_id": 1 })).await.wrong(), ["node_id"]);

    node(&world, "gone", NOWHERE).await;
    world.post(&clone, json!({ "node_id": "gone" })).await.error(502);
    let failed = world.get(&path).await.ok(200);
    assert_eq!((&failed["clone_status"], &failed["primary_node_id"]), (&json!("failed"), &Value::Null));
    assert!(failed["error_message"].is_string() && failed["nodes"][0]["error_message"].is_string(), "{failed}");
    assert_eq!(failed["nodes"][0]["clone_status"], "failed");

    let agent = agent().await;
    node(&world, "rpi4b", &agent.url).await;
    world.pass(7);
    let cloned = world.post(&clone, json!({ "node_id": "rpi4b" })).await.ok(200);
    assert_eq!(cloned, json!({ "status": "cloned", "node": "rpi4b", "result": { "path": "/home/pi/garden" } }));
    let [asked] = <[_; 1]>::try_from(agent.asked()).unwrap();
    assert_eq!((asked.what.as_str(), asked.key.as_deref()), ("POST /clone", Some("the agents' key")));
    let expected =
        json!({ "repo_url": "https://example.org/garden.git", "project_name": "garden", "target_path": "/srv/garden" });
    assert_eq!(asked.body, expected);
    let shown = world.get(&path).await.ok(200);
    assert_eq!(
        (&shown["clone_status"], &shown["primary_node_id"], &shown["error_message"], &shown["updated_at"]),
        (&json!("cloned"), &json!("rpi4b"), &Value::Null, &json!(START + 7))
    );
    let nodes = world.get(&format!("{path}/node-status")).await.ok(200);
    assert_eq!(nodes, shown["nodes"]);
    let on_node = json!({
        "id": nodes[1]["id"], "project_id": shown["id"], "node_id": "rpi4b", "clone_status": "cloned",
        "last_sync_at": START + 7, "error_message": null, "repo_path": "/home/pi/garden",
    });
    assert_eq!(nodes[1], on_node);
    // Without a node, the one that has it is meant.
    assert_eq!(world.post(&clone, none).await.ok(200)["node"], "rpi4b");
    assert_eq!(world.actions().await[..2], ["project_cloned", "project_cloned"]);
}

#[tokio::test]
async fn project_is_propagated_to_the_nodes_that_have_not_got_it() {
    let world = World::new();
    let path = created(&world, json!({})).await;
    let propagate = format!("{path}/propagate");
    assert_eq!(world.post(&format!("{PROJECTS}/none/propagate"), json!({})).await.error(404), "Project not found");
    world.puller("w1", 1).await;
    let nothing = json!({ "status": "nothing_to_propagate", "results": [] });
    assert_eq!(world.post(&propagate, json!({})).await.ok(200), nothing);
    let agents = [agent().await, agent().await];
    node(&world, "a", &agents[0].url).await;
    node(&world, "b", &agents[1].url).await;
    node(&world, "gone", NOWHERE).await;
    let first = world.post(&propagate, json!({})).await.ok(200);
    let error = first["results"][2]["error"].clone();
    assert!(error.is_string(), "{first}");
    let expected = json!({ "status": "partial", "results": [
        { "node_id": "a", "status": "cloned" }, { "node_id": "b", "status": "cloned" },
        { "node_id": "gone", "status": "failed", "error": error },
    ] });
    assert_eq!(first, expected);
    let shown = world.get(&path).await.ok(200);
    assert_eq!((&shown["clone_status"], &shown["error_message"]), (&json!("cloned"), &json!("1 of 3 nodes failed")));
    // Who has it is not asked again.
    for agent in &agents {
        drop(agent.asked());
    }
    node_moves(&world, "gone", &agents[0].url).await;
    let second = world.post(&propagate, json!({})).await.ok(200);
    assert_eq!(second, json!({ "status": "synced", "results": [{ "node_id": "gone", "status": "cloned" }] }));
    assert_eq!((agents[0].asked().len(), agents[1].asked().len()), (1, 0));
    assert_eq!(world.get(&path).await.ok(200)["clone_status"], "synced");
    assert_eq!(world.post(&propagate, json!({})).await.ok(200), nothing);
    assert_eq!(world.actions().await[..1], ["project_propagated"]);
}

async fn node_moves(world: &World, name: &str, url: &str) {
    world.post("/api/runtime/workers", json!({ "name": name, "url": url })).await.ok(200);
}

#[tokio::test]
async fn node_that_clones_is_not_told_to_again() {
    let world = World::new();
    let path = created(&world, json!({})).await;
    let agent = agent().await;
    node(&world, "a", &agent.url).await;
    let (_, id) = path.rsplit_once('/').unwrap();
    let record = world.store.project(&ProjectId::new(id)).await.unwrap().unwrap();
    let status = NodeStatus {
        id: NodeStatusId::new("s1"),
        project: record.id.clone(),
        node: WorkerId::new("a"),
        status: CloneStatus::Cloning,
        last_sync_at: None,
        error: None,
        repo_path: None,
    };
    world.store.put_project(record.clone(), vec![status.clone()], vec![]).await.unwrap();
    for (act, body) in [("clone", json!({ "node_id": "a" })), ("propagate", json!({}))] {
        let refused = world.post(&format!("{path}/{act}"), body).await.error(409);
        assert_eq!(refused, "The project is being cloned to a");
    }
    assert_eq!(agent.asked(), []);
    let cloned = NodeStatus { status: CloneStatus::Failed, ..status };
    world.store.put_project(record, vec![cloned], vec![]).await.unwrap();
    world.post(&format!("{path}/clone"), json!({ "node_id": "a" })).await.ok(200);
}

#[tokio::test]
async fn what_a_killed_server_was_doing_has_failed() {
    let world = World::new();
    let path = created(&world, json!({})).await;
    let project = world.get(&path).await.ok(200)["id"].as_str().unwrap().to_owned();
    let id = bloom_runtime::record::ProjectId::new(project);
    // What the server was doing when it was killed.
    let mut record = world.store.project(&id).await.unwrap().unwrap();
    record.status = bloom_runtime::record::CloneStatus::Propagating;
    world.store.put_project(record, vec![], vec![]).await.unwrap();
    assert_eq!(world.get(&path).await.ok(200)["clone_status"], "propagating");
    world.serve(0).await;
    let failed = async {
        while world.get(&path).await.ok(200)["clone_status"] != "failed" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), failed).await.expect("it is taken up at the next start");
    assert!(world.get(&path).await.ok(200)["error_message"].as_str().unwrap().contains("stopped"));
}

#[tokio::test]
async fn memory_is_brought_by_the_control_plane() {
    let plane: StandIn = plane().await;
    let world = World::with(|config| config.control_plane.url = Some(plane.url.clone()));
    let path = created(&world, json!({ "primary_node_id": "rpi4b" })).await;
    let sync = format!("{path}/sync-memory");
    let push = json!({ "direction": "push" });
    assert_eq!(world.post(&format!("{PROJECTS}/none/sync-memory"), push.clone()).await.error(404), "Project not found");
    assert_eq!(world.post(&sync, json!({ "direction": "up", "node_id": 1 })).await.wrong(), ["direction", "node_id"]);
    assert_eq!(world.post(&sync, json!({})).await.wrong(), ["direction"]);
    let done = world.post(&sync, push.clone()).await.ok(200);
    assert_eq!(done, json!({ "status": "ok", "direction": "push", "node": "rpi4b", "result": { "ok": true } }));
    let done = world.post(&sync, json!({ "direction": "pull", "node_id": "rpi5" })).await.ok(200);
    assert_eq!((&done["direction"], &done["node"]), (&json!("pull"), &json!("rpi5")));
    let asked = plane.asked();
    assert_eq!((asked[0].what.as_str(), asked[1].what.as_str()), ("POST /sync/push", "POST /sync/pull"));
    assert_eq!(asked[1].body, json!({ "agent_name": "rpi5", "project_name": "garden" }));
    assert_eq!(world.actions().await[..2], ["memory_sync_pull", "memory_sync_push"]);
    plane.answer("POST /sync/push", 500, json!({ "detail": "no" }));
    assert!(world.post(&sync, push).await.error(502).contains("no"));
    assert_eq!(plane.asked().len(), 1, "it may have been done, and is not asked again");

    let alone = World::new();
    let path = created(&alone, json!({})).await;
    let sync = format!("{path}/sync-memory");
    assert!(alone.post(&sync, json!({ "direction": "pull" })).await.error(400).starts_with("No target node"));
    alone.post(&sync, json!({ "direction": "pull", "node_id": "a" })).await.error(502);
}
