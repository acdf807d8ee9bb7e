//! Statements to steps.

use bloom_ir::document::{EmitKind, ReturnStatus};
use bloom_ir::expr::ast::{Expr, Literal};

use super::Lowering;
use super::draft::{NOWHERE, Op, Step, StepId, Wish};
use crate::text::{self, Argument, Expression, Jump, Problem, Spanned, Statement, Target};
use crate::{Prose, codes};

/// Where the jumps of a text lead.
pub(super) struct Ways {
    /// What follows the text.
    pub(super) next: StepId,
    /// The end of the flow, where there is one to go to.
    pub(super) end: Option<StepId>,
    /// Whether the text stands in a path of a parallel, which only its end leaves.
    pub(super) in_path: bool,
    /// The next round of the loop around.
    pub(super) again: Option<StepId>,
    /// What follows the loop around.
    pub(super) leave: Option<StepId>,
}

impl Lowering<'_> {
    /// Puts the steps of a text at `head` and after it.
    pub(super) fn sequence(&mut self, head: StepId, unit: usize, statements: Vec<Spanned<Statement>>, ways: &Ways) {
        let several = statements.len() > 1;
        let mut ops: Vec<Step> = Vec::new();
        let mut exit = ways.next;
        let mut left = statements.into_iter().enumerate();
        for (index, Spanned { node, span }) in left.by_ref() {
            let jump = match &node {
                Statement::Jump(jump) => {
                    exit = self.jump(unit, jump, &span, ways);
                    true
                }
                Statement::Return(_) | Statement::Fail(_) => {
                    if ways.in_path {
                        self.problem(unit, Problem::error(codes::END_IN_PATH, span.clone()).with("from", ""));
                    }
                    true
                }
                _ => false,
            };
            let part = several.then(|| u32::try_from(index).unwrap_or(u32::MAX));
            for op in self.statement(unit, node, &span) {
                ops.push(Step { op, unit, part, first: false, span: span.clone() });
            }
            if jump {
                break;
            }
        }
        if let Some((_, rest)) = left.next() {
            self.problem(unit, Problem::error(codes::AFTER_JUMP, rest.span));
        }
        self.place(head, unit, ops, exit);
    }

    /// Links steps one after another, the first at `head`; an icon without steps is passed.
    pub(super) fn place(&mut self, head: StepId, unit: usize, steps: Vec<Step>, exit: StepId) {
        if steps.is_empty() {
            self.draft.steps[head] =
                Step { op: Op::Pass { shown: true, next: exit }, unit, part: None, first: false, span: 0..0 };
            return;
        }
        let last = steps.len() - 1;
        let mut at = head;
        for (index, mut step) in steps.into_iter().enumerate() {
            step.first = index == 0;
            let following = if index == last { exit } else { self.draft.reserve(unit) };
            if let Some(next) = step.op.next_mut() {
                *next = following;
            }
            self.draft.steps[at] = step;
            at = following;
        }
    }

    fn jump(&mut self, unit: usize, jump: &Jump, span: &std::ops::Range<usize>, ways: &Ways) -> StepId {
        if ways.in_path && matches!(jump, Jump::End | Jump::Branch(_)) {
            self.problem(unit, Problem::error(codes::END_IN_PATH, span.clone()).with("from", ""));
            return NOWHERE;
        }
        let (target, word) = match jump {
            Jump::End => match ways.end {
                Some(end) => return end,
                None => return self.end_step(unit, span.clone()),
            },
            Jump::Next => (ways.again, "NEXT"),
            Jump::Break => (ways.leave, "BREAK"),
            Jump::Step(name) => {
                if let Some(step) = self.labels.get(name) {
                    return *step;
                }
                let problem = Problem::error(codes::UNKNOWN_STEP, span.clone())
                    .with("name", name)
                    .near(self.speller.nearest(name, self.labels.keys().map(String::as_str)));
                self.problem(unit, problem);
                return NOWHERE;
            }
            Jump::Branch(name) => {
                if let Some(branch) = self.branches.get(&name.to_lowercase()) {
                    return *branch;
                }
                let near = self.speller.nearest(&name.to_lowercase(), self.branches.keys().map(String::as_str));
                let problem = Problem::error(codes::UNKNOWN_BRANCH, span.clone()).with("name", name).near(near);
                self.problem(unit, problem);
                return NOWHERE;
            }
        };
        target.unwrap_or_else(|| {
            self.problem(unit, Problem::error(codes::NO_LOOP_AROUND, span.clone()).with("name", word));
            NOWHERE
        })
    }

    /// A `return` without a result.
    pub(super) fn end_step(&mut self, unit: usize, span: std::ops::Range<usize>) -> StepId {
        let value = Expression::made(Expr::Map(Vec::new()), span.clone());
        let op = Op::Return { status: ReturnStatus::Completed, value };
        self.draft.push(Step { op, unit, part: None, first: true, span })
    }

    fn statement(&mut self, unit: usize, statement: Statement, span: &std::ops::Range<usize>) -> Vec<Op> {
        match statement {
            Statement::Assign { target, value } => vec![assign(target, value)],
            Statement::Call { target, tool, args } => self.tool_call(unit, target, &tool, args),
            Statement::Llm(call) => {
                let text = call.format.is_none().then(|| {
                    let target = call.target.clone();
                    let answer = Expr::Variable(target.name.clone());
                    let value = Expr::Member { target: Box::new(answer), name: "text".to_owned() };
                    let span = target.span.clone();
                    Op::Set { into: target.name, value: Expression::made(value, span), next: NOWHERE }
                });
                if !call.target.path.is_empty() {
                    self.problem(unit, Problem::error(codes::MEMBER_TARGET, call.target.span.clone()));
                }
                std::iter::once(Op::Llm { call, next: NOWHERE }).chain(text).collect()
            }
            Statement::Artifact { name, value } => {
                vec![Op::Emit { kind: EmitKind::Artifact, name, action: None, value, next: NOWHERE }]
            }
            Statement::Event { name, args } => {
                let value = event_value(args);
                vec![Op::Emit { kind: EmitKind::Event, name, action: None, value, next: NOWHERE }]
            }
            Statement::Log { value } => {
                vec![Op::Emit { kind: EmitKind::Log, name: "log".to_owned(), action: None, value, next: NOWHERE }]
            }
            Statement::Jump(_) => Vec::new(),
            Statement::Return(value) => {
                let value = value.unwrap_or_else(|| Expression::made(Expr::Map(Vec::new()), 0..0));
                vec![Op::Return { status: ReturnStatus::Completed, value }]
            }
            Statement::Sleep(due) => vec![Op::Sleep { due, next: NOWHERE }],
            Statement::Timer { name, due } => vec![Op::Timer { name, due, next: NOWHERE }],
            Statement::Await { target, kind, name } => {
                bound(target, span, |into| Op::Await { kind, name, into, timeout: None, next: NOWHERE })
            }
            Statement::Flow { target, flow, args, wait } => self.flow_call(unit, target, &flow, args, wait),
            Statement::Prose(text) => {
                if self.options.prose == Prose::Error {
                    self.problem(unit, text::prose(span.clone(), &text, self.vocabulary));
                }
                vec![Op::Prose { wish: Wish::Done, text, follows: false, timeout: None, next: NOWHERE }]
            }
            Statement::Within { seconds, statement } => {
                let mut ops = self.statement(unit, *statement, span);
                let limited = ops.iter_mut().filter_map(|op| op.limit(seconds).then_some(())).count();
                if limited == 0 {
                    self.problem(unit, Problem::warning(codes::NOTHING_TO_TIME, span.clone()));
                }
                ops
            }
            Statement::Fail(value) => vec![Op::Return { status: ReturnStatus::Failed, value }],
        }
    }
}

/// A step whose result is bound, if at all, to a variable or on the way to a member of one.
pub(super) fn bound(
    target: Option<Target>,
    span: &std::ops::Range<usize>,
    op: impl FnOnce(Option<String>) -> Op,
) -> Vec<Op> {
    match target {
        Some(target) if !target.path.is_empty() => {
            let result = Expression::made(Expr::Variable(RESULT.to_owned()), span.clone());
            vec![op(Some(RESULT.to_owned())), assign(target, result)]
        }
        target => vec![op(target.map(|target| target.name))],
    }
}

/// Holds a result on its way into a member.
const RESULT: &str = "$result";

/// A member is changed by setting its variable to a map with the new member.
pub(super) fn assign(target: Target, mut value: Expression) -> Op {
    if !target.path.is_empty() {
        let mut holders = vec![Expr::Variable(target.name.clone())];
        for name in &target.path[..target.path.len() - 1] {
            let holder = holders[holders.len() - 1].clone();
            holders.push(Expr::Member { target: Box::new(holder), name: name.clone() });
        }
        for (holder, name) in holders.into_iter().zip(&target.path).rev() {
            let member = Expr::Map(vec![(Expr::Literal(Literal::String(name.clone())), value.expr)]);
            value.expr = Expr::Call { function: "merge".to_owned(), args: vec![holder, member] };
        }
        value.uses.push(crate::text::Use { name: target.name.clone(), span: target.span });
    }
    Op::Set { into: target.name, value, next: NOWHERE }
}

/// What an event carries: its only argument, or a map of the named ones.
fn event_value(args: Vec<Argument>) -> Expression {
    let single = matches!(args.as_slice(), [Argument { name: None, .. }]);
    let mut uses = Vec::new();
    let mut entries = Vec::new();
    let mut span = 0..0;
    for (index, argument) in args.into_iter().enumerate() {
        if single {
            return argument.value;
        }
        uses.extend(argument.value.uses);
        span = argument.value.span;
        let name = argument.name.map_or_else(|| (index + 1).to_string(), |name| name.node);
        entries.push((Expr::Literal(Literal::String(name)), argument.value.expr));
    }
    Expression { uses, ..Expression::made(Expr::Map(entries), span) }
}
