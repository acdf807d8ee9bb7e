//! Prose to nodes: what an LLM or a person is asked in its place.

use bloom_ir::document::{Action, Ask, Awaited, LlmCall, Locale, Node, NodeId, NodeKind, TemplatePart};
use bloom_ir::expr::ast::Expr;
use bloom_ir::expr::print;
use serde_json::{Value, json};

use super::draft::{PROSE, Wish};
use crate::Prose;

/// A prose step, and what its words depend on.
pub(super) struct Question<'a> {
    pub(super) wish: &'a Wish,
    pub(super) text: &'a str,
    /// Whether the answer of the step before is there.
    pub(super) follows: bool,
    /// Whether the run has inputs.
    pub(super) inputs: bool,
    pub(super) timeout: Option<u32>,
}

impl Question<'_> {
    /// The node; its answer is an object, of which a decision reads `answer`.
    pub(super) fn node(&self, mode: Prose, locale: Locale, next: NodeId) -> Node {
        let into = self.wish.into().to_owned();
        if mode == Prose::Human {
            let ask = Ask {
                title: vec![TemplatePart::Text(first_line(self.text, locale))],
                text: vec![TemplatePart::Text(self.text.to_owned())],
                schema: self.schema(),
                assignee: None,
            };
            let action = Action::Await {
                what: Awaited::Ask(ask),
                schema: None,
                into: Some(into),
                timeout_seconds: self.timeout,
                on_timeout: None,
                next,
            };
            return Node { kind: NodeKind::Action(action), input: None, output: None, on_error: None };
        }
        let call = LlmCall {
            prompt: self.prompt(locale),
            system: None,
            memory: Vec::new(),
            model: None,
            max_tokens: None,
            session: None,
            into,
            retry: None,
            timeout_seconds: self.timeout,
            next,
        };
        Node { kind: NodeKind::LlmCall(call), input: None, output: Some(self.schema()), on_error: None }
    }

    fn schema(&self) -> Value {
        let (name, schema) = match self.wish {
            Wish::Done => ("text", json!({ "type": "string" })),
            Wish::Decided | Wish::Another => ("answer", json!({ "type": "boolean" })),
            Wish::Chosen(texts) => ("answer", json!({ "type": "string", "enum": texts })),
        };
        json!({
            "type": "object",
            "properties": { name: schema },
            "required": [name],
            "additionalProperties": false,
        })
    }

    fn prompt(&self, locale: Locale) -> Vec<TemplatePart> {
        let uk = locale == Locale::Uk;
        let wish = match (self.wish, uk) {
            (Wish::Done, true) => "Виконай цей крок алгоритму і стисло поверни, що змінилося або що ти отримав:",
            (Wish::Done, false) => "Do this step of an algorithm, and return briefly what changed or what you got:",
            (Wish::Decided, true) => "Дай відповідь «так» (true) або «ні» (false) на це питання алгоритму:",
            (Wish::Decided, false) => "Answer this question of an algorithm with yes (true) or no (false):",
            (Wish::Chosen(_), true) => "Вибери одну з дозволених відповідей на це питання алгоритму:",
            (Wish::Chosen(_), false) => "Choose one of the allowed answers to this question of an algorithm:",
            (Wish::Another, true) => "Цикл алгоритму: чи є ще одна ітерація (true), чи цикл завершено (false)?",
            (Wish::Another, false) => {
                "A loop of an algorithm: is there another iteration (true), or has the loop ended (false)?"
            }
        };
        let mut parts = vec![TemplatePart::Text(format!("{wish}\n\n{}", self.text))];
        let mut add = |heading: &str, expr: &Expr| {
            let json = Expr::Call { function: "json.format".to_owned(), args: vec![expr.clone()] };
            parts.push(TemplatePart::Text(format!("\n\n{heading}\n")));
            parts.push(TemplatePart::Expr(print(&json)));
        };
        if self.inputs {
            let heading = if uk { "Вхідні дані (JSON):" } else { "Input (JSON):" };
            add(heading, &Expr::Root(bloom_ir::expr::ast::Root::Input));
        }
        if self.follows {
            let heading = if uk {
                "Що дав попередній крок (JSON):"
            } else {
                "What the step before gave (JSON):"
            };
            add(heading, &Expr::Variable(PROSE.to_owned()));
        }
        parts
    }
}

fn first_line(text: &str, locale: Locale) -> String {
    const LONGEST: usize = 80;
    let line = text.trim().lines().next().unwrap_or_default().trim();
    match (line.is_empty(), locale) {
        (true, Locale::Uk) => "Крок без тексту".to_owned(),
        (true, Locale::En) => "A step without a text".to_owned(),
        (false, _) if line.chars().count() > LONGEST => line.chars().take(LONGEST - 1).chain(['…']).collect(),
        (false, _) => line.to_owned(),
    }
}
