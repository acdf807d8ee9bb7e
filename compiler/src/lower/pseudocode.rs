//! The lines of a program to steps. Blocks are kept on a stack of our own, so depth costs no native stack.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Lowering;
use super::diagram::Spot;
use super::draft::{NOWHERE, Op, Step, StepId};
use super::statements::Ways;
use crate::text::program::{Content, Line, Program};
use crate::text::{Asked, Jump, LoopHead, Parameters, Problem, Spanned, Statement};
use crate::{Prose, codes};

/// A block that is open.
struct Block {
    kind: BlockKind,
    /// Its lines stand deeper than this.
    indent: usize,
    /// The indentation of its lines, once there is one.
    inner: Option<usize>,
    /// What follows it.
    after: StepId,
    /// Tells it from all others.
    number: usize,
}

impl Block {
    /// Whether it is entered at its head alone; and whether it is left at its end alone.
    fn border(&self) -> Option<Border> {
        match self.kind {
            BlockKind::Loop { over_values: true, .. } => Some(Border { number: self.number, both_ways: false }),
            BlockKind::Path => Some(Border { number: self.number, both_ways: true }),
            _ => None,
        }
    }
}

/// The border of a block that jumps may not cross.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Border {
    number: usize,
    /// Whether jumps may not leave it, either.
    both_ways: bool,
}

enum BlockKind {
    /// The whole program.
    Program,
    /// `ЯКЩО`; the step is its decision.
    If(StepId),
    /// `ІНАКШЕ`
    Else,
    /// A loop, and where a round ends.
    Loop { again: StepId, over_values: bool },
    /// `ВИБІР`; the step is its decision, and these are the values that its cases have so far.
    Select(StepId, BTreeSet<String>),
    /// `ВИБІР` by prose; the texts of its cases, and where they lead.
    Choice { at: StepId, text: String, seconds: Option<u32>, cases: Vec<(String, StepId)>, span: Range<usize> },
    /// `ВИПАДОК`, and what is left
    Case,
    /// `ПАРАЛЕЛЬНО`; the paths meet in the join.
    Parallel { fork: StepId, join: StepId, paths: Vec<StepId> },
    /// `ШЛЯХ`
    Path,
    /// A block that could not be read; what stands in it is looked at all the same.
    Broken,
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
            blocks: vec![Block { kind: BlockKind::Program, indent, inner: None, after: last, number: 0 }],
            count: 0,
            closed_if: None,
            ended: None,
            labels: BTreeMap::new(),
            jumps: Vec::new(),
        };
        for line in lines {
            reader.line(line);
        }
        while !reader.blocks.is_empty() {
            reader.close();
        }
        reader.check_jumps();
        self.parameters = parameters.by_name.keys().cloned().collect();
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
    /// How many blocks there were.
    count: usize,
    /// The borders around each step with a label.
    labels: BTreeMap<String, Vec<Border>>,
    /// The jumps to labels, with the borders around them.
    jumps: Vec<(String, Range<usize>, Vec<Border>)>,
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
        let in_parallel = matches!(self.blocks.last(), Some(Block { kind: BlockKind::Parallel { .. }, .. }));
        if in_parallel != matches!(node, Content::Path) {
            self.lowering.problem(self.unit, Problem::error(codes::PATH_OUTSIDE, span));
            let after = self.reserve();
            self.open(BlockKind::Broken, indent, after);
            return;
        }
        let opens = matches!(
            node,
            Content::If(_) | Content::Loop(_) | Content::Repeat | Content::Select(_) | Content::Parallel
        );
        if opens && self.at == NOWHERE {
            // Between cases, or after a branch: nothing leads here. What stands in the block is looked at all the same.
            let problem = Problem::error(codes::CASE_OUTSIDE, span.clone()).with("other", "");
            self.lowering.problem(self.unit, problem);
            self.at = self.reserve();
        }
        match node {
            Content::Statement(statement) => self.statement(Spanned { node: statement, span }),
            Content::If(condition) => {
                let after = self.reserve();
                self.open_if(indent, condition, span, after);
            }
            Content::Else | Content::ElseIf(_) => {
                let Some((decision, _, after)) = open_if else {
                    if matches!(node, Content::Else) && self.is_choice() {
                        self.case(indent, Vec::new(), &span);
                    } else {
                        self.lowering.problem(self.unit, Problem::error(codes::ELSE_WITHOUT_IF, span));
                    }
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
                    self.open(BlockKind::Else, indent, after);
                }
            }
            Content::Loop(head) => {
                let body = self.reserve();
                let after = self.reserve();
                let over_values = !matches!(head, LoopHead::Prose(_));
                let again = self.lowering.loop_steps(self.unit, self.at, head, body, after, span);
                self.at = body;
                self.open(BlockKind::Loop { again, over_values }, indent, after);
            }
            Content::Repeat => {
                let after = self.reserve();
                let head = self.at;
                let body = self.reserve();
                self.fill(head, Op::Pass { shown: true, next: body }, span);
                self.at = body;
                self.open(BlockKind::Loop { again: head, over_values: false }, indent, after);
            }
            Content::Select(on) => self.select(indent, on, span),
            Content::Broken => {
                let after = self.reserve();
                self.open(BlockKind::Broken, indent, after);
            }
            Content::Parallel => {
                let (fork, join, after) = (self.at, self.reserve(), self.reserve());
                self.fill(fork, Op::Fork { branches: Vec::new(), join, icons: Vec::new() }, span.clone());
                self.fill(join, Op::Join { fork, next: after }, span);
                self.at = NOWHERE;
                self.open(BlockKind::Parallel { fork, join, paths: Vec::new() }, indent, after);
            }
            Content::Path => {
                let body = self.reserve();
                let Some(Block { kind: BlockKind::Parallel { join, paths, .. }, .. }) = self.blocks.last_mut() else {
                    return;
                };
                let join = *join;
                paths.push(body);
                self.at = body;
                self.open(BlockKind::Path, indent, join);
            }
            Content::Skip => {
                let next = self.reserve();
                self.link(next);
                self.at = next;
            }
            Content::Label(name) => {
                let head = self.lowering.labels.get(&name).copied().unwrap_or(NOWHERE);
                let borders = self.borders();
                self.labels.entry(name).or_insert(borders);
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
                self.open(BlockKind::Branch, indent, self.end);
            }
        }
    }

    fn open(&mut self, kind: BlockKind, indent: usize, after: StepId) {
        self.count += 1;
        self.blocks.push(Block { kind, indent, inner: None, after, number: self.count });
    }

    fn open_if(&mut self, indent: usize, when: Asked, span: Range<usize>, after: StepId) {
        let body = self.reserve();
        let mut decision = self.at;
        if let Some(text) = when.value.as_text() {
            self.no_prose(text, &when.value.span);
            let spot = Spot { unit: self.unit, at: decision, span };
            decision = self.lowering.decided(&spot, text.to_owned(), body, after);
            if let Some(seconds) = when.seconds {
                self.lowering.draft.steps[spot.at].op.limit(seconds);
            }
        } else {
            self.fill(decision, Op::If { when: when.value, then: body, otherwise: after }, span);
        }
        self.at = body;
        self.open(BlockKind::If(decision), indent, after);
    }

    /// Tells prose that nobody is there for.
    fn no_prose(&mut self, text: &str, span: &Range<usize>) {
        if self.lowering.options.prose == Prose::Error {
            let problem = Problem::error(codes::PROSE_QUESTION, span.clone());
            self.lowering.problem(self.unit, problem.with("found", text));
        }
    }

    fn select(&mut self, indent: usize, on: Asked, span: Range<usize>) {
        let after = self.reserve();
        let at = self.at;
        let kind = if let Some(text) = on.value.as_text() {
            self.no_prose(text, &on.value.span);
            let text = text.to_owned();
            BlockKind::Choice { at, text, seconds: on.seconds, cases: Vec::new(), span }
        } else {
            let op = Op::Choice { on: on.value, cases: Vec::new(), otherwise: None, icons: Vec::new() };
            self.fill(at, op, span);
            BlockKind::Select(at, BTreeSet::new())
        };
        self.at = NOWHERE;
        self.open(kind, indent, after);
    }

    fn is_choice(&self) -> bool {
        let kind = self.blocks.last().map(|block| &block.kind);
        matches!(kind, Some(BlockKind::Select(..) | BlockKind::Choice { .. }))
    }

    /// A case; without values it takes what is left.
    fn case(&mut self, indent: usize, literals: Vec<Spanned<serde_json::Value>>, span: &Range<usize>) {
        let body = self.reserve();
        let Some(block) = self.blocks.last_mut() else { return };
        let after = block.after;
        let mut repeated = Vec::new();
        match &mut block.kind {
            BlockKind::Choice { cases, .. } => {
                let texts = literals.iter().map(|literal| match &literal.node {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                cases.push((texts.collect::<Vec<_>>().join(", "), body));
            }
            BlockKind::Select(decision, known) => {
                if let Op::Choice { cases, otherwise, .. } = &mut self.lowering.draft.steps[*decision].op {
                    if literals.is_empty() || otherwise.is_some() {
                        // Only what stands last takes what is left.
                        if otherwise.replace(body).is_some() {
                            repeated.push(Problem::error(codes::EMPTY_CASE, span.clone()));
                        }
                    } else {
                        let twice = literals.iter().filter(|literal| !known.insert(literal.node.to_string()));
                        repeated.extend(twice.map(|Spanned { node, span }| {
                            Problem::error(codes::REPEATED_CASE, span.clone()).with("name", node)
                        }));
                        cases.push((literals.into_iter().map(|literal| literal.node).collect(), body));
                    }
                }
            }
            _ => {
                let problem = Problem::error(codes::CASE_OUTSIDE, span.clone()).with("other", "");
                self.lowering.problem(self.unit, problem);
                return;
            }
        }
        for problem in repeated {
            self.lowering.problem(self.unit, problem);
        }
        self.at = body;
        self.open(BlockKind::Case, indent, after);
    }

    fn borders(&self) -> Vec<Border> {
        self.blocks.iter().filter_map(Block::border).collect()
    }

    /// A loop over values is entered at its head; a path is not left, either.
    fn check_jumps(&mut self) {
        for (label, span, from) in std::mem::take(&mut self.jumps) {
            let Some(to) = self.labels.get(&label) else { continue };
            let crossed = to
                .iter()
                .find(|border| !from.contains(border))
                .or_else(|| from.iter().find(|border| border.both_ways && !to.contains(border)));
            if let Some(border) = crossed {
                let what = if border.both_ways { "path" } else { "loop" };
                let problem = Problem::error(codes::INTO_BLOCK, span).with("name", label).with("what", what);
                self.lowering.problem(self.unit, problem);
            }
        }
    }

    fn statement(&mut self, statement: Spanned<Statement>) {
        let span = statement.span.clone();
        let head = self.at;
        if head == NOWHERE {
            self.lowering.problem(self.unit, Problem::error(codes::CASE_OUTSIDE, span).with("other", ""));
            return;
        }
        let next = self.reserve();
        let inside = self.blocks.iter().rev().take_while(|block| !matches!(block.kind, BlockKind::Path));
        let around = inside.into_iter().find_map(|block| match block.kind {
            BlockKind::Loop { again, .. } => Some((again, block.after)),
            _ => None,
        });
        if let Statement::Jump(Jump::Step(label)) = &statement.node {
            self.jumps.push((label.clone(), span.clone(), self.borders()));
        }
        let ways = Ways {
            next,
            end: Some(self.end),
            in_path: self.blocks.iter().any(|block| matches!(block.kind, BlockKind::Path)),
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
            BlockKind::Loop { again, .. } => {
                self.link(again);
                self.at = block.after;
            }
            BlockKind::Case | BlockKind::Path => {
                self.link(block.after);
                self.at = NOWHERE;
            }
            BlockKind::Else | BlockKind::Broken => {
                self.link(block.after);
                self.at = block.after;
            }
            BlockKind::Parallel { fork, paths, .. } => {
                let step = &mut self.lowering.draft.steps[fork];
                if paths.is_empty() {
                    let problem = Problem::error(codes::NO_PATHS, step.span.clone());
                    self.lowering.problem(self.unit, problem);
                } else if let Op::Fork { branches, .. } = &mut step.op {
                    *branches = paths.into_iter().map(|path| (path, Vec::new())).collect();
                }
                self.at = block.after;
            }
            BlockKind::Choice { at, text, seconds, cases, span } => {
                if cases.is_empty() {
                    let problem = Problem::error(codes::NO_CASES, span.clone()).with("other", "");
                    self.lowering.problem(self.unit, problem);
                }
                self.lowering.chosen(&Spot { unit: self.unit, at, span }, text, cases, Vec::new());
                if let Some(seconds) = seconds {
                    self.lowering.draft.steps[at].op.limit(seconds);
                }
                self.at = block.after;
            }
            BlockKind::Select(decision, _) => {
                if let Op::Choice { cases, otherwise: None, .. } = &self.lowering.draft.steps[decision].op
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
