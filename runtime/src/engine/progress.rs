//! What a run does, told while it happens.

use std::time::Duration;

use bloom_interpreter::Program;
use bloom_interpreter::effect::{AwaitedThing, EffectCall, EffectError, EffectId, EffectRequest, Emission, Usage};
use bloom_interpreter::program::Place;
use bloom_ir::document::NodeId;

use super::run::RunEnd;
use crate::record::{ProposalId, RunId};

/// Is told what runs do. Called on the engine's tasks: it must be quick and must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, progress: Progress);
}

/// Nobody looks.
impl Observer for () {
    fn observe(&self, _: Progress) {}
}

/// Something that happened in a run.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Which run.
    pub run: RunId,
    /// The number of events that are recorded by now; `None` for what is not recorded and may still be lost.
    pub recorded: Option<u64>,
    /// What.
    pub step: Step,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Step {
    /// The run was accepted.
    Started,
    /// The run goes on after a stop, from its history.
    Resumed,
    /// An effect is being performed.
    Performing {
        /// What.
        effect: EffectSpot,
        /// From 1.
        attempt: u32,
    },
    /// An attempt failed; another follows.
    AttemptFailed {
        /// Of what.
        effect: EffectSpot,
        /// From 1.
        attempt: u32,
        /// Why.
        error: EffectError,
        /// Until the next attempt.
        delay: Duration,
    },
    /// An effect has its outcome.
    Settled {
        /// Which.
        effect: EffectSpot,
        /// The attempt that settled it.
        attempt: u32,
        /// Since it was first performed in this process, or by the worker that executes the run; `None` where that is not known.
        took: Option<Duration>,
        /// Why it failed, if it did.
        error: Option<EffectError>,
        /// What it cost; of an LLM.
        usage: Option<Usage>,
    },
    /// The run handed something out.
    Emitted {
        /// What.
        emission: Emission,
        /// As which proposal it is kept, if it is one.
        proposal: Option<ProposalId>,
    },
    /// The run ended.
    Ended(RunEnd),
}

/// An effect, for people.
#[derive(Clone, Debug)]
pub struct EffectSpot {
    /// Its id.
    pub effect: EffectId,
    /// Its node.
    pub node: NodeId,
    /// How often the node was entered, from 1.
    pub visit: u64,
    /// Its place in the source, with the icon's text.
    pub place: Option<Place>,
    /// What is asked.
    pub asks: Asked,
    /// The first text among a tool's arguments: shortly, what the call is about.
    pub about: Option<String>,
}

impl EffectSpot {
    /// An effect of a program.
    pub(super) fn of(program: &Program, request: &EffectRequest) -> Self {
        Self {
            effect: request.id.clone(),
            node: request.node.clone(),
            visit: request.visit,
            place: program.place(&request.node),
            asks: Asked::of(&request.call),
            about: match &request.call {
                EffectCall::Tool(tool) => tool.first_text().map(str::to_owned),
                _ => None,
            },
        }
    }
}

/// What is asked, without the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A tool, by name.
    Tool(String),
    /// An LLM; the model, if the node names one.
    Llm(Option<String>),
    /// Another flow, by its id.
    Flow(String),
    /// A time.
    Sleep,
    /// That a timer starts, by name.
    Timer(String),
    /// A signal, by name.
    Signal(String),
    /// That a timer fires, by name.
    Fired(String),
    /// A person; the question's title.
    Person(String),
}

impl Asked {
    pub(super) fn of(call: &EffectCall) -> Self {
        match call {
            EffectCall::Tool(request) => Self::Tool(request.tool.clone()),
            EffectCall::Llm(request) => Self::Llm(request.model.clone()),
            EffectCall::Flow(request) => Self::Flow(request.flow.clone()),
            EffectCall::Sleep(_) => Self::Sleep,
            EffectCall::Timer(request) => Self::Timer(request.name.clone()),
            EffectCall::Await(request) => match &request.what {
                AwaitedThing::Signal(name) => Self::Signal(name.clone()),
                AwaitedThing::Timer(timer) => Self::Fired(timer.name.clone()),
                AwaitedThing::Ask(question) => Self::Person(question.title.clone()),
            },
        }
    }
}
