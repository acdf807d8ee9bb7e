//! What is written at the head of a loop, and in cases.

use std::ops::Range;

use bloom_ir::expr::ast::{BinaryOp, Expr, Literal};
use pest::Parser;
use pest::iterators::Pair;

use super::expression::{self, Expression, Use};
use super::grammar::{Grammar, Rule};
use super::literal::{self, name, string_literal};
use super::operators::binary;
use super::sections::syntax_error;
use super::statement::Spanned;
use super::{Part, Problem, limits, waiting};
use crate::codes;

/// How a loop goes on.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each loop")]
pub(crate) enum LoopHead {
    /// Over the elements of a list or a map.
    Each { key: Option<String>, item: String, over: Expression },
    /// `i = 0; i < n; i++`
    Counting { variable: String, start: Expression, condition: Expression, step: Expression },
    /// `10 разів`
    Times { count: Expression },
    /// `"кожної скрипки"`: whether there is another round is left to an LLM or a person.
    Prose(String),
}

/// Reads the head of a loop.
pub(crate) fn loop_head(part: Part<'_>) -> Result<LoopHead, Problem> {
    let part = part.trimmed();
    if let Some(text) = waiting::quoted(part) {
        return Ok(LoopHead::Prose(text));
    }
    limits::check(part)?;
    let pair = Grammar::parse(Rule::loop_head, part.text)
        .map_err(|error| syntax_error(part, &error))
        .and_then(|mut pairs| pairs.next().ok_or_else(|| Problem::error(codes::LOOP_TEXT, part.range())))
        .map_err(|problem| Problem { code: codes::LOOP_TEXT, ..problem })?;
    let rule = pair.as_rule();
    if rule == Rule::prose_loop {
        let texts = pair.into_inner().find(|pair| pair.as_rule() == Rule::strings);
        let texts = texts.into_iter().flat_map(Pair::into_inner);
        return Ok(LoopHead::Prose(texts.map(|text| string_literal(text.as_str())).collect()));
    }
    let mut variables = Vec::new();
    let mut exprs = Vec::new();
    let mut step = None;
    for inner in pair.into_inner() {
        match inner.as_rule() {
            Rule::variable => variables.push(name(inner.as_str())),
            Rule::expr => exprs.push(expression::build(inner, part)?),
            Rule::step => step = Some(inner),
            _ => {}
        }
    }
    for variable in &variables {
        if super::special(variable).is_some() || variable == "v" {
            return Err(Problem::error(codes::RESERVED_NAME, part.range()).with("name", variable));
        }
    }
    let mut variables = variables.into_iter();
    let mut exprs = exprs.into_iter();
    let incomplete = || Problem::error(codes::LOOP_TEXT, part.range());
    Ok(match rule {
        Rule::counting => {
            let variable = variables.next().ok_or_else(incomplete)?;
            let start = exprs.next().ok_or_else(incomplete)?;
            let condition = exprs.next().ok_or_else(incomplete)?;
            let step = step_of(step.ok_or_else(incomplete)?, &variable, part)?;
            LoopHead::Counting { variable, start, condition, step }
        }
        Rule::times => LoopHead::Times { count: exprs.next().ok_or_else(incomplete)? },
        Rule::pair => {
            let key = variables.next();
            let item = variables.next().ok_or_else(incomplete)?;
            LoopHead::Each { key, item, over: exprs.next().ok_or_else(incomplete)? }
        }
        _ => {
            let item = variables.next().ok_or_else(incomplete)?;
            LoopHead::Each { key: None, item, over: exprs.next().ok_or_else(incomplete)? }
        }
    })
}

/// The value that the loop's variable gets after a round.
fn step_of(pair: Pair<'_, Rule>, variable: &str, part: Part<'_>) -> Result<Expression, Problem> {
    let span = part.span(pair.as_span());
    let mut inner = pair.into_inner();
    let (Some(stepped), Some(how)) = (inner.next(), inner.next()) else {
        return Err(Problem::error(codes::LOOP_TEXT, span));
    };
    if name(stepped.as_str()) != variable {
        return Err(Problem::error(codes::LOOP_TEXT, part.span(stepped.as_span())));
    }
    let rule = how.as_rule();
    let by = match rule {
        Rule::increment | Rule::decrement => Expression::made(Expr::Literal(Literal::Int(1)), span.clone()),
        Rule::expr => return expression::build(how, part),
        _ => {
            let amount = how.into_inner().next().ok_or_else(|| Problem::error(codes::LOOP_TEXT, span.clone()))?;
            expression::build(amount, part)?
        }
    };
    let op = if matches!(rule, Rule::increment | Rule::add_to) { BinaryOp::Add } else { BinaryOp::Subtract };
    let mut uses = vec![Use { name: variable.to_owned(), span: span.clone() }];
    uses.extend(by.uses);
    let expr = binary(op, Expr::Variable(variable.to_owned()), by.expr);
    Ok(Expression { expr, uses, bound: by.bound, span })
}

/// The literals of a case.
pub(crate) fn literals(part: Part<'_>) -> Result<Vec<Spanned<serde_json::Value>>, Problem> {
    let part = part.trimmed();
    limits::check(part)?;
    let pairs = Grammar::parse(Rule::literals, part.text)
        .map_err(|error| Problem { code: codes::CASE_TEXT, ..syntax_error(part, &error) })?;
    pairs
        .filter(|pair| pair.as_rule() == Rule::constant)
        .map(|pair| {
            let span: Range<usize> = part.span(pair.as_span());
            Ok(Spanned { node: literal::constant(pair, part)?, span })
        })
        .collect()
}
