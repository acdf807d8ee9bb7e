//! The effects of a run that have no outcome, and what is to be done about each: found without looking at all of them, since
//! a wide fork has many.

use std::collections::{BTreeMap, BTreeSet};

use bloom_interpreter::effect::{AwaitedThing, EffectCall, EffectError, EffectId};
use bloom_interpreter::history::Signals;
use bloom_interpreter::record::OpenEffect;

use super::wait::is_wait;
use crate::record::Spent;

/// An effect without an outcome.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own: none of them follows from the others")]
pub(super) struct Open {
    pub(super) effect: OpenEffect,
    /// Begun by a driver that is gone, or requested before this process: it may have been performed, and nobody knows.
    pub(super) begun: bool,
    /// Whether a person is asked whether it was performed; or, in place of an LLM, what the LLM would be.
    pub(super) is_asked_about: bool,
    /// Whether a person has said that it was not performed, and it has not been begun again since.
    pub(super) is_cleared: bool,
    /// What it may use of the run's budgets, which is nobody else's until it has its outcome.
    pub(super) reserved: Spent,
    /// Whether it waits until others give back what they have reserved.
    pub(super) is_held: bool,
    /// Why it is not performed: then this is its outcome.
    pub(super) refused: Option<EffectError>,
}

impl Open {
    pub(super) fn new(effect: OpenEffect, begun: bool) -> Self {
        let reserved = Spent::default();
        Self { effect, begun, is_asked_about: false, is_cleared: false, reserved, is_held: false, refused: None }
    }

    fn call(&self) -> &EffectCall {
        &self.effect.ask().call
    }

    /// Whether nobody has to do anything about it.
    pub(super) fn is_wait(&self) -> bool {
        self.is_asked_about || is_wait(self.call())
    }

    /// Whether a driver has to begin it.
    fn is_to_begin(&self) -> bool {
        !self.is_asked_about && matches!(self.call(), EffectCall::Tool(_) | EffectCall::Flow(_))
    }

    /// When it ends by itself, in Unix milliseconds.
    fn due(&self) -> Option<i64> {
        match self.call() {
            _ if self.refused.is_some() => Some(i64::MIN),
            EffectCall::Timer(_) => Some(i64::MIN),
            call => call.due(),
        }
    }

    /// The signal that ends it.
    fn signal(&self) -> Option<&str> {
        match self.call() {
            EffectCall::Await(wait) => match &wait.what {
                AwaitedThing::Signal(name) => Some(name),
                AwaitedThing::Timer(_) | AwaitedThing::Ask(_) => None,
            },
            _ => None,
        }
    }
}

/// How many effects there are of each kind, and what they have reserved.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    busy: u64,
    for_workers: u64,
    for_runs: u64,
    tokens: u64,
    cost: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct OpenEffects {
    all: BTreeMap<EffectId, Open>,
    to_begin: BTreeSet<EffectId>,
    due: BTreeSet<(i64, EffectId)>,
    listening: BTreeMap<String, BTreeSet<EffectId>>,
    held: BTreeSet<EffectId>,
    counts: Counts,
    /// How often one of them was looked at.
    #[cfg(test)]
    looked: std::cell::Cell<u64>,
}

impl OpenEffects {
    pub(super) fn insert(&mut self, open: Open) {
        let id = open.effect.ask().id.clone();
        self.remove(&id);
        if open.is_to_begin() {
            self.to_begin.insert(id.clone());
        }
        if let Some(due) = open.due() {
            self.due.insert((due, id.clone()));
        }
        if let Some(name) = open.signal() {
            self.listening.entry(name.to_owned()).or_default().insert(id.clone());
        }
        if open.is_held {
            self.held.insert(id.clone());
        }
        self.count(&open, u64::saturating_add);
        self.all.insert(id, open);
    }

    pub(super) fn remove(&mut self, id: &EffectId) -> Option<Open> {
        let open = self.all.remove(id)?;
        self.note_look();
        self.to_begin.remove(id);
        self.held.remove(id);
        if let Some(due) = open.due() {
            self.due.remove(&(due, id.clone()));
        }
        if let Some(name) = open.signal()
            && let Some(waiting) = self.listening.get_mut(name)
        {
            waiting.remove(id);
            if waiting.is_empty() {
                self.listening.remove(name);
            }
        }
        self.count(&open, u64::saturating_sub);
        Some(open)
    }

    fn count(&mut self, open: &Open, change: fn(u64, u64) -> u64) {
        let counts = &mut self.counts;
        let add = |count: &mut u64, by: u64| *count = change(*count, by);
        add(&mut counts.busy, u64::from(!open.is_wait()));
        let is_for_worker = open.refused.is_none() && !open.is_asked_about && matches!(open.call(), EffectCall::Llm(_));
        add(&mut counts.for_workers, u64::from(is_for_worker));
        add(&mut counts.for_runs, u64::from(matches!(open.call(), EffectCall::Flow(_))));
        add(&mut counts.tokens, open.reserved.tokens);
        add(&mut counts.cost, open.reserved.cost_micro_usd);
    }

    pub(super) fn get(&self, id: &EffectId) -> Option<&Open> {
        self.note_look();
        self.all.get(id)
    }

    /// Changes one of them; says whether it is there.
    pub(super) fn edit<T>(&mut self, id: &EffectId, edit: impl FnOnce(&mut Open) -> T) -> Option<T> {
        let mut open = self.remove(id)?;
        let edited = edit(&mut open);
        self.insert(open);
        Some(edited)
    }

    /// Takes note that one of them is begun; nothing else about it changes.
    pub(super) fn note_begun(&mut self, id: &EffectId) {
        if let Some(open) = self.all.get_mut(id) {
            open.begun = true;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.all.values().inspect(|_| self.note_look())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether all of them are waits.
    pub(super) fn all_wait(&self) -> bool {
        self.counts.busy == 0
    }

    /// Whether all of them are waits or a worker's.
    pub(super) fn all_wait_or_need_workers(&self) -> bool {
        self.counts.busy == self.counts.for_workers
    }

    /// Whether one of them needs a worker.
    pub(super) fn needs_worker(&self) -> bool {
        self.counts.for_workers > 0
    }

    /// Whether one of them is another run.
    pub(super) fn has_runs(&self) -> bool {
        self.counts.for_runs > 0
    }

    /// What is reserved for all of them together.
    pub(super) fn reserved(&self) -> Spent {
        Spent { tokens: self.counts.tokens, cost_micro_usd: self.counts.cost }
    }

    /// The first that waits until others give back what they have reserved.
    pub(super) fn first_held(&self) -> Option<&Open> {
        self.get(self.held.first()?)
    }

    /// Takes those that a driver has to begin: each is given once.
    pub(super) fn take_to_begin(&mut self) -> BTreeSet<EffectId> {
        std::mem::take(&mut self.to_begin)
    }

    /// One of those that were taken is to be begun later.
    pub(super) fn begin_later(&mut self, id: EffectId) {
        self.to_begin.insert(id);
    }

    /// A new driver has to begin all of them.
    pub(super) fn begin_anew(&mut self) {
        self.to_begin =
            self.iter().filter(|open| open.is_to_begin()).map(|open| open.effect.ask().id.clone()).collect();
    }

    /// When the first of them ends by itself, in Unix milliseconds.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// One that is over, by time or by a signal that waits; what is due first comes first, and signals come before times.
    pub(super) fn first_over(&self, now: i64, signals: &Signals) -> Option<&Open> {
        let names = signals.iter().filter(|(_, waiting)| !waiting.is_empty()).map(|(name, _)| name);
        let signalled = names.filter_map(|name| self.listening.get(name)?.first()).map(|id| (i64::MIN, id));
        let timed = self.due.first().map(|(due, id)| (*due, id));
        let (due, id) = signalled.chain(timed).min()?;
        if due > now {
            return None;
        }
        self.get(id)
    }

    #[cfg(test)]
    fn note_look(&self) {
        self.looked.set(self.looked.get() + 1);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests count here")]
    fn note_look(&self) {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::VecDeque;

    use bloom_interpreter::effect::EffectRequest;
    use bloom_ir::Value;
    use serde_json::{Value as Json, json};

    use super::*;

    fn open(id: usize, call: &Json) -> Open {
        let request: EffectRequest = serde_json::from_value(json!({
            "id": format!("n1#1.{id}/n2#1"), "node": "n2", "visit": 1, "call": call,
        }))
        .unwrap();
        Open::new(OpenEffect::new(request), false)
    }

    fn tool() -> Json {
        json!({ "op": "tool", "tool": "t", "effect": "read", "args": {} })
    }

    fn signal(name: &str, until: i64) -> Json {
        json!({ "op": "await", "signal": name, "until": until })
    }

    #[test]
    fn each_is_begun_once_and_again_by_a_new_driver() {
        let mut effects = OpenEffects::default();
        effects.insert(open(1, &tool()));
        effects.insert(open(2, &json!({ "op": "sleep", "due": 5 })));
        assert!(!effects.all_wait());
        assert_eq!(effects.take_to_begin().len(), 1);
        assert!(effects.take_to_begin().is_empty());
        effects.begin_anew();
        let again = effects.take_to_begin().pop_first().unwrap();
        effects.edit(&again, |open| open.is_asked_about = true);
        effects.begin_anew();
        assert!(effects.take_to_begin().is_empty() && effects.all_wait(), "a person is asked");
        effects.edit(&again, |open| open.is_asked_about = false);
        assert_eq!(effects.take_to_begin().pop_first(), Some(again), "it is to be called again");
    }

    #[test]
    fn what_was_taken_too_early_is_given_again() {
        let mut effects = OpenEffects::default();
        effects.insert(open(1, &tool()));
        let early = effects.take_to_begin().pop_first().unwrap();
        effects.begin_later(early.clone());
        assert_eq!(effects.take_to_begin().pop_first(), Some(early));
    }

    #[test]
    fn questions_to_an_llm_leave_a_driver_nothing_to_do_and_tools_do() {
        let ask = json!({ "op": "llm", "prompt": "?", "output": {} });
        let mut effects = OpenEffects::default();
        effects.insert(open(1, &ask));
        effects.insert(open(2, &json!({ "op": "sleep", "due": 5 })));
        assert!(effects.all_wait_or_need_workers() && !effects.all_wait());
        let refused = Some(EffectError::new("budget_exhausted", "no"));
        effects.insert(Open { refused, ..open(3, &ask) });
        assert!(!effects.all_wait_or_need_workers(), "its outcome is to be recorded");
        effects.remove(&EffectId::new("n1#1.3/n2#1"));
        effects.insert(open(4, &tool()));
        assert!(!effects.all_wait_or_need_workers());
    }

    #[test]
    fn what_is_over_comes_in_order_and_signals_first() {
        let mut effects = OpenEffects::default();
        effects.insert(open(1, &json!({ "op": "sleep", "due": 20 })));
        effects.insert(open(2, &json!({ "op": "sleep", "due": 10 })));
        effects.insert(open(3, &signal("s", 5)));
        effects.insert(open(4, &signal("t", 30)));
        let mut signals = Signals::new();
        assert!(effects.first_over(4, &signals).is_none());
        signals.insert("t".to_owned(), VecDeque::from([Value::Null]));
        signals.insert("s".to_owned(), VecDeque::new());
        let mut order = Vec::new();
        while let Some(over) = effects.first_over(20, &signals) {
            let id = over.effect.ask().id.clone();
            order.push(id.to_string());
            effects.remove(&id);
        }
        assert_eq!(order, ["n1#1.4/n2#1", "n1#1.3/n2#1", "n1#1.2/n2#1", "n1#1.1/n2#1"]);
    }

    #[test]
    fn reservations_are_summed_and_given_back() {
        let mut effects = OpenEffects::default();
        for id in [1, 2] {
            let mut open = open(id, &tool());
            open.reserved = Spent { tokens: 10, cost_micro_usd: 3 };
            effects.insert(open);
        }
        assert_eq!(effects.reserved(), Spent { tokens: 20, cost_micro_usd: 6 });
        effects.remove(&EffectId::new("n1#1.1/n2#1"));
        assert_eq!(effects.reserved(), Spent { tokens: 10, cost_micro_usd: 3 });
    }

    /// What a driver does with the branches of a wide fork, whose results come one after the other.
    fn looks(branches: usize) -> u64 {
        let mut effects = OpenEffects::default();
        for id in 0..branches {
            effects.insert(open(id, &if id % 2 == 0 { tool() } else { signal(&format!("s{id}"), 1_000) }));
        }
        let mut waiting: Vec<EffectId> = effects.take_to_begin().into_iter().collect();
        let signals = Signals::new();
        while let Some(done) = waiting.pop() {
            effects.remove(&done);
            assert!(effects.first_over(0, &signals).is_none());
            assert!(effects.take_to_begin().is_empty());
            assert_eq!((effects.all_wait(), effects.next_due()), (waiting.is_empty(), Some(1_000)));
        }
        effects.looked.get()
    }

    #[test]
    fn a_result_of_a_wide_fork_takes_no_look_at_the_other_branches() {
        let (few, many) = (looks(100), looks(1_000));
        assert!(many <= 10 * few + 100, "{few} looks at 100 branches, {many} at 1000");
        assert!(many <= 5_000, "{many}");
    }
}
