use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::expr::parse;

struct Variables(BTreeMap<&'static str, Type>);

impl Scope for Variables {
    fn variable(&self, name: &str) -> Type {
        self.0.get(name).cloned().unwrap_or_else(Type::any)
    }

    fn input(&self) -> Type {
        self.variable("input")
    }
}

fn scope() -> Variables {
    let note = json!({
        "type": "object", "additionalProperties": false, "required": ["slug"],
        "properties": {
            "slug": { "type": "string" }, "words": { "type": "integer" }, "seen": { "type": ["integer", "null"] },
            "tags": { "type": "array", "items": { "enum": ["a", "b"] } },
        },
    });
    let schemas = [
        ("note", note.clone()),
        ("notes", json!({ "type": "array", "items": note })),
        ("open", json!({ "type": "object", "properties": { "n": { "type": "number" } } })),
        ("text", json!({ "type": "string" })),
        ("maybe", json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] })),
        ("either", json!({ "oneOf": [{ "type": "string" }, { "type": "object" }] })),
        ("pattern", json!({ "type": "object", "additionalProperties": false, "patternProperties": { "^a": {} } })),
        ("anything", json!({})),
        (
            "input",
            json!({ "type": "object", "properties": { "folder": { "type": "string" } }, "additionalProperties": false }),
        ),
    ];
    Variables(schemas.into_iter().map(|(name, schema)| (name, Type::of_schema(&schema))).collect())
}

fn findings(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    infer(&parse(text).unwrap(), &scope(), &mut found);
    found
}

fn kinds(text: &str) -> String {
    infer(&parse(text).unwrap(), &scope(), &mut Vec::new()).kinds().to_string()
}

#[test]
fn what_is_certain_to_go_wrong_is_found() {
    let same = |text: &str, expected: &str| {
        let found = findings(text);
        let [finding] = &found[..] else { panic!("{text}: {found:?}") };
        let name = format!("{finding:?}");
        assert!(name.starts_with(expected), "{text}: {name}");
    };
    for (text, expected) in [
        ("v['text'].slug", "NoMembers"),
        ("v['notes'].slug", "NoMembers"),
        ("v['notes'][0].slg", "NoMember {"),
        ("v['note'].title", "NoMember {"),
        ("input.path", "NoMember {"),
        ("v['notes'].map(n, n.title)", "NoMember {"),
        ("{'a': 1}.b", "NoMember {"),
        ("v['text'][0]", "NoElement"),
        ("v['notes']['a' + 'b']", "NoElement"),
        ("size(v['note'].words)", "WrongArgument"),
        ("v['note'].words.startsWith('a')", "WrongArgument"),
        ("v['text'] + 1", "WrongOperand"),
        ("-v['text']", "WrongOperand"),
        ("v['notes'] < v['notes']", "WrongOperand"),
        ("1 in v['text']", "WrongOperand"),
        ("v['text'] ? 1 : 2", "NotCondition"),
        ("!v['note'].words", "NotCondition"),
        ("v['text'] && true", "NotCondition"),
        ("v['text'].all(x, true)", "NotIterable"),
        ("v['note'].words == 'many'", "NeverEqual"),
        ("v['maybe'].startsWith('a')", "MaybeNull"),
        ("v['note'].seen + 1", "MaybeNull"),
        ("v['notes'].exists(n, n.seen > 0)", "MaybeNull"),
        // Behind a condition that says nothing of it, or the contrary.
        ("v['maybe'] != null || v['maybe'].size() > 0", "WrongArgument"),
        ("v['maybe'] == null && v['maybe'].size() > 0", "WrongArgument"),
        ("v['maybe'] == null ? -v['maybe'] : 1", "WrongOperand"),
        ("(v['maybe'] == null && v['anything'] ? '' : v['maybe']).size()", "MaybeNull"),
        ("v['note'].words == null ? v['note'].seen + 1 : 0", "MaybeNull"),
        ("v['notes'].exists(n, n.seen != null) && v['notes'].exists(n, n.seen > 0)", "MaybeNull"),
        ("v['notes'].all(n, n.seen != null && [{'seen': v['maybe']}].all(n, n.seen.size() > 0))", "MaybeNull"),
        ("run.now.seconds", "NoMembers"),
    ] {
        same(text, expected);
    }
}

#[test]
fn what_may_go_well_is_left_alone() {
    for text in [
        "v['anything'].a.b[0] + 1",
        "v['unknown'] && v['unknown'].x",
        "v['open'].other + v['open'].n",
        "v['either'].slug + v['either'].size()",
        "v['pattern'].abc",
        "v['note'].slug + v['notes'][0].slug",
        "v['note'].seen == null ? 0 : 1",
        "v['maybe'] == 'a'",
        "v['note'].words > 1.5 && v['note'].words == 2",
        "v['note'].tags[0].startsWith('a')",
        "v['notes'].filter(n, 'a' in n.tags).map(n, n.slug).join(',')",
        "v['open'].map(key, key + 'a')",
        "json.parse(v['text']).a.b",
        "max(v['notes'].map(n, n.words)) + 1",
        "[][0].x",
        "has(v['note'].title)",
        "merge(v['note'], {'title': 'x'}).title",
        "string(v['note'].words) + v['text']",
        "json.format(v['maybe'])",
        "(v['maybe'] == null ? '' : v['maybe']).size()",
        "(has(v['note'].seen) ? v['note'].seen : 0) + 1",
        "v['note'].seen != null && v['note'].seen > 0",
        "v['note'].seen == null || v['note'].words > 0 && v['note'].seen > 0",
        "!(v['note'].seen == null || v['maybe'] == null) ? v['note'].seen + size(v['maybe']) : 0",
        "v['notes'].exists(n, null != n.seen && n.seen > 0)",
        "v['notes'].map(n, n.seen != null, n.seen + 1)",
        "v['notes'].map(n, n.seen).filter(s, s != null).map(s, s + 1)",
        "v['notes'][0].seen == null ? 0 : v['notes'][0].seen + 1",
        // Where it is never null, nothing comes to what stands behind.
        "v['text'] == null ? v['text'].size() : 0",
        "[1, 'a'][0] + 1",
        "(v['anything'] == 1 ? 1 : 'a') + 1",
    ] {
        assert_eq!(findings(text), [], "{text}");
    }
}

#[test]
fn expressions_have_the_types_of_their_values() {
    for (text, expected) in [
        ("1", "int"),
        ("v['note'].words", "number"),
        ("v['note'].tags", "list"),
        ("v['note'].tags[0]", "string"),
        ("v['note'].seen", "number or null"),
        ("[1] + ['a']", "list"),
        ("'a' + 'b'", "string"),
        ("v['text'] == '' ? 1 : 'a'", "int or string"),
        ("v['text'].split(',')[0]", "string"),
        ("{'a': {'b': true}}.a.b", "bool"),
    ] {
        assert_eq!(kinds(text), expected, "{text}");
    }
}

#[test]
fn types_of_values_that_grow_stay_small() {
    let mut grown = Type::of(Kinds::STRING);
    for _ in 0..1000 {
        let member = |name: &str| (name.to_owned(), grown.clone());
        grown = grown.join(&Type::map([member("a"), member("b")].into(), true)).join(&Type::list(grown.clone()));
    }
    assert!(grown.fits(MAX_DEPTH, &mut { MAX_PARTS }));
    assert_eq!(grown.join(&grown), grown);
}
