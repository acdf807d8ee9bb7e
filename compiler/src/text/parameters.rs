//! The parameters of a flow: a line each, `name`, `name: type`, `name: type = default`, `# description`.

use std::collections::BTreeMap;

use bloom_ir::expr::ast::{Expr, Literal};
use pest::Parser;
use serde_json::{Map, Value, json};

use super::expression;
use super::grammar::{Grammar, Rule};
use super::literal::name;
use super::sections::{line_end, syntax_error};
use super::{Part, Problem, limits, shape, special};
use crate::codes;

/// What a run is given.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) by_name: BTreeMap<String, Parameter>,
    /// Whether a line says that the flow waits for ever.
    pub(crate) machine: bool,
}

/// One parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) schema: Value,
    /// What it is when it is not given.
    pub(crate) default: Option<Expr>,
}

impl Parameters {
    /// Parameters of these names, of which nothing else is known.
    pub(crate) fn named<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        let parameter = |name: &String| (name.clone(), Parameter { schema: Value::Null, default: None });
        Self { by_name: names.into_iter().map(parameter).collect(), machine: false }
    }

    /// The schema of a run's inputs.
    pub(crate) fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.by_name.iter().map(|(name, parameter)| (name.clone(), parameter.schema.clone())).collect();
        let required: Vec<&str> = self
            .by_name
            .iter()
            .filter(|(_, parameter)| parameter.default.is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }
}

/// Whether a line says that the flow waits for ever: `# machine`, or as DRAKON Editor has it, `state machine`.
fn says_machine(line: &str) -> bool {
    let line = line.trim().to_lowercase();
    match line.strip_prefix('#') {
        Some(remark) => matches!(remark.trim(), "machine" | "state machine" | "автомат"),
        None => matches!(line.as_str(), "state machine" | "автомат станів"),
    }
}

/// Whether any line says that the flow waits for ever.
pub(crate) fn declares_machine(text: &str) -> bool {
    text.lines().any(says_machine)
}

/// Reads all lines.
pub(crate) fn parameters(text: &str) -> (Parameters, Vec<Problem>) {
    let mut parameters = Parameters::default();
    let mut problems = Vec::new();
    let mut position = 0;
    while position < text.len() {
        let end = line_end(text, position);
        let part = Part::new(&text[position..end], position).trimmed();
        position = end + 1;
        let text = part.text.trim_end_matches([',', ';']);
        let is_machine = says_machine(text);
        parameters.machine |= is_machine;
        if is_machine || text.is_empty() || text.starts_with('#') {
            continue;
        }
        match parameter(part.slice(0..text.len())) {
            Ok((name, parameter)) => {
                if special(&name).is_some() || name == "v" {
                    problems.push(Problem::error(codes::RESERVED_NAME, part.range()).with("name", name));
                } else if parameters.by_name.insert(name.clone(), parameter).is_some() {
                    problems.push(Problem::error(codes::REPEATED_PARAMETER, part.range()).with("name", name));
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    (parameters, problems)
}

fn parameter(part: Part<'_>) -> Result<(String, Parameter), Problem> {
    limits::check(part)?;
    let mut pairs = Grammar::parse(Rule::parameter, part.text)
        .map_err(|error| Problem { code: codes::PARAMETER, ..syntax_error(part, &error) })?;
    let pair = pairs.next().ok_or_else(|| Problem::error(codes::PARAMETER, part.range()))?;
    let mut word = String::new();
    let mut schema = json!({});
    let mut default = None;
    let mut description = None;
    for pair in pair.into_inner() {
        let span = part.span(pair.as_span());
        match pair.as_rule() {
            Rule::word => word = name(pair.as_str()),
            Rule::shape => schema = open(shape::schema(pair, part)?),
            Rule::expr => {
                let value = expression::build(pair, part)?;
                let constant = constant(&value.expr);
                let constant = constant.ok_or_else(|| Problem::error(codes::DEFAULT, span).with("name", &word))?;
                default = Some((value.expr, constant));
            }
            Rule::remark => description = Some(pair.as_str().trim_start_matches('#').trim().to_owned()),
            _ => {}
        }
    }
    if let Some(members) = schema.as_object_mut() {
        if let Some((_, constant)) = &default {
            members.insert("default".to_owned(), constant.clone());
        }
        if let Some(description) = description {
            members.insert("description".to_owned(), description.into());
        }
    }
    Ok((word, Parameter { schema, default: default.map(|(expr, _)| expr) }))
}

/// What comes from outside may hold more than the flow asks for.
fn open(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            if members.get("additionalProperties") == Some(&Value::Bool(false)) {
                members.remove("additionalProperties");
            }
            for member in members.values_mut() {
                *member = open(member.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = open(item.take());
            }
        }
        _ => {}
    }
    schema
}

/// The JSON of an expression that is one.
fn constant(expr: &Expr) -> Option<Value> {
    Some(match expr {
        Expr::Literal(Literal::Null) => Value::Null,
        Expr::Literal(Literal::Bool(value)) => (*value).into(),
        Expr::Literal(Literal::Int(int)) => (*int).into(),
        Expr::Literal(Literal::Double(double)) => (*double).into(),
        Expr::Literal(Literal::String(text)) => text.as_str().into(),
        Expr::List(items) => Value::Array(items.iter().map(constant).collect::<Option<_>>()?),
        Expr::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| match key {
                    Expr::Literal(Literal::String(key)) => Some((key.clone(), constant(value)?)),
                    _ => None,
                })
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}
