//! Values, names and expressions, of an input.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use crate::support::random::VARIABLES;

/// A value of at most so many levels.
pub(crate) fn json(input: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
    let kinds = if depth == 0 { 6 } else { 9 };
    Ok(match input.int_in_range(0..=kinds)? {
        0 => json!(null),
        1 => json!(input.arbitrary::<bool>()?),
        2 => json!(input.arbitrary::<i8>()?),
        3 => json!(input.arbitrary::<i64>()?),
        4 => json!(input.arbitrary::<f64>()?),
        5 => json!(input.choose(&["x", "й", "", "2026-01-01T00:00:00Z", "\u{0}"])?),
        6 => json!(short(input)?),
        7 => (0..input.int_in_range(0..=3)?).map(|_| json(input, depth - 1)).collect::<Result<_>>()?,
        _ => {
            let members = (0..input.int_in_range(0..=3)?).map(|_| Ok((key(input)?, json(input, depth - 1)?)));
            Value::Object(members.collect::<Result<_>>()?)
        }
    })
}

pub(crate) fn short(input: &mut Unstructured<'_>) -> Result<String> {
    let length = input.int_in_range(0..=12)?;
    Ok(String::from_utf8_lossy(input.bytes(length.min(input.len()))?).into_owned())
}

fn key(input: &mut Unstructured<'_>) -> Result<String> {
    Ok(if input.ratio(3, 4)? { (*input.choose(&["k", "a", "items", "code"])?).to_owned() } else { short(input)? })
}

/// A code of an error.
pub(super) fn code(input: &mut Unstructured<'_>) -> Result<&'static str> {
    input.choose(&["refused", "timeout", "limit_state", "cancelled", ""]).copied()
}

/// A name that may mean something somewhere.
pub(super) fn name(input: &mut Unstructured<'_>) -> Result<String> {
    Ok(match input.int_in_range(0..=3)? {
        0 => format!("n{}", input.int_in_range(0..=30)?),
        1 => format!("n{}#{}", input.int_in_range(0..=9)?, input.int_in_range(0..=3)?),
        2 => format!(
            "n{}#1.{}/n{}#1",
            input.int_in_range(0..=9)?,
            input.int_in_range(0..=3)?,
            input.int_in_range(0..=9)?
        ),
        _ => short(input)?,
    })
}

pub(super) fn variable(input: &mut Unstructured<'_>) -> Result<usize> {
    input.int_in_range(0..=VARIABLES.len() - 1)
}

/// An expression: most have a value, some an error.
pub(super) fn expression(input: &mut Unstructured<'_>, depth: u32) -> Result<String> {
    if depth == 0 || input.is_empty() || input.ratio(1, 3)? {
        return Ok(match input.int_in_range(0..=2)? {
            0 => format!("v['{}']", VARIABLES[variable(input)?]),
            1 => input.int_in_range(-2..=5)?.to_string(),
            _ => (*input.choose(LEAVES)?).to_owned(),
        });
    }
    let depth = depth - 1;
    let inner = |input: &mut Unstructured<'_>| expression(input, depth);
    Ok(match input.int_in_range(0..=5)? {
        0 => {
            let operator = input.choose(&["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"])?;
            format!("({} {operator} {})", inner(input)?, inner(input)?)
        }
        1 => format!("[{}, {}]", inner(input)?, inner(input)?),
        2 => format!("{{'k': {}, 'a': {}}}", inner(input)?, inner(input)?),
        3 => format!(
            "{}({})",
            input.choose(&["size", "string", "int", "double", "json.format", "json.parse", "tokens", "max", "bool"])?,
            inner(input)?
        ),
        4 => format!("({} ? {} : {})", inner(input)?, inner(input)?, inner(input)?),
        _ => {
            let list = inner(input)?;
            let call = input.choose(&[
                "map(x, [x])",
                "filter(x, x == 1)",
                "all(x, x != 1)",
                "exists(x, x == 'x')",
                "k",
                "join(',')",
                "contains('x')",
                "split(',')",
                "matches('x+')",
                "lower()",
                "trim()",
                "words()",
                "lines()",
                "replace('x', 'yy')",
                "sort()",
                "distinct()",
                "sum()",
                "keys()",
                "startsWith('x')",
            ])?;
            format!("({list}).{call}")
        }
    })
}

const LEAVES: &[&str] = &[
    "'x'",
    "'й'",
    "true",
    "false",
    "null",
    "[]",
    "[1, 2]",
    "{'k': 1, 'a': 2}",
    "input.n",
    "input.items",
    "input.map",
    "run.now",
    "run.id",
    "0.5",
    "9223372036854775807",
    "input.missing",
    "'2026-01-01T00:00:00Z'",
    "1e300",
];
