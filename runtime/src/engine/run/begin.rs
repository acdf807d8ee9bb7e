//! How a run comes into memory: new, as its history left it, or from a point of another one.

use std::collections::BTreeSet;
use std::time::Duration;

use bloom_interpreter::Machine;
use bloom_interpreter::effect::{EffectCall, EffectId};
use bloom_interpreter::history::{Chain, Event, EventType, Forked, Payload};
use bloom_interpreter::record::{self, OpenEffect};
use bloom_interpreter::replay::Rebuilt;
use bloom_ir::document::EmitKind;
use bloom_ir::{Value, VerifiedIr};

use super::{Addition, Desk, Draft, Run, Underway, artifact};
use crate::engine::open::{Open, OpenEffects};
use crate::engine::progress::Step;
use crate::engine::wait::Rest;
use crate::record::{Actor, ProposalId, RunRecord, Task};

impl Run {
    /// A new run: its first events are those of its first turn.
    pub(in crate::engine) fn begin(
        record: &RunRecord,
        ir: VerifiedIr,
        machine: Machine,
        by: &Actor,
        desk: &Desk<'_>,
    ) -> (Self, Addition) {
        let started = record::started(&machine, &desk.config.version);
        Self::begin_with(record, ir, machine, started, by, desk)
    }

    /// The same with its first event.
    pub(in crate::engine) fn begin_with(
        record: &RunRecord,
        ir: VerifiedIr,
        machine: Machine,
        started: Payload,
        by: &Actor,
        desk: &Desk<'_>,
    ) -> (Self, Addition) {
        let signals = match &started {
            Payload::RunStarted(started) => started.continues.as_ref().map(|before| before.signals.clone()),
            _ => None,
        };
        let mut run = Self {
            id: record.id.clone(),
            context: record.context.clone(),
            program: machine.program().clone(),
            ir,
            machine,
            chain: Chain::default(),
            last_at: i64::MIN,
            open: OpenEffects::default(),
            dearest: 0,
            calls: record.calls_before,
            budget: record.budget.clone(),
            has_moved: false,
            signals: signals.unwrap_or_default(),
            parent: record.parent.clone(),
            active_before: Duration::ZERO,
            underway: None,
            again: Vec::new(),
            artifacts: Vec::new(),
            proposals: Vec::new(),
            told: Rest::default(),
            end: None,
        };
        let mut draft = Draft::default();
        draft.payloads.push(started);
        draft.steps.push(Step::Started);
        let note = run.note("run_started", by, [("ir_hash", run.program.hash().to_string().into())]);
        draft.audit.push(note);
        if record.dispatched {
            draft.tasks.push(run.whole(desk));
        } else {
            run.take_turn(&mut draft, desk);
        }
        let mut addition = run.seal(draft, desk);
        // Nothing is open here, because its effects are a worker's.
        addition.append.waiting &= !record.dispatched;
        (run, addition)
    }

    /// A run of another engine as its history left it, with the tasks of what LLMs were asked and have not answered.
    pub(in crate::engine) fn adopted(
        record: &RunRecord,
        ir: VerifiedIr,
        rebuilt: Rebuilt,
        events: &[Event],
        desk: &Desk<'_>,
    ) -> (Self, Addition) {
        let mut run = Self::recovered(record, ir, rebuilt, events, Vec::new());
        let mut draft = Draft::default();
        for open in run.open.iter().filter(|open| open.effect.is_requested()) {
            let request = open.effect.ask();
            if let EffectCall::Llm(call) = &request.call {
                let attempts = open.effect.failed_attempts();
                draft.tasks.push(Task { attempts, ..run.task(request, call, desk) });
            }
        }
        let addition = run.seal(draft, desk);
        (run, addition)
    }

    /// A run as its history left it. `proposals` are those that it made.
    pub(in crate::engine) fn recovered(
        record: &RunRecord,
        ir: VerifiedIr,
        rebuilt: Rebuilt,
        events: &[Event],
        proposals: Vec<ProposalId>,
    ) -> Self {
        let Rebuilt { machine, chain, emitted, open, signals } = rebuilt;
        // Those that ask an LLM are held below.
        let is_again = |effect: &&OpenEffect| {
            effect.ask().recorded_first() && !effect.is_requested() && !matches!(effect.ask().call, EffectCall::Llm(_))
        };
        let again = open.iter().filter(is_again).map(|effect| effect.ask().clone()).collect();
        let artifacts = events.iter().filter_map(|event| match &event.payload {
            Some(Payload::Emitted { emission }) if emission.kind == EmitKind::Artifact => Some(artifact(emission).1),
            _ => None,
        });
        // What happened before it left its origin was another run's time.
        let own = || events.iter().rev().take_while(|event| event.kind != EventType::RunForked);
        let asked: BTreeSet<&EffectId> = events.iter().filter_map(asked_of_llm).collect();
        let usages = || {
            own().filter_map(|event| match event.payload.as_ref()? {
                Payload::EffectCompleted { effect, answer, .. } => Some((effect, answer.usage.as_ref()?)),
                Payload::EffectAttempted { effect, error, .. } | Payload::EffectFailed { effect, error, .. } => {
                    Some((effect, error.usage.as_deref()?))
                }
                _ => None,
            })
        };
        let usages = || usages().filter(|(effect, _)| asked.contains(effect)).map(|(_, usage)| usage);
        let active = usages().fold(0_u64, |sum, usage| sum.saturating_add(usage.latency_ms));
        let is_outcome = |event: &Event| matches!(event.kind, EventType::EffectCompleted | EventType::EffectFailed);
        let mut run = Self {
            id: record.id.clone(),
            context: record.context.clone(),
            program: machine.program().clone(),
            ir,
            active_before: Duration::from_millis(active),
            dearest: usages().filter_map(|usage| usage.cost_micro_usd).max().unwrap_or_default(),
            calls: record.calls_before.saturating_add(asked.len() as u64),
            budget: record.budget.clone(),
            has_moved: events.iter().any(is_outcome),
            chain,
            last_at: events.last().map_or(i64::MIN, |event| event.at),
            open: OpenEffects::default(),
            signals,
            parent: record.parent.clone(),
            underway: Some(Box::new(Underway { emitted })),
            again,
            machine,
            artifacts: artifacts.collect(),
            proposals,
            told: Rest { waiting: record.waiting, wake_at: record.wake_at },
            end: None,
        };
        for effect in open {
            let begun = effect.is_requested();
            let mut open = Open::new(effect, begun);
            if let (EffectCall::Llm(call), true) = (&open.effect.ask().call, begun) {
                // It was reserved when it was requested, whatever is left by now.
                open.reserved = run.needed(call);
            }
            open.is_held = !begun && matches!(open.effect.ask().call, EffectCall::Llm(_));
            run.open.insert(open);
        }
        run
    }

    /// A run as the first events of another one left it: it adds that it goes on from there.
    pub(in crate::engine) fn forked(
        record: &RunRecord,
        ir: VerifiedIr,
        rebuilt: Rebuilt,
        shared: &[Event],
        forked: Forked,
        by: &Actor,
        desk: &Desk<'_>,
    ) -> (Self, Addition) {
        let mut run = Self::recovered(record, ir, rebuilt, shared, Vec::new());
        run.active_before = Duration::ZERO;
        let mut draft = Draft::default();
        let detail = [
            ("ir_hash", run.program.hash().to_string().into()),
            ("origin", Value::from(forked.origin.as_str())),
            ("at", Value::from(i64::try_from(forked.at).unwrap_or(i64::MAX))),
        ];
        draft.payloads.push(Payload::RunForked(forked));
        draft.steps.push(Step::Started);
        draft.audit.push(run.note("run_forked", by, detail));
        run.move_on(&mut draft, desk);
        let addition = run.seal(draft, desk);
        (run, addition)
    }
}

/// The effect that an event says was asked of an LLM.
fn asked_of_llm(event: &Event) -> Option<&EffectId> {
    match event.payload.as_ref()? {
        Payload::EffectRequested { effect, call: EffectCall::Llm(_), .. } => Some(effect),
        _ => None,
    }
}
