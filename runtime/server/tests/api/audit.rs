use std::collections::BTreeSet;

use bloom_ir::SigningKey;
use bloom_ir::dsse::Envelope;
use bloom_runtime::record::{Actor, AuditChain, AuditEntry, AuditNote, Checkpoint};
use bloom_runtime::store::Store as _;
use bloom_server::ServerConfig;
use serde_json::{Value as Json, json};

use crate::owners::{NAME, PASSWORD, add_owner};
use crate::world::{DIAGRAM, Setup, World, asking, awaiting, plain, proposing, signed};

/// All entries of the log.
async fn log(world: &World) -> Vec<AuditEntry> {
    let page = world.get("/api/v1/audit?from=1&limit=1000").await.ok(200);
    serde_json::from_value(page["entries"].clone()).unwrap()
}

/// Does things, and holds each against what it has to write.
struct Ledger {
    world: World,
    seen: usize,
    /// The operations that were done, as the description writes them.
    done: BTreeSet<String>,
    /// Of an owner who is logged in.
    token: String,
}

impl Ledger {
    /// What was written since the last time.
    async fn news(&mut self) -> Vec<String> {
        let all = log(&self.world).await;
        let news = all[self.seen..].iter().map(|entry| entry.note.action.clone()).collect();
        self.seen = all.len();
        news
    }

    /// An operation, which writes `action` among others.
    async fn does(&mut self, operation: &str, path: &str, body: impl AsRef<[u8]>, action: &str) -> Json {
        let (method, _) = operation.split_once(' ').unwrap();
        let kind = if operation.ends_with("/source") { "application/octet-stream" } else { "application/json" };
        let bearer = format!("Bearer {}", self.token);
        let headers = [("content-type", kind), ("authorization", bearer.as_str())];
        let answered = self.world.send(method, path, &headers, body).await;
        assert!((200..300).contains(&answered.status), "{operation}: {}", answered.text());
        let news = self.news().await;
        assert!(news.iter().any(|news| news == action), "{operation} wrote {news:?}, not {action}");
        self.done.insert(operation.to_owned());
        if answered.bytes.is_empty() { Json::Null } else { answered.json() }
    }
}

#[tokio::test]
async fn whatever_changes_something_is_written_to_the_log() {
    let world = World::new();
    let description = serde_json::from_str::<Json>(&bloom_server::openapi::document()).unwrap();
    let mut of = Ledger { world, seen: 0, done: BTreeSet::new(), token: String::new() };
    of.does("POST /api/v1/flows", "/api/v1/flows", signed(&plain("plain", "1.0.0")), "flow_published").await;
    let source = "/api/v1/flows/plain/versions/1.0.0/source";
    of.does("PUT /api/v1/flows/{id}/versions/{version}/source", source, DIAGRAM, "flow_source_kept").await;
    let path = "/api/v1/flows/plain/runs?wait=30";
    let run = of.does("POST /api/v1/flows/{id}/runs", path, "{}", "run_completed").await;
    let run = run["run_id"].as_str().unwrap().to_owned();
    of.does("POST /api/v1/runs/{id}/rerun", &format!("/api/v1/runs/{run}/rerun"), "", "run_started").await;

    let fork = format!("/api/v1/runs/{run}/fork");
    of.does("POST /api/v1/runs/{id}/fork", &fork, r#"{"at": 1}"#, "run_forked").await;

    let waiting = of.world.waiting(&awaiting("awaits")).await;
    let signal = format!("/api/v1/runs/{waiting}/signal/go");
    of.does("POST /api/v1/runs/{id}/signal/{name}", &signal, "7", "signal_received").await;
    let waiting = of.world.waiting(&asking("asks")).await;
    let asked = of.world.get(&format!("/api/v1/questions?run={waiting}")).await.ok(200);
    let answer = format!("/api/v1/questions/{}/answer", asked["questions"][0]["id"].as_str().unwrap());
    let body = json!({ "answer": "that" }).to_string();
    of.does("POST /api/v1/questions/{id}/answer", &answer, body, "question_answered").await;
    let waiting = of.world.waiting(&awaiting("awaits-longer")).await;
    of.does("POST /api/v1/runs/{id}/cancel", &format!("/api/v1/runs/{waiting}/cancel"), "{}", "run_cancelled").await;

    of.world.run(&proposing("proposes")).await;
    let pending = of.world.get("/api/v1/proposals/pending").await.ok(200);
    let [first, second] = [0, 1].map(|at| pending["proposals"][at]["id"].as_str().unwrap().to_owned());
    let yes = json!({ "status": "approved" }).to_string();
    of.does("PATCH /api/v1/proposals/{id}", &format!("/api/v1/proposals/{first}"), yes, "proposal_approved").await;
    let no = json!({ "proposal_ids": [second], "status": "rejected", "decision_note": "not of any use" }).to_string();
    of.does("PATCH /api/v1/proposals/batch", "/api/v1/proposals/batch", no, "proposal_rejected").await;

    let body = json!({ "worker": "w1" }).to_string();
    let key = of.does("POST /api/v1/worker-keys", "/api/v1/worker-keys", body, "worker_key_issued").await;
    let path = format!("/api/v1/worker-keys/{}", key["id"].as_str().unwrap());
    of.does("DELETE /api/v1/worker-keys/{id}", &path, "", "worker_key_revoked").await;

    let body = json!({ "worker": "w2" }).to_string();
    let tokens = "/api/v1/enroll-tokens";
    of.does("POST /api/v1/enroll-tokens", tokens, body, "enroll_token_issued").await;

    let (context, delegation) = ("/api/v1/contexts/a", "/api/v1/contexts/a/delegations/b");
    of.does("PUT /api/v1/contexts/{id}", context, "{}", "context_set").await;
    let named = "/api/v1/contexts/{id}/delegations/{reader}";
    of.does(&format!("PUT {named}"), delegation, "", "context_delegated").await;
    of.does(&format!("DELETE {named}"), delegation, "", "context_revoked").await;

    add_owner(&of.world).await;
    let body = json!({ "name": NAME, "password": PASSWORD }).to_string();
    let opened = of.does("POST /api/v1/session", "/api/v1/session", body, "session_opened").await;
    of.token = opened["token"].as_str().unwrap().to_owned();
    let (put, petro) = ("PUT /api/v1/owners/{name}", "/api/v1/owners/Petro");
    of.does(put, petro, json!({ "password": PASSWORD }).to_string(), "owner_set").await;
    of.does("DELETE /api/v1/owners/{name}", petro, "", "owner_removed").await;
    of.does("DELETE /api/v1/session", "/api/v1/session", "", "session_closed").await;

    // These change nothing, or only try again what was written when it was decided; tools have a test of their own, as they are
    // written once they are compiled.
    let others = [
        "POST /api/v1/check",
        "POST /api/v1/runs/{id}/replay",
        "POST /api/v1/runs/{id}/what-if",
        "POST /api/v1/proposals/{id}/apply",
        "POST /api/v1/tools",
    ];
    let others = others.map(str::to_owned);
    let all: BTreeSet<String> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, _)| path.starts_with("/api/v1/"))
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().filter(|method| *method != "get" && *method != "parameters");
            methods.map(move |method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
        })
        .filter(|operation| !others.contains(operation))
        .collect();
    assert_eq!(of.done, all, "an operation that this test does not know");
    let mut chain = AuditChain::default();
    for entry in log(&of.world).await {
        chain.accept(&entry).unwrap();
    }
    of.world.end().await;
}

#[tokio::test]
async fn the_log_is_signed_and_an_entry_is_proved_by_what_follows_it() {
    let key = SigningKey::from_seed(&[5; 32]);
    let config = ServerConfig { audit_key: Some(key.clone()), ..ServerConfig::default() };
    let world = World::with(Setup { config, ..Setup::default() });
    let read = |json: Json| -> Checkpoint {
        let envelope: Envelope = serde_json::from_value(json).unwrap();
        Checkpoint::verified(&envelope, &[key.public()]).unwrap().0
    };
    let empty = read(world.get("/api/v1/audit/checkpoint").await.ok(200));
    assert_eq!(empty.entries, 0);
    world.get("/api/v1/audit/proof?seq=1").await.refused(404, "NOT_FOUND");
    world.run(&plain("plain", "1.0.0")).await;
    let checkpoint = read(world.get("/api/v1/audit/checkpoint").await.ok(200));
    let entries = log(&world).await;
    assert_eq!((checkpoint.entries, checkpoint.head), (entries.len() as u64, entries.last().unwrap().hash));

    let proof = world.get("/api/v1/audit/proof?seq=2").await.ok(200);
    let proved: Vec<AuditEntry> = serde_json::from_value(proof["entries"].clone()).unwrap();
    assert_eq!(proved, entries[1..]);
    let mut chain = AuditChain::after(&entries[0]);
    for entry in &proved {
        chain.accept(entry).unwrap();
    }
    assert_eq!(chain.head(), read(proof["checkpoint"].clone()).head);
    for seq in ["seq=0", "seq=10000"] {
        world.get(&format!("/api/v1/audit/proof?{seq}")).await.refused(404, "NOT_FOUND");
    }
    for query in ["", "?seq=x", "?seq=1&x=1"] {
        world.get(&format!("/api/v1/audit/proof{query}")).await.refused(400, "VALIDATION_FAILED");
    }
    let note = AuditNote::new(1, &Actor("owner".to_owned()), "noted", ("note", "n"));
    world.store.note(vec![note; 1000]).await.unwrap();
    let long_ago = world.get("/api/v1/audit/proof?seq=1").await.refused(400, "VALIDATION_FAILED");
    assert_eq!(long_ago["details"]["field"], "seq");
    world.end().await;

    let world = World::new();
    world.get("/api/v1/audit/checkpoint").await.refused(404, "NOT_FOUND");
    world.end().await;
}
