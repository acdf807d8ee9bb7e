//! Budget profiles: what an operator lets runs use, beside what is signed with their flows.

use std::collections::BTreeMap;

use bloom_ir::document::Limits;

/// The budget profiles that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// By name. The one that is called [`Budgets::STANDARD`] need not be here, and then bounds nothing.
    pub profiles: BTreeMap<String, Budget>,
    /// Those of agents, by agent. They hold for all their runs, also for those that name another, and then the lesser of both.
    pub agents: BTreeMap<String, String>,
}

/// A budget profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// What a run may use, where that is less than its limits say.
    pub run: Allowance,
    /// How long a run may be active, in seconds, where that is less than its limits say.
    pub timeout_seconds: Option<u32>,
    /// What all runs of an agent may use together in a day (UTC), by the time of what is recorded.
    pub day: Allowance,
}

/// What may be used; `None`: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Calls of LLMs.
    pub calls: Option<u64>,
    /// Tokens in and out.
    pub tokens: Option<u64>,
    /// In millionths of a US dollar, as far as the providers say.
    pub cost_micro_usd: Option<u64>,
}

/// There is no such budget profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no budget profile `{name}`; there are {}", .known.join(", "))]
pub struct NoSuchBudget {
    /// Which.
    pub name: String,
    /// Those that there are.
    pub known: Vec<String>,
}

impl Budgets {
    /// The profile of runs that name none and whose agent has none.
    pub const STANDARD: &str = "standard";

    /// The name of the profile of a run, if it is not the standard one: the one that is named, else that of its agent.
    pub fn choose(&self, named: Option<&str>, agent: &str) -> Result<Option<String>, NoSuchBudget> {
        let name = named.or_else(|| self.agents.get(agent).map(String::as_str)).unwrap_or(Self::STANDARD);
        if !self.has(name) {
            return Err(NoSuchBudget { name: name.to_owned(), known: self.names() });
        }
        Ok(Some(name.to_owned()).filter(|name| name != Self::STANDARD))
    }

    /// Whether there is such a profile.
    pub(super) fn has(&self, name: &str) -> bool {
        name == Self::STANDARD || self.profiles.contains_key(name)
    }

    /// All names, in order.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.profiles.keys().cloned().collect();
        if !self.profiles.contains_key(Self::STANDARD) {
            names.push(Self::STANDARD.to_owned());
            names.sort();
        }
        names
    }

    /// What holds for a run of an agent with a profile of that name. In place of one that is not there any more the standard
    /// one holds.
    pub fn of(&self, agent: &str, name: Option<&str>) -> Budget {
        let profile = |name: &str| self.profiles.get(name).copied();
        let of_run = name.and_then(profile).or_else(|| profile(Self::STANDARD)).unwrap_or_default();
        match self.agents.get(agent) {
            Some(own) if name != Some(own) => of_run.and(profile(own).unwrap_or_default()),
            _ => of_run,
        }
    }

    /// Whether what is used in a day matters.
    pub(super) fn bound_days(&self) -> bool {
        self.profiles.values().any(|budget| budget.day != Allowance::default())
    }
}

impl Budget {
    /// The lesser of both.
    fn and(self, other: Self) -> Self {
        Self {
            run: self.run.and(other.run),
            timeout_seconds: least(self.timeout_seconds, other.timeout_seconds),
            day: self.day.and(other.day),
        }
    }

    /// The limits of a run, as far as the profile narrows them.
    pub(super) fn narrowed(&self, limits: Limits) -> Limits {
        Limits {
            timeout_seconds: self
                .timeout_seconds
                .map_or(limits.timeout_seconds, |most| most.min(limits.timeout_seconds)),
            ..self.run.narrowed(limits)
        }
    }
}

impl Allowance {
    fn and(self, other: Self) -> Self {
        Self {
            calls: least(self.calls, other.calls),
            tokens: least(self.tokens, other.tokens),
            cost_micro_usd: least(self.cost_micro_usd, other.cost_micro_usd),
        }
    }

    /// The limits of a run that may use no more than this.
    pub(super) fn narrowed(&self, limits: Limits) -> Limits {
        Limits {
            max_tokens: self.tokens.map_or(limits.max_tokens, |most| most.min(limits.max_tokens)),
            max_cost_micro_usd: least(limits.max_cost_micro_usd, self.cost_micro_usd),
            ..limits
        }
    }
}

/// The lesser of two bounds.
fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
