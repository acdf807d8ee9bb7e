//! Calls of an LLM as people write them: in a line, or as a block with a prompt of several lines.

use bloom_ir::expr::ast::Expr;

use super::expression::quote;
use super::shape::shape;
use super::statement::Writer;
use crate::text::{Expression, Keyword, LlmCall, Template, is_format};
use bloom_ir::document::{Locale, Session};

/// A prompt that is longer is a block.
const LONGEST: usize = 80;

/// The lines of a call, without the indentation of the first; `seconds` limits its time.
pub(super) fn call(writer: Writer, call: &LlmCall, seconds: Option<u32>) -> String {
    let prompt = template(writer, &call.prompt);
    let options = options(writer, call, seconds);
    let target = &call.target.name;
    let format =
        call.format.as_ref().map(|schema| format!("{} {}", writer.word(Keyword::Format), shape(schema, writer.locale)));
    if (prompt.contains('\n') || prompt.chars().count() > LONGEST) && is_block(&prompt) {
        let options = if options.is_empty() { String::new() } else { format!("({})", options.join(", ")) };
        let indent = " ".repeat(writer.indent);
        let mut text = format!("{target} ← LLM{options}:");
        for line in prompt.split('\n') {
            text.push('\n');
            if !line.is_empty() {
                text.push_str(&indent);
                text.push_str("  ");
                text.push_str(line);
            }
        }
        if let Some(format) = format {
            text.push('\n');
            text.push_str(&indent);
            text.push_str(&format);
        }
        return text;
    }
    let args: Vec<String> = std::iter::once(quote(&prompt)).chain(options).collect();
    let format = format.map_or(String::new(), |format| format!(" {format}"));
    format!("{target} ← LLM({}){format}", args.join(", "))
}

/// Whether a prompt reads back as it is when it stands in a block.
fn is_block(prompt: &str) -> bool {
    prompt.trim() == prompt
        && !prompt.contains(['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
        && !prompt.lines().any(is_format)
}

/// A prompt with its expressions in braces.
fn template(writer: Writer, template: &[Template]) -> String {
    let mut text = String::new();
    for part in template {
        match part {
            Template::Text(part) => text.push_str(&part.replace('{', "{{").replace('}', "}}")),
            Template::Expr(value) => {
                text.push('{');
                let value = writer.expression(value);
                // `{{` is a brace; white space around an expression means nothing.
                let spaced = value.starts_with('{');
                text.push_str(if spaced { " " } else { "" });
                text.push_str(&value);
                text.push_str(if value.ends_with('}') { " " } else { "" });
                text.push('}');
            }
        }
    }
    text
}

fn options(writer: Writer, call: &LlmCall, seconds: Option<u32>) -> Vec<String> {
    let uk = writer.locale == Locale::Uk;
    let mut options = Vec::new();
    let mut add = |[uk_name, en_name]: [&str; 2], value: String| {
        options.push(format!("{}: {value}", if uk { uk_name } else { en_name }));
    };
    if let Some(model) = &call.model {
        add(["модель", "model"], quote(model));
    }
    if let Some(count) = call.max_tokens {
        add(["макс_токенів", "max_tokens"], count.to_string());
    }
    if let Some(Session::Context) = call.session {
        add(["сесія", "session"], quote(if uk { "контекст" } else { "context" }));
    }
    if let Some(seconds) = seconds.or(call.timeout_seconds) {
        add(["час", "timeout"], writer.duration(i64::from(seconds) * 1000));
    }
    match call.system.as_deref() {
        None => {}
        Some([Template::Expr(value)]) => add(["система", "system"], writer.expression(value)),
        Some(system) => add(["система", "system"], quote(&template(writer, system))),
    }
    if let Some((first, others)) = call.memory.split_first() {
        let items = std::iter::once(first).chain(others).map(|memory| memory.expr.clone()).collect();
        let list = Expression { bound: first.bound.clone(), ..Expression::made(Expr::List(items), 0..0) };
        add(["пам'ять", "memory"], writer.expression(&list));
    }
    options
}
