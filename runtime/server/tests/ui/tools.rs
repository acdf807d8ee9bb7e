use bloom_ir::Digest;
use bloom_runtime::record::FlowRecord;
use bloom_runtime::store::Store as _;
use serde_json::json;

use crate::fleet::{between, page, page_in, status};
use crate::world::{World, component, flow, signed};

#[tokio::test]
async fn tools_are_listed_and_shown_with_their_flows() {
    let world = World::new();
    let list = page(&world, "/tools").await;
    let row = between(&list, "data-tool=\"read-notes\"", "</tr>");
    let digest = Digest::of(b"read-notes").to_string();
    assert!(row.contains("1.0.0") && row.contains("played") && row.contains(&digest) && row.contains("reads"), "{row}");
    let nodes = json!({ "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "into": "a", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "v['a']" } });
    let mut calling = flow("calls", "1.0.0", &nodes);
    calling["policy"]["allowed_tools"] =
        json!({ "read-notes": { "effect": "read", "digest": digest, "capabilities": [] } });
    let run = world.run(&calling).await;
    assert_eq!(run["status"], "failed", "its tool fails: {run}");
    let shown = page(&world, "/tools/read-notes").await;
    let callers = between(&shown, "id=\"flows\"", "</table>");
    assert!(
        callers.contains("href=\"/flows/calls\"")
            && callers.contains("this one")
            && callers.contains("state-completed"),
        "{callers}"
    );
    let calls: Vec<&str> =
        shown.split("<dd class=\"large\">").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(calls, ["0", "1", "0"], "completed, failed, trapped");
    assert!(shown.contains("It asks for nothing"), "{shown}");
    assert!(page_in(&world, "/tools/read-notes", "uk").await.contains("Не просить нічого"));
    assert_eq!(status(&world, "/tools/none").await, 404);
    assert_eq!(status(&world, "/tools/read-notes?digest=sha256:00").await, 404);
    world.end().await;
}

#[tokio::test]
async fn what_a_tool_asks_for_is_shown_with_what_is_granted() {
    let world = World::new();
    let added = world.send("POST", "/api/v1/tools", &[("content-type", "application/wasm")], component("asking")).await;
    let digest = added.ok(202)["digest"].as_str().unwrap().to_owned();
    for _ in 0..12_000 {
        if world.get(&format!("/api/v1/tools/by-digest/{digest}")).await.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let mut calling =
        flow("fetches", "1.0.0", &json!({ "n1": { "type": "return", "status": "completed", "value": "null" } }));
    let capabilities = json!(["files:notes", "http:api.example.org"]);
    calling["policy"]["allowed_tools"] =
        json!({ "asking": { "effect": "read", "digest": digest, "capabilities": capabilities } });
    calling["policy"]["sandbox"] = json!("network");
    // It was published when all of that was granted.
    let (document, title) = (signed(&calling), String::from("Fetches"));
    let (id, version, hash) = (String::from("fetches"), String::from("1.0.0"), Digest::of(&document));
    let record = FlowRecord { hash, program: hash, id, version, title, stored_at: 1 };
    world.store.put_flow(record, document, Vec::new()).await.unwrap();
    let shown = page(&world, &format!("/tools/asking?digest={digest}")).await;
    let asked = between(&shown, "id=\"capabilities\"", "</table>");
    let (files, http) = asked.split_once("http:api.example.org").unwrap();
    assert!(files.contains("state-completed") && files.contains("fetches 1.0.0"), "{files}");
    let callers = between(&shown, "id=\"flows\"", "</table>");
    assert!(callers.contains("fetches") && callers.contains("state-failed"), "{callers}");
    assert!(http.contains("state-failed") && http.contains("was not granted &#60;script"), "{http}");
    assert!(between(&shown, "id=\"limits\"", "</dl>").contains("64 MiB"), "{shown}");
    world.end().await;
}
