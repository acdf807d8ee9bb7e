//! Proposals are made, decided and applied.

use std::sync::Arc;

use bloom_ir::{Digest, Value};
use bloom_runtime::apply::Applier;
use bloom_runtime::record::{Actor, Proposal, ProposalStatus, Verdict};
use bloom_runtime::store::{ApplyStep, Decision, ProposalFilter};
use serde_json::{Value as Json, json};

use crate::disk::Disk;
use crate::world::{Act, Tools, World, flow};

fn owner() -> Actor {
    Actor("owner".to_owned())
}

/// Proposes once for each shape in the tool's answer.
fn world(shapes: Json) -> (World, Json) {
    let tools = Tools::default().with("shape", "propose", move |_, _| Act::Answer(shapes.clone()));
    let mut proposes = flow(
        &[("shape", "propose")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "shape", "args": {}, "into": "all", "next": "n2" },
            "n2": { "type": "action", "op": "each", "over": "v['all']", "cursor": "c", "next": "n3" },
            "n3": { "type": "action", "op": "iter", "cursor": "c", "item": "one", "next": "n4", "done": "n5" },
            "n4": { "type": "emit", "kind": "proposal", "name": "p", "action": "memory-update", "value": "v['one']", "next": "n3" },
            "n5": { "type": "return", "status": "completed", "value": "null" },
        }),
    );
    proposes["policy"]["safe_outputs"] = json!(["memory-update"]);
    (World::new(tools, &json!({})), proposes)
}

async fn proposals(world: &World) -> Vec<Proposal> {
    let mut all = world.store.proposals(&ProposalFilter { limit: 100, ..ProposalFilter::default() }).await.unwrap();
    all.reverse();
    all
}

fn update(base: u64, slugs: &[&str]) -> Json {
    json!({ "action": "memory-update", "target": { "type": "memory", "path": "memory" }, "base_revision": base,
            "content": { "set": { "processed_slugs": slugs } }, "fingerprint": Digest::of(slugs.concat().as_bytes()) })
}

#[tokio::test]
async fn a_proposal_is_what_its_emission_says() {
    let (world, proposes) =
        world(json!([update(3, &["a"]), "plain", { "target": "notes/b", "content": 1, "fingerprint": "x" }]));
    let (run, _) = world.run(&proposes).await;
    let made = proposals(&world).await;
    let seen: Vec<_> = made
        .iter()
        .map(|one| (one.target.as_str(), one.base_revision, one.content.to_json(), one.fingerprint))
        .collect();
    assert_eq!(
        seen,
        [
            ("memory", Some(3), json!({ "set": { "processed_slugs": ["a"] } }), Digest::of(b"a")),
            ("", None, json!("plain"), Digest::of(b"\"plain\"")),
            ("notes/b", None, json!(1), Digest::of(b"x")),
        ]
    );
    let one = &made[0];
    assert_eq!(
        (one.run.as_str(), one.agent.as_str(), one.action.as_str()),
        (run.as_str(), "archivist", "memory-update")
    );
    assert_eq!((one.status, one.expires_at - one.created_at), (ProposalStatus::Pending, 72 * 3_600_000));
}

#[tokio::test]
async fn a_second_run_proposes_the_same_as_a_duplicate() {
    let (world, proposes) = world(json!([update(0, &["a"])]));
    world.run(&proposes).await.1.unwrap();
    world.run(&proposes).await.1.unwrap();
    let made = proposals(&world).await;
    assert_eq!((made.len(), &made[1].duplicate_of), (2, &Some(made[0].id.clone())));
}

#[tokio::test]
async fn an_approved_memory_update_is_applied() {
    let (world, proposes) = world(json!([update(0, &["a", "b"]), update(0, &["c"])]));
    world.run(&proposes).await.1.unwrap();
    let made = proposals(&world).await;
    let memory = tempfile::tempdir().unwrap();
    let applier = Applier::new(world.store.clone(), world.clock.clone(), memory.path());
    let applied = applier.decide(&made[0].id, Verdict::Approve, &owner(), None).await.unwrap();
    assert_eq!(applied.status, ProposalStatus::Applied);
    assert_eq!(applied.apply_result.unwrap().get("version"), Some(&Value::Int(1)));
    let path = memory.path().join("archivist/state.json");
    let state = || serde_json::from_slice::<Json>(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(state()["processed_slugs"], json!(["a", "b"]));

    // The other one was made against the same revision.
    let failed = applier.decide(&made[1].id, Verdict::Approve, &owner(), None).await.unwrap();
    assert_eq!(failed.status, ProposalStatus::Failed);
    assert_eq!(failed.apply_result.unwrap().get("reason"), Some(&"conflict".into()));
    assert_eq!(state()["processed_slugs"], json!(["a", "b"]));
    let again = applier.retry(&made[1].id, &owner()).await.unwrap();
    assert_eq!(again.status, ProposalStatus::Failed);
}

#[tokio::test]
async fn a_rejected_change_is_not_made() {
    let (world, proposes) = world(json!([update(0, &["a"])]));
    world.run(&proposes).await.1.unwrap();
    let memory = tempfile::tempdir().unwrap();
    let applier = Applier::new(world.store.clone(), world.clock.clone(), memory.path());
    let id = proposals(&world).await[0].id.clone();
    let rejected = applier.decide(&id, Verdict::Reject, &owner(), Some("not now".to_owned())).await.unwrap();
    assert_eq!(rejected.status, ProposalStatus::Rejected);
    assert!(applier.retry(&id, &owner()).await.is_err());
    assert!(!memory.path().join("archivist").exists());
}

#[tokio::test]
async fn what_a_crash_left_half_applied_is_applied_again() {
    // After the decision; while applying, before the file was written; after that.
    for crash in 0..3 {
        let (world, proposes) = world(json!([update(0, &["a"])]));
        world.run(&proposes).await.1.unwrap();
        let made = proposals(&world).await.remove(0);
        let memory = tempfile::tempdir().unwrap();
        let decision = Decision {
            proposal: made.id.clone(),
            verdict: Verdict::Approve,
            by: owner(),
            at: 1_700_000_100_000,
            note: None,
        };
        world.store.decide(decision).await.unwrap();
        if crash >= 1 {
            let to = ProposalStatus::Applying;
            let step = ApplyStep { proposal: made.id.clone(), to, at: 1_700_000_100_001, result: None, by: owner() };
            world.store.move_proposal(step).await.unwrap();
        }
        if crash == 2 {
            std::fs::create_dir(memory.path().join("archivist")).unwrap();
            let written = json!({ "version": 1, "proposal": made.id, "processed_slugs": ["a"] }).to_string();
            std::fs::write(memory.path().join("archivist/state.json"), written).unwrap();
        }
        let clock = Arc::clone(&world.clock);
        let finished = Applier::new(world.store.clone(), clock, memory.path()).retry(&made.id, &owner()).await.unwrap();
        assert_eq!(finished.status, ProposalStatus::Applied, "crash {crash}");
        let state: Json =
            serde_json::from_slice(&std::fs::read(memory.path().join("archivist/state.json")).unwrap()).unwrap();
        assert_eq!((&state["version"], &state["processed_slugs"]), (&json!(1), &json!(["a"])), "crash {crash}");
    }
}

#[tokio::test(start_paused = true)]
async fn approved_change_is_made_also_when_nobody_waits_for_it_any_more() {
    // Its commits: the decision, that it is being applied, that it is.
    for commits in 1..=3 {
        let (world, proposes) = world(json!([update(0, &["a"])]));
        let world = world.in_time();
        world.run(&proposes).await.1.unwrap();
        let made = proposals(&world).await.remove(0);
        let memory = tempfile::tempdir().unwrap();
        let disk = Arc::new(Disk::new(world.store.clone()));
        let applier = Applier::new(disk.clone(), world.clock.clone(), memory.path());
        disk.drop_at_commit(commits, applier.decide(&made.id, Verdict::Approve, &owner(), None)).await;
        let applied = async {
            while world.store.proposal(&made.id).await.unwrap().unwrap().status != ProposalStatus::Applied {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        let applied = tokio::time::timeout(std::time::Duration::from_mins(10), applied);
        applied.await.unwrap_or_else(|_| panic!("dropped at commit {commits}, it is not applied"));
        assert!(memory.path().join("archivist/state.json").exists());
    }
}

#[tokio::test]
async fn change_that_is_applied_twice_at_the_same_time_is_made_once() {
    let (world, proposes) = world(json!([update(0, &["a"])]));
    world.run(&proposes).await.1.unwrap();
    let made = proposals(&world).await.remove(0);
    let memory = tempfile::tempdir().unwrap();
    let applier = Applier::new(world.store.clone(), world.clock.clone(), memory.path());
    let verdict = Verdict::Approve;
    let decision = Decision { proposal: made.id.clone(), verdict, by: owner(), at: 1_700_000_100_000, note: None };
    world.store.decide(decision).await.unwrap();
    let owner = owner();
    let (first, second) = tokio::join!(applier.retry(&made.id, &owner), applier.retry(&made.id, &owner));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.status, second.status), (ProposalStatus::Applied, ProposalStatus::Applied));
    let audit = world.store.audit(1..=100).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.note.action == "proposal_applied").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_proposal_that_nobody_decides_on_in_time_expires() {
    let (world, proposes) = world(json!([update(0, &["a"]), update(0, &["b"])]));
    let world = world.in_time();
    let config =
        bloom_runtime::engine::EngineConfig { proposal_ttl: std::time::Duration::from_secs(100), ..Default::default() };
    let engine = world.engine_with(config);
    let run = engine.submit(crate::world::submission(&proposes)).await.unwrap();
    engine.drive(&run).await.unwrap();
    let made = proposals(&world).await;
    let memory = tempfile::tempdir().unwrap();
    let applier = Applier::new(world.store.clone(), world.clock.clone(), memory.path());
    tokio::time::advance(std::time::Duration::from_secs(90)).await;
    applier.decide(&made[0].id, Verdict::Approve, &owner(), None).await.unwrap();
    let started = tokio::time::Instant::now();
    let until_expired = async {
        while world.store.proposal(&made[1].id).await.unwrap().unwrap().status == ProposalStatus::Pending {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            assert!(started.elapsed().as_secs() < 1_000, "nobody looked");
        }
    };
    engine.tend(until_expired).await.unwrap();
    assert!((9..=12).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let late = applier.decide(&made[1].id, Verdict::Approve, &owner(), None).await.unwrap_err();
    assert!(late.to_string().contains("expired"), "{late}");
    let statuses: Vec<_> = proposals(&world).await.iter().map(|one| one.status).collect();
    assert_eq!(statuses, [ProposalStatus::Applied, ProposalStatus::Expired]);
    let audit = world.store.audit(1..=100).await.unwrap();
    let expired: Vec<_> = audit.iter().filter(|entry| entry.note.action == "proposal_expired").collect();
    assert_eq!((expired.len(), expired[0].note.actor.0.as_str()), (1, "system"));
}

#[tokio::test]
async fn deciding_too_late_is_refused_and_kept() {
    let (world, proposes) = world(json!([update(0, &["a"])]));
    world.run(&proposes).await.1.unwrap();
    let made = proposals(&world).await.remove(0);
    world.clock.0.fetch_add(73 * 3_600_000, std::sync::atomic::Ordering::SeqCst);
    let memory = tempfile::tempdir().unwrap();
    let applier = Applier::new(world.store.clone(), world.clock.clone(), memory.path());
    let refused = applier.decide(&made.id, Verdict::Approve, &owner(), None).await.unwrap_err();
    assert!(refused.to_string().contains("could be decided on until"), "{refused}");
    assert_eq!(proposals(&world).await[0].status, ProposalStatus::Expired);
    assert!(!memory.path().join("archivist").exists());
    let (_, end) = world.run(&proposes).await;
    end.unwrap();
    let again = proposals(&world).await.remove(1);
    assert_eq!((again.status, again.duplicate_of), (ProposalStatus::Pending, None), "it may be proposed anew");
}
