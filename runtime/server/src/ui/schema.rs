//! A JSON Schema (2020-12) as people see it: what kind of value is meant, in which bounds.
//!
//! It says what most schemas say, and leaves out what it does not know: whether a value is right, [`bloom_ir::schema`] says.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::texts::{Texts, text};

/// Schemas refer to others at most so often until it is known what is meant.
const MOST_STEPS: usize = 16;

/// A table of a schema has at most so many rows.
const MOST_ROWS: usize = 200;

/// Members of members are told so deep.
const DEEPEST: usize = 6;

/// Of a list of values so many are named.
const MOST_NAMED: usize = 12;

/// What a schema asks for.
#[derive(Clone, Debug)]
pub(super) struct Shape<'a> {
    root: &'a Value,
    /// The schema, and those that it refers to: the nearer says more.
    said: Vec<&'a Value>,
    pub(super) kind: Kind<'a>,
    /// Whether it may be null instead.
    pub(super) is_nullable: bool,
}

/// A kind of values.
#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    /// One of these, each with what it is called.
    Choice(Vec<(&'a Value, String)>),
    Text,
    Whole,
    Number,
    Boolean,
    /// An object with these members, each with whether it must be there.
    Object(Vec<(&'a str, &'a Value, bool)>),
    /// An object with any members.
    Map,
    /// A list of such values.
    List(&'a Value),
    /// Whatever it is.
    Any,
    /// Something that only the schema itself can say.
    Other,
}

impl<'a> Shape<'a> {
    /// What a schema asks for that stands in `root`, which its references are looked up in.
    pub(super) fn of(root: &'a Value, schema: &'a Value) -> Self {
        let (mut said, mut is_nullable, mut at) = (Vec::new(), false, schema);
        let kind = loop {
            said.push(at);
            if said.len() > MOST_STEPS {
                break Kind::Other;
            }
            if let Some(reference) = at.get("$ref") {
                let target = reference.as_str().and_then(|text| text.strip_prefix('#'));
                match target.and_then(|pointer| root.pointer(pointer)) {
                    Some(target) => at = target,
                    None => break Kind::Other,
                }
                continue;
            }
            if let Some((only, with_null)) = only_alternative(at) {
                is_nullable |= with_null;
                at = only;
                continue;
            }
            break kind(at, &mut is_nullable);
        };
        Self { root, said, kind, is_nullable }
    }

    /// What a schema in this one asks for.
    pub(super) fn inner(&self, schema: &'a Value) -> Self {
        Self::of(self.root, schema)
    }

    /// What is said under a keyword.
    pub(super) fn says(&self, keyword: &str) -> Option<&'a Value> {
        self.said.iter().find_map(|schema| schema.get(keyword))
    }

    fn text(&self, keyword: &str) -> Option<&'a str> {
        self.says(keyword).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    pub(super) fn title(&self) -> Option<&'a str> {
        self.text("title")
    }

    pub(super) fn description(&self) -> Option<&'a str> {
        self.text("description")
    }

    pub(super) fn default(&self) -> Option<&'a Value> {
        self.says("default")
    }

    pub(super) fn format(&self) -> Option<&'a str> {
        self.text("format")
    }

    /// How many characters, entries or members are meant.
    pub(super) fn count(&self, keyword: &str) -> Option<u64> {
        self.says(keyword).and_then(Value::as_u64)
    }

    /// A bound of numbers, as it is written.
    pub(super) fn number(&self, keyword: &str) -> Option<String> {
        self.says(keyword).filter(|value| value.is_number()).map(ToString::to_string)
    }

    /// What kind of value is meant, in words.
    pub(super) fn named(&self, texts: &Texts) -> String {
        let named = match &self.kind {
            Kind::Choice(options) => {
                let values = listed(options.iter().map(|(_, name)| name.clone()));
                text!(texts, "kind-choice", values = values)
            }
            Kind::Text => texts.get("kind-text"),
            Kind::Whole => texts.get("kind-whole"),
            Kind::Number => texts.get("kind-number"),
            Kind::Boolean => texts.get("kind-boolean"),
            Kind::Object(_) | Kind::Map => texts.get("kind-object"),
            Kind::List(items) => {
                let items = self.inner(items);
                let kind = match items.kind {
                    // A list of lists is not told further.
                    Kind::List(_) => texts.get("kind-list"),
                    _ => items.named(texts),
                };
                text!(texts, "kind-list-of", kind = kind)
            }
            Kind::Any => texts.get("kind-any"),
            Kind::Other => texts.get("kind-other"),
        };
        if self.is_nullable { text!(texts, "kind-or-null", kind = named) } else { named }
    }

    /// What else is asked of the value, each in a few words.
    pub(super) fn bounds(&self, texts: &Texts) -> Vec<String> {
        let mut bounds = Vec::new();
        match &self.kind {
            Kind::Whole | Kind::Number => {
                let mut say = |keyword: &str, told: fn(&Texts, String) -> String| {
                    bounds.extend(self.number(keyword).map(|number| told(texts, number)));
                };
                say("minimum", |texts, number| text!(texts, "bound-minimum", number = number));
                say("exclusiveMinimum", |texts, number| text!(texts, "bound-above", number = number));
                say("maximum", |texts, number| text!(texts, "bound-maximum", number = number));
                say("exclusiveMaximum", |texts, number| text!(texts, "bound-below", number = number));
                say("multipleOf", |texts, number| text!(texts, "bound-multiple", number = number));
            }
            Kind::Text => {
                let shortest = self.count("minLength").filter(|count| *count > 1);
                bounds.extend(shortest.map(|count| text!(texts, "bound-shortest", count = count)));
                bounds.extend(self.count("maxLength").map(|count| text!(texts, "bound-longest", count = count)));
                bounds.extend(self.text("pattern").map(|pattern| text!(texts, "bound-pattern", pattern = pattern)));
                bounds.extend(self.format().map(|format| text!(texts, "bound-format", format = format)));
            }
            Kind::List(_) => {
                let fewest = self.count("minItems").filter(|count| *count > 0);
                bounds.extend(fewest.map(|count| text!(texts, "bound-fewest", count = count)));
                bounds.extend(self.count("maxItems").map(|count| text!(texts, "bound-most", count = count)));
                if self.says("uniqueItems") == Some(&Value::Bool(true)) {
                    bounds.push(texts.get("bound-unique"));
                }
            }
            _ => {}
        }
        let examples: Vec<String> =
            self.says("examples").and_then(Value::as_array).into_iter().flatten().map(plain).collect();
        if !examples.is_empty() {
            bounds.push(text!(texts, "bound-examples", values = listed(examples.into_iter())));
        }
        bounds
    }
}

/// The one alternative to null, and whether null is one; of `allOf` the one part.
fn only_alternative(schema: &Value) -> Option<(&Value, bool)> {
    let is_plain =
        |schema: &Value| !["type", "enum", "const", "properties"].iter().any(|keyword| schema.get(keyword).is_some());
    let is_null = |schema: &&Value| {
        schema.get("type").is_some_and(|name| name == "null") || schema.get("const") == Some(&Value::Null)
    };
    if let Some(Value::Array(parts)) = schema.get("allOf") {
        return match &parts[..] {
            [only] if is_plain(schema) => Some((only, false)),
            _ => None,
        };
    }
    let Some(Value::Array(parts)) = schema.get("anyOf").or_else(|| schema.get("oneOf")) else { return None };
    let mut others = parts.iter().filter(|part| !is_null(part));
    match (others.next(), others.next()) {
        (Some(only), None) if is_plain(schema) => Some((only, parts.len() > 1)),
        _ => None,
    }
}

fn kind<'a>(schema: &'a Value, is_nullable: &mut bool) -> Kind<'a> {
    let members = match schema {
        Value::Object(members) => members,
        Value::Bool(false) => return Kind::Other,
        _ => return Kind::Any,
    };
    if let Some(options) = choices(members) {
        let (nulls, values): (Vec<_>, Vec<_>) = options.into_iter().partition(|(value, _)| value.is_null());
        if values.is_empty() {
            return if nulls.is_empty() { Kind::Other } else { Kind::Choice(nulls) };
        }
        *is_nullable |= !nulls.is_empty();
        return Kind::Choice(values);
    }
    let stated: Vec<&str> = match members.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut types: BTreeSet<&str> = stated.into_iter().collect();
    *is_nullable |= types.len() > 1 && types.remove("null");
    if types.len() == 2 && types.contains("integer") && types.contains("number") {
        types.remove("integer");
    }
    let mut types = types.into_iter();
    match (types.next(), types.next()) {
        (Some("string"), None) => Kind::Text,
        (Some("integer"), None) => Kind::Whole,
        (Some("number"), None) => Kind::Number,
        (Some("boolean"), None) => Kind::Boolean,
        (Some("array"), None) => list(members),
        (Some("object"), None) => object(members),
        (None, _) if members.contains_key("properties") => object(members),
        (None, _)
            if ["anyOf", "oneOf", "allOf", "not", "if", "items"]
                .iter()
                .all(|keyword| !members.contains_key(*keyword)) =>
        {
            Kind::Any
        }
        _ => Kind::Other,
    }
}

/// The values that are all that there may be, each with what it is called.
fn choices(members: &Map<String, Value>) -> Option<Vec<(&Value, String)>> {
    if let Some(only) = members.get("const") {
        return Some(vec![(only, plain(only))]);
    }
    if let Some(Value::Array(values)) = members.get("enum") {
        return Some(values.iter().map(|value| (value, plain(value))).collect());
    }
    let alternatives = members.get("oneOf").or_else(|| members.get("anyOf"))?.as_array()?;
    let named = alternatives.iter().map(|schema| {
        let value = schema.get("const")?;
        let title = schema.get("title").and_then(Value::as_str).map_or_else(|| plain(value), str::to_owned);
        Some((value, title))
    });
    named.collect::<Option<Vec<_>>>().filter(|options| !options.is_empty())
}

fn object(members: &Map<String, Value>) -> Kind<'_> {
    let Some(Value::Object(properties)) = members.get("properties") else { return Kind::Map };
    if properties.is_empty() && members.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Kind::Map;
    }
    let required: BTreeSet<&str> =
        members.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    // What must be there stands first.
    let (must, may): (Vec<_>, Vec<_>) = properties.iter().partition(|(name, _)| required.contains(name.as_str()));
    let mut all: Vec<(&str, &Value, bool)> =
        must.into_iter().map(|(name, schema)| (name.as_str(), schema, true)).collect();
    all.extend(may.into_iter().map(|(name, schema)| (name.as_str(), schema, false)));
    Kind::Object(all)
}

fn list(members: &Map<String, Value>) -> Kind<'_> {
    match members.get("items") {
        Some(items) if !members.contains_key("prefixItems") => Kind::List(items),
        _ => Kind::Other,
    }
}

/// A value as people write it: texts as they are, anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn listed(mut names: impl Iterator<Item = String>) -> String {
    let mut told = names.by_ref().take(MOST_NAMED).collect::<Vec<_>>().join(", ");
    if names.next().is_some() {
        told.push_str(", …");
    }
    told
}

/// A row of the table of a schema.
#[derive(Debug)]
pub(super) struct Row {
    /// Where the value stands, as `address.street` or `tags[]`; empty: it is the value itself.
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) is_required: bool,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    /// In which bounds, in a few words each.
    pub(super) bounds: Vec<String>,
    pub(super) default: Option<String>,
}

/// A schema as a table; with whether there is more that is not told.
pub(super) fn table(schema: &Value, texts: &Texts) -> (Vec<Row>, bool) {
    let (mut rows, mut is_cut) = (Vec::new(), false);
    let shape = Shape::of(schema, schema);
    let says_nothing = matches!(&shape.kind, Kind::Any) && shape.title().is_none() && shape.description().is_none();
    if !matches!(&shape.kind, Kind::Object(_)) && !says_nothing {
        rows.push(row(&shape, String::new(), true, texts));
    }
    tell(&shape, "", 0, texts, &mut rows, &mut is_cut);
    (rows, is_cut)
}

fn row(shape: &Shape<'_>, name: String, is_required: bool, texts: &Texts) -> Row {
    Row {
        name,
        kind: shape.named(texts),
        is_required,
        title: shape.title().map(str::to_owned),
        description: shape.description().map(str::to_owned),
        bounds: shape.bounds(texts),
        default: shape.default().map(plain),
    }
}

fn tell(shape: &Shape<'_>, path: &str, depth: usize, texts: &Texts, rows: &mut Vec<Row>, is_cut: &mut bool) {
    match &shape.kind {
        Kind::Object(members) => {
            for (name, schema, is_required) in members {
                if rows.len() >= MOST_ROWS || depth >= DEEPEST {
                    *is_cut = true;
                    return;
                }
                let name = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
                let inner = shape.inner(schema);
                rows.push(row(&inner, name.clone(), *is_required, texts));
                tell(&inner, &name, depth + 1, texts, rows, is_cut);
            }
        }
        Kind::List(items) => {
            let inner = shape.inner(items);
            if matches!(inner.kind, Kind::Object(_) | Kind::List(_)) {
                if depth >= DEEPEST {
                    *is_cut = true;
                    return;
                }
                tell(&inner, &format!("{path}[]"), depth + 1, texts, rows, is_cut);
            }
        }
        _ => {}
    }
}
