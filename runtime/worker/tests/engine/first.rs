//! What a run is accepted with where who submits it waits: the answer to its first call, if that comes at once.

use std::sync::Arc;
use std::time::Duration;

use bloom_runtime::engine::{Engine, RunEnd, Step, Submit};
use bloom_runtime::record::{RunId, RunStatus};
use bloom_runtime::store::RunFilter;
use serde_json::{Value as Json, json};

use crate::disk::{Crash, Disk};
use crate::world::{Act, Tools, World, flow, passing, submission};

/// Calls a tool twice.
fn twice(effect: &str, capabilities: &[&str]) -> Json {
    let call = |into: &str, next: &str| json!({ "type": "action", "op": "tool", "tool": "t", "args": {}, "into": into, "next": next });
    let mut flow = flow(
        &[("t", effect)],
        &json!({
            "n1": call("a", "n2"),
            "n2": call("b", "n3"),
            "n3": { "type": "return", "status": "completed", "value": "[v['a'], v['b']]" },
        }),
    );
    flow["policy"]["allowed_tools"]["t"]["capabilities"] = json!(capabilities);
    flow
}

/// Calls it once.
fn once() -> Json {
    let mut flow = twice("read", &[]);
    flow["nodes"]["n2"] = json!({ "type": "return", "status": "completed", "value": "v['a']" });
    flow["nodes"].as_object_mut().unwrap().remove("n3");
    flow
}

/// What is recorded with the first answer.
const BEGINNING: &[&str] = &["run.started", "effect.requested", "effect.completed"];

fn counting(effect: &str) -> Tools {
    Tools::default().with("t", effect, |_, before| Act::Answer(json!(before))).computing()
}

async fn submitted(engine: &Engine, flow: &Json, is_awaited: bool) -> RunId {
    engine.submit(Submit { is_awaited, ..submission(flow) }).await.unwrap()
}

#[tokio::test]
async fn the_first_answer_is_kept_with_the_beginning() {
    let world = World::new(counting("read").brief(), &json!({}));
    let engine = world.engine();
    let run = submitted(&engine, &twice("read", &[]), true).await;
    assert_eq!(world.kinds(&run).await, BEGINNING);
    assert_eq!(world.tools.calls("t"), 1);
    let told = world.log.steps();
    assert!(matches!(&told[..], [Step::Started, Step::Settled { took: Some(_), .. }]), "{told:?}");

    let end = engine.drive(&run).await.unwrap();
    assert_eq!(end, RunEnd::Completed { result: json!([0, 1]).into() });
    assert_eq!(
        world.kinds(&run).await,
        [BEGINNING, &["effect.requested", "effect.completed", "run.completed"]].concat()
    );
    assert_eq!(world.tools.calls_by_key().len(), 2, "each call has its own key");
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn who_does_not_wait_has_it_accepted_at_once() {
    let world = World::new(counting("read").brief(), &json!({}));
    let run = submitted(&world.engine(), &twice("read", &[]), false).await;
    assert_eq!(world.kinds(&run).await, ["run.started"]);
    assert_eq!(world.tools.calls("t"), 0);
}

#[tokio::test]
async fn what_may_take_time_or_change_something_comes_after_the_beginning() {
    for (tools, flow) in [
        (counting("read"), twice("read", &[])),
        (counting("operational").brief(), twice("operational", &[])),
        (counting("propose").brief(), twice("propose", &[])),
        (counting("read").brief(), twice("read", &["files:notes"])),
    ] {
        let world = World::new(tools, &json!({}));
        let run = submitted(&world.engine(), &flow, true).await;
        assert_eq!(world.tools.calls("t"), 0, "{flow}");
        assert!(!world.kinds(&run).await.contains(&"effect.completed".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_or_takes_long_is_left_to_the_driver() {
    let fails = |_: &_, before| if before == 0 { Act::Fail(passing("busy")) } else { Act::Answer(json!(before)) };
    let takes_long = |_: &_, before| match before {
        0 => Act::Hang,
        _ => Act::Answer(json!(before)),
    };
    for tools in [Tools::default().with("t", "read", fails), Tools::default().with("t", "read", takes_long)] {
        let world = World::new(tools.computing().brief(), &json!({}));
        let engine = world.engine();
        let begun = tokio::time::Instant::now();
        let run = submitted(&engine, &twice("read", &[]), true).await;
        assert!(begun.elapsed() < Duration::from_millis(100));
        assert_eq!(world.kinds(&run).await, ["run.started"]);
        let end = engine.drive(&run).await.unwrap();
        assert_eq!(end, RunEnd::Completed { result: json!([1, 2]).into() });
        world.assert_replays(&run).await;
    }
}

#[tokio::test]
async fn a_run_may_end_with_its_first_answer() {
    let world = World::new(counting("read").brief(), &json!({}));
    let engine = world.engine();
    let run = submitted(&engine, &once(), true).await;
    assert_eq!(world.store.run(&run).await.unwrap().unwrap().status, RunStatus::Completed);
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Completed { result: json!(0).into() });
    assert_eq!(world.tools.calls("t"), 1);
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn what_is_not_on_disk_was_not_accepted() {
    for (crash, kept) in [(Crash::Before, 0), (Crash::After, 1)] {
        let world = World::new(counting("read").brief(), &json!({}));
        let disk = Arc::new(Disk::crashing(world.store.clone(), 1, crash));
        let awaited = Submit { is_awaited: true, ..submission(&twice("read", &[])) };
        world.engine_on(disk).submit(awaited).await.unwrap_err();
        let runs = world.store.runs(&RunFilter { limit: 10, ..RunFilter::default() }).await.unwrap();
        assert_eq!(runs.len(), kept);
        for run in &runs {
            assert_eq!(world.kinds(&run.id).await, BEGINNING);
            let end = world.engine().drive(&run.id).await.unwrap();
            assert_eq!(end, RunEnd::Completed { result: json!([0, 1]).into() });
        }
    }
}
