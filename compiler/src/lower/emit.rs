//! Steps to nodes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bloom_ir::document::{
    Action, Awaited, Branch, Case, Decision, Due as IrDue, Emit, ErrorTarget, LlmCall, Locale, Node, NodeId, NodeKind,
    Return, SourceSpot,
};
use bloom_ir::expr::ast::Expr;
use bloom_ir::expr::print;

use super::draft::{Draft, NOWHERE, Op, Step, StepId};
use super::prose::Question;
use crate::text::{AwaitKind, Due, Expression, Problem, Unit, Vocabulary, template_parts};
use crate::{Prose, codes};

/// Icons passed on all ways together; more is no diagram that a person drew.
const MOST_PASSED: usize = 2_000_000;

/// The nodes of a program, and where each stands.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) entry: NodeId,
    pub(super) catch: Option<ErrorTarget>,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    /// The step that each node is made from.
    pub(super) steps: BTreeMap<NodeId, StepId>,
    pub(super) map: BTreeMap<NodeId, SourceSpot>,
    /// The icons passed before the entry and before the handler of errors.
    pub(super) via: BTreeMap<String, Vec<String>>,
}

impl Written {
    /// Whether the nodes hold Cyrillic letters.
    pub(super) fn is_cyrillic(&self) -> bool {
        serde_json::to_string(&self.nodes).is_ok_and(|text| super::is_cyrillic(&text))
    }
}

/// What the nodes of a program depend on besides its steps.
pub(super) struct Setting<'a> {
    /// What the handler of errors calls the error.
    pub(super) error_variable: Option<&'a str>,
    pub(super) prose: Prose,
    /// The LLM of calls that name no other.
    pub(super) model: Option<String>,
    pub(super) locale: Locale,
    pub(super) machine: bool,
    /// Whether the run has inputs.
    pub(super) inputs: bool,
    /// The known tools.
    pub(super) vocabulary: &'a Vocabulary<'a>,
}

/// Numbers the steps that do something, in preorder, and writes them as nodes.
pub(super) fn nodes(draft: &Draft, setting: &Setting<'_>) -> Result<Written, (usize, Problem)> {
    let mut ways = Ways { draft, passed: 0, joins: (0..draft.steps.len()).collect() };
    let (entry, entry_via) = ways.follow(draft.entry)?;
    let catch = draft.catch.map(|catch| ways.follow(catch)).transpose()?;
    let mut exits: Vec<Option<Vec<Exit>>> = draft.steps.iter().map(|_| None).collect();
    let mut order = Vec::new();
    for start in [Some(entry), catch.as_ref().map(|(catch, _)| *catch)].into_iter().flatten() {
        let mut stack = vec![start];
        while let Some(step) = stack.pop() {
            if exits[step].is_some() {
                continue;
            }
            order.push(step);
            let mut of_step = Vec::new();
            for (arm, to) in draft.steps[step].op.exits() {
                let (to, via) = ways.follow(to)?;
                of_step.push(Exit { arm, to, via });
            }
            stack.extend(of_step.iter().rev().map(|exit| exit.to));
            exits[step] = Some(of_step);
        }
    }
    check_ends(draft, setting.machine, &order, &exits)?;
    let mut ids = vec![None; draft.steps.len()];
    for (index, step) in order.iter().enumerate() {
        ids[*step] = Some(NodeId::new(format!("n{}", index + 1)));
    }
    let id = |step: StepId| ids.get(step).cloned().flatten().unwrap_or_else(|| NodeId::new("n0"));
    let mut writer = Writer { setting, names: BTreeMap::new(), cursors: BTreeMap::new() };
    let mut nodes = BTreeMap::new();
    let mut map = BTreeMap::new();
    for step in &order {
        let taken = exits[*step].take().unwrap_or_default();
        let to = |arm: usize| taken.get(arm).map_or_else(|| NodeId::new("n0"), |exit| id(exit.to));
        nodes.insert(id(*step), writer.node(&draft.steps[*step].op, to, id));
        map.insert(id(*step), spot(draft, &draft.steps[*step], taken));
    }
    let mut via = BTreeMap::new();
    via.insert("entry".to_owned(), entry_via);
    let catch = catch.map(|(catch, catch_via)| {
        via.insert("catch".to_owned(), catch_via);
        ErrorTarget { to: id(catch), into: setting.error_variable.map(str::to_owned) }
    });
    via.retain(|_, icons| !icons.is_empty());
    let steps = order.iter().map(|step| (id(*step), *step)).collect();
    Ok(Written { entry: id(entry), catch, nodes, steps, map, via })
}

/// A way out of a step, past all that does nothing.
struct Exit {
    arm: Cow<'static, str>,
    to: StepId,
    via: Vec<String>,
}

struct Ways<'a> {
    draft: &'a Draft,
    passed: usize,
    /// Where a pass that is no icon leads in the end; paths in it are compressed as they are walked.
    joins: Vec<StepId>,
}

impl Ways<'_> {
    fn follow(&mut self, from: StepId) -> Result<(StepId, Vec<String>), (usize, Problem)> {
        let mut via = Vec::new();
        let mut at = from;
        let mut walked = 0;
        loop {
            at = self.past_joins(at);
            let Some(step) = self.draft.steps.get(at).filter(|_| at != NOWHERE) else {
                // A sound draft has no such way.
                return Err((0, Problem::error(codes::NO_NEXT, 0..0).with("field", "one")));
            };
            let Op::Pass { shown, next } = step.op else { return Ok((at, via)) };
            walked += 1;
            self.passed += 1;
            if walked > self.draft.steps.len() {
                return Err((step.unit, Problem::error(codes::EMPTY_LOOP, step.span.clone())));
            }
            if self.passed > MOST_PASSED {
                let problem = Problem::error(codes::TOO_LARGE, 0..0);
                let problem = problem.with("what", "passed").with("found", self.passed).with("limit", MOST_PASSED);
                return Err((step.unit, problem));
            }
            if shown {
                via.push(item(self.draft, step));
            }
            at = next;
        }
    }
}

impl Ways<'_> {
    /// Past the passes that are no icons: the joins that lowering makes.
    fn past_joins(&mut self, from: StepId) -> StepId {
        let mut path = Vec::new();
        let mut at = from;
        while let Some(Step { op: Op::Pass { shown: false, next }, .. }) = self.draft.steps.get(at) {
            path.push(at);
            // Joins alone never make a circle; if they did, the walk of `follow` would tell it.
            if path.len() > self.draft.steps.len() {
                break;
            }
            at = if self.joins[at] == at { *next } else { self.joins[at] };
        }
        for join in path {
            self.joins[join] = at;
        }
        at
    }
}

/// From every step a run must be able to come to its end; a machine may wait instead.
fn check_ends(
    draft: &Draft,
    machine: bool,
    order: &[StepId],
    exits: &[Option<Vec<Exit>>],
) -> Result<(), (usize, Problem)> {
    let mut comes_from: Vec<Vec<StepId>> = vec![Vec::new(); draft.steps.len()];
    let mut work = Vec::new();
    for step in order {
        for exit in exits[*step].iter().flatten() {
            comes_from[exit.to].push(*step);
        }
        let waits = machine && matches!(draft.steps[*step].op, Op::Await { .. });
        if waits || matches!(draft.steps[*step].op, Op::Return { .. }) {
            work.push(*step);
        }
    }
    let mut ends = vec![false; draft.steps.len()];
    while let Some(step) = work.pop() {
        if !std::mem::replace(&mut ends[step], true) {
            work.append(&mut comes_from[step]);
        }
    }
    match order.iter().find(|step| !ends[**step]) {
        None => Ok(()),
        Some(step) => {
            let step = &draft.steps[*step];
            Err((step.unit, Problem::error(codes::ENDLESS, step.span.clone())))
        }
    }
}

/// The icon of a step; in pseudocode its line.
fn item(draft: &Draft, step: &Step) -> String {
    match &draft.units[step.unit] {
        Unit::Icon { id, .. } => id.clone(),
        unit @ Unit::Program { .. } => (unit.line(step.span.start) + 1).to_string(),
    }
}

fn spot(draft: &Draft, step: &Step, exits: Vec<Exit>) -> SourceSpot {
    let unit = &draft.units[step.unit];
    let text = step.first.then(|| match unit {
        Unit::Icon { text, upper, .. } if upper.is_empty() => shorten(text),
        Unit::Icon { text, upper, .. } => shorten(&format!("{upper}\n{}", text.trim())),
        Unit::Program { .. } => shorten(unit.line_text(unit.line(step.span.start))),
    });
    let cases = match &step.op {
        Op::Choice { icons, .. } | Op::Fork { icons, .. } => icons
            .iter()
            .map(|icon| match &draft.units[*icon] {
                Unit::Icon { id, .. } => id.clone(),
                Unit::Program { .. } => String::new(),
            })
            .filter(|id| !id.is_empty())
            .collect(),
        _ => Vec::new(),
    };
    SourceSpot {
        item: item(draft, step),
        part: step.part,
        first: step.first,
        text: text.filter(|text| !text.is_empty()),
        via: exits
            .into_iter()
            .filter(|exit| !exit.via.is_empty())
            .map(|exit| (exit.arm.into_owned(), exit.via))
            .collect(),
        cases,
    }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 120;
    let text = text.trim();
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    }
}

/// Gives hidden variables and cursors the names that follow from where they come in the program, so that equal programs
/// have equal ones.
struct Writer<'a> {
    setting: &'a Setting<'a>,
    names: BTreeMap<String, String>,
    cursors: BTreeMap<usize, String>,
}

impl Writer<'_> {
    /// `to` gives the node of each way out, `id` that of any step.
    fn node(&mut self, op: &Op, to: impl Fn(usize) -> NodeId, id: impl Fn(StepId) -> NodeId) -> Node {
        let kind = match op {
            Op::Set { into, value, .. } => {
                let (into, value) = (self.name(into), self.text(value));
                NodeKind::Action(Action::Set { into, value, next: to(0) })
            }
            Op::Each { over, cursor, .. } => {
                NodeKind::Action(Action::Each { over: self.text(over), cursor: self.cursor(*cursor), next: to(0) })
            }
            Op::Iter { cursor, item, key, .. } => NodeKind::Action(Action::Iter {
                cursor: self.cursor(*cursor),
                item: item.clone(),
                index: None,
                key: key.clone(),
                next: to(0),
                done: to(1),
            }),
            Op::Tool { tool, args, into, timeout, .. } => NodeKind::Action(Action::Tool {
                tool: tool.clone(),
                args: args.iter().map(|(name, value)| (name.clone(), self.text(value))).collect(),
                into: into.clone(),
                retry: self.setting.vocabulary.tool(tool).and_then(|(manifest, _)| manifest.retry.clone()),
                timeout_seconds: *timeout,
                on_unknown: None,
                next: to(0),
            }),
            Op::Flow { flow, hash, inputs, into, wait, timeout, .. } => NodeKind::Action(Action::Flow {
                flow: flow.clone(),
                hash: *hash,
                inputs: inputs.iter().map(|(name, value)| (name.clone(), self.text(value))).collect(),
                into: into.clone(),
                wait: *wait,
                timeout_seconds: *timeout,
                next: to(0),
            }),
            Op::Sleep { due, .. } => NodeKind::Action(Action::Sleep { due: self.due(due), next: to(0) }),
            Op::Timer { name, due, .. } => {
                NodeKind::Action(Action::Timer { name: name.clone(), due: self.due(due), next: to(0) })
            }
            Op::Await { kind, name, into, timeout, .. } => NodeKind::Action(Action::Await {
                what: match kind {
                    AwaitKind::Signal => Awaited::Signal(name.clone()),
                    AwaitKind::Timer => Awaited::Timer(name.clone()),
                },
                schema: None,
                into: into.clone(),
                timeout_seconds: *timeout,
                on_timeout: None,
                next: to(0),
            }),
            Op::Prose { wish, text, follows, timeout, .. } => {
                let inputs = self.setting.inputs;
                let question = Question { wish, text, follows: *follows, inputs, timeout: *timeout };
                return question.node(self.setting.prose, self.setting.locale, to(0));
            }
            Op::Fork { branches, .. } => NodeKind::Action(Action::Fork {
                branches: branches
                    .iter()
                    .enumerate()
                    .map(|(index, (_, writes))| Branch {
                        name: (index + 1).to_string(),
                        entry: to(index),
                        writes: writes.iter().map(|name| self.name(name)).collect(),
                    })
                    .collect(),
                join: to(branches.len()),
            }),
            Op::Join { fork, .. } => NodeKind::Action(Action::Join { fork: id(*fork), next: to(0) }),
            Op::Llm { call, .. } => {
                let mut write = |template: &[_]| template_parts(template, |expr| self.expr(expr));
                let call_node = LlmCall {
                    prompt: write(&call.prompt),
                    system: call.system.as_ref().map(|system| write(system)),
                    memory: call.memory.iter().map(|memory| self.text(memory)).collect(),
                    model: call.model.clone().or_else(|| self.setting.model.clone()),
                    max_tokens: call.max_tokens,
                    session: call.session,
                    into: call.target.name.clone(),
                    retry: None,
                    timeout_seconds: call.timeout_seconds,
                    next: to(0),
                };
                let output = call.format.clone().unwrap_or_else(text_schema);
                return Node { kind: NodeKind::LlmCall(call_node), input: None, output: Some(output), on_error: None };
            }
            Op::If { when, .. } => {
                NodeKind::Decision(Decision::If { when: self.text(when), then: to(0), otherwise: to(1) })
            }
            Op::Choice { on, cases, otherwise, .. } => NodeKind::Decision(Decision::Choice {
                on: self.text(on),
                cases: cases
                    .iter()
                    .enumerate()
                    .map(|(index, (values, _))| Case { values: values.clone(), to: to(index) })
                    .collect(),
                otherwise: otherwise.map(|_| to(cases.len())),
            }),
            Op::Emit { kind, name, action, value, .. } => NodeKind::Emit(Emit {
                kind: *kind,
                name: name.clone(),
                action: action.clone(),
                value: self.text(value),
                next: to(0),
            }),
            Op::Return { status, value } => NodeKind::Return(Return { status: *status, value: self.text(value) }),
            // Passed, never written.
            Op::Pass { .. } => {
                NodeKind::Return(Return { status: bloom_ir::document::ReturnStatus::Failed, value: "null".to_owned() })
            }
        };
        Node { kind, input: None, output: None, on_error: None }
    }

    fn due(&mut self, due: &Due) -> IrDue {
        match due {
            Due::For(duration) => IrDue::For(self.text(duration)),
            Due::Until(time) => IrDue::Until(self.text(time)),
        }
    }

    fn cursor(&mut self, number: usize) -> String {
        let next = self.cursors.len() + 1;
        self.cursors.entry(number).or_insert_with(|| format!("c{next}")).clone()
    }

    /// `$7` becomes `$1` when it is the first; other names stay.
    fn name(&mut self, name: &str) -> String {
        if !name.strip_prefix('$').is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit())) {
            return name.to_owned();
        }
        let next = self.names.len() + 1;
        self.names.entry(name.to_owned()).or_insert_with(|| format!("${next}")).clone()
    }

    fn text(&mut self, expression: &Expression) -> String {
        self.expr(&expression.expr)
    }

    fn expr(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Variable(name) => print(&Expr::Variable(self.name(name))),
            // Hidden counters stand only in tests and sums of the compiler's own making.
            Expr::Binary { op, left, right } if is_hidden(left) => {
                let renamed = |writer: &mut Self, side: &Expr| match side {
                    Expr::Variable(name) => Expr::Variable(writer.name(name)),
                    other => other.clone(),
                };
                let left = Box::new(renamed(self, left));
                let right = Box::new(renamed(self, right));
                print(&Expr::Binary { op: *op, left, right })
            }
            other => print(other),
        }
    }
}

fn is_hidden(expr: &Expr) -> bool {
    matches!(expr, Expr::Variable(name) if name.starts_with('$'))
}

/// What an LLM answers when nothing else is said.
fn text_schema() -> serde_json::Value {
    serde_json::json!({
        "type": "object",
        "properties": { "text": { "type": "string" } },
        "required": ["text"],
        "additionalProperties": false,
    })
}
