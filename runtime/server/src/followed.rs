//! Runs that people look at, as far as they were followed: looking again costs what was recorded since, and not the whole
//! history.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bloom_interpreter::Program;
use bloom_interpreter::effect::{AwaitedThing, EffectCall, EffectId, Usage};
use bloom_interpreter::history::{Event, Payload};
use bloom_interpreter::program::Place;
use bloom_interpreter::replay::{IconWalk, Verdict, Walker, walk};
use bloom_ir::document::{EmitKind, NodeId};
use bloom_ir::{Document, Pinned, verify_pinned};
use bloom_runtime::record::{RunId, RunRecord};
use tokio::sync::Mutex as Gate;

use crate::app::App;
use crate::error::ApiError;
use crate::routes::flows::blocking;

/// So many runs are kept: those that were looked at last.
const KEPT: usize = 8;

/// So many events are read at a time.
const PAGE: usize = 500;

/// A text of an effect is cut after so many letters where it stands in a line.
const LONGEST: usize = 160;

type Seat = Arc<Gate<Option<Known>>>;

/// The runs that were looked at last.
#[derive(Default)]
pub(crate) struct Followed(Mutex<Vec<(RunId, Seat)>>);

/// A program and what it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) document: Arc<Document>,
}

/// What is known of a run.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// None where the document is not there, or not to be trusted any more.
    pub(crate) loaded: Option<Loaded>,
    walker: Option<Walker>,
    /// The last event that was read.
    pub(crate) seq: u64,
    /// When the first event was recorded, and the last one, in Unix milliseconds.
    pub(crate) span: Option<(i64, i64)>,
    /// In the order in which they were asked for.
    pub(crate) effects: Vec<Effect>,
    by_id: BTreeMap<EffectId, usize>,
    /// By name: how often it was handed out, and the last event that did.
    pub(crate) artifacts: BTreeMap<String, (u64, u64)>,
    /// Where it failed.
    pub(crate) failed_at: Option<NodeId>,
    /// Why it was stopped.
    pub(crate) reason: Option<String>,
}

/// An effect, without what was asked and answered: that stands in the events.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) id: EffectId,
    pub(crate) node: NodeId,
    pub(crate) kind: Kind,
    /// Of whom or what it was asked: a tool, a model, a flow, a signal, the title of a question.
    pub(crate) name: String,
    /// The event that asked.
    pub(crate) asked: u64,
    pub(crate) asked_at: i64,
    /// When the run goes on without its answer, in Unix milliseconds.
    pub(crate) due: Option<i64>,
    /// Failed attempts behind which others came, by their events.
    pub(crate) attempts: Vec<u64>,
    pub(crate) outcome: Option<Outcome>,
}

/// How an effect came out.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The event that says it.
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) is_failure: bool,
    pub(crate) tokens: u64,
    pub(crate) cost_micro_usd: u64,
}

/// What an effect asks of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tool,
    Llm,
    Flow,
    Sleep,
    Timer,
    Signal,
    TimerEnd,
    Question,
}

impl Kind {
    /// As texts name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Llm => "llm",
            Self::Flow => "flow",
            Self::Sleep => "sleep",
            Self::Timer => "timer",
            Self::Signal => "signal",
            Self::TimerEnd => "timer-end",
            Self::Question => "question",
        }
    }

    fn of(call: &EffectCall) -> (Self, String) {
        let (kind, name) = match call {
            EffectCall::Tool(call) => (Self::Tool, call.tool.as_str()),
            EffectCall::Llm(call) => (Self::Llm, call.model.as_deref().unwrap_or_default()),
            EffectCall::Flow(call) => (Self::Flow, call.flow.as_str()),
            EffectCall::Sleep(_) => (Self::Sleep, ""),
            EffectCall::Timer(call) => (Self::Timer, call.name.as_str()),
            EffectCall::Await(call) => match &call.what {
                AwaitedThing::Signal(name) => (Self::Signal, name.as_str()),
                AwaitedThing::Timer(timer) => (Self::TimerEnd, timer.name.as_str()),
                AwaitedThing::Ask(asked) => (Self::Question, asked.title.as_str()),
            },
        };
        (kind, name.chars().take(LONGEST).collect())
    }
}

impl Effect {
    /// Until when it took, in Unix milliseconds; what has no outcome takes until `now`.
    pub(crate) fn until(&self, now: i64) -> i64 {
        self.outcome.as_ref().map_or(now, |outcome| outcome.at).max(self.asked_at)
    }
}

impl Known {
    /// What was asked for under this id.
    pub(crate) fn effect(&self, id: &str) -> Option<&Effect> {
        self.effects.get(*self.by_id.get(&EffectId::new(id))?)
    }

    /// Where a node stands in the diagram.
    pub(crate) fn place(&self, node: &NodeId) -> Option<Place> {
        self.loaded.as_ref()?.program.place(node)
    }

    /// The run's walk through its program, where that is there.
    pub(crate) fn walker(&self) -> Option<(&Walker, &Loaded)> {
        self.walker.as_ref().zip(self.loaded.as_ref())
    }

    /// The icons that the run passed, and whether its history follows from its program, where that is there.
    pub(crate) fn walked(&self) -> Option<(IconWalk, Verdict)> {
        let loaded = self.loaded.as_ref()?;
        Some(match &self.walker {
            Some(walker) => (walker.walk(&loaded.document), walker.verdict()),
            // It waits for its turn: nothing is recorded yet.
            None => walk(&loaded.program, &loaded.document, &[]),
        })
    }

    fn take(&mut self, events: &[Event]) {
        if let (Some(loaded), None) = (&self.loaded, &self.walker) {
            self.walker = Some(Walker::new(&loaded.program, events));
        }
        for event in events {
            self.seq = event.seq;
            let since = self.span.map_or(event.at, |(since, _)| since);
            self.span = Some((since, event.at));
            if let Some(walker) = &mut self.walker {
                walker.follow(event);
            }
            if let Some(payload) = &event.payload {
                self.note(event, payload);
            }
        }
    }

    fn note(&mut self, event: &Event, payload: &Payload) {
        match payload {
            Payload::EffectRequested { effect, node, call, .. } => {
                // A fork asks again for what had no answer in the run that it left.
                if let Some(again) = self.by_id.get(effect).and_then(|at| self.effects.get_mut(*at)) {
                    (again.asked, again.asked_at) = (event.seq, event.at);
                    return;
                }
                let (kind, name) = Kind::of(call);
                self.by_id.insert(effect.clone(), self.effects.len());
                self.effects.push(Effect {
                    id: effect.clone(),
                    node: node.clone(),
                    kind,
                    name,
                    asked: event.seq,
                    asked_at: event.at,
                    due: call.due(),
                    attempts: Vec::new(),
                    outcome: None,
                });
            }
            Payload::EffectAttempted { effect, .. } => {
                if let Some(effect) = self.by_id.get(effect).and_then(|at| self.effects.get_mut(*at)) {
                    effect.attempts.push(event.seq);
                }
            }
            Payload::EffectCompleted { effect, answer, .. } => self.end(event, effect, answer.usage.as_ref(), false),
            Payload::EffectFailed { effect, error, .. } => self.end(event, effect, error.usage.as_deref(), true),
            Payload::Emitted { emission } if emission.kind == EmitKind::Artifact => {
                let (count, seq) = self.artifacts.entry(emission.name.clone()).or_default();
                (*count, *seq) = (count.saturating_add(1), event.seq);
            }
            Payload::RunFailed { node, .. } => self.failed_at.clone_from(node),
            Payload::RunCancelled { reason } => self.reason = Some(reason.clone()),
            Payload::RunStarted(_)
            | Payload::RunForked(_)
            | Payload::Emitted { .. }
            | Payload::SignalReceived { .. }
            | Payload::RunCompleted { .. }
            | Payload::RunContinued { .. } => {}
        }
    }

    fn end(&mut self, event: &Event, effect: &EffectId, usage: Option<&Usage>, is_failure: bool) {
        let Some(effect) = self.by_id.get(effect).and_then(|at| self.effects.get_mut(*at)) else { return };
        effect.outcome = Some(Outcome {
            seq: event.seq,
            at: event.at,
            is_failure,
            tokens: usage.map_or(0, Usage::tokens),
            cost_micro_usd: usage.and_then(|usage| usage.cost_micro_usd).unwrap_or_default(),
        });
    }
}

impl Followed {
    fn seat(&self, run: &RunId) -> Seat {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seats.iter().position(|(id, _)| id == run);
        let seat = known.map_or_else(|| (run.clone(), Seat::default()), |at| seats.remove(at));
        if seats.len() >= KEPT {
            seats.remove(0);
        }
        let found = seat.1.clone();
        seats.push(seat);
        found
    }
}

/// Follows a run as far as it is recorded, and looks at what is known of it, where that holds nobody up.
pub(crate) async fn look<T: Send + 'static>(
    app: &App,
    run: &RunRecord,
    look: impl FnOnce(&Known) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let seat = app.followed().seat(&run.id);
    let mut gate = seat.lock_owned().await;
    if gate.is_none() {
        *gate = Some(Known { loaded: load(app, run).await?, ..Known::default() });
    }
    loop {
        let from = gate.as_ref().map_or(1, |known| known.seq.saturating_add(1));
        if from > run.events {
            break;
        }
        let events = app.store().history(&run.id, from, PAGE).await?;
        if events.is_empty() {
            break;
        }
        gate = blocking(move || {
            if let Some(known) = gate.as_mut() {
                known.take(&events);
            }
            gate
        })
        .await?;
    }
    blocking(move || look(gate.get_or_insert_default())).await
}

/// The program of a run, if it can be had.
async fn load(app: &App, run: &RunRecord) -> Result<Option<Loaded>, ApiError> {
    let Some(bytes) = app.store().flow_document(run.ir).await? else { return Ok(None) };
    let (hash, app) = (run.ir, app.clone());
    blocking(move || {
        let ir = verify_pinned(&bytes, &hash, &app.trust.trusted(), Pinned::Replay).ok()?;
        let program = Program::load(&ir).ok()?;
        Some(Loaded { program, document: Arc::new(ir.document().clone()) })
    })
    .await
}

/// The run as it stood after one of its events, and after the one before.
pub(crate) struct Moment {
    pub(crate) before: Option<Walker>,
    pub(crate) after: Walker,
    pub(crate) loaded: Loaded,
    pub(crate) event: Event,
}

/// Goes to an event of a run. `None` where its program cannot be had, or there is no such event.
pub(crate) async fn moment(app: &App, run: &RunRecord, at: u64) -> Result<Option<Moment>, ApiError> {
    let mark = look(app, run, move |known| {
        known.walker().map(|(walker, loaded)| (walker.before(at.saturating_sub(1)), loaded.clone()))
    })
    .await?;
    let Some((mut walker, loaded)) = mark else { return Ok(None) };
    let limit = usize::try_from(at.saturating_sub(walker.seq())).unwrap_or(usize::MAX);
    let mut events = app.store().history(&run.id, walker.seq().saturating_add(1), limit).await?;
    let Some(event) = events.pop().filter(|last| last.seq == at) else { return Ok(None) };
    let moment = blocking(move || {
        for event in &events {
            walker.follow(event);
        }
        let before = (walker.seq() > 0).then(|| walker.clone());
        walker.follow(&event);
        Moment { before, after: walker, loaded, event }
    });
    moment.await.map(Some)
}
