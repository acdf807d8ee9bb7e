//! The flows whose runs are looked at.

use bloom_ir::{Digest, Document, SigningKey, TrustList, VerifiedIr};
use serde_json::{Map, Value, json};

use crate::work::TOOLS;

/// What a client may do with a run.
pub(crate) struct Flow {
    pub(crate) id: &'static str,
    /// Whether workers may execute it as a whole.
    pub(crate) may_leave: bool,
    /// Whether it waits for a signal.
    pub(crate) waits: bool,
}

pub(crate) const FLOWS: [Flow; 5] = [
    Flow { id: "asking", may_leave: true, waits: false },
    Flow { id: "branches", may_leave: false, waits: false },
    Flow { id: "waiting", may_leave: false, waits: true },
    Flow { id: "tools", may_leave: true, waits: false },
    Flow { id: "whole", may_leave: true, waits: false },
];

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

pub(crate) fn trust() -> TrustList {
    TrustList::of("own", key().public())
}

pub(crate) fn all() -> Vec<VerifiedIr> {
    FLOWS.iter().map(|flow| VerifiedIr::signed(document(flow.id), &key()).unwrap()).collect()
}

fn document(id: &str) -> Document {
    let tools: Map<String, Value> = TOOLS
        .into_iter()
        .map(|(name, effect)| {
            (name.to_owned(), json!({ "effect": effect, "digest": Digest::of(name.as_bytes()), "capabilities": [] }))
        })
        .collect();
    let limits = json!({ "node_timeout_seconds": 40, "timeout_seconds": 400 });
    serde_json::from_value(json!({
        "ir": "0.1",
        "flow": { "id": id, "version": "0.0.0", "title": id, "kind": "procedure", "locale": "en" },
        "inputs": {}, "outputs": {},
        "policy": { "allowed_tools": tools, "safe_outputs": ["propose-summary"], "limits": limits },
        "entry": "n1", "nodes": nodes(id),
    }))
    .unwrap()
}

fn nodes(id: &str) -> Value {
    let ask = |into: &str, next: &str| {
        json!({
            "type": "llm_call", "prompt": [{ "text": into }], "into": into, "next": next,
            "output": { "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] },
        })
    };
    let call = |tool: &str, into: &str, next: &str| json!({ "type": "action", "op": "tool", "tool": tool, "args": {}, "into": into, "next": next });
    let end = |value: &str| json!({ "type": "return", "status": "completed", "value": value });
    match id {
        "asking" => json!({ "n1": ask("a", "n2"), "n2": ask("b", "n3"), "n3": end("[v['a'].n, v['b'].n]") }),
        "branches" => {
            let branch = |entry: &str, into: &str| json!({ "name": entry, "entry": entry, "writes": [into] });
            json!({
                "n1": { "type": "action", "op": "fork", "join": "n9",
                        "branches": [branch("n2", "a"), branch("n3", "b"), branch("n4", "c")] },
                "n2": ask("a", "n9"), "n3": call("look", "b", "n9"),
                "n4": { "type": "action", "op": "sleep", "for": "3000", "next": "n5" }, "n5": ask("c", "n9"),
                "n9": { "type": "action", "op": "join", "fork": "n1", "next": "n10" },
                "n10": call("send", "d", "n11"), "n11": end("[v['a'].n, v['b'], v['c'].n, v['d']]"),
            })
        }
        "waiting" => json!({
            "n1": { "type": "action", "op": "await", "signal": "go", "into": "go", "next": "n2",
                    "timeout_seconds": 45, "on_timeout": "n4" },
            "n2": call("look", "a", "n3"), "n3": end("[v['go'], v['a']]"),
            "n4": { "type": "action", "op": "sleep", "for": "2000", "next": "n5" }, "n5": end("'nobody'"),
        }),
        "tools" => json!({
            "n1": call("look", "a", "n2"), "n2": call("send", "b", "n3"), "n3": call("look", "c", "n4"),
            "n4": end("[v['a'], v['b'], v['c']]"),
        }),
        _ => json!({
            "n1": ask("a", "n2"), "n2": call("look", "b", "n3"), "n3": ask("c", "n4"), "n4": call("send", "d", "n5"),
            "n5": { "type": "emit", "kind": "proposal", "name": "summary", "action": "propose-summary", "next": "n6",
                    "value": "{'content': string(v['c'].n), 'target': {'path': 'notes/a'}}" },
            "n6": end("[v['a'].n, v['b'], v['c'].n, v['d']]"),
        }),
    }
}
