#![allow(clippy::needless_pass_by_value, reason = "`json!` values are written in place")]

use serde_json::{Value, json};

use super::*;
use crate::canonical::MAX_BYTES;
use crate::diagnostic::Severity;
use crate::document::Locale;

mod properties;

/// A document that has every form of node.
pub(crate) const EVERYTHING: &str = include_str!("../../../fixtures/ir/everything.ir.json");

fn everything() -> Value {
    serde_json::from_str(EVERYTHING).unwrap()
}

/// A procedure with these nodes, entered at `n1`.
fn with_nodes(nodes: Value) -> Value {
    json!({
        "ir": "0.1",
        "flow": { "id": "test", "version": "0.0.0", "title": "Test", "kind": "procedure", "locale": "en" },
        "inputs": {}, "outputs": {}, "policy": { "safe_outputs": ["propose-tag"] },
        "entry": "n1",
        "nodes": nodes,
    })
}

/// What is found, each as `code pointer`; warnings follow a `?`.
fn found(document: &Value) -> Vec<String> {
    let bytes = serde_json::to_vec(document).unwrap();
    let diagnostics = match read(&bytes).and_then(|document| check(&document)) {
        Ok(checked) => checked.warnings,
        Err(diagnostics) => diagnostics,
    };
    diagnostics.iter().map(shown).collect()
}

fn shown(diagnostic: &Diagnostic) -> String {
    let pointer = match &diagnostic.place {
        Place::Node { pointer, .. } => pointer.as_str(),
        _ => "-",
    };
    let mark = if diagnostic.severity == Severity::Warning { "?" } else { "" };
    for locale in [Locale::En, Locale::Uk] {
        let message = diagnostic.message(locale);
        assert!(!message.contains("{$"), "an open variable: {message}");
        assert_ne!(message, diagnostic.code.0, "no message");
    }
    format!("{mark}{} {pointer}", diagnostic.code)
}

/// The document with one place changed.
fn changed(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match parent {
        Value::Object(members) => {
            members.insert(member.to_owned(), value);
        }
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    document
}

fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member).unwrap();
    document
}

#[test]
fn every_form_of_node_is_read_and_checked() {
    assert_eq!(found(&everything()), [""; 0]);
    let document = read(EVERYTHING.as_bytes()).unwrap();
    let written = document.to_bytes();
    assert_eq!(read(&written).unwrap(), document);
    assert_eq!(canonical::to_bytes(&everything()).unwrap(), written, "nothing is lost or added");
}

#[test]
fn text_that_is_no_document_is_refused() {
    let codes = |bytes: &[u8]| read(bytes).unwrap_err().iter().map(shown).collect::<Vec<_>>();
    assert_eq!(codes(&vec![b' '; MAX_BYTES + 1]), ["I001 -"]);
    assert_eq!(codes(b"{\"a\": \"\xFF\"}"), ["I002 -"]);
    assert_eq!(codes(b"\xEF\xBB\xBF{}"), ["I003 -"]);
    assert_eq!(codes(b"{} {}"), ["I004 -"]);
    assert_eq!(codes("[".repeat(129).as_bytes()), ["I005 -"]);
    assert_eq!(codes(br#"{"a": {"b": 1, "b": 2}, "c": 9007199254740992}"#), ["I006 /a/b", "I007 /c"]);
    assert_eq!(codes(b"[]"), ["I013 "]);
}

#[test]
fn the_wrong_shape_is_described_by_the_form_that_is_meant() {
    let set = |pointer, value| found(&changed(everything(), pointer, value));
    assert_eq!(set("/ir", json!("0.2")), ["I010 /ir"]);
    assert_eq!(found(&without(everything(), "/flow/title")), ["I011 /flow"]);
    assert_eq!(found(&without(everything(), "/nodes/n6/output")), ["I011 /nodes/n6"]);
    assert_eq!(found(&without(everything(), "/nodes/n1/type")), ["I011 /nodes/n1"]);
    assert_eq!(set("/nodes/n2/then", json!("n3")), ["I012 /nodes/n2/then"]);
    assert_eq!(set("/nodes/n6/prompt/0", json!({ "txt": "x" })), ["I012 /nodes/n6/prompt/0/txt"]);
    assert_eq!(set("/extra", json!(1)), ["I012 /extra"]);
    assert_eq!(set("/nodes/n2/into", json!(null)), ["I013 /nodes/n2/into"]);
    assert_eq!(set("/nodes/n1/into", json!(null)), ["I013 /nodes/n1/into"], "absent and null are not the same");
    assert_eq!(set("/nodes/n6/output", json!(null)), ["I013 /nodes/n6/output"]);
    assert_eq!(set("/nodes/n1/input", json!(null)), ["I013 /nodes/n1/input"]);
    assert_eq!(set("/nodes/n2", json!(1)), ["I013 /nodes/n2"]);
    assert_eq!(set("/flow/kind", json!("loop")), ["I014 /flow/kind"]);
    assert_eq!(set("/nodes/n1/on_unknown", json!("perhaps")), ["I014 /nodes/n1/on_unknown"]);
    assert_eq!(set("/flow/id", json!("Ні")), ["I015 /flow/id"]);
    assert_eq!(set("/nodes/n1/retry/attempts", json!(11)), ["I016 /nodes/n1/retry/attempts"]);
    assert_eq!(set("/nodes/n1/retry/attempts", json!(0)), ["I016 /nodes/n1/retry/attempts"]);
    assert_eq!(set("/policy/limits/max_steps", json!(0)), ["I016 /policy/limits/max_steps"]);
    assert_eq!(set("/policy/limits/timeout_seconds", json!(1_i64 << 32)), ["I016 /policy/limits/timeout_seconds"]);
    assert_eq!(set("/nodes/n10/cases", json!([])), ["I016 /nodes/n10/cases"]);
    assert_eq!(set("/nodes/n2/op", json!("sett")), ["I017 /nodes/n2/op"]);
    assert_eq!(set("/nodes/n2/type", json!("think")), ["I017 /nodes/n2/type"]);
    assert_eq!(found(&without(everything(), "/nodes/n11/for")), ["I018 /nodes/n11"]);
    assert_eq!(set("/nodes/Вузол", everything()["nodes"]["n30"].clone()), ["I019 /nodes/Вузол"]);
    assert_eq!(set("/nodes/n6/prompt/0", json!({})), ["I021 /nodes/n6/prompt/0"]);
}

#[test]
fn every_problem_is_reported_and_names_its_icon() {
    let document = changed(changed(everything(), "/nodes/n5/when", json!("1 +")), "/nodes/n1/tool", json!("rm"));
    let diagnostics = check(&read(&serde_json::to_vec(&document).unwrap()).unwrap()).unwrap_err();
    let items: Vec<Option<&str>> = diagnostics
        .iter()
        .map(|it| match &it.place {
            Place::Node { item, .. } => item.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(diagnostics.iter().map(shown).collect::<Vec<_>>(), ["I301 /nodes/n5/when", "I401 /nodes/n1/tool"]);
    assert_eq!(items, [Some("14"), Some("12")]);
}

#[test]
fn targets_exist_and_nodes_are_reached() {
    assert_eq!(found(&changed(everything(), "/entry", json!("n99"))), ["I101 /entry"]);
    assert_eq!(found(&changed(everything(), "/catch/to", json!("n99"))), ["I101 /catch/to"]);
    assert_eq!(found(&changed(everything(), "/nodes/n10/cases/1/to", json!("n99"))), ["I101 /nodes/n10/cases/1/to"]);
    assert_eq!(found(&changed(everything(), "/nodes/n1/on_error/to", json!("n99"))), ["I101 /nodes/n1/on_error/to"]);
    let lonely = json!({ "type": "return", "status": "failed", "value": "1" });
    assert_eq!(found(&changed(everything(), "/nodes/n99", lonely)), ["I102 /nodes/n99"]);
}

#[test]
fn a_procedure_can_end_and_a_machine_can_end_or_wait() {
    let endless = json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "1", "next": "n2" },
        "n2": { "type": "action", "op": "set", "into": "x", "value": "2", "next": "n1" },
    });
    assert_eq!(found(&with_nodes(endless.clone())), ["I103 /nodes/n1"]);
    assert_eq!(found(&changed(with_nodes(endless), "/flow/kind", json!("machine"))), ["I104 /nodes/n1"]);
    let waiting = json!({ "n1": { "type": "action", "op": "await", "signal": "go", "next": "n1" } });
    assert_eq!(found(&with_nodes(waiting.clone())), ["I103 /nodes/n1"]);
    assert_eq!(found(&changed(with_nodes(waiting), "/flow/kind", json!("machine"))), [""; 0]);
}

#[test]
fn a_timer_that_is_awaited_is_started_somewhere() {
    assert_eq!(found(&changed(everything(), "/nodes/n16/timer", json!("other"))), ["I106 /nodes/n16/timer"]);
}

#[test]
fn variables_are_set_on_every_path_before_they_are_read() {
    let document = with_nodes(json!({
        "n1": { "type": "decision", "when": "true", "then": "n2", "else": "n3" },
        "n2": { "type": "action", "op": "set", "into": "x", "value": "1", "next": "n3" },
        "n3": { "type": "return", "status": "completed", "value": "[v['x'], v['y']]" },
    }));
    assert_eq!(found(&document), ["I202 /nodes/n3/value", "I201 /nodes/n3/value"]);
    let both = changed(document, "/nodes/n1/else", json!("n2"));
    assert_eq!(found(&changed(both, "/nodes/n3/value", json!("v['x']"))), [""; 0]);
}

#[test]
fn a_loop_body_does_not_count_as_passed() {
    let document = with_nodes(json!({
        "n1": { "type": "action", "op": "each", "over": "[1]", "cursor": "c", "next": "n2" },
        "n2": { "type": "action", "op": "iter", "cursor": "c", "item": "i", "next": "n3", "done": "n4" },
        "n3": { "type": "action", "op": "set", "into": "last", "value": "v['i']", "next": "n2" },
        "n4": { "type": "return", "status": "completed", "value": "v['last'] + v['i']" },
    }));
    assert_eq!(found(&document), ["I201 /nodes/n4/value", "I201 /nodes/n4/value"]);
    assert_eq!(found(&changed(document, "/entry", json!("n2")))[0], "I102 /nodes/n1");
}

#[test]
fn every_path_to_an_iter_passes_its_each() {
    let document = with_nodes(json!({
        "n1": { "type": "decision", "when": "true", "then": "n2", "else": "n3" },
        "n2": { "type": "action", "op": "each", "over": "[1]", "cursor": "c", "next": "n3" },
        "n3": { "type": "action", "op": "iter", "cursor": "c", "item": "i", "next": "n3", "done": "n4" },
        "n4": { "type": "return", "status": "completed", "value": "1" },
    }));
    assert_eq!(found(&document), ["I105 /nodes/n3/cursor"]);
    assert_eq!(found(&changed(document, "/nodes/n1/else", json!("n2"))), [""; 0]);
}

#[test]
fn what_an_error_path_reads_is_set_or_warned_of() {
    let document = with_nodes(json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "1", "next": "n2" },
        "n2": { "type": "action", "op": "set", "into": "y", "value": "1 / 0", "on_error": { "to": "n4", "into": "e" }, "next": "n3" },
        "n3": { "type": "return", "status": "completed", "value": "v['y']" },
        "n4": { "type": "return", "status": "failed", "value": "[v['x'], v['y'], v['e']]" },
    }));
    assert_eq!(found(&document), ["I201 /nodes/n4/value"], "on_error is a path as any other; y is not set on it");
    let caught = changed(without(document, "/nodes/n2/on_error"), "/catch", json!({ "to": "n4", "into": "e" }));
    assert_eq!(found(&caught), ["?I203 /nodes/n4/value", "?I203 /nodes/n4/value"], "n1 itself may fail");
}

#[test]
fn expressions_parse_and_name_what_exists() {
    let value = |text: &str| found(&changed(everything(), "/nodes/n28/value", json!(text)));
    assert_eq!(value("1 +"), ["I301 /nodes/n28/value"]);
    assert_eq!(value("v[input.folder]"), ["I301 /nodes/n28/value"], "v stands as v['literal'] only");
    assert_eq!(value("run.clock"), ["I301 /nodes/n28/value"]);
    assert_eq!(value("frobnicate(1)"), ["I301 /nodes/n28/value"]);
    assert_eq!(value("input.file"), ["I302 /nodes/n28/value"]);
    assert_eq!(value("input.folder"), [""; 0]);
    assert_eq!(found(&changed(everything(), "/nodes/n1/args/a~b", json!("("))), ["I301 /nodes/n1/args/a~0b"]);
}

#[test]
fn schemas_are_valid_and_stay_in_the_document() {
    let set = |pointer, value| found(&changed(everything(), pointer, value));
    assert_eq!(set("/inputs", json!({ "type": "thing" })), ["I303 /inputs/type"]);
    assert_eq!(set("/outputs", json!("any")), ["I303 /outputs"]);
    assert_eq!(set("/nodes/n6/output", json!({ "$ref": "https://example.org/s.json" })), ["I303 /nodes/n6/output"]);
    assert_eq!(set("/nodes/n1/input", json!({ "$ref": "file:///etc/passwd" })), ["I303 /nodes/n1/input"]);
    assert_eq!(set("/nodes/n13/ask/schema", json!({ "pattern": "(?=a)" })), ["I303 /nodes/n13/ask/schema"]);
    assert_eq!(set("/nodes/n17/schema", json!({ "required": "x" })), ["I303 /nodes/n17/schema"]);
}

#[test]
fn the_literals_of_a_decision_differ() {
    assert_eq!(
        found(&changed(everything(), "/nodes/n10/cases/1/values", json!([1, 0]))),
        ["I304 /nodes/n10/cases/1/values"]
    );
    assert_eq!(found(&changed(everything(), "/nodes/n10/cases/1/values", json!(["0"]))), [""; 0]);
}

#[test]
fn the_flow_keeps_to_its_policy() {
    let set = |pointer, value| found(&changed(everything(), pointer, value));
    assert_eq!(set("/policy/allowed_tools", json!({})), ["I401 /nodes/n1/tool"]);
    assert_eq!(set("/policy/safe_outputs", json!([])), ["I402 /nodes/n7/action"]);
    assert_eq!(found(&without(everything(), "/nodes/n7/action")), ["I403 /nodes/n7"]);
    assert_eq!(set("/nodes/n9/action", json!("propose-summary")), ["I404 /nodes/n9/action"]);
}

#[test]
fn forks_keep_their_rules() {
    let set = |pointer, value| found(&changed(everything(), pointer, value));
    assert!(set("/nodes/n12/join", json!("n20")).contains(&"I501 /nodes/n12/join".to_owned()));
    assert!(set("/nodes/n19/fork", json!("n2")).contains(&"I501 /nodes/n19/fork".to_owned()));
    assert_eq!(set("/nodes/n19/fork", json!("n99")), ["I101 /nodes/n19/fork"]);
    assert_eq!(set("/nodes/n14/next", json!("n15")), ["I502 /nodes/n14"], "from one branch into another");
    assert_eq!(set("/nodes/n18/next", json!("n20"))[0], "I502 /nodes/n18", "out of a branch, past the join");
    assert_eq!(set("/nodes/n11/next", json!("n13"))[0], "I102 /nodes/n12");
    let crossing = set("/nodes/n10/else", json!("n15"));
    assert!(crossing.iter().any(|it| it.starts_with("I502")), "into a branch: {crossing:?}");
    assert_eq!(set("/nodes/n10/else", json!("n19"))[0], "I502 /nodes/n10", "to a join without its fork");
    assert_eq!(set("/nodes/n14", json!({ "type": "return", "status": "failed", "value": "1" })), ["I503 /nodes/n14"]);
    assert_eq!(
        set("/nodes/n12/branches/1/writes", json!(["вчасно", "відповідь"])),
        ["I505 /nodes/n12/branches/1/writes", "I504 /nodes/n12/branches/1/writes"]
    );
    assert_eq!(
        set(
            "/nodes/n14",
            json!({ "type": "action", "op": "await", "signal": "archive", "into": "відповідь", "next": "n19" })
        ),
        ["I506 /nodes/n17/signal"]
    );
}

#[test]
fn after_a_join_only_what_the_branches_write_is_set() {
    let set = |pointer, value| found(&changed(everything(), pointer, value));
    assert_eq!(set("/nodes/n12/branches/1/writes", json!([])), ["I201 /nodes/n20/when"]);
    assert_eq!(set("/nodes/n20/when", json!("v['сигнал'] == null")), ["I201 /nodes/n20/when"]);
    let unset = changed(everything(), "/nodes/n14/into", json!("інше"));
    assert_eq!(found(&unset), ["I201 /nodes/n20/when"], "set on one path through the branch only");
}

/// `n1` sets `x1`, `n2` sets `x2` from it, and so on.
fn chain(count: usize, expression: impl Fn(usize) -> String) -> Value {
    let mut nodes: serde_json::Map<String, Value> = (1..=count)
        .map(|number| {
            let next = format!("n{}", number + 1);
            let value = expression(number);
            (
                format!("n{number}"),
                json!({ "type": "action", "op": "set", "into": format!("x{number}"), "value": value, "next": next }),
            )
        })
        .collect();
    nodes.insert(format!("n{}", count + 1), json!({ "type": "return", "status": "completed", "value": "0" }));
    with_nodes(nodes.into())
}

#[test]
fn as_many_nodes_as_are_allowed_are_checked_without_recursion() {
    assert_eq!(found(&chain(MAX_NODES - 1, |_| "0".to_owned())), [""; 0]);
    assert_eq!(found(&chain(MAX_NODES, |_| "0".to_owned())), ["I020 /nodes"]);
}

#[test]
fn thousands_of_variables_are_kept_apart() {
    let before = |number: usize| if number == 1 { "0".to_owned() } else { format!("v['x{}']", number - 1) };
    assert_eq!(found(&chain(2500, before)), [""; 0]);
    let later = |number: usize| if number == 1200 { "v['x2400']".to_owned() } else { before(number) };
    assert_eq!(found(&chain(2500, later)), ["I201 /nodes/n1200/value"]);
}
