//! Documents, of an input: grown, or made of real ones, and changed here and there.

use bloom_interpreter::history::{Payload, read_lines};
use bloom_ir::document::Document;
use bloom_ir::validate;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::mutate::mutate;
use super::value::{expression, variable};
use crate::support::random::{self, Statement};

/// Documents that were run once, with their histories.
const RECORDED: &[(&str, &str)] = &[
    (
        include_str!("../../../fixtures/histories/notes.ir.json"),
        include_str!("../../../fixtures/histories/notes.jsonl"),
    ),
    (
        include_str!("../../../fixtures/histories/forked.ir.json"),
        include_str!("../../../fixtures/histories/forked.jsonl"),
    ),
    (
        include_str!("../../../fixtures/histories/waited.ir.json"),
        include_str!("../../../fixtures/histories/waited.jsonl"),
    ),
    (
        include_str!("../../../fixtures/histories/called.ir.json"),
        include_str!("../../../fixtures/histories/called.jsonl"),
    ),
];

const EVERYTHING: &str = include_str!("../../../fixtures/ir/everything.ir.json");

/// A document that can be read, and inputs for it.
pub(super) fn document(input: &mut Unstructured<'_>) -> Result<Option<(Document, Value)>> {
    let (mut json, inputs) = match input.int_in_range(0..=3)? {
        0 => {
            let (document, history) = input.choose(RECORDED)?;
            (serde_json::from_str(document).unwrap_or_default(), inputs_of(history))
        }
        1 => (serde_json::from_str(EVERYTHING).unwrap_or_default(), json!({ "folder": "notes" })),
        _ => {
            let statements = block(input, 3)?;
            (random::document(&statements, input.arbitrary()?), random::inputs())
        }
    };
    mutate(&mut json, input)?;
    if let Value::Object(members) = &mut json {
        // A hash of what it was before it was changed.
        members.remove("integrity");
    }
    let bytes = serde_json::to_vec(&json).unwrap_or_default();
    Ok(validate::read(&bytes).ok().map(|document| (document, inputs)))
}

fn inputs_of(history: &str) -> Value {
    let events = read_lines(history).unwrap_or_default();
    match events.into_iter().next().and_then(|event| event.payload) {
        Some(Payload::RunStarted(started)) => started.inputs.to_json(),
        _ => Value::Null,
    }
}

fn block(input: &mut Unstructured<'_>, depth: u32) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    while !input.is_empty() && statements.len() < 5 && input.ratio(3, 4)? {
        statements.push(statement(input, depth)?);
    }
    Ok(statements)
}

fn maybe<T>(input: &mut Unstructured<'_>, make: impl FnOnce(&mut Unstructured<'_>) -> Result<T>) -> Result<Option<T>> {
    if input.arbitrary()? { make(input).map(Some) } else { Ok(None) }
}

fn statement(input: &mut Unstructured<'_>, depth: u32) -> Result<Statement> {
    const TOOLS: &[&str] = &["read", "write", "shape"];
    let kinds = if depth == 0 { 6 } else { 14 };
    let inner = |input: &mut Unstructured<'_>| block(input, depth - 1);
    let value = |input: &mut Unstructured<'_>| expression(input, 2);
    Ok(match input.int_in_range(0..=kinds)? {
        0 => Statement::Set(variable(input)?, value(input)?),
        1 => {
            let (tool, arg, into) = (*input.choose(TOOLS)?, value(input)?, maybe(input, variable)?);
            Statement::Ask { tool, arg, into, rescue: None }
        }
        2 => Statement::Think { prompt: value(input)?, into: variable(input)? },
        3 => Statement::Emit { kind: *input.choose(&["event", "log", "artifact", "proposal"])?, value: value(input)? },
        4 => Statement::Call { arg: value(input)?, into: variable(input)?, wait: input.arbitrary()? },
        5 => Statement::Sleep(value(input)?),
        6 => Statement::Return(*input.choose(&["completed", "failed"])?, value(input)?),
        7 => Statement::If(value(input)?, inner(input)?, inner(input)?),
        8 => Statement::While(value(input)?, inner(input)?),
        9 => Statement::Choice(value(input)?, inner(input)?, inner(input)?, input.arbitrary()?),
        10 => Statement::For {
            over: value(input)?,
            item: variable(input)?,
            index: maybe(input, variable)?,
            key: maybe(input, variable)?,
            body: inner(input)?,
        },
        11 => {
            let (tool, arg, into) = (*input.choose(TOOLS)?, value(input)?, maybe(input, variable)?);
            Statement::Ask { tool, arg, into, rescue: Some(inner(input)?) }
        }
        12 => Statement::Timer { due: value(input)?, body: inner(input)? },
        13 => Statement::Await { person: input.arbitrary()?, into: variable(input)?, timeout: maybe(input, inner)? },
        _ => {
            let branches = (0..input.int_in_range(1..=3)?).map(|_| inner(input)).collect::<Result<_>>()?;
            Statement::Fork(branches, maybe(input, inner)?)
        }
    })
}
