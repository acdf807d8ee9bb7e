//! Icons to steps.

use bloom_ir::expr::ast::{BinaryOp, Expr, Literal};

use super::Lowering;
use super::draft::{NOWHERE, Op, Step, StepId};
use super::statements::Ways;
use crate::codes;
use crate::graph::Graph;
use crate::read::{ItemId, Kind};
use crate::text::{self, Expression, LoopHead, Part, Problem, Spanned, Statement, Target, Unit, binary};

/// How the rounds of a `for` loop go on.
#[derive(Clone, Copy)]
struct Rounds {
    /// The step that a round ends with.
    again: StepId,
    /// What follows the loop.
    leave: StepId,
}

impl Lowering<'_> {
    /// Every icon that a run can come to, once.
    pub(super) fn icons(&mut self, graph: &Graph<'_>) {
        let count = graph.diagram.icons.len();
        // The head of each icon is known before any icon is lowered, so that ways can meet in it.
        let mut heads = vec![NOWHERE; count];
        for item in (0..count).filter(|item| graph.reachable[*item]) {
            let icon = graph.icon(item);
            let unit = self.draft.unit(Unit::icon(&icon.id, &icon.kind, &icon.text));
            heads[item] = self.draft.reserve(unit);
        }
        let head = |item: Option<ItemId>| item.map_or(NOWHERE, |item| heads[item]);
        for (item, icon) in graph.diagram.icons.iter().enumerate() {
            if icon.kind == Kind::Branch && graph.reachable[item] {
                self.branches.insert(icon.text.trim().to_lowercase(), heads[item]);
            }
        }
        let end =
            graph.diagram.icons.iter().position(|icon| icon.kind == Kind::End).filter(|end| graph.reachable[*end]);
        // A loop's begin decides what its end does; ends come later in no particular order.
        let mut rounds: Vec<Option<Rounds>> = vec![None; count];
        for item in (0..count).filter(|item| graph.reachable[*item] && graph.icon(*item).kind == Kind::LoopBegin) {
            let after = head(graph.partner[item].and_then(|end| graph.icon(end).one));
            rounds[item] = Some(self.loop_begin(graph, item, heads[item], head(graph.icon(item).one), after));
        }
        for item in (0..count).filter(|item| graph.reachable[*item]) {
            let icon = graph.icon(item);
            let at = heads[item];
            let unit = self.draft.steps[at].unit;
            let around = graph.enclosing[item].and_then(|begin| rounds[begin]);
            let ways = Ways {
                next: head(icon.one),
                end: end.map(|end| heads[end]),
                again: around.map(|around| around.again),
                leave: around.map(|around| around.leave),
            };
            match icon.kind {
                Kind::LoopBegin => {}
                Kind::LoopEnd => {
                    let again =
                        graph.partner[item].and_then(|begin| rounds[begin]).map_or(NOWHERE, |rounds| rounds.again);
                    self.place(at, unit, Vec::new(), again);
                }
                Kind::Question => self.question(unit, at, icon.one_is_yes, head(icon.one), head(icon.two)),
                Kind::Select => self.select(graph, item, at, &heads),
                Kind::End => {
                    let value = Expression::made(Expr::Map(Vec::new()), 0..0);
                    let op = Op::Return { status: bloom_ir::document::ReturnStatus::Completed, value };
                    self.draft.steps[at] = Step { op, unit, part: None, first: true, span: 0..0 };
                }
                Kind::Shelf => self.shelf(unit, at, &icon.secondary, &ways),
                Kind::Action => {
                    let (statements, problems) = text::statements(Part::new(&icon.text, 0), self.vocabulary);
                    for problem in problems {
                        self.problem(unit, problem);
                    }
                    self.sequence(at, unit, statements, &ways);
                }
                _ => self.place(at, unit, Vec::new(), ways.next),
            }
        }
        self.draft.entry = heads[graph.entry];
        self.draft.catch = graph.catch.map(|catch| heads[catch]);
    }

    fn question(&mut self, unit: usize, at: StepId, one_is_yes: bool, one: StepId, two: StepId) {
        let text = self.draft.units[unit].text().to_owned();
        if text.trim().is_empty() {
            return;
        }
        match text::condition(Part::new(&text, 0)) {
            Ok(when) => {
                let (then, otherwise) = if one_is_yes { (one, two) } else { (two, one) };
                let span = when.span.clone();
                self.draft.steps[at] =
                    Step { op: Op::If { when, then, otherwise }, unit, part: None, first: true, span };
            }
            Err(problem) => self.problem(unit, problem),
        }
    }

    fn select(&mut self, graph: &Graph<'_>, item: ItemId, at: StepId, heads: &[StepId]) {
        let unit = self.draft.steps[at].unit;
        let text = self.draft.units[unit].text().to_owned();
        let on = if text.trim().is_empty() {
            None
        } else {
            match text::condition(Part::new(&text, 0)) {
                Ok(on) => Some(on),
                Err(problem) => {
                    self.problem(unit, problem);
                    None
                }
            }
        };
        let mut seen: Vec<String> = Vec::new();
        let mut cases = Vec::new();
        let mut otherwise = None;
        let mut icons = Vec::new();
        for case in graph.cases.get(&item).into_iter().flatten() {
            let icon = graph.icon(*case);
            let Some(case_unit) =
                heads.get(*case).filter(|head| **head != NOWHERE).map(|head| self.draft.steps[*head].unit)
            else {
                continue;
            };
            icons.push(case_unit);
            let to = icon.one.map_or(NOWHERE, |one| heads[one]);
            if icon.text.trim().is_empty() {
                otherwise = Some(to);
                continue;
            }
            match text::literals(Part::new(&icon.text, 0)) {
                Ok(literals) => {
                    let mut values = Vec::new();
                    for Spanned { node, span } in literals {
                        let written = node.to_string();
                        if seen.contains(&written) {
                            self.problem(case_unit, Problem::error(codes::REPEATED_CASE, span).with("name", &written));
                        }
                        seen.push(written);
                        values.push(node);
                    }
                    cases.push((values, to));
                }
                Err(problem) => self.problem(case_unit, problem),
            }
        }
        if let Some(on) = on {
            let span = on.span.clone();
            let op = Op::Choice { on, cases, otherwise, icons };
            self.draft.steps[at] = Step { op, unit, part: None, first: true, span };
        }
    }

    /// The upper text is what changes, the lower one its value.
    fn shelf(&mut self, unit: usize, at: StepId, upper: &str, ways: &Ways) {
        let lower = self.draft.units[unit].text().to_owned();
        let text = format!("{} ← {}", upper.trim(), lower.trim());
        let start = text.len() - lower.trim().len();
        let (statements, problems) = text::statements(Part::new(&text, 0), self.vocabulary);
        // Spans are in the joined text; those in the lower one are moved there, others mark the icon as a whole.
        let shift = |span: std::ops::Range<usize>| {
            let lead = lower.len() - lower.trim_start().len();
            if span.start >= start { span.start - start + lead..span.end - start + lead } else { 0..0 }
        };
        for problem in problems {
            let span = shift(problem.span.clone());
            self.problem(unit, Problem { span, ..problem });
        }
        let statements = statements
            .into_iter()
            .map(|Spanned { node, .. }| Spanned { node: shift_uses(node, &shift), span: 0..lower.len() })
            .collect();
        self.sequence(at, unit, statements, ways);
    }

    /// Lowers a `for` loop up to its body.
    fn loop_begin(&mut self, graph: &Graph<'_>, item: ItemId, at: StepId, body: StepId, after: StepId) -> Rounds {
        let unit = self.draft.steps[at].unit;
        let text = &graph.icon(item).text;
        let broken = Rounds { again: NOWHERE, leave: after };
        if text.trim().is_empty() {
            return broken;
        }
        match text::loop_head(Part::new(text, 0)) {
            Ok(head) => {
                let again = self.loop_steps(unit, at, head, body, after, 0..text.len());
                Rounds { again, leave: after }
            }
            Err(problem) => {
                self.problem(unit, problem);
                broken
            }
        }
    }

    /// The steps at the head of a loop; returns the one that a round ends with.
    pub(super) fn loop_steps(
        &mut self,
        unit: usize,
        at: StepId,
        head: LoopHead,
        body: StepId,
        after: StepId,
        span: std::ops::Range<usize>,
    ) -> StepId {
        let step = |op, part, first| Step { op, unit, part: Some(part), first, span: span.clone() };
        match head {
            LoopHead::Each { key, item, over } => {
                let cursor = self.draft.number();
                let iter = self.draft.push(step(Op::Iter { cursor, item, key, next: body, done: after }, 1, false));
                self.draft.steps[at] = step(Op::Each { over, cursor, next: iter }, 0, true);
                iter
            }
            LoopHead::Counting { variable, start, condition, step: advance } => {
                let test = self.draft.push(step(Op::If { when: condition, then: body, otherwise: after }, 1, false));
                let advance =
                    self.draft.push(step(Op::Set { into: variable.clone(), value: advance, next: test }, 2, false));
                self.draft.steps[at] = step(Op::Set { into: variable, value: start, next: test }, 0, true);
                advance
            }
            LoopHead::Times { count } => {
                let round = format!("${}", self.draft.number());
                let span = count.span.clone();
                let int = |int| Expression::made(Expr::Literal(Literal::Int(int)), span.clone());
                let literal = matches!(count.expr, Expr::Literal(_));
                let limit = format!("${}", self.draft.number());
                let bound = if literal { count.expr.clone() } else { Expr::Variable(limit.clone()) };
                let variable = |name: &str| Expr::Variable(name.to_owned());
                let when = Expression::made(binary(BinaryOp::Less, variable(&round), bound), span.clone());
                let test = self.draft.push(step(Op::If { when, then: body, otherwise: after }, 1, false));
                let one_more = binary(BinaryOp::Add, variable(&round), Expr::Literal(Literal::Int(1)));
                let one_more = Expression::made(one_more, span.clone());
                let advance =
                    self.draft.push(step(Op::Set { into: round.clone(), value: one_more, next: test }, 2, false));
                // How often is settled before the first round.
                let zero = |next| Op::Set { into: round, value: int(0), next };
                if literal {
                    self.draft.steps[at] = step(zero(test), 0, true);
                } else {
                    let zero = self.draft.push(step(zero(test), 0, false));
                    self.draft.steps[at] = step(Op::Set { into: limit, value: count, next: zero }, 0, true);
                }
                advance
            }
            LoopHead::Prose(_) => {
                self.problem(unit, Problem::error(codes::LOOP_TEXT, span));
                NOWHERE
            }
        }
    }
}

fn shift_uses(statement: Statement, shift: &impl Fn(std::ops::Range<usize>) -> std::ops::Range<usize>) -> Statement {
    match statement {
        Statement::Assign { target, mut value } => {
            for name in &mut value.uses {
                name.span = shift(name.span.clone());
            }
            value.span = shift(value.span.clone());
            Statement::Assign { target: Target { span: 0..0, ..target }, value }
        }
        other => other,
    }
}
