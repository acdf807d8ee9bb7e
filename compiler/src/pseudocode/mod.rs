//! Diagrams as pseudocode: complete, every icon once, and the same program when it is compiled.

mod expression;
mod flow;
mod layout;
mod lines;
mod llm;
mod nesting;
mod shape;
mod statement;

use bloom_ir::document::Locale;

use crate::Options;
use crate::graph::Graph;
use crate::lower::Forms;
use crate::text::{self, Keyword};

/// The whole program of a diagram.
pub(crate) fn print(graph: &Graph<'_>, forms: &Forms, title: &str, options: &Options, locale: Locale) -> String {
    let flow = flow::Flow::new(graph, forms);
    let mut program = format!("{} {}\n\n", Keyword::Begin.word(locale), expression::quote(title));
    let mut parameters = if options.opaque { String::new() } else { parameters(&graph.diagram.params, locale) };
    if graph.machine {
        parameters.push_str("  ");
        parameters.push_str(Keyword::Machine.word(locale));
        parameters.push('\n');
    }
    if !parameters.is_empty() {
        program.push_str(&parameters);
        program.push('\n');
    }
    program.push_str(&layout::lines(&flow, locale).render(locale));
    program.push('\n');
    program.push_str(Keyword::End.word(locale));
    program.push('\n');
    program
}

/// The parameters, a line each.
fn parameters(params: &str, locale: Locale) -> String {
    let mut lines = String::new();
    for line in params.lines().map(str::trim) {
        let (parameters, _) = text::parameters(line);
        let written = match parameters.by_name.iter().next() {
            Some((name, parameter)) => {
                let shape = shape::shape(&parameter.schema, locale);
                let shape = if shape == shape::ANY[usize::from(locale == Locale::En)] {
                    String::new()
                } else {
                    format!(": {shape}")
                };
                let default = parameter.default.as_ref().map_or(String::new(), |default| {
                    let default = text::Expression::made(default.clone(), 0..0);
                    format!(" = {}", expression::expression(&default, locale))
                });
                let description = parameter.schema.get("description").and_then(serde_json::Value::as_str);
                let remark = description.map_or(String::new(), |text| format!("  # {text}"));
                format!("{} {name}{shape}{default}{remark}", Keyword::Param.word(locale))
            }
            // It is said on a line of its own.
            None if parameters.machine => String::new(),
            None => line.to_owned(),
        };
        if !written.is_empty() {
            lines.push_str("  ");
            lines.push_str(&written);
            lines.push('\n');
        }
    }
    lines
}
