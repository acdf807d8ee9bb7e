//! The lines of a program to steps. Blocks are kept on a stack of our own, so depth costs no native stack.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Lowering;
use super::draft::{NOWHERE, Op, Step, StepId};
use super::statements::Ways;
use crate::codes;
use crate::text::program::{Content, Line, Program};
use crate::text::{Expression, Parameters, Problem, Spanned, Statement};

/// A block that is open.
struct Block {
    kind: BlockKind,
    /// Its lines stand deeper than this.
    indent: usize,
    /// The indentation of its lines, once there is one.
    inner: Option<usize>,
    /// What follows it.
    after: StepId,
}

enum BlockKind {
    /// The whole program.
    Program,
    /// `ЯКЩО`; the step is its decision.
    If(StepId),
    /// `ІНАКШЕ`
    Else,
    /// A loop; the step is where a round ends.
    Loop(StepId),
    /// `ВИБІР`; the step is its decision, and these are the values that its cases have so far.
    Select(StepId, BTreeSet<String>),
    /// `ВИПАДОК`
    Case,
    /// `ГІЛКА`
    Branch,
}

impl Lowering<'_> {
    pub(super) fn program(&mut self, unit: usize, program: Program) -> (String, Parameters, bool) {
        let Program { title, parameters, lines, end } = program;
        let last = self.end_step(unit, end);
        let first = self.draft.reserve(unit);
        self.draft.entry = first;
        for line in &lines {
            if let Content::Branch(name) = &line.content.node {
                let head = self.draft.reserve(unit);
                if self.branches.insert(name.to_lowercase(), head).is_some() {
                    let problem = Problem::error(codes::REPEATED_NAME, line.content.span.clone());
                    self.problem(unit, problem.with("name", name).with("other", ""));
                }
                if name.eq_ignore_ascii_case("catch") {
                    self.draft.catch = Some(head);
                }
            }
        }
        for line in &lines {
            if let Content::Label(name) = &line.content.node {
                let head = self.draft.reserve(unit);
                if self.labels.insert(name.clone(), head).is_some() {
                    let problem = Problem::error(codes::REPEATED_STEP, line.content.span.clone());
                    self.problem(unit, problem.with("name", name));
                }
            }
        }
        let indent = lines.first().map_or(0, |line| line.indent.saturating_sub(1));
        let mut reader = Reader {
            lowering: self,
            unit,
            end: last,
            at: first,
            blocks: vec![Block { kind: BlockKind::Program, indent, inner: None, after: last }],
            closed_if: None,
            ended: None,
        };
        for line in lines {
            reader.line(line);
        }
        while !reader.blocks.is_empty() {
            reader.close();
        }
        let machine = parameters.machine;
        (title, parameters, machine)
    }
}

struct Reader<'l, 'a> {
    lowering: &'l mut Lowering<'a>,
    unit: usize,
    end: StepId,
    /// The reserved step that the next line fills.
    at: StepId,
    blocks: Vec<Block>,
    /// The decision of an `ЯКЩО` that was just closed, with its indentation and what follows it.
    closed_if: Option<(StepId, usize, StepId)>,
    /// How many blocks were open when a jump ended the innermost.
    ended: Option<usize>,
}

impl Reader<'_, '_> {
    fn line(&mut self, line: Line) {
        let Line { indent, content: Spanned { node, span } } = line;
        while self.blocks.len() > 1 && self.blocks.last().is_some_and(|block| indent <= block.indent) {
            self.close();
        }
        if let Some(block) = self.blocks.last_mut() {
            let expected = *block.inner.get_or_insert(indent);
            if expected != indent {
                let problem = Problem::error(codes::INDENTATION, span.clone());
                self.lowering.problem(self.unit, problem);
            }
        }
        if self.ended == Some(self.blocks.len()) {
            self.ended = None;
            // A branch and a step are entered by jumps, too.
            if !matches!(node, Content::Branch(_) | Content::Label(_)) {
                self.lowering.problem(self.unit, Problem::error(codes::AFTER_JUMP, span.clone()));
            }
        }
        let open_if = self.closed_if.take().filter(|(_, at, _)| *at == indent);
        match node {
            Content::Statement(statement) => self.statement(Spanned { node: statement, span }),
            Content::If(condition) => {
                let after = self.reserve();
                self.open_if(indent, condition, span, after);
            }
            Content::Else | Content::ElseIf(_) => {
                let Some((decision, _, after)) = open_if else {
                    self.lowering.problem(self.unit, Problem::error(codes::ELSE_WITHOUT_IF, span));
                    return;
                };
                let head = self.reserve();
                if let Some(Op::If { otherwise, .. }) =
                    self.lowering.draft.steps.get_mut(decision).map(|step| &mut step.op)
                {
                    *otherwise = head;
                }
                self.at = head;
                if let Content::ElseIf(condition) = node {
                    self.open_if(indent, condition, span, after);
                } else {
                    self.blocks.push(Block { kind: BlockKind::Else, indent, inner: None, after });
                }
            }
            Content::Loop(head) => {
                let body = self.reserve();
                let after = self.reserve();
                let again = self.lowering.loop_steps(self.unit, self.at, head, body, after, span);
                self.at = body;
                self.blocks.push(Block { kind: BlockKind::Loop(again), indent, inner: None, after });
            }
            Content::Repeat => {
                let after = self.reserve();
                let head = self.at;
                let body = self.reserve();
                self.fill(head, Op::Pass { shown: true, next: body }, span);
                self.at = body;
                self.blocks.push(Block { kind: BlockKind::Loop(head), indent, inner: None, after });
            }
            Content::Select(on) => {
                let after = self.reserve();
                let op = Op::Choice { on, cases: Vec::new(), otherwise: None, icons: Vec::new() };
                let decision = self.at;
                self.fill(decision, op, span);
                self.at = NOWHERE;
                self.blocks.push(Block {
                    kind: BlockKind::Select(decision, BTreeSet::new()),
                    indent,
                    inner: None,
                    after,
                });
            }
            Content::Broken => {
                let after = self.reserve();
                self.blocks.push(Block { kind: BlockKind::If(NOWHERE), indent, inner: None, after });
            }
            Content::Parallel => self.lowering.problem(self.unit, Problem::error(codes::NO_PATHS, span)),
            Content::Path => self.lowering.problem(self.unit, Problem::error(codes::PATH_OUTSIDE, span)),
            Content::Skip => {
                let next = self.reserve();
                self.link(next);
                self.at = next;
            }
            Content::Label(name) => {
                let head = self.lowering.labels.get(&name).copied().unwrap_or(NOWHERE);
                self.link(head);
                let body = self.reserve();
                self.fill(head, Op::Pass { shown: false, next: body }, span);
                self.at = body;
            }
            Content::Case(values) => self.case(indent, values, &span),
            Content::Branch(name) => {
                let head = self.lowering.branches.get(&name.to_lowercase()).copied().unwrap_or(NOWHERE);
                self.link(head);
                let body = self.reserve();
                self.fill(head, Op::Pass { shown: true, next: body }, span);
                self.at = body;
                self.blocks.push(Block { kind: BlockKind::Branch, indent, inner: None, after: self.end });
            }
        }
    }

    fn open_if(&mut self, indent: usize, when: Expression, span: Range<usize>, after: StepId) {
        let body = self.reserve();
        let decision = self.at;
        self.fill(decision, Op::If { when, then: body, otherwise: after }, span);
        self.at = body;
        self.blocks.push(Block { kind: BlockKind::If(decision), indent, inner: None, after });
    }

    fn case(&mut self, indent: usize, literals: Vec<Spanned<serde_json::Value>>, span: &Range<usize>) {
        let Some(Block { kind: BlockKind::Select(decision, known), after, .. }) = self.blocks.last_mut() else {
            self.lowering.problem(self.unit, Problem::error(codes::CASE_OUTSIDE, span.clone()).with("other", ""));
            return;
        };
        let (decision, after) = (*decision, *after);
        let mut repeated = literals.clone();
        repeated.retain(|literal| !known.insert(literal.node.to_string()));
        let body = self.reserve();
        if let Op::Choice { cases, .. } = &mut self.lowering.draft.steps[decision].op {
            cases.push((literals.into_iter().map(|literal| literal.node).collect(), body));
        }
        for Spanned { node, span } in repeated {
            self.lowering.problem(self.unit, Problem::error(codes::REPEATED_CASE, span).with("name", node));
        }
        self.at = body;
        self.blocks.push(Block { kind: BlockKind::Case, indent, inner: None, after });
    }

    fn statement(&mut self, statement: Spanned<Statement>) {
        let span = statement.span.clone();
        let head = self.at;
        if head == NOWHERE {
            self.lowering.problem(self.unit, Problem::error(codes::CASE_OUTSIDE, span).with("other", ""));
            return;
        }
        let next = self.reserve();
        let around = self.blocks.iter().rev().find_map(|block| match block.kind {
            BlockKind::Loop(again) => Some((again, block.after)),
            _ => None,
        });
        let ways = Ways {
            next,
            end: Some(self.end),
            in_path: false,
            again: around.map(|(again, _)| again),
            leave: around.map(|(_, after)| after),
        };
        let jumps = matches!(statement.node, Statement::Jump(_) | Statement::Return(_) | Statement::Fail(_));
        self.ended = jumps.then_some(self.blocks.len());
        self.lowering.sequence(head, self.unit, vec![statement], &ways);
        if let Op::Pass { shown, .. } = &mut self.lowering.draft.steps[head].op {
            // A jump is no icon that runs pass.
            *shown = false;
        }
        self.at = next;
    }

    /// Closes the innermost block.
    fn close(&mut self) {
        let Some(block) = self.blocks.pop() else { return };
        self.closed_if = None;
        self.ended = None;
        match block.kind {
            BlockKind::Program | BlockKind::Branch => {
                self.link(block.after);
                // What follows a branch is another branch; nothing falls into it.
                self.at = NOWHERE;
            }
            BlockKind::If(decision) => {
                self.link(block.after);
                self.at = block.after;
                self.closed_if = Some((decision, block.indent, block.after));
            }
            BlockKind::Else => {
                self.link(block.after);
                self.at = block.after;
            }
            BlockKind::Loop(again) => {
                self.link(again);
                self.at = block.after;
            }
            BlockKind::Case => {
                self.link(block.after);
                self.at = NOWHERE;
            }
            BlockKind::Select(decision, _) => {
                if let Op::Choice { cases, .. } = &self.lowering.draft.steps[decision].op
                    && cases.is_empty()
                {
                    let span = self.lowering.draft.steps[decision].span.clone();
                    self.lowering.problem(self.unit, Problem::error(codes::NO_CASES, span).with("other", ""));
                }
                self.at = block.after;
            }
        }
    }

    /// Lets the step that waits for a line go on to another.
    fn link(&mut self, to: StepId) {
        if self.at != NOWHERE && self.at != to {
            let span = self.lowering.draft.steps[self.at].span.clone();
            self.fill(self.at, Op::Pass { shown: false, next: to }, span);
        }
    }

    fn reserve(&mut self) -> StepId {
        self.lowering.draft.reserve(self.unit)
    }

    fn fill(&mut self, at: StepId, op: Op, span: Range<usize>) {
        if let Some(step) = self.lowering.draft.steps.get_mut(at) {
            *step = Step { op, unit: self.unit, part: None, first: true, span };
        }
    }
}
