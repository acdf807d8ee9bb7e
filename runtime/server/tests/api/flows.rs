use bloom_ir::{Digest, SigningKey};
use serde_json::json;

use crate::world::{BLOT, DIAGRAM, World, flow, is_fault, plain, signed, signed_by};

#[tokio::test]
async fn a_signed_flow_is_published_once() {
    let world = World::new();
    let bytes = signed(&plain("greet", "1.0.0"));
    let first = world.send("POST", "/api/v1/flows", &[("content-type", "application/json")], &bytes).await.ok(201);
    let again = world.send("POST", "/api/v1/flows", &[], &bytes).await.ok(200);
    assert_eq!((&first["id"], &first["version"], &first["hash"]), (&again["id"], &again["version"], &again["hash"]));
    assert_eq!(first["signers"], json!([crate::world::key().public().id()]));
    let log = world.get("/api/v1/audit").await.ok(200);
    let published = log["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == "flow_published");
    assert_eq!(published.count(), 1, "{log}");
    world.end().await;
}

#[tokio::test]
async fn a_published_version_stays_what_it_is() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let other = flow("greet", "1.0.0", &json!({ "n1": { "type": "return", "status": "completed", "value": "1" } }));
    let refused = world.send("POST", "/api/v1/flows", &[], signed(&other)).await;
    refused.refused(409, "FLOW_CONFLICT");
    world.end().await;
}

#[tokio::test]
async fn another_source_of_the_same_program_makes_no_other_version() {
    let world = World::new();
    let first = plain("greet", "1.0.0");
    let id = world.published(&first).await;
    let mut redrawn = first.clone();
    redrawn["source"]["name"] = json!("redrawn.drakon");
    let known = world.send("POST", "/api/v1/flows", &[], signed(&redrawn)).await.ok(200);
    let shown = world.get(&format!("/api/v1/flows/{id}/versions")).await.ok(200);
    let hashes: Vec<_> = shown["versions"].as_array().unwrap().iter().map(|version| &version["hash"]).collect();
    assert!(hashes.len() == 2 && hashes.contains(&&known["hash"]), "both documents are kept: {shown}");
    assert_eq!(shown["versions"][0]["program"], shown["versions"][1]["program"]);
    let mut next = first;
    next["flow"]["version"] = json!("1.0.1");
    world.send("POST", "/api/v1/flows", &[], signed(&next)).await.ok(201);
    world.end().await;
}

#[tokio::test]
async fn what_is_not_signed_by_somebody_who_is_trusted_is_not_published() {
    let world = World::new();
    let stranger = signed_by(&plain("greet", "1.0.0"), &SigningKey::from_seed(&[9; 32]));
    world.send("POST", "/api/v1/flows", &[], stranger).await.refused(422, "UNTRUSTED");
    let unsigned = plain("greet", "1.0.0").to_string();
    world.send("POST", "/api/v1/flows", &[], unsigned).await.refused(422, "UNTRUSTED");
    let changed = String::from_utf8(signed(&plain("greet", "1.0.0"))).unwrap().replace("Flow greet", "Flow great");
    world.send("POST", "/api/v1/flows", &[], changed).await.refused(422, "UNTRUSTED");
    assert_eq!(world.get("/api/v1/flows").await.ok(200), json!({ "flows": [] }));
    world.end().await;
}

#[tokio::test]
async fn what_is_no_document_is_told_with_what_is_wrong() {
    let world = World::new();
    let post =
        async |mime: &str, body: &str| world.send("POST", "/api/v1/flows", &[("content-type", mime)], body).await;
    post("application/json", "{").await.refused(400, "INVALID_JSON");
    post("application/json", "").await.refused(400, "INVALID_JSON");
    let found = post("application/json", "{}").await.refused(422, "COMPILE_FAILED");
    assert!(found["details"]["diagnostics"][0]["code"].is_string(), "{found}");
    post("text/plain", "a diagram").await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let mut wants_tool = plain("greet", "1.0.0");
    wants_tool["policy"]["allowed_tools"] = json!({ "delete-all": { "effect": "operational" } });
    let refused = world.send("POST", "/api/v1/flows", &[], signed(&wants_tool)).await.refused(422, "POLICY_REFUSED");
    assert!(refused["details"]["problems"][0].as_str().unwrap().contains("delete-all"), "{refused}");
    world.end().await;
}

#[tokio::test]
async fn flows_are_listed_by_id_in_their_newest_version() {
    let world = World::new();
    for (id, version) in [("b", "1.2.0"), ("a", "1.0.0"), ("b", "1.10.0"), ("b", "1.9.0")] {
        world.published(&plain(id, version)).await;
    }
    let listed = world.get("/api/v1/flows").await.ok(200);
    let names: Vec<String> = listed["flows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flow| format!("{}@{}", flow["id"].as_str().unwrap(), flow["version"].as_str().unwrap()))
        .collect();
    assert_eq!(names, ["a@1.0.0", "b@1.10.0"]);
    let versions = world.get("/api/v1/flows/b/versions").await.ok(200);
    let versions: Vec<_> =
        versions["versions"].as_array().unwrap().iter().map(|flow| flow["version"].clone()).collect();
    assert_eq!(versions, ["1.10.0", "1.9.0", "1.2.0"]);
    let detail = world.get("/api/v1/flows/b").await.ok(200);
    assert_eq!((&detail["version"], &detail["inputs"]["type"]), (&json!("1.10.0"), &json!("object")));
    assert_eq!(detail["source"], json!({ "kind": "drakon", "name": "t.drakon", "sha256": Digest::of(DIAGRAM).hex() }));
    for path in ["/api/v1/flows/c", "/api/v1/flows/c/versions"] {
        world.get(path).await.refused(404, "NOT_FOUND");
    }
    world.end().await;
}

#[tokio::test]
async fn a_version_is_given_as_it_was_published() {
    let world = World::new();
    let bytes = signed(&plain("greet", "1.0.0"));
    let published = world.send("POST", "/api/v1/flows", &[], &bytes).await.ok(201);
    let by_version = world.get("/api/v1/flows/greet/versions/1.0.0/ir").await;
    assert_eq!((by_version.status, &by_version.bytes[..]), (200, &bytes[..]));
    let by_hash = world.get(&format!("/api/v1/flows/greet/versions/{}/ir", published["hash"].as_str().unwrap())).await;
    assert_eq!(by_hash.bytes, by_version.bytes);
    for version in ["2.0.0", "sha256:00", &Digest::of(b"x").to_string()] {
        world.get(&format!("/api/v1/flows/greet/versions/{version}/ir")).await.refused(404, "NOT_FOUND");
    }
    world.end().await;
}

#[tokio::test]
async fn a_diagram_is_drawn_once_its_source_is_kept() {
    let world = World::new();
    world.published(&plain("greet", "1.0.0")).await;
    let base = "/api/v1/flows/greet/versions/1.0.0";
    for what in ["diagram.svg", "pseudocode", "source"] {
        world.get(&format!("{base}/{what}")).await.refused(404, "NOT_FOUND");
    }
    let source = format!("{base}/source");
    world.send("PUT", &source, &[], "another diagram").await.refused(422, "SCHEMA_MISMATCH");
    assert_eq!(world.send("PUT", &source, &[], DIAGRAM).await.status, 204);
    assert_eq!(world.get(&source).await.bytes, DIAGRAM);
    let drawn = world.get(&format!("{base}/diagram.svg")).await;
    assert_eq!(
        (drawn.headers["content-type"].as_bytes(), drawn.text().as_str()),
        (&b"image/svg+xml"[..], "<svg><title>t.drakon</title></svg>")
    );
    assert_eq!(world.get(&format!("{base}/pseudocode?lang=uk")).await.text(), "t.drakon Uk a diagram");
    assert_eq!(world.get(&format!("{base}/pseudocode")).await.text(), "t.drakon En a diagram");
    world.get(&format!("{base}/pseudocode?lang=fr")).await.refused(400, "VALIDATION_FAILED");
    world.send("PUT", "/api/v1/flows/none/versions/1/source", &[], DIAGRAM).await.refused(404, "NOT_FOUND");
    world.end().await;
}

#[tokio::test]
async fn a_source_that_is_no_diagram_is_told_with_what_is_wrong() {
    let world = World::new();
    let mut of_a_blot = plain("greet", "1.0.0");
    of_a_blot["source"]["sha256"] = json!(Digest::of(BLOT).hex());
    world.published(&of_a_blot).await;
    let base = "/api/v1/flows/greet/versions/1.0.0";
    assert_eq!(world.send("PUT", &format!("{base}/source"), &[], BLOT).await.status, 204);
    for what in ["diagram.svg", "pseudocode"] {
        let found = world.get(&format!("{base}/{what}")).await.refused(422, "COMPILE_FAILED");
        assert!(found["details"]["diagnostics"][0]["code"].is_string(), "{found}");
    }
    world.end().await;
}

#[tokio::test]
async fn odd_paths_are_no_fault_of_the_server() {
    let world = World::new();
    for path in [
        "/api/v1/flows/%00",
        "/api/v1/flows/%FF/versions",
        "/api/v1/flows/a%2Fb/versions/%20/ir",
        "/api/v1/runs/%E2%82%AC",
    ] {
        let answered = world.get(path).await;
        assert!(!is_fault(answered.status) && answered.status >= 400, "{path}: {answered:?}");
    }
    world.end().await;
}
