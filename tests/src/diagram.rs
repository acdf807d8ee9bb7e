//! Diagrams of a given size.

use serde_json::{Map, Value, json};

/// `count` questions in a row, each with an action on its right arm that joins the way down: what takes other compilers
/// time exponential in `count`.
pub fn consecutive_ifs(count: usize) -> Vec<u8> {
    let mut items = Map::new();
    items.insert("head".into(), json!({ "type": "branch", "branchId": 0, "one": "start" }));
    items.insert("start".into(), json!({ "type": "action", "content": "x = 0", "one": "q0" }));
    for index in 0..count {
        let below = if index + 1 == count { "end".to_owned() } else { format!("q{}", index + 1) };
        items.insert(
            format!("q{index}"),
            json!({
                "type": "question", "content": format!("x < {index}?"), "flag1": 1,
                "one": below, "two": format!("a{index}")
            }),
        );
        items.insert(format!("a{index}"), json!({ "type": "action", "content": "x = x + 1", "one": below }));
    }
    finish(items)
}

/// `count` actions in a row.
pub fn straight(count: usize) -> Vec<u8> {
    let mut items = Map::new();
    items.insert("head".into(), json!({ "type": "branch", "branchId": 0, "one": "a0" }));
    for index in 0..count {
        let below = if index + 1 == count { "end".to_owned() } else { format!("a{}", index + 1) };
        let text = if index == 0 { "x = 0" } else { "x = x + 1" };
        items.insert(format!("a{index}"), json!({ "type": "action", "content": text, "one": below }));
    }
    finish(items)
}

fn finish(mut items: Map<String, Value>) -> Vec<u8> {
    items.insert("end".into(), json!({ "type": "end" }));
    json!({ "type": "drakon", "items": items }).to_string().into_bytes()
}
