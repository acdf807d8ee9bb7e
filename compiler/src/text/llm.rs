//! Calls of an LLM: `x ← LLM("prompt", context)`, and the block with a prompt of several lines.

use std::ops::Range;

use bloom_ir::document::{Schema, Session, TemplatePart};
use bloom_ir::expr::ast::{Expr, Literal};
use pest::Parser;
use pest::iterators::Pair;

use super::expression::{self, Expression};
use super::grammar::{Grammar, Rule};
use super::sections::{Block, first_line, syntax_error};
use super::statement::{Argument, Target, arguments, target_of};
use super::{Part, Problem, limits, names, shape};
use crate::codes;

/// A part of a prompt.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    Text(String),
    Expr(Expression),
}

/// A call as it is written.
#[derive(Clone, Debug)]
pub(crate) struct LlmCall {
    pub(crate) target: Target,
    pub(crate) prompt: Vec<Template>,
    /// What the answer looks like; absent: `{text: string}`, of which the variable gets the text.
    pub(crate) format: Option<Schema>,
    pub(crate) system: Option<Vec<Template>>,
    pub(crate) model: Option<String>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) session: Option<Session>,
    pub(crate) timeout_seconds: Option<u32>,
    pub(crate) memory: Vec<Expression>,
}

impl LlmCall {
    /// Every expression in it.
    pub(crate) fn expressions_mut(&mut self) -> impl Iterator<Item = &mut Expression> {
        self.prompt
            .iter_mut()
            .chain(self.system.iter_mut().flatten())
            .filter_map(|part| match part {
                Template::Expr(expression) => Some(expression),
                Template::Text(_) => None,
            })
            .chain(&mut self.memory)
    }
}

/// The IR's template, with adjacent texts joined.
pub(crate) fn template_parts(template: &[Template], mut print: impl FnMut(&Expr) -> String) -> Vec<TemplatePart> {
    let mut parts: Vec<TemplatePart> = Vec::with_capacity(template.len());
    for part in template {
        match (part, parts.last_mut()) {
            (Template::Text(text), _) if text.is_empty() => {}
            (Template::Text(text), Some(TemplatePart::Text(last))) => last.push_str(text),
            (Template::Text(text), _) => parts.push(TemplatePart::Text(text.clone())),
            (Template::Expr(expression), _) => parts.push(TemplatePart::Expr(print(&expression.expr))),
        }
    }
    parts
}

/// Reads the block form.
pub(super) fn block(block: &Block<'_>) -> Result<LlmCall, Problem> {
    limits::check(block.head)?;
    let mut pairs =
        Grammar::parse(Rule::llm_head, block.head.text).map_err(|error| syntax_error(block.head, &error))?;
    let Some(pair) = pairs.next() else { return Err(Problem::error(codes::SYNTAX, block.head.range())) };
    let (target, args, _) = head(pair, block.head)?;
    let prompt = block.prompt.trimmed();
    if prompt.text.is_empty() {
        return Err(Problem::error(codes::NO_PROMPT, block.head.range()));
    }
    let mut call = LlmCall {
        target,
        prompt: dedent(template(prompt)?, block.prompt.text),
        format: block.format.map(format).transpose()?,
        system: None,
        model: None,
        max_tokens: None,
        session: None,
        timeout_seconds: None,
        memory: Vec::new(),
    };
    for argument in args {
        match &argument.name {
            Some(_) => option(&mut call, argument, block.head)?,
            None => add_context(&mut call, argument),
        }
    }
    Ok(call)
}

/// Reads the form of a call.
pub(super) fn call(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<LlmCall, Problem> {
    let span = part.span(pair.as_span());
    let (target, args, format) = head(pair, part)?;
    let mut call = LlmCall {
        target,
        prompt: Vec::new(),
        format,
        system: None,
        model: None,
        max_tokens: None,
        session: None,
        timeout_seconds: None,
        memory: Vec::new(),
    };
    for argument in args {
        match (&argument.name, argument.value.as_text()) {
            (Some(_), _) => option(&mut call, argument, part)?,
            (None, Some(_)) if call.prompt.is_empty() => call.prompt = literal_template(&argument.value, part)?,
            (None, _) => add_context(&mut call, argument),
        }
    }
    if call.prompt.is_empty() {
        return Err(Problem::error(codes::NO_PROMPT, span));
    }
    Ok(call)
}

fn add_context(call: &mut LlmCall, argument: Argument) {
    if !call.prompt.is_empty() {
        call.prompt.push(Template::Text("\n\n".to_owned()));
    }
    call.prompt.push(Template::Expr(argument.value));
}

type Head = (Target, Vec<Argument>, Option<Schema>);

fn head(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Head, Problem> {
    let span = first_line(part.text, 0..part.text.len());
    let span = part.offset + span.start..part.offset + span.end;
    let mut target = None;
    let mut args = Vec::new();
    let mut schema = None;
    for pair in pair.into_inner() {
        match pair.as_rule() {
            Rule::target => target = Some(target_of(pair, part)?),
            Rule::arguments => args = arguments(pair, part)?,
            Rule::format => schema = Some(schema_of(pair, part)?),
            _ => {}
        }
    }
    let target = target.ok_or_else(|| Problem::error(codes::UNUSED_VALUE, span))?;
    Ok((target, args, schema))
}

fn schema_of(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Schema, Problem> {
    let span = part.span(pair.as_span());
    let shape = pair.into_inner().find(|pair| pair.as_rule() == Rule::shape);
    let schema = shape::schema(shape.ok_or_else(|| Problem::error(codes::SHAPE, span.clone()).near(None))?, part)?;
    // Models answer with an object; a list or a text stands in one.
    if schema["type"] == "object" { Ok(schema) } else { Err(Problem::error(codes::FORMAT_NO_OBJECT, span)) }
}

fn format(part: Part<'_>) -> Result<Schema, Problem> {
    limits::check(part)?;
    let mut pairs = Grammar::parse(Rule::format_only, part.text).map_err(|error| syntax_error(part, &error))?;
    match pairs.next() {
        Some(pair) => schema_of(pair, part),
        None => Err(Problem::error(codes::SHAPE, part.range()).near(None)),
    }
}

fn option(call: &mut LlmCall, argument: Argument, part: Part<'_>) -> Result<(), Problem> {
    const OPTIONS: [&str; 6] = ["model", "max_tokens", "system", "memory", "session", "timeout"];
    let Some(name) = argument.name else { return Ok(()) };
    let wrong = |expected: &str| {
        Problem::error(codes::LLM_OPTION, argument.value.span.clone())
            .with("name", &name.node)
            .with("expected", expected)
    };
    match name.node.as_str() {
        "model" | "модель" => {
            call.model = Some(argument.value.as_text().ok_or_else(|| wrong("string"))?.to_owned());
        }
        "max_tokens" | "макс_токенів" => {
            let count = literal_int(&argument.value).and_then(|count| u64::try_from(count).ok());
            call.max_tokens = Some(count.filter(|count| *count > 0).ok_or_else(|| wrong("int"))?);
        }
        "session" | "сесія" => {
            call.session = Some(match argument.value.as_text() {
                Some("context" | "контекст") => Session::Context,
                _ => return Err(wrong("session")),
            });
        }
        "timeout" | "час" => {
            let seconds = literal_int(&argument.value).and_then(|milliseconds| u32::try_from(milliseconds / 1000).ok());
            call.timeout_seconds = Some(seconds.filter(|seconds| *seconds > 0).ok_or_else(|| wrong("duration"))?);
        }
        "system" | "система" => {
            call.system = Some(match argument.value.as_text() {
                Some(_) => literal_template(&argument.value, part)?,
                None => vec![Template::Expr(argument.value)],
            });
        }
        "memory" | "пам'ять" => match argument.value.expr {
            Expr::List(items) => {
                let (uses, bound, span) = (argument.value.uses, argument.value.bound, argument.value.span);
                let mut items = items.into_iter();
                // Names belong to the list as a whole; the first item carries them.
                if let Some(expr) = items.next() {
                    call.memory.push(Expression { expr, uses, bound, span: span.clone() });
                }
                call.memory.extend(items.map(|expr| Expression::made(expr, span.clone())));
            }
            _ => call.memory.push(argument.value),
        },
        other => {
            let problem = Problem::error(codes::UNKNOWN_ARGUMENT, name.span)
                .with("tool", "LLM")
                .with("name", other)
                .near(names::nearest(other, OPTIONS));
            return Err(problem);
        }
    }
    Ok(())
}

fn literal_int(value: &Expression) -> Option<i64> {
    match value.expr {
        Expr::Literal(Literal::Int(int)) => Some(int),
        _ => None,
    }
}

/// A template in a literal: its expressions are looked for in the literal as it is written.
fn literal_template(value: &Expression, part: Part<'_>) -> Result<Vec<Template>, Problem> {
    let text = value.as_text().unwrap_or_default();
    if !text.contains(['{', '}']) {
        return Ok(vec![Template::Text(text.to_owned())]);
    }
    let written = part.slice(value.span.start - part.offset..value.span.end - part.offset);
    template(Part::new(text, 0))
        .map_err(|problem| match written.text.find(problem_text(text, &problem.span)) {
            Some(at) if !problem.span.is_empty() => {
                let start = written.offset + at;
                Problem { span: start..start + problem.span.len(), ..problem }
            }
            _ => Problem { span: written.range(), ..problem },
        })
        .map(|parts| {
            parts
                .into_iter()
                .map(|part| match part {
                    Template::Expr(mut expression) => {
                        relocate(&mut expression, text, written);
                        Template::Expr(expression)
                    }
                    text @ Template::Text(_) => text,
                })
                .collect()
        })
}

fn problem_text<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    text.get(span.clone()).unwrap_or_default()
}

/// Spans in the value of a literal become spans in the literal: exact unless escapes stand before them.
fn relocate(expression: &mut Expression, text: &str, written: Part<'_>) {
    for name in &mut expression.uses {
        let word = problem_text(text, &name.span);
        let hint = (name.span.start + 1).min(written.text.len());
        let at = written.text.get(hint..).filter(|rest| rest.starts_with(word)).map(|_| hint);
        let at = at.or_else(|| written.text.find(word)).unwrap_or(0);
        name.span = written.offset + at..written.offset + at + word.len();
    }
    expression.span = written.range();
}

/// Splits a prompt at its `{expressions}`; `{{` and `}}` are braces.
fn template(part: Part<'_>) -> Result<Vec<Template>, Problem> {
    let text = part.text;
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut position = 0;
    while let Some(at) = text[position..].find(['{', '}']).map(|offset| position + offset) {
        literal.push_str(&text[position..at]);
        let brace = &text[at..=at];
        if text[at + 1..].starts_with(brace) {
            literal.push_str(brace);
            position = at + 2;
            continue;
        }
        if brace == "}" {
            return Err(Problem::error(codes::BRACE, part.offset + at..part.offset + at + 1));
        }
        let Some(end) = closing(text, at) else {
            return Err(Problem::error(codes::BRACE, part.offset + at..part.offset + at + 1));
        };
        parts.push(Template::Text(std::mem::take(&mut literal)));
        let inner = part.slice(at + 1..end).trimmed();
        if inner.text.is_empty() {
            return Err(Problem::error(codes::BRACE, part.offset + at..part.offset + end + 1));
        }
        parts.push(Template::Expr(expression::expression(inner)?));
        position = end + 1;
    }
    literal.push_str(&text[position..]);
    parts.push(Template::Text(literal));
    Ok(parts)
}

/// The brace that closes the one at this position.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut scanner = limits::Scanner::new(&text[open..]);
    while let Some((at, event)) = scanner.next() {
        match event {
            limits::Event::Open('{') => depth += 1,
            limits::Event::Close('}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(open + at);
                }
            }
            limits::Event::Unclosed => return None,
            _ => {}
        }
    }
    None
}

/// Takes away the indentation that all lines of a prompt have in common.
fn dedent(template: Vec<Template>, written: &str) -> Vec<Template> {
    let indent = written
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    let strip = |text: String| {
        let mut lines = text.split('\n');
        let mut out = lines.next().unwrap_or_default().to_owned();
        for line in lines {
            out.push('\n');
            let spaces = line.len() - line.trim_start_matches(' ').len();
            out.push_str(&line[spaces.min(indent)..]);
        }
        out
    };
    template
        .into_iter()
        .map(|part| match part {
            Template::Text(text) => Template::Text(strip(text)),
            expression @ Template::Expr(_) => expression,
        })
        .collect()
}
