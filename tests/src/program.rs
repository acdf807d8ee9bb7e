//! Programs of a given size.

use bloom_interpreter::Program;
use bloom_ir::{SigningKey, VerifiedIr};
use serde_json::{Value, json};

/// Pure nodes that one round of [`counting_loop`] enters: a decision and two assignments.
pub const NODES_PER_ROUND: u64 = 3;

/// Counts to `rounds` with a decision and two assignments a round, and returns the sum.
pub fn counting_loop(rounds: u64) -> VerifiedIr {
    document(
        "n1",
        &json!({
            "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
            "n2": { "type": "action", "op": "set", "into": "sum", "value": "0", "next": "n3" },
            "n3": { "type": "decision", "when": format!("v['i'] < {rounds}"), "then": "n4", "else": "n6" },
            "n4": { "type": "action", "op": "set", "into": "sum", "value": "v['sum'] + v['i']", "next": "n5" },
            "n5": { "type": "action", "op": "set", "into": "i", "value": "v['i'] + 1", "next": "n3" },
            "n6": { "type": "return", "status": "completed", "value": "v['sum']" }
        }),
        &json!({}),
    )
}

/// Calls the tool `step`, which only reads, `calls` times in a row.
pub fn tool_chain(calls: u64) -> VerifiedIr {
    let mut nodes = serde_json::Map::new();
    for call in 1..=calls {
        nodes.insert(
            format!("n{call}"),
            json!({
                "type": "action", "op": "tool", "tool": "step",
                "args": { "number": call.to_string() }, "into": "last", "next": format!("n{}", call + 1)
            }),
        );
    }
    nodes.insert(format!("n{}", calls + 1), json!({ "type": "return", "status": "completed", "value": "v['last']" }));
    document("n1", &Value::Object(nodes), &json!({ "step": { "effect": "read", "capabilities": [] } }))
}

/// The key that signs these programs.
pub fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// A program of a verified document.
///
/// # Panics
/// When the interpreter does not execute it: the programs here are all of what it does.
#[expect(clippy::expect_used, reason = "the programs of this module are valid")]
pub fn load(ir: &VerifiedIr) -> Program {
    Program::load(ir).expect("the interpreter executes it")
}

/// A document of these nodes, which may call these tools.
///
/// # Panics
/// When it does not pass the load-time checks.
#[expect(clippy::expect_used, reason = "the programs of this package are valid")]
pub(crate) fn document(entry: &str, nodes: &Value, tools: &Value) -> VerifiedIr {
    let document = json!({
        "ir": "0.1",
        "flow": { "id": "figures", "version": "0.0.0", "title": "Figures", "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object" },
        "outputs": {},
        "policy": {
            "allowed_tools": tools,
            "safe_outputs": [],
            "sandbox": "restricted",
            "limits": {
                "timeout_seconds": 600, "node_timeout_seconds": 120, "max_tokens": 50_000,
                "max_steps": 1_000_000_000, "max_events": 50_000, "max_proposals": 10
            }
        },
        "entry": entry,
        "nodes": nodes
    });
    let document = serde_json::from_value(document).expect("it has the shape of a document");
    VerifiedIr::signed(document, &key()).expect("it passes the load-time checks")
}
