//! What may not run here leaves no trace.

use bloom_ir::{SigningKey, TrustList, VerifiedIr};
use bloom_runtime::engine::{EngineError, Refusal, Submit};
use bloom_runtime::store::RunFilter;
use serde_json::{Value as Json, json};

use crate::world::{Act, Tools, World, flow, key, submission};

fn reads(tool: &str, effect: &str) -> Json {
    flow(
        &[(tool, effect)],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": tool, "args": {}, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "null" },
        }),
    )
}

fn world() -> World {
    let answer = |_: &bloom_runtime::tool::ToolCall, _: usize| Act::Answer(json!(null));
    World::new(Tools::default().with("t", "read", answer).with("ungranted", "read", answer), &json!({}))
}

async fn refusals(world: &World, flow: &Json) -> Vec<Refusal> {
    let refused = world.engine().submit(submission(flow)).await;
    let Err(error @ EngineError::Refused(_)) = refused else { panic!("{refused:?}") };
    assert!(error.is_refusal());
    let runs = world.store.runs(&RunFilter { limit: 10, ..RunFilter::default() }).await.unwrap();
    assert_eq!(runs, [], "a refused run left a record");
    let EngineError::Refused(refusals) = error else { unreachable!() };
    refusals
}

#[tokio::test]
async fn every_reason_to_refuse_is_found_before_the_run_starts() {
    let world = world();
    let found = refusals(&world, &reads("missing", "read")).await;
    assert!(matches!(&found[..], [Refusal::Tool { code, .. }] if code == "unknown_tool"), "{found:?}");

    let found = refusals(&world, &reads("t", "operational")).await;
    assert!(matches!(&found[..], [Refusal::Effect { .. }]), "{found:?}");

    let found = refusals(&world, &reads("ungranted", "read")).await;
    assert!(matches!(&found[..], [Refusal::Tool { code, .. }] if code == "not_granted"), "{found:?}");

    let mut other = reads("t", "read");
    other["policy"]["allowed_tools"]["t"]["digest"] = json!(bloom_ir::Digest::of(b"other"));
    other["policy"]["allowed_tools"]["t"]["capabilities"] = json!([]);
    let found = refusals(&world, &other).await;
    assert!(matches!(&found[..], [Refusal::Digest { .. }, Refusal::Capability { .. }]), "{found:?}");

    let mut rehearsal = reads("t", "read");
    rehearsal["policy"]["sandbox"] = json!("rehearsal");
    assert_eq!(refusals(&world, &rehearsal).await, [Refusal::Rehearsal]);
    assert_eq!(world.tools.calls("t"), 0);
}

#[tokio::test]
async fn inputs_that_do_not_fit_leave_no_record() {
    let world = world();
    let mut strict = reads("t", "read");
    strict["inputs"] = json!({ "type": "object", "required": ["name"] });
    let refused = world.engine().submit(submission(&strict)).await;
    assert!(matches!(refused, Err(EngineError::Inputs(_))), "{refused:?}");
    assert!(world.store.runs(&RunFilter { limit: 10, ..RunFilter::default() }).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_that_is_no_longer_trusted_stops_the_run_but_not_its_replay() {
    let world = world();
    let engine = world.engine();
    let id = engine.submit(submission(&reads("t", "read"))).await.unwrap();
    let distrusting = world.engine_trusting(TrustList::default());
    let stopped = distrusting.drive(&id).await;
    assert!(matches!(&stopped, Err(error) if error.is_refusal()), "{stopped:?}");
    assert_eq!(world.tools.calls("t"), 0);
    engine.drive(&id).await.unwrap();
    world.assert_replays(&id).await;
}

#[tokio::test]
async fn a_run_goes_on_after_the_same_flow_came_again_signed_by_another() {
    let world = world();
    let engine = world.engine();
    let nodes = reads("t", "read");
    let first = engine.submit(submission(&nodes)).await.unwrap();

    let other = SigningKey::from_seed(&[8; 32]);
    let ir = VerifiedIr::signed(submission(&nodes).ir.document().clone(), &other).unwrap();
    assert_eq!(ir.hash(), submission(&nodes).ir.hash());
    let trusting_other = world.engine_trusting(TrustList::of("other", other.public()));
    let second = trusting_other.submit(Submit { ir, ..submission(&nodes) }).await.unwrap();

    trusting_other.drive(&second).await.unwrap();
    world.engine_trusting(TrustList::of("own", key().public())).drive(&first).await.unwrap();
}
