//! What-if replay: what recorded runs would have done by another program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use bloom_interpreter::effect::{Answer, EffectCall, EffectError, EffectId, EffectRequest};
use bloom_interpreter::history::{Chain, Event, Payload};
use bloom_interpreter::replay::{
    EmissionChange, Finding, IconWalk, NoSuchAnswer, Outcome, Verdict, Walker, WhatIf, replay, what_if,
    what_if_answered,
};
use bloom_interpreter::{End, Program};
use bloom_ir::Value;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use support::random::{inputs, statements, world as random_world};
use support::{Recorder, document, drive, drive_with, load, random};

/// Reads notes, asks about each that is long enough, proposes, and writes once. Icons are called by what they do.
fn notes() -> Json {
    let mut document = document(json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "args": { "folder": "input.folder" }, "into": "notes", "next": "n2" },
        "n2": { "type": "action", "op": "each", "over": "v['notes']", "cursor": "c", "next": "n3" },
        "n3": { "type": "action", "op": "iter", "cursor": "c", "item": "note", "next": "n4", "done": "n7" },
        "n4": { "type": "decision", "when": "size(v['note']) > 3", "then": "n5", "else": "n3" },
        "n5": { "type": "llm_call", "prompt": [{ "text": "Sum up " }, { "expr": "v['note']" }], "into": "answer",
                "output": { "type": "object" }, "next": "n6" },
        "n6": { "type": "emit", "kind": "proposal", "name": "note", "action": "propose-note",
                "value": "{'title': v['answer'].title}", "next": "n3" },
        "n7": { "type": "action", "op": "tool", "tool": "write", "args": { "count": "size(v['notes'])" }, "next": "n8" },
        "n8": { "type": "return", "status": "completed", "value": "v['notes']" }
    }));
    document["source"] = source(&[
        ("n1", "read"),
        ("n3", "loop"),
        ("n4", "long?"),
        ("n5", "ask"),
        ("n6", "propose"),
        ("n7", "write"),
        ("n8", "end"),
    ]);
    document
}

fn source(icons: &[(&str, &str)]) -> Json {
    let map = icons.iter().map(|(node, item)| {
        ((*node).to_owned(), json!({ "item": item, "first": true, "text": format!("the icon {item}") }))
    });
    json!({ "kind": "drakon", "name": "t.drakon", "sha256": "0".repeat(64), "map": map.collect::<serde_json::Map<_, _>>() })
}

fn world(request: &EffectRequest, attempt: u32) -> Result<Answer, EffectError> {
    let value = match &request.call {
        EffectCall::Tool(call) if call.tool == "read" => json!(["long one", "no", "another"]),
        EffectCall::Llm(_) if attempt == 1 => {
            return Err(EffectError { retryable: true, ..EffectError::new("overloaded", "try again") });
        }
        EffectCall::Llm(call) => json!({ "title": call.prompt.clone() }),
        _ => json!({}),
    };
    Ok(Answer { value: Value::from(value), usage: None })
}

/// What the recorded notes would have come to by a changed document.
fn after(change: impl FnOnce(&mut Json)) -> WhatIf {
    let recorded = load(&notes()).unwrap();
    let (events, _) = drive(&recorded, json!({ "folder": "x" }), &mut world);
    let mut other = notes();
    change(&mut other);
    what_if(Some(&recorded), &load(&other).unwrap(), &events)
}

/// What the recorded notes would have come to had an effect had another outcome.
fn answered(effect: &str, outcome: Result<Json, EffectError>) -> Result<(WhatIf, IconWalk), NoSuchAnswer> {
    let recorded = load(&notes()).unwrap();
    let (events, _) = drive(&recorded, json!({ "folder": "x" }), &mut world);
    let document = serde_json::from_value(notes()).unwrap();
    what_if_answered(&recorded, &document, &events, &EffectId::new(effect), outcome.map(Value::from))
}

#[test]
fn another_answer_leads_another_way_as_far_as_the_recorded_ones_go() {
    let (same, icons) = answered("n1#1", Ok(json!(["long one", "no", "another"]))).unwrap();
    assert!(!same.diverges(), "{same:?}");
    assert_eq!((same.same, icons.icons["long?"], icons.icons["ask"]), (4, 3, 2));

    // One note fewer: what was asked about it is asked no more, and what is written is another count.
    let (fewer, icons) = answered("n1#1", Ok(json!(["long one"]))).unwrap();
    assert_eq!((icons.icons["long?"], icons.icons["ask"]), (1, 1));
    assert!(matches!(&fewer.outcome, Outcome::OtherEnd { .. }), "{fewer:?}");
    let parting = fewer.parting.unwrap();
    assert_eq!(parting.replayed.unwrap().item, "write");
    assert!(fewer.findings.iter().any(|finding| matches!(finding, Finding::Unused { .. })), "{:?}", fewer.findings);

    // What was never asked has no answer: there it stops.
    let (more, icons) = answered("n1#1", Ok(json!(["a third one"]))).unwrap();
    assert_eq!(more.outcome, Outcome::Stopped);
    assert_eq!(icons.position, ["ask"]);
    let (failed, _) = answered("n1#1", Err(EffectError::new("timeout", ""))).unwrap();
    assert!(
        matches!(&failed.outcome, Outcome::OtherEnd { replayed: End::Failed { error, .. }, .. } if error.code == "timeout"),
        "{failed:?}"
    );
    assert_eq!(answered("n9#1", Ok(json!(1))).unwrap_err(), NoSuchAnswer(EffectId::new("n9#1")));
}

#[test]
fn a_moment_is_the_same_from_whichever_mark_it_is_come_to() {
    let program = load(&notes()).unwrap();
    let document = serde_json::from_value(notes()).unwrap();
    let many: Vec<String> = (0..90).map(|number| format!("note {number}")).collect();
    let mut world = |request: &EffectRequest, attempt: u32| match &request.call {
        EffectCall::Tool(call) if call.tool == "read" => Ok(Answer { value: Value::from(json!(many)), usage: None }),
        _ => world(request, attempt),
    };
    let (events, _) = drive(&program, json!({ "folder": "x" }), &mut world);
    let mut walker = Walker::new(&program, &events);
    for event in &events {
        walker.follow(event);
    }
    assert_eq!((walker.seq(), walker.verdict()), (events.len() as u64, Verdict::Same));
    let mut fresh = Walker::new(&program, &events);
    for (number, event) in (1..).zip(&events) {
        fresh.follow(event);
        let mut near = walker.before(number);
        assert!(near.seq() <= number && near.seq() + 64 > number, "the mark before {number} is {}", near.seq());
        let from = usize::try_from(near.seq()).unwrap();
        for event in &events[from..usize::try_from(number).unwrap()] {
            near.follow(event);
        }
        assert_eq!(near.walk(&document), fresh.walk(&document), "{number}");
        assert_eq!(near.position(), fresh.position(), "{number}");
        assert_eq!(near.position(), replay(&program, &events, Some(number)).position, "{number}");
    }
}

#[test]
fn behind_an_event_that_does_not_agree_nothing_is_followed() {
    let program = load(&notes()).unwrap();
    let (mut events, _) = drive(&program, json!({ "folder": "x" }), &mut world);
    events.remove(3);
    let mut walker = Walker::new(&program, &events);
    for event in &events {
        walker.follow(event);
    }
    assert_eq!(walker.seq(), 3);
    assert!(matches!(walker.verdict(), Verdict::Broken(_)), "{:?}", walker.verdict());
}

/// Puts a node between one and the next, in an icon of its own.
fn insert(document: &mut Json, behind: &str, arm: &str, mut node: Json) {
    node["next"] = document["nodes"][behind][arm].clone();
    document["nodes"][behind][arm] = json!("new");
    document["nodes"]["new"] = node;
    document["source"]["map"]["new"] = json!({ "item": "new", "first": true, "text": "the icon new" });
}

/// All nodes under other ids, as the compiler gives them when something is drawn before them.
fn renumbered(document: &Json) -> Json {
    let names: BTreeMap<String, String> =
        document["nodes"].as_object().unwrap().keys().map(|id| (id.clone(), format!("x{id}"))).collect();
    #[allow(clippy::items_after_statements, reason = "it is part of what is done with the names")]
    fn rename(value: &Json, under: &str, names: &BTreeMap<String, String>) -> Json {
        match value {
            Json::Object(members) => {
                let is_map = matches!(under, "nodes" | "map");
                let renamed = members.iter().map(|(key, value)| {
                    let name = if is_map { names[key].clone() } else { key.clone() };
                    (name, rename(value, key, names))
                });
                Json::Object(renamed.collect())
            }
            Json::Array(items) => items.iter().map(|item| rename(item, under, names)).collect(),
            Json::String(text) => {
                let is_target = matches!(
                    under,
                    "next" | "then" | "else" | "done" | "to" | "entry" | "join" | "fork" | "on_timeout"
                );
                names.get(text).filter(|_| is_target).map_or_else(|| value.clone(), |name| json!(name))
            }
            other => other.clone(),
        }
    }
    rename(document, "", &names)
}

fn item(result: &WhatIf) -> &str {
    &result.first.as_ref().unwrap().place.as_ref().unwrap().item
}

#[test]
fn the_same_program_under_other_ids_does_the_same() {
    let result = after(|document| *document = renumbered(document));
    assert!(!result.diverges(), "{result:?}");
    assert_eq!(result.same, 4);
    assert_eq!(result.first, None);
}

/// Computes with what was read, which fails, and writes the error down.
fn failing() -> Json {
    let mut document = document(json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "args": { "folder": "input.folder" }, "into": "notes", "next": "n2" },
        "n2": { "type": "action", "op": "set", "into": "x", "value": "v['notes'] + 1", "next": "n5", "on_error": { "to": "n3", "into": "e" } },
        "n3": { "type": "action", "op": "tool", "tool": "write", "args": { "error": "v['e']" }, "next": "n4" },
        "n4": { "type": "return", "status": "completed", "value": "v['e']" },
        "n5": { "type": "return", "status": "completed", "value": "{}" }
    }));
    document["source"] = source(&[("n1", "read"), ("n2", "add"), ("n3", "write"), ("n4", "end"), ("n5", "other end")]);
    document
}

#[test]
fn an_error_names_its_node_as_it_was_recorded() {
    let recorded = load(&failing()).unwrap();
    let (events, machine) = drive(&recorded, json!({ "folder": "x" }), &mut world);
    let Some(End::Completed { result }) = machine.end() else { panic!("{:?}", machine.end()) };
    assert_eq!(result.get("node"), Some(&Value::from("n2")));
    let mut longer = failing();
    insert(&mut longer, "n1", "next", json!({ "type": "action", "op": "set", "into": "y", "value": "1" }));
    for other in [renumbered(&failing()), longer.clone(), renumbered(&longer)] {
        let result = what_if(Some(&recorded), &load(&other).unwrap(), &events);
        assert!(!result.diverges() && result.same == 2, "{result:?}");
    }
    // An icon that the recorded program has not is called as it is.
    let mut other = failing();
    insert(&mut other, "n1", "next", json!({ "type": "action", "op": "set", "into": "x", "value": "v['notes'] + 1" }));
    other["nodes"]["new"]["on_error"] = json!({ "to": "n3", "into": "e" });
    let result = what_if(Some(&recorded), &load(&other).unwrap(), &events);
    let node = |finding: &Finding| match finding {
        Finding::Different { asked, path, .. } if path == "/args/error/node" => Some(asked.clone()),
        _ => None,
    };
    assert!(result.findings.iter().any(|finding| node(finding) == Some(json!("new"))), "{result:?}");
}

#[test]
fn an_inserted_icon_without_an_effect_changes_nothing() {
    let result = after(|document| {
        insert(document, "n4", "then", json!({ "type": "action", "op": "set", "into": "x", "value": "1" }));
        *document = renumbered(document);
    });
    assert!(!result.diverges(), "{result:?}");
}

#[test]
fn an_inserted_effect_whose_answer_nobody_reads_is_told_and_what_follows_is_found_again() {
    let result = after(|document| {
        let call = json!({ "type": "action", "op": "tool", "tool": "write", "args": { "count": "size(v['notes'])" } });
        insert(document, "n1", "next", call);
        *document = renumbered(document);
    });
    let [Finding::New { request, passed: true, place: Some(place), seq: 3 }] = &result.findings[..] else {
        panic!("{result:?}")
    };
    assert_eq!((request.node.as_str(), place.item.as_str()), ("xnew", "new"));
    assert_eq!((result.same, &result.outcome, item(&result)), (4, &Outcome::Same, "new"));
    assert!(result.diverges() && result.parting.is_none());
}

#[test]
fn an_inserted_effect_whose_answer_is_needed_stops_the_replay() {
    let result = after(|document| {
        let call =
            json!({ "type": "action", "op": "tool", "tool": "read", "args": { "folder": "'y'" }, "into": "more" });
        insert(document, "n1", "next", call);
    });
    assert!(matches!(&result.findings[..], [Finding::New { passed: false, .. }]), "{result:?}");
    assert_eq!((result.same, &result.outcome, item(&result)), (1, &Outcome::Stopped, "new"));
    assert!(result.emissions.is_empty() && result.parting.is_none(), "what was not come to is not lost");
}

#[test]
fn a_removed_effect_leaves_its_results_unused() {
    let result = after(|document| {
        document["nodes"]["n5"] =
            json!({ "type": "action", "op": "set", "into": "answer", "value": "{'title': 'x'}", "next": "n6" });
    });
    let unused: Vec<_> = result
        .findings
        .iter()
        .map(|finding| match finding {
            Finding::Unused { request, place, .. } => (request.visit, place.clone().unwrap().item),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(unused, [(1, "ask".to_owned()), (2, "ask".to_owned())]);
    assert_eq!((result.same, &result.outcome), (2, &Outcome::Same));
    assert!(result.emissions.iter().all(|change| matches!(change, EmissionChange::Changed { .. })), "{result:?}");
    assert_eq!(result.emissions.len(), 2);
}

#[test]
fn a_changed_prompt_is_shown_with_both_texts() {
    let result = after(|document| document["nodes"]["n5"]["prompt"][0]["text"] = json!("Shorten "));
    let [Finding::Different { path, recorded, asked, passed: false, seq: 4, .. }] = &result.findings[..] else {
        panic!("{result:?}")
    };
    assert_eq!((path.as_str(), recorded, asked), ("/prompt", &json!("Sum up long one"), &json!("Shorten long one")));
    assert_eq!((item(&result), &result.outcome), ("ask", &Outcome::Stopped));
}

#[test]
fn a_changed_tool_is_told_at_its_icon() {
    let result = after(|document| document["nodes"]["n7"]["tool"] = json!("shape"));
    let [Finding::Different { path, passed: true, .. }] = &result.findings[..] else { panic!("{result:?}") };
    assert_eq!((path.as_str(), item(&result), &result.outcome), ("/tool", "write", &Outcome::Same));
}

#[test]
fn a_changed_condition_is_found_where_the_ways_part() {
    let result = after(|document| document["nodes"]["n4"]["when"] = json!("size(v['note']) > 7"));
    let parting = result.parting.clone().unwrap();
    let items = [&parting.after, &parting.recorded, &parting.replayed]
        .map(|place| place.as_ref().map(|place| place.item.clone()).unwrap());
    // The third note, of seven letters, is not asked about any more.
    assert_eq!(items, ["long?", "ask", "loop"].map(str::to_owned));
    assert_eq!((item(&result), result.same), ("long?", 3));
    assert!(matches!(&result.findings[..], [Finding::Unused { .. }]), "{result:?}");
    assert!(matches!(&result.emissions[..], [EmissionChange::Lost { .. }]), "{result:?}");
    assert_eq!(result.outcome, Outcome::Same);
}

#[test]
fn an_inserted_decision_that_leads_away_is_where_the_ways_part() {
    let result = after(|document| {
        document["nodes"]["n1"]["next"] = json!("new");
        document["nodes"]["new"] =
            json!({ "type": "decision", "when": "size(v['notes']) > 2", "then": "n8", "else": "n2" });
        document["source"]["map"]["new"] = json!({ "item": "new", "first": true, "text": "many?" });
    });
    let parting = result.parting.clone().unwrap();
    assert_eq!(parting.after.unwrap().text.unwrap(), "many?");
    assert_eq!((parting.recorded.unwrap().item, parting.replayed.unwrap().item), ("loop".into(), "end".into()));
    assert_eq!(item(&result), "new");
}

#[test]
fn another_result_and_another_error_are_told() {
    let result = after(|document| document["nodes"]["n8"]["value"] = json!("size(v['notes'])"));
    let Outcome::OtherEnd { recorded: Some(End::Completed { .. }), replayed: End::Completed { result: end } } =
        &result.outcome
    else {
        panic!("{result:?}")
    };
    assert_eq!(*end, Value::Int(3));
    let result = after(|document| document["nodes"]["n4"]["when"] = json!("v['note']"));
    let Outcome::OtherEnd { replayed: End::Failed { error, .. }, .. } = &result.outcome else { panic!("{result:?}") };
    assert_eq!((error.code.as_str(), item(&result)), ("not_boolean", "long?"));
    let result = after(|document| document["inputs"] = json!({ "type": "object", "required": ["other"] }));
    assert!(matches!(result.outcome, Outcome::Refused { .. }) && result.diverges(), "{result:?}");
}

#[test]
fn without_the_recorded_program_requests_are_still_compared() {
    let recorded = load(&notes()).unwrap();
    let (events, _) = drive(&recorded, json!({ "folder": "x" }), &mut world);
    let same = what_if(None, &load(&renumbered(&notes())).unwrap(), &events);
    assert!(!same.diverges(), "{same:?}");
    let mut other = notes();
    other["nodes"]["n5"]["prompt"][0]["text"] = json!("Shorten ");
    let changed = what_if(None, &load(&other).unwrap(), &events);
    assert!(matches!(&changed.findings[..], [Finding::Different { .. }]), "{changed:?}");
}

#[test]
fn a_history_that_was_changed_is_not_compared() {
    let recorded = load(&notes()).unwrap();
    let (mut events, _) = drive(&recorded, json!({ "folder": "x" }), &mut world);
    events[2] = events[2].clone().erased();
    let erased = what_if(Some(&recorded), &recorded, &events);
    assert!(matches!(erased.outcome, Outcome::Unreadable { seq: 3, .. }), "{erased:?}");
    events.remove(1);
    assert!(matches!(what_if(None, &recorded, &events).outcome, Outcome::Unreadable { seq: 2, .. }));
}

/// The history as it would be if somebody had cancelled the run behind its first events.
fn cancelled(events: &[Event]) -> Vec<Event> {
    let mut chain = Chain::verify(events).unwrap();
    let last = chain.next(9_999, Payload::RunCancelled { reason: "enough".to_owned() });
    events.iter().cloned().chain([last]).collect()
}

/// A random document that says where its nodes stand.
fn with_source(mut document: Json) -> Json {
    let nodes: Vec<String> = document["nodes"].as_object().unwrap().keys().cloned().collect();
    let items: Vec<(&str, String)> = nodes.iter().map(|node| (node.as_str(), format!("i-{node}"))).collect();
    let icons: Vec<(&str, &str)> = items.iter().map(|(node, item)| (*node, item.as_str())).collect();
    document["source"] = source(&icons);
    document
}

fn recorded(document: &Json) -> (Program, Vec<Event>, Option<End>) {
    let program = load(document).unwrap();
    let recorder = Recorder { most: 300, ..Recorder::default() };
    let (events, machine) = drive_with(&program, inputs(), recorder, &mut random_world);
    let end = machine.end().cloned();
    (program, events, end)
}

fn hit_a_limit(end: Option<&End>) -> bool {
    matches!(end, Some(End::Failed { error, .. }) if error.code.starts_with("limit"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_same_program_does_the_same_of_any_history(
        statements in statements(), catch in any::<bool>(), at in any::<prop::sample::Index>()
    ) {
        let document = with_source(random::document(&statements, catch));
        let (program, events, _) = recorded(&document);
        let other = load(&renumbered(&document)).unwrap();
        let length = at.index(events.len()) + 1;
        for events in [events.clone(), events[..length].to_vec()] {
            let histories = if events.last().is_some_and(is_end) {
                vec![events]
            } else {
                vec![cancelled(&events), events]
            };
            for events in histories {
                let result = what_if(Some(&program), &program, &events);
                prop_assert!(!result.diverges(), "{:?}", result);
                let renamed = what_if(Some(&program), &other, &events);
                prop_assert!(!renamed.diverges(), "{:?}", renamed);
                prop_assert_eq!(renamed.same, result.same);
            }
        }
    }

    #[test]
    fn an_inserted_icon_changes_nothing_and_an_inserted_effect_is_all_that_is_found(
        statements in statements(), catch in any::<bool>(), place in any::<prop::sample::Index>(), effect in any::<bool>()
    ) {
        let document = with_source(random::document(&statements, catch));
        let (program, events, end) = recorded(&document);
        prop_assume!(!hit_a_limit(end.as_ref()));
        let mut other = document.clone();
        let nodes: Vec<String> = document["nodes"].as_object().unwrap().iter()
            .filter(|(_, node)| node.get("next").is_some()).map(|(id, _)| id.clone()).collect();
        let node = if effect {
            json!({ "type": "action", "op": "tool", "tool": "shape", "args": { "x": "1" } })
        } else {
            json!({ "type": "action", "op": "set", "into": "unread", "value": "1" })
        };
        insert(&mut other, &nodes[place.index(nodes.len())], "next", node);
        let other = load(&renumbered(&other)).unwrap();
        let result = what_if(Some(&program), &other, &events);
        prop_assert!(result.parting.is_none(), "{:?}", result);
        prop_assert!(result.emissions.is_empty(), "{:?}", result);
        for finding in &result.findings {
            let is_new = matches!(finding, Finding::New { request, passed: true, .. } if request.node.as_str() == "xnew");
            prop_assert!(effect && is_new, "{:?}", finding);
        }
        prop_assert!(!matches!(result.outcome, Outcome::Stopped | Outcome::Waits), "{:?}", result);
    }

    #[test]
    fn a_what_if_replay_of_any_pair_is_the_same_each_time(
        one in statements(), other in statements(), catch in any::<bool>()
    ) {
        let (program, events, _) = recorded(&with_source(random::document(&one, catch)));
        let other = load(&with_source(random::document(&other, catch))).unwrap();
        let first = what_if(Some(&program), &other, &events);
        prop_assert_eq!(&first, &what_if(Some(&program), &other, &events));
        prop_assert!(serde_json::to_string(&first).is_ok());
        prop_assert!(first.diverges() || first.first.is_none(), "{:?}", first);
    }
}

fn is_end(event: &Event) -> bool {
    matches!(
        event.payload,
        Some(Payload::RunCompleted { .. } | Payload::RunFailed { .. } | Payload::RunCancelled { .. })
    )
}
