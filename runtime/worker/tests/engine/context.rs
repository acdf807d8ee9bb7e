//! Contexts are kept apart.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bloom_interpreter::effect::EffectError;
use bloom_interpreter::history::Payload;
use bloom_ir::capability::ArtifactScope;
use bloom_runtime::engine::{Engine, EngineError, Fork, RunEnd, Submit};
use bloom_runtime::record::{Actor, AuditNote, Context, ContextId, Denied, RunId};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::wait::{calling, keep};
use crate::world::{Act, Tools, World, flow, submission};

fn owner() -> Actor {
    Actor("owner".to_owned())
}

/// Hands out a text, and ends.
fn handing_out(text: &str) -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "emit", "kind": "artifact", "name": "report", "value": format!("'{text}'"), "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "null" },
        }),
    )
}

/// Calls the tool `read`, with a run or without one.
fn reading(run: Option<&RunId>) -> Json {
    let args = run.map_or_else(|| json!({}), |run| json!({ "run": format!("'{run}'") }));
    flow(
        &[("read", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read", "args": args, "into": "read", "next": "n2",
                    "on_error": { "to": "n3", "into": "e" } },
            "n2": { "type": "return", "status": "completed", "value": "v['read']" },
            "n3": { "type": "return", "status": "completed", "value": "v['e'].code" },
        }),
    )
}

fn within(flow: &Json, context: &str) -> Submit {
    Submit { context: ContextId::new(context), ..submission(flow) }
}

async fn ran(world: &World, engine: &Arc<Engine>, flow: &Json, context: &str) -> (RunId, RunEnd) {
    let run = engine.submit(within(flow, context)).await.unwrap();
    let end = world.drive(engine, &run).await.unwrap();
    (run, end)
}

async fn delegate(engine: &Engine, context: &str, reader: &str) {
    let reader = ContextId::new(reader);
    let change = |context: &mut Context| context.delegations.push(reader);
    engine.change_context(&ContextId::new(context), &owner(), "context_delegated", change).await.unwrap();
}

async fn revoke(engine: &Engine, context: &str, reader: &str) {
    let reader = ContextId::new(reader);
    let change = |context: &mut Context| context.delegations.retain(|known| *known != reader);
    engine.change_context(&ContextId::new(context), &owner(), "context_revoked", change).await.unwrap();
}

async fn refusals(world: &World) -> Vec<AuditNote> {
    let log = world.store.audit(1..=u64::MAX).await.unwrap();
    log.into_iter().map(|entry| entry.note).filter(|note| note.action == "context_denied").collect()
}

#[tokio::test]
async fn a_run_of_another_context_is_read_by_the_owners_leave_only_and_the_refusal_is_replayed() {
    let tools = Tools::default().with("read", "read", |call, _| {
        let run = RunId::new(call.request.args.to_json()["run"].as_str().unwrap());
        Act::ReadArtifactOf(ArtifactScope::Own, "report", run)
    });
    let world = World::new(tools, &json!({}));
    let engine = world.engine();
    let (theirs, _) = ran(&world, &engine, &handing_out("theirs"), "a").await;
    let reading = || reading(Some(&theirs));

    let (refused, end) = ran(&world, &engine, &reading(), "b").await;
    assert_eq!(end, RunEnd::Completed { result: "context_denied".into() });
    let failed = world.events(&refused).await.into_iter().find_map(|event| match event {
        Payload::EffectFailed { error, .. } => Some(error),
        _ => None,
    });
    let EffectError { message, retryable, .. } = failed.unwrap();
    assert!(!retryable && message.contains("`a`, which is not open to the context `b`"), "{message}");
    let [note] = refusals(&world).await.try_into().unwrap();
    assert_eq!((note.actor.0, note.entity_id.as_str()), (format!("run:{refused}"), "a"));
    assert_eq!((note.job_id, note.context_id), (Some(refused.to_string()), Some("b".to_owned())));

    delegate(&engine, "a", "b").await;
    let (_, end) = ran(&world, &engine, &reading(), "b").await;
    assert_eq!(end, RunEnd::Completed { result: "theirs".into() });
    let (_, end) = ran(&world, &engine, &reading(), "c").await;
    assert_eq!(end, RunEnd::Completed { result: "context_denied".into() }, "the leave is for one context");
    // What was refused stays refused in the history, although it would be let through now.
    world.assert_replays(&refused).await;
    revoke(&engine, "a", "b").await;
    let (_, end) = ran(&world, &engine, &reading(), "b").await;
    assert_eq!(end, RunEnd::Completed { result: "context_denied".into() });
}

#[tokio::test]
async fn by_its_name_alone_only_what_the_own_context_handed_out_is_found() {
    let tools = Tools::default().with("read", "read", |_, _| Act::ReadArtifact(ArtifactScope::Own, "report"));
    let world = World::new(tools, &json!({}));
    let engine = world.engine();
    ran(&world, &engine, &handing_out("own"), "b").await;
    ran(&world, &engine, &handing_out("theirs"), "a").await;
    delegate(&engine, "a", "b").await;
    let (_, end) = ran(&world, &engine, &reading(None), "b").await;
    assert_eq!(end, RunEnd::Completed { result: "own".into() }, "what others hand out later does not stand before it");
    let (_, end) = ran(&world, &engine, &reading(None), "c").await;
    assert_eq!(end, RunEnd::Completed { result: "none".into() });
    assert!(refusals(&world).await.is_empty());
}

#[tokio::test]
async fn an_agent_works_where_it_was_let_in_and_what_was_accepted_goes_on() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let accepted = engine.submit_as(RunId::new("r1"), within(&handing_out("x"), "a")).await.unwrap();
    let change = |context: &mut Context| context.agents = vec!["poet".to_owned()];
    engine.change_context(&ContextId::new("a"), &owner(), "context_set", change).await.unwrap();
    let refused = engine.submit(within(&handing_out("y"), "a")).await;
    let Err(EngineError::Context(denied)) = refused else { panic!("{refused:?}") };
    assert_eq!((denied.agent.as_str(), &denied.what), ("archivist", &Denied::Work));
    let mut poet = handing_out("z");
    poet["flow"]["id"] = "poet".into();
    ran(&world, &engine, &poet, "a").await;
    assert!(matches!(world.drive(&engine, &accepted).await, Ok(RunEnd::Completed { .. })));
    let again = engine.submit_as(accepted.clone(), within(&handing_out("x"), "a")).await;
    assert!(matches!(again, Err(EngineError::Store(_))), "it is known, not refused: {again:?}");
    let fork = Fork { run: accepted, at: 1, ir: None, by: owner(), setting: bloom_ir::Value::Null };
    assert!(matches!(engine.fork(fork).await, Err(EngineError::Context(_))));
    assert_eq!(refusals(&world).await.len(), 1, "of one who asks one context, one entry");
}

#[tokio::test]
async fn a_flow_that_does_not_work_in_its_callers_context_is_not_called() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let mut poet = handing_out("a poem");
    poet["flow"]["id"] = "poet".into();
    let calls = calling(&keep(&world, &poet).await, true);
    let change = |context: &mut Context| context.agents = vec!["archivist".to_owned()];
    engine.change_context(&ContextId::new("a"), &owner(), "context_set", change).await.unwrap();
    let (run, end) = ran(&world, &engine, &calls, "a").await;
    let RunEnd::Completed { result } = end else { panic!("{end:?}") };
    assert_eq!(result.to_json()[0], "context_denied", "{result:?}");
    let [note] = refusals(&world).await.try_into().unwrap();
    assert_eq!((note.actor.0, note.entity_id), (format!("run:{run}"), "a".to_owned()));
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn a_tool_that_reads_memory_is_not_called_where_its_agent_has_none() {
    let tools = Tools::default().with("read", "read", |_, _| Act::Answer(json!("remembered")));
    let world = World::new(tools, &json!({}));
    let engine = world.engine();
    let change = |context: &mut Context| context.memory_bindings = vec!["poet".to_owned()];
    engine.change_context(&ContextId::new("a"), &owner(), "context_set", change).await.unwrap();
    let mut with_memory = reading(None);
    with_memory["policy"]["allowed_tools"]["read"]["capabilities"] = json!(["files:memory", "files:notes"]);
    let told = |end| match end {
        RunEnd::Completed { result } => result.to_json(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(ran(&world, &engine, &with_memory, "a").await.1), "context_denied");
    assert_eq!(world.tools.calls("read"), 0);
    assert_eq!(told(ran(&world, &engine, &reading(None), "a").await.1), "remembered", "it reads no memory");
    assert_eq!(told(ran(&world, &engine, &with_memory, "b").await.1), "remembered");
    with_memory["flow"]["id"] = "poet".into();
    assert_eq!(told(ran(&world, &engine, &with_memory, "a").await.1), "remembered");
}

#[tokio::test]
async fn a_loop_of_refusals_is_one_entry() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let (theirs, _) = ran(&world, &engine, &handing_out("theirs"), "a").await;
    let (reader, _) = ran(&world, &engine, &handing_out("own"), "b").await;
    let artifacts = engine.artifacts_of(&world.store.run(&reader).await.unwrap().unwrap());
    for _ in 0..500 {
        artifacts.find(ArtifactScope::All, "report", Some(&theirs)).await.unwrap_err();
    }
    assert_eq!(refusals(&world).await.len(), 1);
}

const CONTEXTS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Copy, Debug)]
enum Op {
    Delegate(usize, usize),
    Revoke(usize, usize),
    /// The owner says how a context is, with these readers.
    Set(usize, u8),
    ByRun(usize, usize),
    ByDigest(usize, usize),
    ByName(usize),
    /// The server is started anew.
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let of = || 0..CONTEXTS.len();
    prop_oneof![
        (of(), of()).prop_map(|(a, b)| Op::Delegate(a, b)),
        (of(), of()).prop_map(|(a, b)| Op::Revoke(a, b)),
        (of(), 0..8_u8).prop_map(|(a, readers)| Op::Set(a, readers)),
        (of(), of()).prop_map(|(a, b)| Op::ByRun(a, b)),
        (of(), of()).prop_map(|(a, b)| Op::ByDigest(a, b)),
        of().prop_map(Op::ByName),
        Just(Op::Restart),
    ]
}

/// Does what `ops` say, and holds each read against a model: the pairs of contexts that may be read, and may read.
async fn follows_the_model(ops: Vec<Op>) {
    let world = World::new(Tools::default(), &json!({}));
    let mut engine = world.engine();
    let (mut runs, mut digests) = (Vec::new(), Vec::new());
    for context in CONTEXTS {
        let (run, _) = ran(&world, &engine, &handing_out(context), context).await;
        let record = world.store.run(&run).await.unwrap().unwrap();
        let own = engine.artifacts_of(&record).find(ArtifactScope::Own, "report", Some(&run)).await;
        digests.push(own.unwrap().unwrap().digest);
        runs.push(record);
    }
    let mut open = BTreeSet::<(usize, usize)>::new();
    let is_open = |open: &BTreeSet<(usize, usize)>, a: usize, b: usize| a == b || open.contains(&(a, b));
    for op in ops {
        match op {
            Op::Delegate(a, b) => {
                delegate(&engine, CONTEXTS[a], CONTEXTS[b]).await;
                open.insert((a, b));
            }
            Op::Revoke(a, b) => {
                revoke(&engine, CONTEXTS[a], CONTEXTS[b]).await;
                open.remove(&(a, b));
            }
            Op::Set(a, readers) => {
                let readers: Vec<usize> = (0..CONTEXTS.len()).filter(|b| readers & (1 << b) != 0).collect();
                let delegations = readers.iter().map(|b| ContextId::new(CONTEXTS[*b])).collect();
                let change = |context: &mut Context| context.delegations = delegations;
                engine.change_context(&ContextId::new(CONTEXTS[a]), &owner(), "context_set", change).await.unwrap();
                open.retain(|(of, _)| *of != a);
                open.extend(readers.into_iter().map(|b| (a, b)));
            }
            Op::ByRun(a, b) => {
                let read = engine.artifacts_of(&runs[b]).find(ArtifactScope::Own, "report", Some(&runs[a].id)).await;
                match read {
                    Ok(found) => {
                        assert!(is_open(&open, a, b) && found.unwrap().digest == digests[a], "{op:?} {open:?}");
                    }
                    Err(error) => {
                        assert!(!is_open(&open, a, b) && error.code == "context_denied", "{op:?} {open:?}: {error}");
                    }
                }
            }
            Op::ByDigest(a, b) => {
                let read = engine.artifacts_of(&runs[b]).read(ArtifactScope::Own, digests[a]).await.unwrap();
                assert_eq!(read.is_some(), is_open(&open, a, b), "{op:?} {open:?}");
            }
            Op::ByName(b) => {
                let found = engine.artifacts_of(&runs[b]).find(ArtifactScope::All, "report", None).await.unwrap();
                assert_eq!(found.unwrap().run, runs[b].id);
            }
            Op::Restart => engine = world.engine(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_leave_and_reads_lets_a_read_through_that_should_not_be(ops in prop::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(follows_the_model(ops));
    }
}

/// Reads and changes at the same time: what was read was open at some moment between the beginning and the end of the read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_that_begins_after_a_revocation_was_told_is_let_through() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let (theirs, _) = ran(&world, &engine, &handing_out("theirs"), "a").await;
    let (reader, _) = ran(&world, &engine, &handing_out("own"), "b").await;
    let reader = world.store.run(&reader).await.unwrap().unwrap();
    // Even: closed for sure, since the last change was told; odd: open, or about to be.
    let (turn, changing) = (Arc::new(AtomicU64::new(0)), engine.clone());
    let at = turn.clone();
    let owner = tokio::spawn(async move {
        for _ in 0..200 {
            at.fetch_add(1, Ordering::SeqCst);
            delegate(&changing, "a", "b").await;
            tokio::task::yield_now().await;
            revoke(&changing, "a", "b").await;
            at.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    });
    let readers = (0..3).map(|_| {
        let (engine, reader, theirs, turn) = (engine.clone(), reader.clone(), theirs.clone(), turn.clone());
        tokio::spawn(async move {
            let mut closed = 0_u32;
            while turn.load(Ordering::SeqCst) < 400 {
                let before = turn.load(Ordering::SeqCst);
                let read = engine.artifacts_of(&reader).find(ArtifactScope::Own, "report", Some(&theirs)).await;
                if before % 2 == 0 && turn.load(Ordering::SeqCst) == before {
                    assert_eq!(read.unwrap_err().code, "context_denied");
                    closed += 1;
                }
                tokio::task::yield_now().await;
            }
            closed
        })
    });
    for reading in readers.collect::<Vec<_>>() {
        reading.await.unwrap();
    }
    owner.await.unwrap();
    let read = engine.artifacts_of(&reader).find(ArtifactScope::Own, "report", Some(&theirs)).await;
    assert_eq!(read.unwrap_err().code, "context_denied");
}
