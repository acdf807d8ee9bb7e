//! Names, numbers and texts as they are written.

use std::ops::Range;

use bloom_ir::expr::ast::Literal;
use pest::iterators::Pair;

use super::grammar::Rule;
use super::{Part, Problem};
use crate::codes;

/// A constant of a case or a default value.
pub(super) fn constant(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<serde_json::Value, Problem> {
    let span = part.span(pair.as_span());
    let text = pair.as_str();
    let inner = pair.into_inner().next().ok_or_else(|| Problem::error(codes::SYNTAX, span.clone()))?;
    Ok(match inner.as_rule() {
        Rule::string => string_literal(inner.as_str()).into(),
        Rule::boolean => is_true(text).into(),
        Rule::minus_number => match number(text.trim_start_matches('-').trim(), text.starts_with('-'), &span)? {
            Literal::Int(int) => int.into(),
            Literal::Double(double) => double.into(),
            _ => serde_json::Value::Null,
        },
        _ => serde_json::Value::Null,
    })
}

pub(super) fn is_true(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "true" | "істина")
}

/// A name as the IR has it: with the plain apostrophe, however it was typed.
pub(super) fn name(word: &str) -> String {
    word.replace(['’', 'ʼ'], "'")
}

pub(super) fn number(text: &str, negative: bool, span: &Range<usize>) -> Result<Literal, Problem> {
    /// 2^53 − 1: beyond it, canonical JSON has no integers.
    const LARGEST: i64 = 9_007_199_254_740_991;
    let problem = || Problem::error(codes::NUMBER, span.clone());
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let int: i64 = text.parse().map_err(|_| problem())?;
        return if int <= LARGEST { Ok(Literal::Int(if negative { -int } else { int })) } else { Err(problem()) };
    }
    let double: f64 = text.parse().map_err(|_| problem())?;
    if double.is_finite() { Ok(Literal::Double(if negative { -double } else { double })) } else { Err(problem()) }
}

/// The value of a literal with its quotation marks.
pub(super) fn string_literal(literal: &str) -> String {
    let mut characters = literal.chars();
    characters.next();
    characters.next_back();
    let mut text = String::with_capacity(literal.len());
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('u') => {
                let rest = characters.as_str();
                let code = rest.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
                match code {
                    Some(code) => {
                        text.push(code);
                        characters = rest[4..].chars();
                    }
                    None => text.push_str("\\u"),
                }
            }
            Some(other) => text.push(other),
            None => text.push('\\'),
        }
    }
    text
}
