//! Statements as people write them.

use bloom_ir::document::Locale;
use bloom_ir::expr::ast::{BinaryOp, Expr, Literal};

use super::expression::{constant, expression, quote};
use super::llm;
use crate::text::{
    Argument, AwaitKind, Due, Expression, Jump, Keyword, LoopHead, Spanned, Statement, Target, is_callee, takes_time,
};

/// A call that is longer is written with an argument a line.
const WIDTH: usize = 100;

/// Writes in a language, at an indentation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    pub(super) locale: Locale,
    /// In columns.
    pub(super) indent: usize,
}

impl Writer {
    pub(super) fn word(self, keyword: Keyword) -> &'static str {
        keyword.word(self.locale)
    }

    pub(super) fn expression(self, value: &Expression) -> String {
        expression(value, self.locale)
    }

    /// The lines of a statement that is no jump, without the indentation of the first; `seconds` limits its time.
    pub(super) fn statement(self, statement: &Statement, seconds: Option<u32>) -> String {
        match statement {
            Statement::Within { seconds: own, statement } => self.statement(statement, seconds.or(Some(*own))),
            Statement::Llm(call) => llm::call(self, call, seconds),
            _ => {
                let text = self.plain(statement);
                match seconds {
                    Some(seconds) if takes_time(statement) => format!("{text} {}", self.limit(seconds)),
                    _ => text,
                }
            }
        }
    }

    fn plain(self, statement: &Statement) -> String {
        match statement {
            Statement::Assign { target, value } => format!("{} ← {}", path(target), self.expression(value)),
            Statement::Call { target, tool, args } => self.call(&bound(target.as_ref()), &tool.node, args),
            Statement::Artifact { name, value } => {
                format!("{} {} ← {}", self.word(Keyword::Artifact), quote(name), self.expression(value))
            }
            Statement::Event { name, args } => {
                self.call(&format!("{} ", self.word(Keyword::Event)), &named(name), args)
            }
            Statement::Log { value } => format!("{} {}", self.word(Keyword::Log), self.expression(value)),
            Statement::Return(None) => self.word(Keyword::Return).to_owned(),
            Statement::Return(Some(value)) => format!("{} {}", self.word(Keyword::Return), self.expression(value)),
            Statement::Fail(value) => format!("{} {}", self.word(Keyword::Fail), self.expression(value)),
            Statement::Sleep(due) => format!("{} {}", self.word(Keyword::Pause), self.due(due)),
            Statement::Timer { name, due } => {
                format!("{} {} {}", self.word(Keyword::Timer), quote(name), self.due(due))
            }
            Statement::Await { target, kind, name } => {
                let timer = match kind {
                    AwaitKind::Signal => String::new(),
                    AwaitKind::Timer => format!("{} ", self.word(Keyword::Timer)),
                };
                format!("{}{} {timer}{}", bound(target.as_ref()), self.word(Keyword::Await), quote(name))
            }
            Statement::Flow { target, flow, args, wait } => {
                let word = self.word(if *wait { Keyword::Call } else { Keyword::Start });
                self.call(&format!("{}{word} ", bound(target.as_ref())), &named(&flow.node), args)
            }
            Statement::Prose(text) => quote(text),
            Statement::Jump(jump) => self.jump(jump),
            // Written by those who call this.
            Statement::Llm(_) | Statement::Within { .. } => String::new(),
        }
    }

    /// A jump as it is spelled in an icon.
    pub(super) fn jump(self, jump: &Jump) -> String {
        match jump {
            Jump::End => format!("→ {}", self.word(Keyword::End)),
            Jump::Next => format!("→ {}", self.word(Keyword::Next)),
            Jump::Break => format!("→ {}", self.word(Keyword::Break)),
            Jump::Branch(name) => format!("→ {} {}", self.word(Keyword::Branch), quote(name)),
            Jump::Step(name) => format!("→ {} {name}", self.word(Keyword::Step)),
        }
    }

    /// `ПРОТЯГОМ 5 хв`
    pub(super) fn limit(self, seconds: u32) -> String {
        format!("{} {}", self.word(Keyword::Within), self.duration(i64::from(seconds) * 1000))
    }

    /// Milliseconds in the largest unit that needs no fraction.
    pub(super) fn duration(self, milliseconds: i64) -> String {
        const UNITS: [(i64, &str, &str); 5] = [
            (86_400_000, "дн", "d"),
            (3_600_000, "год", "h"),
            (60_000, "хв", "min"),
            (1000, "с", "s"),
            (1, "мс", "ms"),
        ];
        let unit = UNITS.iter().find(|(length, ..)| milliseconds > 0 && milliseconds % length == 0);
        match (unit, self.locale) {
            (None, _) => milliseconds.to_string(),
            (Some((length, uk, _)), Locale::Uk) => format!("{} {uk}", milliseconds / length),
            (Some((length, _, en)), Locale::En) => format!("{} {en}", milliseconds / length),
        }
    }

    fn due(self, due: &Due) -> String {
        match due {
            Due::For(Expression { expr: Expr::Literal(Literal::Int(milliseconds)), .. }) if *milliseconds > 0 => {
                self.duration(*milliseconds)
            }
            Due::For(value) => self.expression(value),
            Due::Until(value) => format!("{} {}", self.word(Keyword::Until), self.expression(value)),
        }
    }

    fn call(self, head: &str, name: &str, args: &[Argument]) -> String {
        let args: Vec<String> = args.iter().map(|argument| self.argument(argument)).collect();
        let line = format!("{head}{name}({})", args.join(", "));
        if args.len() < 2 || self.indent + line.chars().count() <= WIDTH {
            return line;
        }
        let indent = " ".repeat(self.indent);
        format!("{head}{name}(\n{indent}  {}\n{indent})", args.join(&format!(",\n{indent}  ")))
    }

    fn argument(self, argument: &Argument) -> String {
        let value = self.expression(&argument.value);
        match &argument.name {
            Some(Spanned { node: name, .. }) => format!("{name}: {value}"),
            None => value,
        }
    }

    /// The line that begins a loop.
    pub(super) fn loop_head(self, head: &LoopHead) -> String {
        let uk = self.locale == Locale::Uk;
        match head {
            LoopHead::Each { key, item, over } => {
                let names = key.iter().chain([item]).cloned().collect::<Vec<_>>().join(", ");
                let over = self.expression(over);
                if uk {
                    // The gender of the word, as far as its ending tells it.
                    let first = key.as_ref().unwrap_or(item);
                    let each = if first.ends_with(['а', 'я']) { "КОЖНОЇ" } else { "КОЖНОГО" };
                    format!("ДЛЯ {each} {names} З {over}")
                } else {
                    format!("FOR EACH {names} IN {over}")
                }
            }
            LoopHead::Counting { variable, start, condition, step } => {
                let (start, condition) = (self.expression(start), self.expression(condition));
                let step = self.step(variable, step);
                format!("{} {variable} = {start}; {condition}; {step}", self.word(Keyword::ForEach))
            }
            LoopHead::Times { count } => {
                let times = match &count.expr {
                    Expr::Literal(Literal::Int(int)) if uk => times(*int),
                    _ if uk => "разів",
                    _ => "times",
                };
                format!("{} {} {times}", self.word(Keyword::Repeat), self.expression(count))
            }
            LoopHead::Prose(text) => format!("{} {}", self.word(Keyword::ForEach), quote(text)),
        }
    }

    fn step(self, variable: &str, step: &Expression) -> String {
        let own = |expr: &Expr| matches!(expr, Expr::Variable(name) if name == variable);
        if let Expr::Binary { op: op @ (BinaryOp::Add | BinaryOp::Subtract), left, right } = &step.expr
            && own(left)
            && **right == Expr::Literal(Literal::Int(1))
        {
            return format!("{variable}{}", if *op == BinaryOp::Add { "++" } else { "--" });
        }
        format!("{variable} = {}", self.expression(step))
    }

    /// The values of a case.
    pub(super) fn case(self, values: &[serde_json::Value]) -> String {
        values.iter().map(|value| constant(value, self.locale)).collect::<Vec<_>>().join(", ")
    }
}

/// The Ukrainian word after a number.
fn times(count: i64) -> &'static str {
    match (count % 100, count % 10) {
        (11..=14, _) => "разів",
        (_, 1) => "раз",
        (_, 2..=4) => "рази",
        _ => "разів",
    }
}

fn bound(target: Option<&Target>) -> String {
    target.map_or(String::new(), |target| format!("{} ← ", path(target)))
}

fn path(target: &Target) -> String {
    std::iter::once(&target.name).chain(&target.path).cloned().collect::<Vec<_>>().join(".")
}

/// A name, in quotation marks unless it is one word.
fn named(name: &str) -> String {
    if is_callee(name) { name.to_owned() } else { quote(name) }
}
