//! The effects that a run waits for, by what is asked after each time something happens: so that a run that waits for a
//! thousand is not looked through a thousand times.

use std::collections::{BTreeMap, BTreeSet};

use bloom_interpreter::effect::{AwaitedThing, EffectCall, EffectId};
use bloom_interpreter::record::OpenEffect;
use bloom_interpreter::replay::Signals;

use super::wait::is_wait;

/// An effect without an outcome.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) effect: OpenEffect,
    /// Begun by a driver that is gone, or requested before this process: it may have been performed, and nobody knows.
    pub(super) begun: bool,
}

impl Open {
    fn call(&self) -> &EffectCall {
        &self.effect.ask().call
    }
}

/// The effects without an outcome, by id.
#[derive(Debug, Default)]
pub(super) struct OpenEffects {
    all: BTreeMap<EffectId, Open>,
    /// How many somebody has to do something about.
    busy: usize,
    /// How many are for workers.
    llm: usize,
    /// How many are runs that are waited for.
    runs: usize,
    /// Tools to be called and runs to be started that no driver has taken up.
    fresh: BTreeSet<EffectId>,
    /// When each goes on by itself, in Unix milliseconds.
    due: BTreeSet<(i64, EffectId)>,
    /// Timers that start: they are over at once.
    timers: BTreeSet<EffectId>,
    /// Waits for signals, by name.
    signals: BTreeMap<String, BTreeSet<EffectId>>,
}

impl OpenEffects {
    pub(super) fn insert(&mut self, open: Open) {
        let id = open.effect.ask().id.clone();
        self.remove(&id);
        self.count(&open, usize::saturating_add);
        if let Some(due) = open.call().due() {
            self.due.insert((due, id.clone()));
        }
        match open.call() {
            EffectCall::Tool(_) | EffectCall::Flow(_) => {
                self.fresh.insert(id.clone());
            }
            EffectCall::Timer(_) => {
                self.timers.insert(id.clone());
            }
            EffectCall::Await(wait) => {
                if let AwaitedThing::Signal(name) = &wait.what {
                    self.signals.entry(name.clone()).or_default().insert(id.clone());
                }
            }
            EffectCall::Llm(_) | EffectCall::Sleep(_) => {}
        }
        self.all.insert(id, open);
    }

    pub(super) fn remove(&mut self, id: &EffectId) -> Option<Open> {
        let open = self.all.remove(id)?;
        self.count(&open, usize::saturating_sub);
        self.fresh.remove(id);
        self.timers.remove(id);
        if let Some(due) = open.call().due() {
            self.due.remove(&(due, id.clone()));
        }
        if let EffectCall::Await(wait) = open.call()
            && let AwaitedThing::Signal(name) = &wait.what
            && let Some(waiting) = self.signals.get_mut(name)
        {
            waiting.remove(id);
            if waiting.is_empty() {
                self.signals.remove(name);
            }
        }
        Some(open)
    }

    fn count(&mut self, open: &Open, change: fn(usize, usize) -> usize) {
        let call = open.call();
        self.busy = change(self.busy, usize::from(!is_wait(call)));
        self.llm = change(self.llm, usize::from(matches!(call, EffectCall::Llm(_))));
        self.runs = change(self.runs, usize::from(matches!(call, EffectCall::Flow(call) if call.wait)));
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn get(&self, id: &EffectId) -> Option<&Open> {
        self.all.get(id)
    }

    /// What changes of an effect is how far it came, not what it asks.
    pub(super) fn get_mut(&mut self, id: &EffectId) -> Option<&mut Open> {
        self.all.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.all.values()
    }

    /// Whether all of them end by a time, a signal, a person or another run.
    pub(super) fn are_waits(&self) -> bool {
        self.busy == 0
    }

    /// Whether one is for a worker.
    pub(super) fn need_worker(&self) -> bool {
        self.llm > 0
    }

    /// Whether one is another run, whose end is waited for.
    pub(super) fn wait_for_run(&self) -> bool {
        self.runs > 0
    }

    /// When the first of them goes on by itself, in Unix milliseconds.
    pub(super) fn first_due(&self) -> Option<i64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The one that is over, by now, and comes first: timers that start and waits for a signal that is there, then what is
    /// due, the earliest first.
    pub(super) fn first_over(&self, now: i64, signals: &Signals) -> Option<&Open> {
        let has_come = |name: &&String| signals.get(*name).is_some_and(|queue| !queue.is_empty());
        let signalled = self.signals.keys().filter(has_come).filter_map(|name| self.signals[name].first());
        let at_once = self.timers.first().into_iter().chain(signalled).min();
        let due = || self.due.first().filter(|(due, _)| *due <= now).map(|(_, id)| id);
        self.all.get(at_once.or_else(due)?)
    }

    /// Tools to be called and runs to be started, each of them once for a driver.
    pub(super) fn take_fresh(&mut self) -> BTreeSet<EffectId> {
        std::mem::take(&mut self.fresh)
    }

    /// Another driver begins: what one before it has taken up is its own to take up.
    pub(super) fn renew(&mut self) {
        let is_performed = |open: &&Open| matches!(open.call(), EffectCall::Tool(_) | EffectCall::Flow(_));
        self.fresh = self.all.values().filter(is_performed).map(|open| open.effect.ask().id.clone()).collect();
    }
}

impl FromIterator<Open> for OpenEffects {
    fn from_iter<I: IntoIterator<Item = Open>>(effects: I) -> Self {
        let mut all = Self::default();
        effects.into_iter().for_each(|open| all.insert(open));
        all
    }
}
