//! What a run may spend: reserved before an LLM is asked, and settled by what it has used.
//!
//! A call is not made that may use more than is left; then it is the node's error `budget_exhausted`, which `on_error` takes.
//! One that would fit if others of the run had not reserved what is left waits for them. What a call may use is an estimate: of
//! its tokens, the answer's limit and a token for each four characters of the prompt; of its cost, that of the dearest call of
//! the run so far. So a call may use more than was reserved, and the limit itself is then met before the next one.

use bloom_interpreter::effect::{EffectCall, EffectError, EffectId, LlmRequest, Usage};
use bloom_interpreter::usd;
use bloom_ir::Value;
use bloom_ir::document::Limits;

use super::open::Open;
use super::run::{Desk, Run, with_last};
use crate::record::{Charge, Spent};

/// Characters of a prompt that are a token, at least.
const CHARS_PER_TOKEN: u64 = 4;

impl Run {
    /// What it may use.
    pub(super) fn limits(&self) -> &Limits {
        self.machine.limits()
    }

    /// What it has used so far.
    pub(super) fn spent(&self) -> Spent {
        Spent { tokens: self.machine.tokens(), cost_micro_usd: self.machine.cost_micro_usd() }
    }

    /// Takes note of what a call has cost.
    pub(super) fn note_cost(&mut self, usage: &Usage) {
        self.dearest = self.dearest.max(usage.cost_micro_usd.unwrap_or_default());
    }

    /// What a call may use, as far as that can be told before.
    pub(super) fn needed(&self, call: &LlmRequest) -> Spent {
        Spent { tokens: tokens_of(call), cost_micro_usd: self.dearest }
    }

    /// What a call may use, if that is left to the run, and to its agent for this day; `None` as long as other calls of the
    /// run have reserved it.
    pub(super) fn reserve(
        &self,
        effect: &EffectId,
        call: &LlmRequest,
        desk: &Desk<'_>,
    ) -> Result<Option<Spent>, EffectError> {
        let (needed, budget) = (self.needed(call), desk.config.budgets.of(self.agent(), self.budget.as_deref()));
        if let Some(most) = budget.run.calls {
            let calls = Bound { limit: most, spent: self.calls, reserved: 0 };
            calls.check(1, "calls", |number| format!("{number} calls"))?;
        }
        let (spent, reserved, limits) = (self.spent(), self.open.reserved(), self.limits());
        let tokens = Bound { limit: limits.max_tokens, spent: spent.tokens, reserved: reserved.tokens };
        let mut is_free = tokens.check(needed.tokens, "tokens", |number| format!("{number} tokens"))?;
        if let Some(limit) = limits.max_cost_micro_usd {
            let cost = Bound { limit, spent: spent.cost_micro_usd, reserved: reserved.cost_micro_usd };
            is_free &= cost.check(needed.cost_micro_usd, "cost_micro_usd", |number| format!("{} USD", usd(number)))?;
        }
        if !is_free {
            return Ok(None);
        }
        let charge = Charge { calls: 1, ..Charge::from(needed) };
        desk.ledger.reserve((&self.id, effect), self.agent(), &budget.day, charge, self.at(desk))?;
        Ok(Some(needed))
    }

    /// What calls may use that are asked for and have no outcome.
    pub(super) fn needed_by_open(&self) -> impl Iterator<Item = (EffectId, Charge)> {
        let asked = |open: &&Open| {
            open.effect.is_requested() && !open.is_asked_about && matches!(open.effect.ask().call, EffectCall::Llm(_))
        };
        self.open.iter().filter(asked).map(|open| (open.effect.ask().id.clone(), Charge::from(open.reserved)))
    }

    /// Whether a call may be tried again after an attempt that used something.
    pub(super) fn may_try_again(&self, error: &EffectError, desk: &Desk<'_>) -> Result<(), EffectError> {
        let mut spent = self.spent();
        if let Some(usage) = &error.usage {
            spent.add(usage);
        }
        let mut more = Charge::default();
        error.usage.iter().for_each(|usage| more.add_usage(usage));
        let day = desk.config.budgets.of(self.agent(), self.budget.as_deref()).day;
        let of_day = desk.ledger.check(self.agent(), &day, more, self.at(desk));
        let limits = self.limits();
        let tokens = Bound { limit: limits.max_tokens, spent: spent.tokens, reserved: 0 };
        let cost = limits.max_cost_micro_usd;
        let cost = cost.map(|limit| Bound { limit, spent: spent.cost_micro_usd, reserved: 0 });
        let exhausted = if tokens.spent >= tokens.limit {
            tokens.exhausted(0, "tokens", |number| format!("{number} tokens"))
        } else if let Some(cost) = cost.filter(|cost| cost.spent >= cost.limit) {
            cost.exhausted(0, "cost_micro_usd", |number| format!("{} USD", usd(number)))
        } else if let Err(exhausted) = of_day {
            exhausted
        } else {
            return Ok(());
        };
        let message = format!("{}; the last attempt failed: {error}", exhausted.message);
        let details = exhausted.details.clone().map(|details| with_last(details, error));
        Err(EffectError { message, details, usage: error.usage.clone(), ..exhausted })
    }

    /// What a run that it starts may use: no more than it has left itself.
    pub(super) fn left_for_another(&self) -> Limits {
        let (spent, reserved, limits) = (self.spent(), self.open.reserved(), self.limits());
        let left = |limit: u64, spent: u64, reserved: u64| limit.saturating_sub(spent).saturating_sub(reserved);
        Limits {
            max_tokens: left(limits.max_tokens, spent.tokens, reserved.tokens),
            max_cost_micro_usd: limits
                .max_cost_micro_usd
                .map(|limit| left(limit, spent.cost_micro_usd, reserved.cost_micro_usd)),
            ..UNLIMITED
        }
    }
}

/// Narrows nothing.
const UNLIMITED: Limits = Limits {
    timeout_seconds: u32::MAX,
    node_timeout_seconds: u32::MAX,
    max_tokens: u64::MAX,
    max_cost_micro_usd: None,
    max_steps: u64::MAX,
    max_events: u64::MAX,
    max_proposals: u32::MAX,
};

/// The tokens that a call may use, as far as that can be told before.
pub(super) fn tokens_of(call: &LlmRequest) -> u64 {
    let texts = [Some(&call.prompt), call.system.as_ref()].into_iter().flatten();
    let mut characters = texts.map(|text| text.chars().count() as u64).sum::<u64>();
    for memory in &call.memory {
        characters = characters.saturating_add(match memory {
            Value::String(text) => text.chars().count() as u64,
            other => other.to_bytes().len() as u64,
        });
    }
    call.max_tokens.unwrap_or_default().saturating_add(characters / CHARS_PER_TOKEN)
}

struct Bound {
    limit: u64,
    spent: u64,
    reserved: u64,
}

impl Bound {
    /// Whether so much is left and not reserved. What is not left, whatever others give back, is an error.
    fn check(&self, needed: u64, of: &str, shown: fn(u64) -> String) -> Result<bool, EffectError> {
        let alone = self.spent.saturating_add(needed);
        if alone > self.limit {
            return Err(self.exhausted(needed, of, shown));
        }
        Ok(alone.saturating_add(self.reserved) <= self.limit)
    }

    fn exhausted(&self, needed: u64, of: &str, shown: fn(u64) -> String) -> EffectError {
        let Self { limit, spent, .. } = *self;
        let measured = spent.saturating_add(needed);
        let message = format!(
            "the run has used {}, and this may use {} more; the limit is {}",
            shown(spent),
            shown(needed),
            shown(limit)
        );
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let details = [
            ("of", Value::from(of)),
            ("limit", number(limit)),
            ("measured", number(measured)),
            ("used", number(spent)),
            ("needed", number(needed)),
        ];
        EffectError::new("budget_exhausted", message).with_details(details.into_iter().collect())
    }
}
