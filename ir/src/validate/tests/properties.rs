//! Whatever a document is turned into, it is read and checked, or refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{EVERYTHING, everything};
use crate::validate::{check, read};

/// One change to a document.
#[derive(Clone, Debug)]
enum Mutation {
    Remove,
    Replace(Value),
    /// With what stands at another place.
    Copy(prop::sample::Index),
    Add(String, Value),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        Just(Mutation::Remove),
        value().prop_map(Mutation::Replace),
        any::<prop::sample::Index>().prop_map(Mutation::Copy),
        (name(), value()).prop_map(|(name, value)| Mutation::Add(name, value)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("on_error".to_owned()),
        Just("next".to_owned()),
        Just("writes".to_owned()),
        Just("n12".to_owned()),
        ".{0,8}"
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!({})),
        Just(json!([])),
        any::<i64>().prop_map(|int| json!(int)),
        any::<f64>().prop_map(|double| json!(double)),
        (0..32_u32).prop_map(|node| json!(format!("n{node}"))),
        Just(json!("v['готові']")),
        Just(json!({ "$ref": "#" })),
        Just(json!({ "to": "n12", "into": "x" })),
        ".{0,12}".prop_map(|text| json!(text)),
    ]
}

/// The JSON pointers of everything in a value.
fn places(value: &Value, here: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                places_of(member, &here, name, places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places_of(item, &here, &index.to_string(), places);
            }
        }
        _ => {}
    }
    places.push(here);
}

fn places_of(value: &Value, parent: &str, step: &str, all: &mut Vec<String>) {
    places(value, crate::canonical::pointer(parent, step), all);
}

fn apply(document: &mut Value, place: prop::sample::Index, mutation: Mutation) {
    let mut all = Vec::new();
    places(document, String::new(), &mut all);
    let pointer = place.get(&all).clone();
    match mutation {
        Mutation::Remove => {
            let Some((parent, step)) = pointer.rsplit_once('/') else { return };
            match document.pointer_mut(parent) {
                Some(Value::Object(members)) => {
                    members.remove(&step.replace("~1", "/").replace("~0", "~"));
                }
                Some(Value::Array(items)) => {
                    items.remove(step.parse().unwrap());
                }
                _ => {}
            }
        }
        Mutation::Replace(value) => *document.pointer_mut(&pointer).unwrap() = value,
        Mutation::Copy(from) => {
            let copied = document.pointer(from.get(&all).as_str()).unwrap().clone();
            *document.pointer_mut(&pointer).unwrap() = copied;
        }
        Mutation::Add(name, value) => {
            if let Some(Value::Object(members)) = document.pointer_mut(&pointer) {
                members.insert(name, value);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_mutated_document_is_checked_or_refused(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), mutation()), 1..4)
    ) {
        let mut document = everything();
        for (place, mutation) in mutations {
            apply(&mut document, place, mutation);
        }
        match read(&serde_json::to_vec(&document).unwrap()) {
            Ok(document) => {
                prop_assert_eq!(read(&document.to_bytes()).unwrap(), document.clone());
                let _ = check(&document);
            }
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }

    #[test]
    fn mutated_bytes_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = EVERYTHING.as_bytes().to_vec();
        for (place, byte) in changes {
            *place.get_mut(&mut bytes) = byte;
        }
        if let Ok(document) = read(&bytes) {
            let _ = check(&document);
        }
    }
}
