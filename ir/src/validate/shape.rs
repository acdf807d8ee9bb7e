//! Whether JSON has the shape of a document, by the schema that is generated from the types.
//!
//! A node is checked against the one form that its `type`, its `op` and its members select, so that a message says what
//! is wrong with *that* form, and not that none of nineteen fits.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::codes;
use crate::canonical::pointer;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::document::NodeId;

/// How many nodes a document may have.
pub const MAX_NODES: usize = 65_536;

static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::generate);

/// Everything about the shape that is wrong.
pub(super) fn problems(document: &Value) -> Vec<Diagnostic> {
    let mut problems = Problems { items: source_items(document), found: Vec::new() };
    match document.get("ir") {
        // Of another version nothing else is known.
        Some(version) if *version != "0.1" => {
            problems.add(codes::UNKNOWN_VERSION, None, "/ir".to_owned(), |it| it.with("version", short(version)));
            return problems.found;
        }
        _ => SHAPES.check_document(document, &mut problems),
    }
    problems.found
}

/// Whether a text is an id as ids are spelt.
fn is_node_id(id: &str) -> bool {
    id.len() <= 64
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_' | '-'))
}

struct Problems<'a> {
    /// `source.map`, as far as it can be read.
    items: Option<&'a Map<String, Value>>,
    found: Vec<Diagnostic>,
}

impl Problems<'_> {
    fn add(&mut self, code: Code, node: Option<&str>, pointer: String, with: impl FnOnce(Diagnostic) -> Diagnostic) {
        let item = node.and_then(|node| self.items?.get(node)?.get("item")?.as_str()).map(str::to_owned);
        let place = Place::Node { node: node.map(NodeId::new), pointer, item };
        self.found.push(with(Diagnostic::error(code, place)));
    }
}

fn source_items(document: &Value) -> Option<&Map<String, Value>> {
    document.get("source")?.get("map")?.as_object()
}

struct Shapes {
    document: Validator,
    forms: Vec<Form>,
}

/// One form of a node.
struct Form {
    kind: String,
    op: Option<String>,
    members: BTreeSet<String>,
    required: BTreeSet<String>,
    validator: Validator,
}

impl Shapes {
    fn generate() -> Self {
        let mut schema = crate::format::document_schema();
        let definitions = schema.get("$defs").cloned().unwrap_or_default();
        let forms = definitions.pointer("/Node/oneOf").and_then(Value::as_array).into_iter().flatten();
        let forms = forms.map(|form| Form::compile(form, &definitions)).collect();
        // Nodes are looked at one by one.
        if let Some(nodes) = schema.pointer_mut("/properties/nodes") {
            *nodes = json!({ "type": "object" });
        }
        Self { document: compile(&schema), forms }
    }

    fn check_document(&self, document: &Value, problems: &mut Problems<'_>) {
        for error in self.document.iter_errors(document) {
            report(&error, None, "", problems);
        }
        let Some(nodes) = document.get("nodes").and_then(Value::as_object) else { return };
        if nodes.len() > MAX_NODES {
            problems.add(codes::TOO_MANY_NODES, None, "/nodes".to_owned(), |it| {
                it.with("count", nodes.len()).with("limit", MAX_NODES)
            });
            return;
        }
        for (id, node) in nodes {
            let place = pointer("/nodes", id);
            if !is_node_id(id) {
                problems.add(codes::BAD_NODE_ID, Some(id), place.clone(), |it| it.with("id", short(&json!(id))));
            }
            self.check_node(id, node, &place, problems);
        }
    }

    fn check_node<'a>(&'a self, id: &str, node: &Value, place: &str, problems: &mut Problems<'_>) {
        let Some(members) = node.as_object() else {
            problems.add(codes::WRONG_TYPE, Some(id), place.to_owned(), |it| it.with("expected", "object"));
            return;
        };
        let mut candidates: Vec<&Form> = self.forms.iter().collect();
        for member in ["type", "op"] {
            let tag = |form: &'a Form| form.tag(member);
            let known: BTreeSet<&str> = candidates.iter().filter_map(|form| tag(form)).collect();
            if known.is_empty() {
                continue;
            }
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            let Some(stated) = members.get(member) else {
                problems.add(codes::MISSING_MEMBER, Some(id), place.to_owned(), |it| it.with("member", member));
                return;
            };
            candidates.retain(|form| stated.as_str().is_some_and(|stated| tag(form) == Some(stated)));
            if candidates.is_empty() {
                problems.add(codes::UNKNOWN_NODE_TYPE, Some(id), pointer(place, member), |it| {
                    it.with("member", member).with("found", short(stated)).with("known", known)
                });
                return;
            }
        }
        match select(&candidates, members) {
            Ok(form) => {
                for error in form.validator.iter_errors(node) {
                    report(&error, Some(id), place, problems);
                }
            }
            Err(choices) => problems
                .add(codes::MISSING_CHOICE, Some(id), place.to_owned(), |it| it.with("members", choices.join(", "))),
        }
    }
}

impl Form {
    fn tag(&self, member: &str) -> Option<&str> {
        if member == "type" { Some(&self.kind) } else { self.op.as_deref() }
    }

    fn compile(form: &Value, definitions: &Value) -> Self {
        let tag = |member: &str| {
            form.pointer(&format!("/properties/{member}/const")).and_then(Value::as_str).map(str::to_owned)
        };
        let required = form.get("required").and_then(Value::as_array).into_iter().flatten();
        let mut schema = form.clone();
        if let Some(members) = schema.as_object_mut() {
            members.insert("$defs".to_owned(), definitions.clone());
        }
        Self {
            kind: tag("type").unwrap_or_default(),
            op: tag("op"),
            members: form
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(Map::keys)
                .cloned()
                .collect(),
            required: required.filter_map(Value::as_str).map(str::to_owned).collect(),
            validator: compile(&schema),
        }
    }
}

/// The form that requires a member which stands there and which no other form has; otherwise these members.
fn select<'a>(candidates: &[&'a Form], members: &Map<String, Value>) -> Result<&'a Form, Vec<&'a str>> {
    if let [only] = candidates {
        return Ok(only);
    }
    let mut choices = Vec::new();
    for form in candidates {
        let shared = |member: &String| {
            candidates.iter().any(|other| !std::ptr::eq(*other, *form) && other.members.contains(member))
        };
        let own: Vec<&str> = form.required.iter().filter(|member| !shared(member)).map(String::as_str).collect();
        if own.iter().any(|member| members.contains_key(*member)) {
            return Ok(form);
        }
        choices.extend(own);
    }
    Err(choices)
}

#[expect(clippy::expect_used, reason = "the schema is generated from the types alone; the tests compile it")]
fn compile(schema: &Value) -> Validator {
    jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .expect("the generated schema is valid")
}

fn report(error: &ValidationError<'_>, node: Option<&str>, place: &str, problems: &mut Problems<'_>) {
    let place = format!("{place}{}", error.instance_path());
    let mut add = |code, name: &'static str, value: String| {
        problems.add(code, node, place.clone(), |it| it.with(name, value));
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => add(codes::MISSING_MEMBER, "member", plain(property)),
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for member in unexpected {
                problems.add(codes::UNKNOWN_MEMBER, node, pointer(&place, member), |it| {
                    it.with("member", short(&json!(member)))
                });
            }
        }
        ValidationErrorKind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(", "),
            };
            add(codes::WRONG_TYPE, "expected", expected);
        }
        ValidationErrorKind::Enum { options } => {
            let choices: Vec<String> = options.as_array().into_iter().flatten().map(plain).collect();
            add(codes::WRONG_CHOICE, "choices", choices.join(", "));
        }
        ValidationErrorKind::Constant { expected_value } => add(codes::WRONG_CHOICE, "choices", plain(expected_value)),
        ValidationErrorKind::Pattern { pattern } => add(codes::WRONG_SPELLING, "pattern", pattern.clone()),
        ValidationErrorKind::Minimum { limit } => add(codes::OUT_OF_RANGE, "limit", format!("≥ {limit}")),
        ValidationErrorKind::Maximum { limit } => add(codes::OUT_OF_RANGE, "limit", format!("≤ {limit}")),
        ValidationErrorKind::MinItems { limit } => add(codes::OUT_OF_RANGE, "limit", format!("≥ {limit}")),
        ValidationErrorKind::OneOfNotValid { context } if let Some(choices) = constants(context) => {
            add(codes::WRONG_CHOICE, "choices", choices.join(", "));
        }
        _ => add(codes::WRONG_SHAPE, "reason", error.masked_with("the value").to_string()),
    }
}

/// What is allowed, where a choice is one between constants.
fn constants(context: &[Vec<ValidationError<'_>>]) -> Option<Vec<String>> {
    let constant = |errors: &Vec<ValidationError<'_>>| {
        errors.iter().find_map(|error| match error.kind() {
            ValidationErrorKind::Constant { expected_value } => Some(plain(expected_value)),
            _ => None,
        })
    };
    context.iter().map(constant).collect()
}

/// A text without its quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What stands there, cut to what fits a message.
fn short(value: &Value) -> String {
    const SHOWN: usize = 60;
    let full = match value {
        Value::Array(_) => "[…]".to_owned(),
        Value::Object(_) => "{…}".to_owned(),
        other => plain(other),
    };
    match full.char_indices().nth(SHOWN) {
        None => full,
        Some((end, _)) => format!("{}…", full.get(..end).unwrap_or_default()),
    }
}
