//! What the runs of an agent may use in a day, by budget profiles: reserved before an LLM is asked, settled by what was used.
//!
//! What was used is in the store, where it is added to by the commit that records it; what is reserved follows from the calls
//! that have no outcome. So what stands here can be made anew after a crash. A call is not made that may use more than is
//! neither used nor reserved: then it is the node's error `budget_exhausted`, whose being recorded is what a replay goes by.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bloom_interpreter::effect::{EffectCall, EffectError, EffectId};
use bloom_interpreter::history::{Payload, Started};
use bloom_interpreter::usd;
use bloom_ir::document::Limits;
use bloom_ir::{Pinned, Value};
use tokio::sync::OnceCell;

use super::budget::tokens_of;
use super::profile::{Allowance, Budgets};
use super::{Engine, EngineError};
use crate::record::{Charge, RunId, Spent, Task, TaskEffect, TaskStatus, day_of};
use crate::store::{Append, TaskFilter};

/// What is used and reserved.
pub(super) struct Ledger {
    /// Whether a day is bounded at all; else nothing is kept here.
    is_kept: bool,
    loaded: OnceCell<()>,
    /// Whether a commit failed of which nobody knows whether it counts.
    doubts: AtomicBool,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// What was used, by day and agent: on the newest day and on the one before it, for clocks may be set back.
    used: BTreeMap<i64, BTreeMap<String, Charge>>,
    /// What calls without an outcome may use.
    reserved: BTreeMap<RunId, Reserved>,
    /// The same, by agent.
    sums: BTreeMap<String, Charge>,
}

/// What the calls of a run may use.
#[derive(Debug)]
struct Reserved {
    agent: String,
    calls: BTreeMap<EffectId, Charge>,
}

/// What a commit says of what is used.
#[derive(Debug)]
pub(super) struct Bill {
    agent: String,
    requested: Vec<EffectId>,
    settled: Vec<EffectId>,
    charge: Charge,
    /// The day, if there are events.
    day: Option<i64>,
    is_over: bool,
}

impl Ledger {
    pub(super) fn new(budgets: &Budgets) -> Self {
        let (loaded, doubts, book) = (OnceCell::new(), AtomicBool::new(false), Mutex::default());
        Self { is_kept: budgets.bound_days(), loaded, doubts, book }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what a call may use out of what its agent may use in the day of `at`; what is not left is the error of the call.
    pub(super) fn reserve(
        &self,
        (run, call): (&RunId, &EffectId),
        agent: &str,
        most: &Allowance,
        needed: Charge,
        at: i64,
    ) -> Result<(), EffectError> {
        if !self.is_kept {
            return Ok(());
        }
        let mut book = self.book();
        book.release(run, call);
        let (used, reserved) = (book.used(agent, day_of(at)), book.reserved(agent));
        if let Some(lacking) = lacking(most, used, reserved, needed) {
            return Err(lacking.error(agent));
        }
        book.hold(run, agent, call, needed);
        Ok(())
    }

    /// A call has its outcome and has used so much: until that is counted, it is reserved in place of what the call might have
    /// used, so that what follows in the same commit has what is left.
    pub(super) fn settle(&self, (run, call): (&RunId, &EffectId), agent: &str, used: Charge) {
        if !self.is_kept {
            return;
        }
        let mut book = self.book();
        if used == Charge::default() {
            book.release(run, call);
        } else {
            book.hold(run, agent, call, used);
        }
    }

    /// Whether something is left to an agent in the day of `at` once `more` is used, which an attempt has used that is to be
    /// followed by another one. What that one may use is still reserved.
    pub(super) fn check(&self, agent: &str, most: &Allowance, more: Charge, at: i64) -> Result<(), EffectError> {
        if !self.is_kept {
            return Ok(());
        }
        let used = self.book().used(agent, day_of(at)).plus(more);
        // The call itself is counted among those that are used.
        let most = Allowance { calls: None, ..*most };
        let lacking = lacking(&most, used, Charge::default(), Charge::default());
        lacking.map_or(Ok(()), |lacking| Err(lacking.error(agent)))
    }

    /// The limits of a run that a worker executes whole: what is left of the day of `at`, which is reserved until it ends.
    pub(super) fn reserve_whole(&self, run: &RunId, agent: &str, most: &Allowance, limits: Limits, at: i64) -> Limits {
        if !self.is_kept {
            return limits;
        }
        let (mut book, whole) = (self.book(), EffectId::new(TaskEffect::WHOLE));
        book.release(run, &whole);
        let taken = book.used(agent, day_of(at)).plus(book.reserved(agent));
        let left = Allowance {
            calls: None,
            tokens: most.tokens.map(|most| most.saturating_sub(taken.tokens)),
            cost_micro_usd: most.cost_micro_usd.map(|most| most.saturating_sub(taken.cost_micro_usd)),
        };
        let limits = left.narrowed(limits);
        book.hold(run, agent, &whole, all_of(&limits));
        limits
    }

    /// What the open calls of a run may use, whatever was reserved for it before: its history is what counts.
    pub(super) fn restore(&self, run: &RunId, agent: &str, open: impl Iterator<Item = (EffectId, Charge)>) {
        if !self.is_kept {
            return;
        }
        let mut book = self.book();
        book.release_all(run);
        for (call, charge) in open {
            book.hold(run, agent, &call, charge);
        }
    }

    /// A run has ended, or was not kept.
    pub(super) fn forget(&self, run: &RunId) {
        self.book().release_all(run);
    }

    /// What a commit will say, once it is made.
    pub(super) fn bill(&self, agent: &str, append: &Append) -> Option<Bill> {
        if !self.is_kept {
            return None;
        }
        let (mut requested, mut settled) = (Vec::new(), Vec::new());
        for event in &append.events {
            match &event.payload {
                Some(Payload::EffectRequested { effect, call: EffectCall::Llm(_), .. }) => {
                    requested.push(effect.clone());
                }
                Some(Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. }) => {
                    settled.push(effect.clone());
                }
                _ => {}
            }
        }
        let (day, is_over) = (append.events.last().map(|event| day_of(event.at)), append.status.is_terminal());
        Some(Bill { agent: agent.to_owned(), requested, settled, charge: append.charge, day, is_over })
    }

    /// Takes note of what a commit says.
    pub(super) fn hear(&self, run: &RunId, bill: Option<Bill>) {
        let Some(Bill { agent, requested, settled, charge, day, is_over }) = bill else { return };
        let mut book = self.book();
        if let Some(day) = day {
            book.add(agent, day, charge);
        }
        // From then on the call itself is used, and what it may use is not yet.
        let call = Charge { calls: 1, ..Charge::default() };
        for effect in &requested {
            book.reduce(run, effect, call);
        }
        book.reduce(run, &EffectId::new(TaskEffect::WHOLE), charge);
        for effect in &settled {
            book.release(run, effect);
        }
        if is_over {
            book.release_all(run);
        }
    }

    /// A commit failed, and may count all the same.
    pub(super) fn doubt(&self) {
        self.doubts.store(true, Ordering::Relaxed);
    }
}

/// All that a run with these limits may use.
fn all_of(limits: &Limits) -> Charge {
    Spent { tokens: limits.max_tokens, cost_micro_usd: limits.max_cost_micro_usd.unwrap_or_default() }.into()
}

impl Book {
    fn used(&self, agent: &str, day: i64) -> Charge {
        self.used.get(&day).and_then(|agents| agents.get(agent)).copied().unwrap_or_default()
    }

    fn reserved(&self, agent: &str) -> Charge {
        self.sums.get(agent).copied().unwrap_or_default()
    }

    fn add(&mut self, agent: String, day: i64, charge: Charge) {
        if charge == Charge::default() {
            return;
        }
        let used = self.used.entry(day).or_default().entry(agent).or_default();
        *used = used.plus(charge);
        while self.used.len() > 2 {
            self.used.pop_first();
        }
    }

    /// What a call may use, in place of what was held for it before.
    fn hold(&mut self, run: &RunId, agent: &str, call: &EffectId, charge: Charge) {
        self.release(run, call);
        let new = || Reserved { agent: agent.to_owned(), calls: BTreeMap::new() };
        self.reserved.entry(run.clone()).or_insert_with(new).calls.insert(call.clone(), charge);
        let sum = self.sums.entry(agent.to_owned()).or_default();
        *sum = sum.plus(charge);
    }

    fn release(&mut self, run: &RunId, call: &EffectId) {
        let Some(of_run) = self.reserved.get_mut(run) else { return };
        let Some(charge) = of_run.calls.remove(call) else { return };
        give_back(&mut self.sums, &of_run.agent, charge);
        if of_run.calls.is_empty() {
            self.reserved.remove(run);
        }
    }

    fn release_all(&mut self, run: &RunId) {
        let Some(Reserved { agent, calls }) = self.reserved.remove(run) else { return };
        for charge in calls.into_values() {
            give_back(&mut self.sums, &agent, charge);
        }
    }

    /// A part of what a call may use is used, or all of it.
    fn reduce(&mut self, run: &RunId, call: &EffectId, by: Charge) {
        let Some(of_run) = self.reserved.get_mut(run) else { return };
        let Some(charge) = of_run.calls.get_mut(call) else { return };
        let left = charge.minus(by);
        give_back(&mut self.sums, &of_run.agent, charge.minus(left));
        *charge = left;
    }
}

fn give_back(sums: &mut BTreeMap<String, Charge>, agent: &str, charge: Charge) {
    let Some(sum) = sums.get_mut(agent) else { return };
    *sum = sum.minus(charge);
    if *sum == Charge::default() {
        sums.remove(agent);
    }
}

/// What is not left of a day.
#[derive(Debug, PartialEq, Eq)]
struct Lacking {
    of: &'static str,
    limit: u64,
    used: u64,
    reserved: u64,
    needed: u64,
}

/// What of this is not left, if something is not. What nobody knows the need of, as the price of a first call, needs one more
/// than nothing.
fn lacking(most: &Allowance, used: Charge, reserved: Charge, needed: Charge) -> Option<Lacking> {
    let each = [
        ("calls", most.calls, used.calls, reserved.calls, needed.calls),
        ("tokens", most.tokens, used.tokens, reserved.tokens, needed.tokens),
        ("cost_micro_usd", most.cost_micro_usd, used.cost_micro_usd, reserved.cost_micro_usd, needed.cost_micro_usd),
    ];
    each.into_iter().find_map(|(of, limit, used, reserved, needed)| {
        let limit = limit?;
        let all = used.saturating_add(reserved).saturating_add(needed.max(1));
        (all > limit).then_some(Lacking { of, limit, used, reserved, needed })
    })
}

impl Lacking {
    fn error(&self, agent: &str) -> EffectError {
        let Self { of, limit, used, reserved, needed } = *self;
        let shown = |number: u64| match of {
            "cost_micro_usd" => format!("{} USD", usd(number)),
            of => format!("{number} {of}"),
        };
        let message = format!(
            "on this day (UTC) the runs of `{agent}` have used {}, may use {} more already, and this may use {}; the limit is {}",
            shown(used),
            shown(reserved),
            shown(needed),
            shown(limit)
        );
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let details = [
            ("of", Value::from(of)),
            ("per", Value::from("day")),
            ("agent", Value::from(agent)),
            ("limit", number(limit)),
            ("measured", number(used.saturating_add(reserved).saturating_add(needed))),
            ("used", number(used)),
            ("reserved", number(reserved)),
            ("needed", number(needed)),
        ];
        EffectError::new("budget_exhausted", message).with_details(details.into_iter().collect())
    }
}

impl Engine {
    /// Reads what was used today and what is reserved: once, before any run is in memory, and the first again after a commit
    /// of which nobody knows whether it counts.
    pub(super) async fn load_ledger(&self) -> Result<(), EngineError> {
        let ledger = &self.ledger;
        if !ledger.is_kept {
            return Ok(());
        }
        ledger.loaded.get_or_try_init(|| Box::pin(self.reserve_open())).await?;
        if ledger.doubts.swap(false, Ordering::Relaxed) {
            Box::pin(self.count_used()).await.inspect_err(|_| ledger.doubt())?;
        }
        Ok(())
    }

    async fn count_used(&self) -> Result<(), EngineError> {
        let day = day_of(self.clock.now());
        for spending in self.store.spending(day).await? {
            let mut book = self.ledger.book();
            // What is heard meanwhile is not forgotten: both only grow.
            let more = spending.charge.minus(book.used(&spending.agent, day));
            book.add(spending.agent, day, more);
        }
        Ok(())
    }

    async fn reserve_open(&self) -> Result<(), EngineError> {
        self.count_used().await?;
        for status in [TaskStatus::Queued, TaskStatus::Leased, TaskStatus::Running] {
            let filter = TaskFilter { status: Some(status), limit: usize::MAX, ..TaskFilter::default() };
            for task in self.store.list_tasks(&filter).await? {
                let Some(of) = &task.of else { continue };
                let charge = self.needed_of(&task, &of.run).await?;
                self.ledger.book().hold(&of.run, &task.agent_slug, &of.effect, charge);
            }
        }
        Ok(())
    }

    /// What an open task may use. That it is asked for is counted already.
    async fn needed_of(&self, task: &Task, run: &RunId) -> Result<Charge, EngineError> {
        if task.flow.is_none() {
            return Ok(Spent { tokens: tokens_of(&task.request), cost_micro_usd: 0 }.into());
        }
        let record = self.record_of(run).await?;
        let limits = match self.store.history(run, 1, 1).await?.pop().and_then(|first| first.payload) {
            Some(Payload::RunStarted(Started { limits: Some(limits), .. })) => limits,
            _ => match self.pinned(&record, Pinned::Resume).await.and_then(|ir| Ok(self.program(&ir)?)) {
                Ok(program) => *program.limits(),
                // It cannot go on.
                Err(error) if error.is_of_program() => return Ok(Charge::default()),
                Err(error) => return Err(error),
            },
        };
        let used = Spent { tokens: record.tokens, cost_micro_usd: record.cost_micro_usd };
        Ok(all_of(&limits).minus(used.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(calls: u64, tokens: u64, cost_micro_usd: u64) -> Charge {
        Charge { calls, tokens, cost_micro_usd }
    }

    #[test]
    fn reservations_are_summed_by_agent_and_given_back() {
        let mut book = Book::default();
        let (runs, calls) = (["r1", "r2"].map(RunId::new), ["n1#1", "n2#1"].map(EffectId::new));
        book.hold(&runs[0], "a", &calls[0], charge(1, 10, 3));
        book.hold(&runs[0], "a", &calls[1], charge(1, 20, 3));
        for tokens in [50, 30] {
            book.hold(&runs[1], "a", &calls[0], charge(1, tokens, 0));
        }
        assert_eq!(book.reserved("a"), charge(3, 60, 6));
        book.reduce(&runs[0], &calls[0], charge(1, 4, 5));
        assert_eq!(book.reserved("a"), charge(2, 56, 3), "no more than it had");
        book.release(&runs[0], &calls[0]);
        assert_eq!(book.reserved("a"), charge(2, 50, 3));
        book.release_all(&runs[0]);
        book.release(&runs[0], &calls[1]);
        assert_eq!(book.reserved("a"), charge(1, 30, 0));
        book.release_all(&runs[1]);
        assert!(book.reserved.is_empty() && book.sums.is_empty());
    }

    #[test]
    fn two_days_are_known() {
        let mut book = Book::default();
        for day in [1, 2, 3, 2] {
            book.add("a".to_owned(), day, charge(1, 5, 0));
        }
        assert_eq!([1, 2, 3, 4].map(|day| book.used("a", day).tokens), [0, 10, 5, 0]);
    }

    #[test]
    fn what_is_not_left_is_told_and_what_nobody_knows_needs_something() {
        let most = Allowance { calls: Some(2), tokens: Some(100), cost_micro_usd: Some(50) };
        let lacks = |used, reserved, needed| lacking(&most, used, reserved, needed).map(|lacking| lacking.of);
        assert_eq!(lacks(charge(1, 40, 0), charge(0, 30, 0), charge(1, 30, 50)), None);
        assert_eq!(lacks(charge(1, 0, 0), charge(1, 0, 0), charge(1, 0, 0)), Some("calls"));
        assert_eq!(lacks(charge(1, 40, 0), charge(0, 31, 0), charge(1, 30, 0)), Some("tokens"));
        assert_eq!(
            lacks(charge(1, 0, 50), charge(0, 0, 0), charge(1, 0, 0)),
            Some("cost_micro_usd"),
            "it has no price yet"
        );
    }
}
