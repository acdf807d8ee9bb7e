//! What runs handed out is read by tools.

use bloom_ir::capability::ArtifactScope;
use bloom_runtime::engine::RunEnd;
use serde_json::{Value as Json, json};

use crate::world::{Act, Tools, World, flow};

fn world() -> World {
    let read = |scope| move |_: &_, _| Act::ReadArtifact(scope, "report");
    let tools =
        Tools::default().with("own", "read", read(ArtifactScope::Own)).with("all", "read", read(ArtifactScope::All));
    World::new(tools, &json!({}))
}

/// Hands out reports, then reads the last one.
fn reporter(id: &str, reports: &[&str], tool: &str) -> Json {
    let mut nodes = serde_json::Map::new();
    let mut n = 0;
    for report in reports {
        n += 1;
        let node = json!({ "type": "emit", "kind": "artifact", "name": "report", "value": format!("'{report}'"), "next": format!("n{}", n + 1) });
        nodes.insert(format!("n{n}"), node);
    }
    let (read, end) = (format!("n{}", n + 1), format!("n{}", n + 2));
    nodes
        .insert(read, json!({ "type": "action", "op": "tool", "tool": tool, "args": {}, "into": "read", "next": end }));
    nodes.insert(end, json!({ "type": "return", "status": "completed", "value": "v['read']" }));
    let mut flow = flow(&[(tool, "read")], &nodes.into());
    flow["flow"]["id"] = id.into();
    flow
}

async fn reads(world: &World, flow: &Json) -> Json {
    let (_, end) = world.run(flow).await;
    let RunEnd::Completed { result } = end.unwrap() else { panic!() };
    result.to_json()
}

#[tokio::test]
async fn a_tool_reads_what_runs_of_its_agent_handed_out_last() {
    let world = world();
    assert_eq!(reads(&world, &reporter("poet", &[], "own")).await, "none");
    assert_eq!(reads(&world, &reporter("poet", &["first", "second"], "own")).await, "second");
    assert_eq!(reads(&world, &reporter("poet", &[], "own")).await, "second");
}

#[tokio::test]
async fn what_another_agent_handed_out_is_read_with_that_scope_only() {
    let world = world();
    reads(&world, &reporter("poet", &["roses"], "own")).await;
    assert_eq!(reads(&world, &reporter("critic", &[], "own")).await, "none");
    assert_eq!(reads(&world, &reporter("critic", &[], "all")).await, "roses");
}
