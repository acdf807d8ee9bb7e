//! Expressions as people write them, in Ukrainian or English words.

use bloom_ir::document::Locale;
use bloom_ir::expr::ast::{BinaryOp, Expr, Literal, Macro, UnaryOp};
use bloom_ir::expr::functions::{self, Spelling};

use crate::text::{Expression, Part, is_variable, is_word, read_expression, surface_name};

/// The expression in the words of a language: what is read back from it is the same expression.
pub(super) fn expression(expression: &Expression, locale: Locale) -> String {
    let mut words = expression.bound.iter().map(String::as_str).collect::<Vec<_>>();
    words.reverse();
    let mut printer = Printer { locale, out: String::new(), words, locals: Vec::new() };
    printer.expr(&expression.expr);
    let text = printer.out;
    // A name can be a word of the language where it stands: the canonical spelling has no such names.
    match read_expression(Part::new(&text, 0)) {
        Ok(read) if read.expr == expression.expr => text,
        _ => bloom_ir::expr::print(&expression.expr),
    }
}

/// A text literal.
pub(super) fn quote(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A constant of a case.
pub(super) fn constant(value: &serde_json::Value, locale: Locale) -> String {
    let uk = locale == Locale::Uk;
    match value {
        serde_json::Value::Null => if uk { "ніщо" } else { "null" }.to_owned(),
        serde_json::Value::Bool(value) => boolean(*value, locale).to_owned(),
        serde_json::Value::String(text) => quote(text),
        other => other.to_string(),
    }
}

fn boolean(value: bool, locale: Locale) -> &'static str {
    match (value, locale) {
        (true, Locale::Uk) => "істина",
        (false, Locale::Uk) => "хиба",
        (true, Locale::En) => "true",
        (false, Locale::En) => "false",
    }
}

/// How tightly an expression holds together; a looser one inside a tighter one needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Conditional,
    Or,
    And,
    Not,
    Relation,
    Coalesce,
    Sum,
    Product,
    Prefix,
    Postfix,
}

fn of_binary(op: BinaryOp) -> (Binding, Binding) {
    match op {
        BinaryOp::Or => (Binding::Or, Binding::And),
        BinaryOp::And => (Binding::And, Binding::Not),
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterEqual
        | BinaryOp::In => (Binding::Relation, Binding::Coalesce),
        BinaryOp::Add | BinaryOp::Subtract => (Binding::Sum, Binding::Product),
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => (Binding::Product, Binding::Prefix),
    }
}

struct Printer<'a> {
    locale: Locale,
    out: String,
    /// What the authors of the macros called their variables; the next one is last.
    words: Vec<&'a str>,
    /// The bound variables of the enclosing macros: in the IR, and as they are written.
    locals: Vec<(String, String)>,
}

/// What an expression is besides its tree.
enum Sugar<'e> {
    /// `x порожні`
    Empty(&'e Expr),
    /// `x не порожні`
    NotEmpty(&'e Expr),
    /// `x ?? y`
    Coalesce(&'e Expr, &'e Expr),
    /// `x НЕ Є В y`
    NotIn(&'e Expr, &'e Expr),
    /// `довжина(x) < 200 слів`
    Measured(&'e Expr, BinaryOp, &'e Expr, &'static str),
}

fn sugar(expr: &Expr, locale: Locale) -> Option<Sugar<'_>> {
    match expr {
        Expr::Binary { op: op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right }
            if **right == Expr::Literal(Literal::Int(0)) =>
        {
            let Expr::Call { function, args } = left.as_ref() else { return None };
            let [value] = args.as_slice() else { return None };
            let empty = function == "size";
            match op {
                _ if !empty => None,
                BinaryOp::Equal => Some(Sugar::Empty(value)),
                _ => Some(Sugar::NotEmpty(value)),
            }
        }
        Expr::Binary { op, left, right } if of_binary(*op).0 == Binding::Relation => {
            let (Expr::Call { function, args }, Expr::Literal(Literal::Int(0..))) = (left.as_ref(), right.as_ref())
            else {
                return None;
            };
            let [value] = args.as_slice() else { return None };
            let unit = match (function.as_str(), locale) {
                ("words", Locale::Uk) => "слів",
                ("words", Locale::En) => "words",
                ("lines", Locale::Uk) => "рядків",
                ("lines", Locale::En) => "lines",
                ("tokens", Locale::Uk) => "токенів",
                ("tokens", Locale::En) => "tokens",
                _ => return None,
            };
            Some(Sugar::Measured(value, *op, right, unit))
        }
        Expr::Unary { op: UnaryOp::Not, operand } => match operand.as_ref() {
            Expr::Binary { op: BinaryOp::In, left, right } => Some(Sugar::NotIn(left, right)),
            _ => None,
        },
        Expr::Conditional { condition, then, otherwise } => {
            let coalesced = match (condition.as_ref(), then.as_ref()) {
                (Expr::Has { target, name }, Expr::Member { target: of, name: member }) => {
                    target == of && name == member
                }
                (Expr::Binary { op: BinaryOp::In, left, right }, Expr::Member { target: of, name: member }) => {
                    **left == Expr::Literal(Literal::String(member.clone())) && right == of
                }
                (Expr::Binary { op: BinaryOp::NotEqual, left, right }, then) => {
                    **right == Expr::Literal(Literal::Null)
                        && left.as_ref() == then
                        && !matches!(then, Expr::Member { .. })
                }
                _ => false,
            };
            coalesced.then_some(Sugar::Coalesce(then, otherwise))
        }
        _ => None,
    }
}

impl Printer<'_> {
    fn uk(&self) -> bool {
        self.locale == Locale::Uk
    }

    fn binding(&self, expr: &Expr) -> Binding {
        match sugar(expr, self.locale) {
            Some(Sugar::Empty(_) | Sugar::NotEmpty(_) | Sugar::NotIn(..) | Sugar::Measured(..)) => {
                return Binding::Relation;
            }
            Some(Sugar::Coalesce(..)) => return Binding::Coalesce,
            None => {}
        }
        match expr {
            Expr::Conditional { .. } => Binding::Conditional,
            Expr::Binary { op, .. } => of_binary(*op).0,
            Expr::Unary { op: UnaryOp::Not, .. } => Binding::Not,
            Expr::Unary { op: UnaryOp::Negate, .. } => Binding::Prefix,
            Expr::Literal(Literal::Int(int)) if *int < 0 => Binding::Prefix,
            Expr::Literal(Literal::Double(double)) if double.is_sign_negative() => Binding::Prefix,
            _ => Binding::Postfix,
        }
    }

    fn expr(&mut self, expr: &Expr) {
        if let Some(sugar) = sugar(expr, self.locale) {
            self.sugar(&sugar);
            return;
        }
        match expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Variable(name) => self.variable(name),
            Expr::Root(_) => self.out.push_str(&bloom_ir::expr::print(expr)),
            Expr::Local(name) => {
                let word = self.locals.iter().rev().find(|(local, _)| local == name).map(|(_, word)| word.clone());
                self.out.push_str(&word.unwrap_or_else(|| name.clone()));
            }
            Expr::Member { target, name } => {
                self.within(target, Binding::Postfix);
                self.member(name);
            }
            Expr::Index { target, index } => {
                self.within(target, Binding::Postfix);
                self.out.push('[');
                self.expr(index);
                self.out.push(']');
            }
            Expr::Has { target, name } => {
                self.out.push_str("has(");
                self.within(target, Binding::Postfix);
                self.member(name);
                self.out.push(')');
            }
            Expr::Unary { op: UnaryOp::Not, operand } => {
                self.out.push_str(if self.uk() { "НЕ " } else { "not " });
                // Without parentheses, `not a == b` reads as if `not` were of `a`.
                self.within(operand, Binding::Postfix);
            }
            Expr::Unary { op: UnaryOp::Negate, operand } => {
                self.out.push('-');
                let start = self.out.len();
                self.within(operand, Binding::Postfix);
                // A minus directly before a digit would belong to the number.
                if self.out[start..].starts_with(|first: char| first.is_ascii_digit()) {
                    self.out.insert(start, '(');
                    self.out.push(')');
                }
            }
            Expr::Binary { op, left, right } => {
                let (binding, tighter) = of_binary(*op);
                self.within(left, binding);
                self.operator(*op);
                self.within(right, tighter);
            }
            Expr::Conditional { condition, then, otherwise } => {
                self.within(condition, Binding::Or);
                self.out.push_str(" ? ");
                self.within(then, Binding::Or);
                self.out.push_str(" : ");
                self.expr(otherwise);
            }
            Expr::List(items) => {
                self.out.push('[');
                self.list(items);
                self.out.push(']');
            }
            Expr::Map(entries) => self.map(entries),
            Expr::Call { function, args } => self.call(function, args),
            Expr::Macro { kind, range, binds, filter, body } => {
                self.within(range, Binding::Postfix);
                let name = match kind {
                    Macro::All => "all",
                    Macro::Exists => "exists",
                    Macro::ExistsOne => "exists_one",
                    Macro::Filter => "filter",
                    Macro::Map => "map",
                };
                let word = self.words.pop().unwrap_or(binds).to_owned();
                self.out.push('.');
                self.out.push_str(surface_name(name, self.locale));
                self.out.push('(');
                self.out.push_str(&word);
                self.out.push_str(", ");
                self.locals.push((binds.clone(), word));
                if let Some(filter) = filter {
                    self.expr(filter);
                    self.out.push_str(", ");
                }
                self.expr(body);
                self.locals.pop();
                self.out.push(')');
            }
        }
    }

    fn sugar(&mut self, sugar: &Sugar<'_>) {
        match sugar {
            Sugar::Empty(value) => {
                self.within(value, Binding::Postfix);
                self.out.push_str(if self.uk() { " порожні" } else { " is empty" });
            }
            Sugar::NotEmpty(value) => {
                self.within(value, Binding::Postfix);
                self.out.push_str(if self.uk() { " не порожні" } else { " is not empty" });
            }
            Sugar::Coalesce(value, default) => {
                self.within(value, Binding::Sum);
                self.out.push_str(" ?? ");
                self.within(default, Binding::Coalesce);
            }
            Sugar::NotIn(left, right) => {
                self.within(left, Binding::Relation);
                self.out.push_str(if self.uk() { " НЕ Є В " } else { " not in " });
                self.within(right, Binding::Coalesce);
            }
            Sugar::Measured(value, op, limit, unit) => {
                self.out.push_str(surface_name("size", self.locale));
                self.out.push('(');
                self.expr(value);
                self.out.push(')');
                self.operator(*op);
                self.expr(limit);
                self.out.push(' ');
                self.out.push_str(unit);
            }
        }
    }

    fn operator(&mut self, op: BinaryOp) {
        let uk = self.uk();
        self.out.push(' ');
        self.out.push_str(match op {
            BinaryOp::Or if uk => "АБО",
            BinaryOp::Or => "or",
            BinaryOp::And if uk => "ТА",
            BinaryOp::And => "and",
            BinaryOp::In if uk => "Є В",
            BinaryOp::In => "in",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Remainder => "%",
        });
        self.out.push(' ');
    }

    fn literal(&mut self, literal: &Literal) {
        let text = match literal {
            Literal::Null => if self.uk() { "ніщо" } else { "null" }.to_owned(),
            Literal::Bool(value) => boolean(*value, self.locale).to_owned(),
            Literal::Int(int) => int.to_string(),
            // The shortest text that reads back, always with a dot or an exponent.
            Literal::Double(number) => format!("{number:?}"),
            Literal::String(text) => quote(text),
        };
        self.out.push_str(&text);
    }

    fn variable(&mut self, name: &str) {
        let hidden = self.locals.iter().any(|(_, word)| word == name);
        if is_variable(name) && !hidden {
            self.out.push_str(name);
        } else {
            self.out.push_str("v[");
            self.out.push_str(&quote(name));
            self.out.push(']');
        }
    }

    fn member(&mut self, name: &str) {
        if is_word(name) {
            self.out.push('.');
            self.out.push_str(name);
        } else {
            self.out.push('[');
            self.out.push_str(&quote(name));
            self.out.push(']');
        }
    }

    fn map(&mut self, entries: &[(Expr, Expr)]) {
        self.out.push('{');
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            match key {
                Expr::Literal(Literal::String(key)) if is_word(key) => self.out.push_str(key),
                Expr::Literal(Literal::String(key)) => self.out.push_str(&quote(key)),
                computed => {
                    self.out.push('(');
                    self.expr(computed);
                    self.out.push(')');
                }
            }
            self.out.push_str(": ");
            self.expr(value);
        }
        self.out.push('}');
    }

    fn call(&mut self, function: &str, args: &[Expr]) {
        let spelling = functions::find(function).map_or(Spelling::Function, functions::Function::canonical_spelling);
        let plain = functions::find(function).is_some_and(|known| known.is_spelled(Spelling::Function));
        let rest = match (spelling, args) {
            (Spelling::Method, [receiver, rest @ ..]) if !plain || self.binding(receiver) == Binding::Postfix => {
                self.within(receiver, Binding::Postfix);
                self.out.push('.');
                rest
            }
            _ => args,
        };
        self.out.push_str(surface_name(function, self.locale));
        self.out.push('(');
        self.list(rest);
        self.out.push(')');
    }

    fn list(&mut self, items: &[Expr]) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.expr(item);
        }
    }

    /// Writes it in parentheses if it is looser than its place asks for.
    fn within(&mut self, expr: &Expr, place: Binding) {
        if self.binding(expr) < place {
            self.out.push('(');
            self.expr(expr);
            self.out.push(')');
        } else {
            self.expr(expr);
        }
    }
}
