//! What a run waits for that nobody performs: a time, a signal, a person, another run.

use std::cmp::Reverse;

use bloom_interpreter::effect::{Answer, AwaitedThing, EffectCall, EffectError, EffectId, TIMEOUT};

use super::open::Open;
use super::outcome;
use super::person;
use super::progress::{Asked, EffectSpot};
use super::run::{Addition, Desk, Draft, Run};
use crate::record::RunId;

/// Something that a run waits for.
#[derive(Clone, Debug)]
pub struct Wait {
    /// The run.
    pub run: RunId,
    /// What.
    pub effect: EffectSpot,
    /// When the run goes on by itself, in Unix milliseconds.
    pub due: Option<i64>,
}

/// Whether and how long a run rests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// Whether it waits for a time, a signal or a person and does nothing else.
    pub(super) waiting: bool,
    /// When it goes on by itself, also while workers have its tasks.
    pub(super) wake_at: Option<i64>,
}

/// Whether nobody has to do anything about an effect: the time, a signal, a person or another run ends it.
pub(super) fn is_wait(call: &EffectCall) -> bool {
    match call {
        EffectCall::Sleep(_) | EffectCall::Await(_) => true,
        EffectCall::Flow(call) => call.wait,
        EffectCall::Tool(_) | EffectCall::Llm(_) | EffectCall::Timer(_) => false,
    }
}

impl Run {
    /// Whether it does nothing but wait, so that nobody has to drive it.
    pub(super) fn is_resting(&self) -> bool {
        self.end().is_none() && !self.is_moving() && self.open.all_wait()
    }

    /// Whether nobody but workers has anything to do about it.
    pub(super) fn is_left_to_workers(&self) -> bool {
        self.end().is_none() && !self.is_moving() && self.open.all_wait_or_need_workers()
    }

    pub(super) fn rest(&self) -> Rest {
        // Who waits for a run may have to be told that it has ended.
        let waiting = self.is_resting() && !self.open.has_runs();
        Rest { waiting, wake_at: if self.is_left_to_workers() { self.due() } else { None } }
    }

    /// What the store is still to be told of that, where what was recorded last did not say it: a signal is recorded in the middle
    /// of a turn, too, and the turn may add nothing.
    pub(super) fn tell_rest(&mut self, desk: &Desk<'_>) -> Option<Addition> {
        let is_told = self.end().is_some() || self.is_moving() || self.rest() == self.told;
        (!is_told).then(|| self.seal(Draft::default(), desk))
    }

    /// When it goes on by itself, in Unix milliseconds.
    pub(super) fn due(&self) -> Option<i64> {
        self.open.next_due()
    }

    /// All that it waits for, what is due first coming first.
    pub(super) fn waits(&self) -> Vec<Wait> {
        let wait = |open: &Open| {
            let request = open.effect.ask();
            let mut effect = self.spot(request);
            match &request.call {
                EffectCall::Tool(call) if open.is_asked_about => {
                    effect.asks = Asked::Person(outcome::title(call, self.locale()));
                }
                EffectCall::Llm(call) if open.is_asked_about => {
                    effect.asks = Asked::Person(person::title(call, self.locale()));
                }
                _ => {}
            }
            Wait { run: self.id.clone(), effect, due: request.call.due() }
        };
        let mut waits: Vec<Wait> = self.open.iter().filter(|open| open.is_wait()).map(wait).collect();
        waits.sort_by_key(|wait| Reverse(wait.due.map(Reverse)));
        waits
    }

    /// Ends one wait that is over, what is due first coming first; `None` when none is. Signals go before times: what was
    /// recorded first wins.
    pub(super) fn end_wait(&mut self, desk: &Desk<'_>) -> Option<Addition> {
        if self.is_moving() {
            return None;
        }
        let (effect, result) = self.over(desk.now)?;
        let mut draft = self.overdue(desk);
        self.settle_into(&mut draft, &effect, 1, result, desk)?;
        Some(self.seal(draft, desk))
    }

    fn over(&mut self, now: i64) -> Option<(EffectId, Result<Answer, EffectError>)> {
        let over = self.open.first_over(now, &self.signals)?;
        let request = over.effect.ask();
        let id = request.id.clone();
        if let Some(error) = &over.refused {
            return Some((id, Err(error.clone())));
        }
        let timed_out = |what: &str| {
            let message = format!("the time given for {what} was over");
            Err(EffectError { retryable: true, ..EffectError::new(TIMEOUT, message) })
        };
        let result = match &request.call {
            EffectCall::Await(wait) => match &wait.what {
                AwaitedThing::Signal(name) => {
                    match self.signals.get_mut(name).and_then(std::collections::VecDeque::pop_front) {
                        Some(value) => Ok(Answer { value, usage: None }),
                        None => timed_out(&format!("the signal `{name}`")),
                    }
                }
                AwaitedThing::Timer(timer) if timer.due <= now && wait.until.is_none_or(|until| timer.due <= until) => {
                    Ok(Answer::default())
                }
                AwaitedThing::Timer(timer) => timed_out(&format!("the timer `{}`", timer.name)),
                AwaitedThing::Ask(_) => timed_out("an answer"),
            },
            EffectCall::Flow(call) => timed_out(&format!("the flow `{}`", call.flow)),
            EffectCall::Sleep(_) | EffectCall::Timer(_) | EffectCall::Tool(_) | EffectCall::Llm(_) => {
                Ok(Answer::default())
            }
        };
        Some((id, result))
    }
}
