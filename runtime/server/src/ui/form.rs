//! The fields of a form, made of a JSON Schema: what the form sends is then a value of that schema.
//!
//! A field stands for one place in the value and bears its path as its name, with dots between (`inputs.address.street`); a
//! dot in a member's own name is `%2E`, a percent sign `%25`. `bloom.js` makes the value of the fields. What the API then finds
//! wrong is shown at the field whose `data-at` is the place of it (a JSON pointer into the value).
//!
//! What has no good form (an object with any members, a list of objects, alternatives) is written as JSON.

use askama::Template;
use serde_json::Value;

use super::schema::{Kind, Shape, plain};
use super::texts::Texts;

/// Objects in each other are fields so deep; what is deeper is written as JSON.
const DEEPEST: usize = 5;

/// A form has at most about so many fields; what comes then is written as JSON.
const MOST: usize = 200;

/// A text that may be longer than this has several lines.
const LINE: u64 = 160;

/// The fields for a value. Templates write it as it is: `{{ fields }}`, inside of a `<form data-api>`.
#[derive(Debug, Template)]
#[template(path = "form.html")]
pub(super) struct Fields {
    /// The name of the value where it is an object, so that it is sent also if nothing is filled in.
    object: Option<String>,
    all: Vec<Field>,
    texts: &'static Texts,
}

impl askama::filters::HtmlSafe for Fields {}

/// One field, or several in a frame.
#[derive(Debug, Template)]
#[template(path = "form-field.html")]
struct Field {
    /// Of the control; those of what describes it begin with it.
    id: String,
    name: String,
    /// Where in the value it stands, as a JSON pointer.
    at: String,
    label: String,
    /// What a person should know to fill it in, a sentence each.
    hints: Vec<String>,
    /// Whether the form cannot be sent without it.
    is_required: bool,
    empty: Empty,
    control: Control,
    texts: &'static Texts,
}

impl askama::filters::HtmlSafe for Field {}

/// What is sent of a field that is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    /// What stands in it.
    Itself,
    Nothing,
    Null,
}

#[derive(Debug)]
enum Control {
    /// A line, as an input of this type.
    Line {
        kind: &'static str,
        value: String,
        shortest: Option<u64>,
    },
    /// Lines, of which this is made.
    Lines {
        sent: Sent,
        value: String,
        rows: usize,
    },
    Number {
        value: String,
        least: Option<String>,
        most: Option<String>,
        step: String,
    },
    /// One of these.
    Choice {
        options: Vec<Choice>,
        has_none: bool,
    },
    /// Some of these.
    Several {
        options: Vec<Choice>,
    },
    Check {
        is_on: bool,
    },
    Group {
        fields: Vec<Field>,
        is_sent: bool,
    },
}

/// What is made of a text of several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Text,
    Json,
    /// JSON, or else the text.
    Any,
    /// A list with a text for each line.
    Each,
    /// A list with JSON for each line.
    EachJson,
}

/// A value to choose.
#[derive(Debug)]
struct Choice {
    /// As JSON.
    value: String,
    name: String,
    is_chosen: bool,
}

impl Field {
    /// The ids of what describes the control.
    fn described_by(&self) -> String {
        if self.hints.is_empty() { format!("{}-error", self.id) } else { format!("{0}-hint {0}-error", self.id) }
    }
}

/// The fields for a value of a schema, whose name in what is sent is `prefix`. Their ids begin with `ids`, which no other form of
/// the page has.
pub(super) fn fields(schema: &Value, prefix: &str, ids: &str, texts: &'static Texts) -> Fields {
    Maker { ids: ids.to_owned(), made: 0, texts }.all(schema, prefix)
}

/// A place in the value.
struct Place<'a> {
    name: String,
    at: String,
    label: &'a str,
    /// Whether it must be there, in an object that must.
    is_required: bool,
    /// What the object around it is when nothing is said.
    default: Option<&'a Value>,
    depth: usize,
}

struct Maker {
    ids: String,
    made: usize,
    texts: &'static Texts,
}

impl Maker {
    fn all(mut self, schema: &Value, prefix: &str) -> Fields {
        let shape = Shape::of(schema, schema);
        let place = Place {
            name: prefix.to_owned(),
            at: String::new(),
            label: "",
            is_required: true,
            default: shape.default(),
            depth: 0,
        };
        match &shape.kind {
            Kind::Object(members) if members.len() <= MOST => {
                let fields = self.members(&shape, members, &place);
                Fields { object: Some(prefix.to_owned()), all: fields, texts: self.texts }
            }
            _ => Fields { object: None, all: vec![self.field(&shape, &place)], texts: self.texts },
        }
    }

    fn members<'a>(&mut self, shape: &Shape<'a>, members: &[(&'a str, &'a Value, bool)], of: &Place<'a>) -> Vec<Field> {
        let made = members.iter().map(|(name, schema, is_required)| {
            let inner = shape.inner(schema);
            // What is filled in has its object sent, which may be left out where it need not be there.
            let own = inner.default().filter(|_| of.is_required);
            let default = of.default.and_then(|value| value.get(*name)).or(own);
            let place = Place {
                name: format!("{}.{}", of.name, name.replace('%', "%25").replace('.', "%2E")),
                at: format!("{}/{}", of.at, name.replace('~', "~0").replace('/', "~1")),
                label: name,
                is_required: of.is_required && *is_required,
                default,
                depth: of.depth + 1,
            };
            self.field(&inner, &place)
        });
        made.collect()
    }

    fn field<'a>(&mut self, shape: &Shape<'a>, place: &Place<'a>) -> Field {
        self.made += 1;
        let id = format!("{}-{}", self.ids, self.made);
        let (control, bounds) = self.control(shape, place);
        let mut hints: Vec<String> = shape.description().map(str::to_owned).into_iter().collect();
        hints.extend(bounds);
        let is_filled_in = place.default.is_some_and(Value::is_string);
        let empty = match (&control, place.is_required, shape.is_nullable) {
            (Control::Check { .. } | Control::Group { .. }, _, _) | (_, true, false) => Empty::Itself,
            // Who empties what was filled in means the empty text.
            (Control::Line { kind: "text", .. } | Control::Lines { sent: Sent::Text, .. }, ..) if is_filled_in => {
                Empty::Itself
            }
            (_, false, _) => Empty::Nothing,
            (_, true, true) => Empty::Null,
        };
        let may_be_empty = match &control {
            Control::Check { .. } | Control::Group { .. } => true,
            Control::Several { .. } | Control::Lines { sent: Sent::Each | Sent::EachJson, .. } => {
                shape.count("minItems").unwrap_or(0) == 0
            }
            Control::Line { .. } | Control::Lines { sent: Sent::Text, .. } => {
                shape.count("minLength") == Some(0) || is_filled_in
            }
            _ => false,
        };
        let label = shape.title().or(Some(place.label)).filter(|label| !label.is_empty());
        Field {
            id,
            name: place.name.clone(),
            at: place.at.clone(),
            label: label.map_or_else(|| self.texts.get("form-value"), str::to_owned),
            hints,
            is_required: place.is_required && empty == Empty::Itself && !may_be_empty,
            empty,
            control,
            texts: self.texts,
        }
    }

    /// The control, and what its hint says of the bounds.
    fn control<'a>(&mut self, shape: &Shape<'a>, place: &Place<'a>) -> (Control, Vec<String>) {
        let mut bounds = shape.bounds(self.texts);
        let default = place.default;
        let text = default.and_then(Value::as_str);
        let control = match &shape.kind {
            Kind::Choice(options) => {
                let options: Vec<Choice> =
                    options.iter().map(|option| choice(option, |value| default == Some(value))).collect();
                let is_chosen = options.iter().any(|option| option.is_chosen);
                let has_none = !place.is_required || shape.is_nullable || !is_chosen;
                Control::Choice { options, has_none }
            }
            Kind::Text => Self::text(shape, text.unwrap_or_default()),
            Kind::Whole | Kind::Number => {
                let is_whole = matches!(shape.kind, Kind::Whole);
                let least = shape.number("minimum");
                // Steps are counted from the least value, where there is one.
                let step = shape.number("multipleOf").filter(|_| least.is_none());
                Control::Number {
                    value: default.filter(|value| value.is_number()).map(plain).unwrap_or_default(),
                    most: shape.number("maximum"),
                    step: step.unwrap_or_else(|| {
                        String::from(if is_whole && least.as_deref().is_none_or(is_digits) { "1" } else { "any" })
                    }),
                    least,
                }
            }
            Kind::Boolean => match default.and_then(Value::as_bool) {
                Some(is_on) => Control::Check { is_on },
                // Neither is what happens when nobody looks.
                None => Control::Choice { options: self.yes_and_no(), has_none: true },
            },
            Kind::List(items) => {
                let inner = shape.inner(items);
                let values = default.and_then(Value::as_array);
                let holds = |value: &Value| values.is_some_and(|values| values.contains(value));
                let lines = |sent: Sent| {
                    let value: Vec<String> = values.into_iter().flatten().map(plain).collect();
                    Control::Lines { sent, rows: value.len().clamp(3, 12), value: value.join("\n") }
                };
                match &inner.kind {
                    Kind::Choice(options) => {
                        Control::Several { options: options.iter().map(|option| choice(option, holds)).collect() }
                    }
                    Kind::Text if !inner.is_nullable => lines(Sent::Each),
                    Kind::Whole | Kind::Number if !inner.is_nullable => lines(Sent::EachJson),
                    _ => json(shape, default),
                }
            }
            Kind::Object(members)
                if place.depth < DEEPEST && self.made + members.len() <= MOST && !shape.is_nullable =>
            {
                let fields = self.members(shape, members, place);
                Control::Group { fields, is_sent: place.is_required }
            }
            Kind::Any => {
                let value = default.map(plain).unwrap_or_default();
                Control::Lines { sent: Sent::Any, rows: rows(&value), value }
            }
            Kind::Object(_) | Kind::Map | Kind::Other => json(shape, default),
        };
        match &control {
            Control::Lines { sent: Sent::Each | Sent::EachJson, .. } => bounds.insert(0, self.texts.get("form-lines")),
            Control::Lines { sent: Sent::Any, .. } => bounds.insert(0, self.texts.get("form-any")),
            Control::Lines { sent: Sent::Json, .. } => bounds.insert(0, self.texts.get("form-json")),
            _ => {}
        }
        (control, bounds)
    }

    fn text(shape: &Shape<'_>, value: &str) -> Control {
        let value = value.to_owned();
        let is_long = shape.count("maxLength").is_some_and(|most| most > LINE)
            || value.contains('\n')
            || shape.says("contentMediaType").is_some();
        let kind = match shape.format() {
            Some("date") => "date",
            Some("date-time") => "datetime-local",
            Some("email" | "idn-email") => "email",
            Some("uri" | "iri") => "url",
            Some("password") => "password",
            Some("textarea" | "markdown") => "",
            _ if is_long => "",
            _ => "text",
        };
        match kind {
            "" => Control::Lines { sent: Sent::Text, rows: rows(&value).max(3), value },
            // Browsers take and show such a time without a zone, so no default can stand in it.
            "datetime-local" => Control::Line { kind, value: String::new(), shortest: None },
            _ => Control::Line { kind, value, shortest: shape.count("minLength").filter(|count| *count > 0) },
        }
    }

    fn yes_and_no(&self) -> Vec<Choice> {
        let option =
            |value: &str, name: &str| Choice { value: value.to_owned(), name: self.texts.get(name), is_chosen: false };
        vec![option("true", "form-yes"), option("false", "form-no")]
    }
}

fn is_digits(number: &str) -> bool {
    number.trim_start_matches('-').chars().all(|digit| digit.is_ascii_digit())
}

fn choice((value, name): &(&Value, String), is_chosen: impl Fn(&Value) -> bool) -> Choice {
    Choice { value: value.to_string(), name: name.clone(), is_chosen: is_chosen(value) }
}

/// What is written as JSON.
fn json(shape: &Shape<'_>, default: Option<&Value>) -> Control {
    let example = || shape.says("examples").and_then(|examples| examples.get(0));
    let value = default.or_else(example).and_then(|value| serde_json::to_string_pretty(value).ok()).unwrap_or_default();
    Control::Lines { sent: Sent::Json, rows: rows(&value).max(3), value }
}

fn rows(value: &str) -> usize {
    value.lines().count().clamp(1, 16)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use proptest::test_runner::Config;
    use serde_json::json;

    use super::*;
    use bloom_ir::document::Locale;

    fn form(schema: &Value) -> String {
        fields(schema, "inputs", "in", Texts::of(Locale::En)).render().unwrap()
    }

    /// With one property of this schema, which must be there.
    fn with(schema: &Value) -> String {
        form(&json!({ "type": "object", "properties": { "it": schema }, "required": ["it"] }))
    }

    /// What stands in the first tag that holds this.
    fn tag<'a>(page: &'a str, holds: &str) -> &'a str {
        let found = page.split('<').map(|rest| rest.split('>').next().unwrap()).find(|tag| tag.contains(holds));
        found.unwrap_or_else(|| panic!("{holds} is not in {page}"))
    }

    fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
        let start = format!(" {attribute}=\"");
        page.split(start.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
    }

    #[test]
    fn texts_are_asked_for_by_what_is_said_of_them() {
        let line = with(&json!({ "type": "string", "minLength": 2 }));
        let tag_of = tag(&line, "name=\"inputs.it\"");
        assert!(
            tag_of.starts_with("input ") && tag_of.contains("type=\"text\"") && tag_of.contains("minlength=\"2\""),
            "{tag_of}"
        );
        assert!(tag_of.contains(" required"), "{tag_of}");
        for (format, kind) in [("date", "date"), ("date-time", "datetime-local"), ("email", "email"), ("uri", "url")] {
            let page = with(&json!({ "type": "string", "format": format }));
            assert!(tag(&page, "inputs.it").contains(&format!("type=\"{kind}\"")), "{page}");
        }
        let long = with(&json!({ "type": "string", "maxLength": 5000 }));
        assert!(tag(&long, "inputs.it").starts_with("textarea "), "{long}");
        let choice = with(&json!({ "enum": ["так", "", 7, null] }));
        assert!(tag(&choice, "inputs.it").contains("data-json"), "{choice}");
        assert_eq!(values(&choice, "value"), ["", "&#34;так&#34;", "&#34;&#34;", "7"], "{choice}");
        assert!(tag(&choice, "inputs.it").contains("data-null-empty"), "null is the choice of nothing: {choice}");
    }

    #[test]
    fn what_may_be_left_out_is_left_out_when_it_is_empty() {
        let page = form(&json!({ "type": "object", "properties": {
            "a": { "type": "string" }, "b": { "type": ["integer", "null"] }, "c": { "type": "boolean" },
            "d": { "type": "array", "items": { "type": "string" } }, "e": { "type": "boolean", "default": true },
        } }));
        for name in ["inputs.a", "inputs.b", "inputs.c", "inputs.d"] {
            let tag = tag(&page, &format!("name=\"{name}\""));
            assert!(tag.contains("data-omit-empty") && !tag.contains(" required"), "{tag}");
        }
        assert!(tag(&page, "inputs.c").starts_with("select"), "neither yes nor no is a third answer");
        assert!(tag(&page, "inputs.e").contains("checkbox") && tag(&page, "inputs.e").contains(" checked"), "{page}");
        assert!(tag(&page, "name=\"inputs\"").contains("data-object"), "{page}");
    }

    #[test]
    fn yes_or_no_must_be_chosen_where_nothing_is_said() {
        let page = with(&json!({ "type": "boolean" }));
        let tag_of = tag(&page, "inputs.it");
        assert!(tag_of.starts_with("select") && tag_of.contains(" required"), "{tag_of}");
        assert_eq!(values(&page, "value"), ["", "true", "false"], "{page}");
    }

    #[test]
    fn numbers_have_their_bounds() {
        let page = with(&json!({ "type": "integer", "minimum": 1, "maximum": 10, "default": 3 }));
        let tag_of = tag(&page, "inputs.it");
        for part in ["type=\"number\"", "min=\"1\"", "max=\"10\"", "step=\"1\"", "value=\"3\""] {
            assert!(tag_of.contains(part), "{part}: {tag_of}");
        }
        assert!(page.contains("At least 1.") && page.contains("At most 10."), "{page}");
        assert!(tag(&with(&json!({ "type": "number" })), "inputs.it").contains("step=\"any\""));
        assert!(tag(&with(&json!({ "type": "integer", "minimum": 0.5 })), "inputs.it").contains("step=\"any\""));
    }

    #[test]
    fn objects_are_frames_and_what_has_no_form_is_json() {
        let page = form(&json!({ "type": "object", "required": ["address"], "properties": {
            "address": { "$ref": "#/$defs/address" },
            "rows": { "type": "array", "items": { "type": "object" } },
            "tags": { "type": "array", "items": { "enum": ["x", "y"] }, "default": ["y"] },
            "sizes": { "type": "array", "items": { "type": "number" }, "default": [1, 2.5] },
            "what": {},
        }, "$defs": { "address": { "type": "object", "title": "Where", "required": ["a.b"], "properties": { "a.b": { "type": "string" } } } } }));
        assert!(page.contains("<legend>Where</legend>"), "{page}");
        let filled =
            with(&json!({ "type": "object", "default": { "a": "" }, "properties": { "a": { "type": "string" } } }));
        assert!(!tag(&filled, "name=\"inputs.it.a\"").contains("omit-empty"), "what is filled in is sent: {filled}");
        assert!(tag(&page, "name=\"inputs.address\"").contains("data-object"));
        assert!(tag(&page, "name=\"inputs.address.a%2Eb\"").contains(" required"));
        assert!(page.contains("data-at=\"/address/a.b\""));
        assert!(tag(&page, "inputs.rows").contains(" data-json"));
        assert!(tag(&page, "inputs.tags").contains(" multiple"));
        assert!(tag(&page, "value=\"&#34;y&#34;\"").contains(" selected"));
        assert!(tag(&page, "inputs.sizes").contains(" data-lines data-json") && page.contains(">\n1\n2.5</textarea>"));
        assert!(tag(&page, "inputs.what").contains(" data-any"));
    }

    #[test]
    fn a_value_that_is_no_object_is_one_field() {
        let page = fields(&json!({ "type": "string" }), "answer", "answer", Texts::of(Locale::Uk)).render().unwrap();
        assert!(tag(&page, "name=\"answer\"").contains(" required") && page.contains("обов&#39;язково"), "{page}");
        assert!(page.contains("data-at=\"\""), "{page}");
        let schema = json!({ "type": "object", "properties": {}, "additionalProperties": false });
        assert!(form(&schema).contains("Nothing needs"), "{}", form(&schema));
        let ids = fields(&json!({}), "payload", "signal-2", Texts::of(Locale::En)).render().unwrap();
        assert!(tag(&ids, "name=\"payload\"").contains("id=\"signal-2-1\""), "{ids}");
    }

    #[test]
    fn schemas_that_refer_to_themselves_end() {
        let page = form(&json!({ "$ref": "#" }));
        assert!(tag(&page, "name=\"inputs\"").contains("data-json"), "{page}");
        let tree = json!({ "type": "object", "required": ["left", "right"], "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } });
        assert!(values(&form(&tree), "name").len() < 600);
        let wide: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("p{n}"), json!({}))).collect();
        assert!(form(&json!({ "properties": wide })).len() < 10_000);
    }

    const EVIL: &str = "<script>alert(1)</script>\"onload='x' &";

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![Just(EVIL.to_owned()), "[a-z.%/~ї]{0,6}", Just(String::from("__proto__"))]
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any_text().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
            prop::collection::vec(any_text().prop_map(Value::from), 0..3).prop_map(Value::from),
        ]
    }

    fn any_schema() -> impl Strategy<Value = Value> {
        let keyword = prop_oneof![
            prop::sample::select(vec![
                "default",
                "examples",
                "const",
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "multipleOf",
                "minLength",
                "maxLength",
                "pattern",
                "format",
                "title",
                "description",
                "minItems",
                "uniqueItems",
                "contentMediaType",
                "required",
                "enum",
                "$ref",
                "type",
                "items",
                "properties",
                "anyOf",
            ])
            .prop_map(str::to_owned),
            Just(String::from("oneOf")),
        ];
        let leaf = (
            prop::sample::select(vec!["string", "integer", "number", "boolean", "array", "object", "null", "odd"]),
            prop::collection::btree_map(keyword, any_value(), 0..4),
        )
            .prop_map(|(kind, keywords)| {
                let mut schema: serde_json::Map<String, Value> =
                    [(String::from("type"), Value::from(kind))].into_iter().collect();
                schema.extend(keywords);
                Value::Object(schema)
            });
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                (
                    prop::collection::btree_map(any_text(), inner.clone(), 0..5),
                    prop::collection::vec(any_text(), 0..3),
                    any_value()
                )
                    .prop_map(|(properties, required, default)| {
                        json!({ "type": "object", "properties": properties, "required": required, "default": default })
                    }),
                inner.clone().prop_map(|items| json!({ "type": "array", "items": items })),
                prop::collection::vec(inner.clone(), 0..3).prop_map(|parts| json!({ "anyOf": parts })),
                inner.clone().prop_map(|part| json!({ "oneOf": [part, { "type": "null" }], "title": EVIL })),
                Just(json!({ "$ref": "#" })),
                prop::collection::vec(any_value(), 0..4)
                    .prop_map(|values| json!({ "enum": values, "description": EVIL })),
                Just(json!(true)),
                Just(json!(false)),
            ]
        })
    }

    proptest! {
        #![proptest_config(Config { cases: 500, ..Config::default() })]

        #[test]
        fn any_schema_gives_a_form(schema in any_schema()) {
            let page = form(&schema);
            let names = values(&page, "name");
            prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "each name once: {:?}", names);
            let ids = values(&page, "id");
            prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each id once: {:?}", ids);
            prop_assert!(!page.contains("<script") && !page.contains("\"onload"), "{page}");
            for opened in ["fieldset", "div", "select", "textarea", "label", "p"] {
                let (open, close) = (page.matches(&format!("<{opened}")).count(), page.matches(&format!("</{opened}>")).count());
                prop_assert!(opened == "p" || open == close, "{opened}: {open} {close}");
            }
            let (rows, _) = super::super::schema::table(&schema, Texts::of(Locale::Uk));
            prop_assert!(rows.len() <= 201);
        }
    }
}
