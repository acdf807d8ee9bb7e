//! A program before its nodes have ids: steps that name each other by position.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use bloom_ir::Digest;
use bloom_ir::document::{EmitKind, ReturnStatus};

use crate::text::{AwaitKind, Due, Expression, LlmCall, Unit};

/// A position in [`Draft::steps`].
pub(super) type StepId = usize;

/// The step that a way leads to while it is not known, or because the diagram is broken there.
pub(super) const NOWHERE: StepId = usize::MAX;

/// A program of steps.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What the steps are written in.
    pub(super) units: Vec<Unit>,
    pub(super) steps: Vec<Step>,
    pub(super) entry: StepId,
    /// Where errors go.
    pub(super) catch: Option<StepId>,
    /// How many cursors and hidden variables there are.
    pub(super) hidden: usize,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) op: Op,
    /// Where it is written, as a position in [`Draft::units`].
    pub(super) unit: usize,
    /// The statement in its unit, where there are several.
    pub(super) part: Option<u32>,
    /// Whether it is the first of its icon.
    pub(super) first: bool,
    /// What it is in its unit's text.
    pub(super) span: Range<usize>,
}

/// What a step does.
#[derive(Debug)]
pub(super) enum Op {
    /// Nothing. A shown one is an icon that runs pass.
    Pass {
        shown: bool,
        next: StepId,
    },
    Set {
        into: String,
        value: Expression,
        next: StepId,
    },
    Each {
        over: Expression,
        cursor: usize,
        next: StepId,
    },
    Iter {
        cursor: usize,
        item: String,
        key: Option<String>,
        next: StepId,
        done: StepId,
    },
    Tool {
        tool: String,
        args: BTreeMap<String, Expression>,
        into: Option<String>,
        timeout: Option<u32>,
        next: StepId,
    },
    /// Calls another flow.
    Flow {
        flow: String,
        hash: Digest,
        inputs: BTreeMap<String, Expression>,
        into: Option<String>,
        wait: bool,
        timeout: Option<u32>,
        next: StepId,
    },
    Sleep {
        due: Due,
        next: StepId,
    },
    Timer {
        name: String,
        due: Due,
        next: StepId,
    },
    Await {
        kind: AwaitKind,
        name: String,
        into: Option<String>,
        timeout: Option<u32>,
        next: StepId,
    },
    /// What is left to an LLM or a person.
    Prose {
        wish: Wish,
        text: String,
        /// Whether another prose step has answered on every way to here.
        follows: bool,
        timeout: Option<u32>,
        next: StepId,
    },
    /// Paths side by side, each with the variables that it hands over; `icons`: the units of their heads.
    Fork {
        branches: Vec<(StepId, Vec<String>)>,
        join: StepId,
        icons: Vec<usize>,
    },
    Join {
        fork: StepId,
        next: StepId,
    },
    Llm {
        call: Box<LlmCall>,
        next: StepId,
    },
    If {
        when: Expression,
        then: StepId,
        otherwise: StepId,
    },
    /// `icons`: the units of all cases.
    Choice {
        on: Expression,
        cases: Vec<(Vec<serde_json::Value>, StepId)>,
        otherwise: Option<StepId>,
        icons: Vec<usize>,
    },
    Emit {
        kind: EmitKind,
        name: String,
        action: Option<String>,
        value: Expression,
        next: StepId,
    },
    Return {
        status: ReturnStatus,
        value: Expression,
    },
}

/// What prose wants.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// That something is done.
    Done,
    /// Yes or no.
    Decided,
    /// One of these texts.
    Chosen(Vec<String>),
    /// Whether there is another round.
    Another,
}

/// Where the answer of prose that does something is kept.
pub(super) const PROSE: &str = "$prose";

/// Where the answer of prose that decides something is kept.
pub(super) const ANSWER: &str = "$answer";

impl Wish {
    /// The variable of its answer.
    pub(super) fn into(&self) -> &'static str {
        match self {
            Self::Done => PROSE,
            Self::Decided | Self::Chosen(_) | Self::Another => ANSWER,
        }
    }
}

impl Draft {
    pub(super) fn unit(&mut self, unit: Unit) -> usize {
        self.units.push(unit);
        self.units.len() - 1
    }

    /// A step whose meaning comes later.
    pub(super) fn reserve(&mut self, unit: usize) -> StepId {
        self.push(Step { op: Op::Pass { shown: false, next: NOWHERE }, unit, part: None, first: false, span: 0..0 })
    }

    pub(super) fn push(&mut self, step: Step) -> StepId {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// A number for a cursor or a hidden variable.
    pub(super) fn number(&mut self) -> usize {
        self.hidden += 1;
        self.hidden
    }
}

impl Op {
    /// The ways out, each with its name in the source map, in the order in which nodes are numbered.
    pub(super) fn exits(&self) -> Vec<(Cow<'static, str>, StepId)> {
        let arm = |name: &'static str, to: StepId| (Cow::Borrowed(name), to);
        match self {
            Self::Pass { next, .. }
            | Self::Set { next, .. }
            | Self::Each { next, .. }
            | Self::Tool { next, .. }
            | Self::Llm { next, .. }
            | Self::Flow { next, .. }
            | Self::Sleep { next, .. }
            | Self::Timer { next, .. }
            | Self::Await { next, .. }
            | Self::Prose { next, .. }
            | Self::Join { next, .. }
            | Self::Emit { next, .. } => vec![arm("next", *next)],
            Self::Iter { next, done, .. } => vec![arm("next", *next), arm("done", *done)],
            Self::If { then, otherwise, .. } => vec![arm("then", *then), arm("else", *otherwise)],
            Self::Choice { cases, otherwise, .. } => {
                let cases = cases.iter().enumerate().map(|(index, (_, to))| (Cow::Owned(format!("case:{index}")), *to));
                cases.chain(otherwise.map(|to| arm("else", to))).collect()
            }
            Self::Fork { branches, join, .. } => {
                let branches = branches.iter().enumerate();
                let branches = branches.map(|(index, (to, _))| (Cow::Owned(format!("branch:{index}")), *to));
                branches.chain([arm("join", *join)]).collect()
            }
            Self::Return { .. } => Vec::new(),
        }
    }

    /// The one way on, of a step that has one.
    pub(super) fn next_mut(&mut self) -> Option<&mut StepId> {
        match self {
            Self::Pass { next, .. }
            | Self::Set { next, .. }
            | Self::Each { next, .. }
            | Self::Tool { next, .. }
            | Self::Llm { next, .. }
            | Self::Flow { next, .. }
            | Self::Sleep { next, .. }
            | Self::Timer { next, .. }
            | Self::Await { next, .. }
            | Self::Prose { next, .. }
            | Self::Join { next, .. }
            | Self::Emit { next, .. } => Some(next),
            Self::Iter { .. } | Self::If { .. } | Self::Choice { .. } | Self::Fork { .. } | Self::Return { .. } => None,
        }
    }

    /// Every expression in it.
    pub(super) fn expressions_mut(&mut self) -> Vec<&mut Expression> {
        match self {
            Self::Pass { .. }
            | Self::Iter { .. }
            | Self::Await { .. }
            | Self::Prose { .. }
            | Self::Fork { .. }
            | Self::Join { .. } => Vec::new(),
            Self::Flow { inputs, .. } => inputs.values_mut().collect(),
            Self::Set { value, .. }
            | Self::Emit { value, .. }
            | Self::Return { value, .. }
            | Self::Sleep { due: Due::For(value) | Due::Until(value), .. }
            | Self::Timer { due: Due::For(value) | Due::Until(value), .. } => vec![value],
            Self::Each { over: value, .. } | Self::If { when: value, .. } | Self::Choice { on: value, .. } => {
                vec![value]
            }
            Self::Tool { args, .. } => args.values_mut().collect(),
            Self::Llm { call, .. } => call.expressions_mut().collect(),
        }
    }

    /// Limits how long it may take, in seconds; false when it takes no time.
    pub(super) fn limit(&mut self, seconds: u32) -> bool {
        match self {
            Self::Tool { timeout, .. }
            | Self::Flow { timeout, .. }
            | Self::Await { timeout, .. }
            | Self::Prose { timeout, .. } => *timeout = Some(seconds),
            Self::Llm { call, .. } => call.timeout_seconds = Some(seconds),
            _ => return false,
        }
        true
    }

    /// The variables that it sets.
    pub(super) fn sets(&self) -> Vec<&str> {
        match self {
            Self::Set { into, .. } => vec![into],
            Self::Iter { item, key, .. } => std::iter::once(item.as_str()).chain(key.as_deref()).collect(),
            Self::Tool { into, .. } | Self::Flow { into, .. } | Self::Await { into, .. } => {
                into.as_deref().into_iter().collect()
            }
            Self::Prose { wish, .. } => vec![wish.into()],
            Self::Llm { call, .. } => vec![&call.target.name],
            _ => Vec::new(),
        }
    }
}
