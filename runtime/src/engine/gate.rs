//! Who may begin: so many runs at once, so many of each agent, and the others in the order in which they came.
//!
//! The agent of a run is its flow. A run has its agent's place from its beginning to its end, whatever it does meanwhile, so
//! that two runs of an agent do not interleave; a run that goes on in its place has it from then on. Of the server's places a
//! run that does nothing but wait for a time, a signal or a person takes none, and is not held up when it goes on. A run that
//! another run waits for belongs to that one: holding it up could hold up both for ever.
//!
//! Nothing here is the truth: that is which runs the store has as queued and as running, and the numbers of their turns.

use std::collections::BTreeMap;

use crate::record::{RunId, RunStatus};
use crate::store::{Append, StandingRun};

/// How many runs may be under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// On this server, apart from those that do nothing but wait; `None`: any number.
    pub at_once: Option<u32>,
    /// Of each agent that is not named below.
    pub each_agent: Share,
    /// Of these agents.
    pub agents: BTreeMap<String, Share>,
}

/// How many runs of an agent there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Under way; `None`: any number.
    pub at_once: Option<u32>,
    /// Waiting until they may begin; `None`: any number. With more, a submission is refused.
    pub queued: Option<u32>,
}

impl Admission {
    fn share(&self, agent: &str) -> Share {
        self.agents.get(agent).copied().unwrap_or(self.each_agent)
    }

    /// Whether nothing is ever held up.
    fn is_unlimited(&self) -> bool {
        self.at_once.is_none() && self.each_agent.at_once.is_none() && self.agents.values().all(|s| s.at_once.is_none())
    }
}

/// An agent has all the runs that it may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("agent `{agent}` has {under_way} runs under way and {queued} that wait for their turn, and may not have more")]
pub struct QueueFull {
    /// Which.
    pub agent: String,
    /// How many of its runs have begun.
    pub under_way: usize,
    /// How many wait for their turn.
    pub queued: usize,
}

/// What a commit says of a run.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// It waits until it may begin.
    Queued,
    /// It goes on.
    Busy,
    /// It does nothing but wait for a time, a signal or a person.
    Rests,
    /// It has ended.
    Over,
    /// Another run goes on in its place.
    ContinuedBy {
        /// Which.
        run: RunId,
        /// Whether that one does nothing but wait.
        rests: bool,
    },
}

impl Standing {
    pub(super) fn of(append: &Append) -> Self {
        match (&append.next, append.status) {
            (Some(next), _) => Self::ContinuedBy { run: next.run.id.clone(), rests: next.first.waiting },
            (None, status) if status.is_terminal() => Self::Over,
            (None, RunStatus::Requested | RunStatus::Queued) => Self::Queued,
            (None, _) if append.waiting => Self::Rests,
            (None, _) => Self::Busy,
        }
    }
}

/// A run that has begun, or may.
#[derive(Debug)]
struct Place {
    agent: String,
    is_busy: bool,
    /// Whether its beginning is recorded.
    has_begun: bool,
    claims: Claims,
}

/// A run that waits until it may begin.
#[derive(Debug)]
struct Waiting {
    run: RunId,
    claims: Claims,
}

/// Who is about to keep a run: the same submission may come twice at the same time.
#[derive(Debug, Default)]
struct Claims {
    /// Whether the store has it.
    is_kept: bool,
    /// How many of those who are about to keep it have not said whether they did.
    open: u32,
}

/// The runs of an agent.
#[derive(Debug, Default)]
struct Agent {
    /// How many have a place.
    placed: usize,
    queue: BTreeMap<u64, Waiting>,
}

/// Which runs have a place, and which wait for one.
#[derive(Debug)]
pub(super) struct Gate {
    limits: Admission,
    placed: BTreeMap<RunId, Place>,
    busy: usize,
    /// Those that have a place and whose agent has runs.
    agents: BTreeMap<String, Agent>,
    queued: BTreeMap<RunId, (String, u64)>,
    /// The first of each agent that has a place for it.
    ready: BTreeMap<u64, String>,
    last: u64,
    /// What was heard before the store's runs were read; `None` after that.
    early: Option<BTreeMap<RunId, Standing>>,
}

impl Gate {
    pub(super) fn new(limits: Admission) -> Self {
        Self {
            limits,
            placed: BTreeMap::new(),
            busy: 0,
            agents: BTreeMap::new(),
            queued: BTreeMap::new(),
            ready: BTreeMap::new(),
            last: 0,
            early: Some(BTreeMap::new()),
        }
    }

    /// Whether it has to know which runs have begun.
    pub(super) fn counts(&self) -> bool {
        !self.limits.is_unlimited()
    }

    /// Takes over what the store has, once. Gives the runs that may begin now.
    pub(super) fn load(&mut self, queued: Vec<StandingRun>, running: Vec<StandingRun>) -> Vec<RunId> {
        let Some(early) = self.early.take() else { return Vec::new() };
        for run in running.into_iter().filter(|run| !run.awaited) {
            let (id, rests) = match early.get(&run.id) {
                Some(Standing::Over) => continue,
                Some(Standing::ContinuedBy { run: next, rests }) => (next.clone(), *rests),
                Some(Standing::Rests) => (run.id, true),
                Some(Standing::Busy) => (run.id, false),
                Some(Standing::Queued) | None => (run.id, run.waiting),
            };
            if !self.placed.contains_key(&id) {
                let claims = Claims { is_kept: true, open: 0 };
                self.place(id, Place { agent: run.flow, is_busy: !rests, has_begun: true, claims });
            }
        }
        let mut queued: Vec<StandingRun> = queued.into_iter().filter(|run| !early.contains_key(&run.id)).collect();
        queued.sort_by_key(|run| run.turn);
        for run in queued {
            let number = run.turn.unwrap_or(self.last.saturating_add(1));
            self.last = self.last.max(number);
            self.wait(run.id, &run.flow, number, Claims { is_kept: true, open: 0 });
        }
        self.admit()
    }

    /// Takes a place for a run that is about to be kept, or a number among those that wait for one. What is told of it is
    /// [`Gate::hear`] or [`Gate::withdraw`], once for each time that this is called.
    pub(super) fn enter(&mut self, run: &RunId, agent: &str) -> Result<Option<u64>, QueueFull> {
        if let Some(place) = self.placed.get_mut(run) {
            place.claims.open += 1;
            return Ok(None);
        }
        if let Some((agent, number)) = self.queued.get(run) {
            if let Some(waiting) = self.agents.get_mut(agent).and_then(|agent| agent.queue.get_mut(number)) {
                waiting.claims.open += 1;
            }
            return Ok(Some(*number));
        }
        let (share, claims) = (self.limits.share(agent), Claims { is_kept: false, open: 1 });
        let (placed, waiting) = self.agents.get(agent).map_or((0, 0), |agent| (agent.placed, agent.queue.len()));
        if waiting == 0 && is_below(placed, share.at_once) && is_below(self.busy, self.limits.at_once) {
            if self.counts() {
                let agent = agent.to_owned();
                self.place(run.clone(), Place { agent, is_busy: true, has_begun: true, claims });
            }
            return Ok(None);
        }
        if !is_below(waiting, share.queued) {
            return Err(QueueFull { agent: agent.to_owned(), under_way: placed, queued: waiting });
        }
        let number = self.last.saturating_add(1);
        self.last = number;
        self.wait(run.clone(), agent, number, claims);
        Ok(Some(number))
    }

    /// Takes note of what a commit says of a run. Gives the runs that may begin by it.
    pub(super) fn hear(&mut self, run: &RunId, standing: Standing) -> Vec<RunId> {
        match &standing {
            Standing::Over => self.leave(run),
            Standing::ContinuedBy { run: next, rests } => {
                if let Some(place) = self.placed.remove(run) {
                    self.placed.insert(next.clone(), place);
                    self.note_busy(next, !rests);
                }
            }
            Standing::Queued => {
                if let Some(waiting) = self.waiting(run) {
                    waiting.claims = Claims { is_kept: true, open: waiting.claims.open.saturating_sub(1) };
                }
                self.offer_first_of(run);
            }
            Standing::Busy | Standing::Rests => {
                self.note_busy(run, matches!(standing, Standing::Busy));
            }
        }
        let counts = self.counts();
        if let Some(early) = self.early.as_mut().filter(|_| counts) {
            early.insert(run.clone(), standing);
        }
        self.admit()
    }

    /// A run that was about to be kept was not, as far as this one knows who was about to.
    pub(super) fn withdraw(&mut self, run: &RunId) -> Vec<RunId> {
        let claims = match self.placed.get_mut(run) {
            Some(place) => Some(&mut place.claims),
            None => self.waiting(run).map(|waiting| &mut waiting.claims),
        };
        let Some(claims) = claims else { return Vec::new() };
        claims.open = claims.open.saturating_sub(1);
        if claims.open == 0 && !claims.is_kept {
            self.leave(run);
        }
        self.admit()
    }

    /// Whether a run that the store has as queued may begin.
    pub(super) fn may_begin(&self, run: &RunId) -> bool {
        !self.counts() || self.placed.contains_key(run)
    }

    /// Runs that have been given a place, and have not begun.
    pub(super) fn due(&self) -> Vec<RunId> {
        self.placed.iter().filter(|(_, place)| !place.has_begun).map(|(run, _)| run.clone()).collect()
    }

    /// How many runs of its agent begin before this one, with itself; `None` for one that does not wait.
    pub(super) fn position(&self, run: &RunId) -> Option<u64> {
        let (agent, number) = self.queued.get(run)?;
        Some(self.agents.get(agent)?.queue.range(..=number).count() as u64)
    }

    fn note_busy(&mut self, run: &RunId, is_busy: bool) {
        if let Some(place) = self.placed.get_mut(run) {
            let was_busy = std::mem::replace(&mut place.is_busy, is_busy);
            (place.has_begun, place.claims.is_kept) = (true, true);
            self.busy = self.busy + usize::from(is_busy) - usize::from(was_busy);
        }
    }

    fn place(&mut self, run: RunId, place: Place) {
        self.busy += usize::from(place.is_busy);
        self.agents.entry(place.agent.clone()).or_default().placed += 1;
        self.placed.insert(run, place);
    }

    fn wait(&mut self, run: RunId, agent: &str, number: u64, claims: Claims) {
        self.queued.insert(run.clone(), (agent.to_owned(), number));
        self.agents.entry(agent.to_owned()).or_default().queue.insert(number, Waiting { run, claims });
        self.offer(agent);
    }

    fn waiting(&mut self, run: &RunId) -> Option<&mut Waiting> {
        let (agent, number) = self.queued.get(run)?;
        self.agents.get_mut(agent)?.queue.get_mut(number)
    }

    /// Takes a run out, wherever it stands.
    fn leave(&mut self, run: &RunId) {
        let agent = if let Some(place) = self.placed.remove(run) {
            self.busy -= usize::from(place.is_busy);
            if let Some(agent) = self.agents.get_mut(&place.agent) {
                agent.placed -= 1;
            }
            place.agent
        } else if let Some((agent, number)) = self.queued.remove(run) {
            if let Some(agent) = self.agents.get_mut(&agent) {
                agent.queue.remove(&number);
            }
            self.ready.remove(&number);
            agent
        } else {
            return;
        };
        if self.agents.get(&agent).is_some_and(|agent| agent.placed == 0 && agent.queue.is_empty()) {
            self.agents.remove(&agent);
        }
        self.offer(&agent);
    }

    fn offer_first_of(&mut self, run: &RunId) {
        if let Some((agent, _)) = self.queued.get(run) {
            let agent = agent.clone();
            self.offer(&agent);
        }
    }

    /// Lets the first run of an agent begin as soon as the server has a place, if the agent has one.
    fn offer(&mut self, agent: &str) {
        let share = self.limits.share(agent);
        let Some(runs) = self.agents.get(agent) else { return };
        let Some((number, first)) = runs.queue.first_key_value() else { return };
        if first.claims.is_kept && is_below(runs.placed, share.at_once) {
            self.ready.insert(*number, agent.to_owned());
        }
    }

    /// Gives places to those whose turn it is.
    fn admit(&mut self) -> Vec<RunId> {
        let mut begin = Vec::new();
        while self.early.is_none() && is_below(self.busy, self.limits.at_once) {
            let Some((number, agent)) = self.ready.pop_first() else { break };
            let Some(Waiting { run, claims }) = self.agents.get_mut(&agent).and_then(|a| a.queue.remove(&number))
            else {
                continue;
            };
            self.queued.remove(&run);
            self.place(run.clone(), Place { agent: agent.clone(), is_busy: true, has_begun: false, claims });
            self.offer(&agent);
            begin.push(run);
        }
        begin
    }
}

/// Whether there may be one more.
fn is_below(count: usize, most: Option<u32>) -> bool {
    most.is_none_or(|most| count < usize::try_from(most).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests;
