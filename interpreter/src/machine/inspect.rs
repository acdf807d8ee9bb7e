//! A machine looked at from outside, between two of its steps.

use std::collections::BTreeMap;

use bloom_ir::Value;
use bloom_ir::document::NodeId;

use super::Machine;
use super::frame::Frame;
use super::step::Fault;
use crate::effect::EffectError;
use crate::expr;

/// Why an expression has no value at some moment.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvaluateError {
    /// The run has not started.
    #[error("the run has not started")]
    NotStarted,
    /// It is no expression.
    #[error("{0}")]
    Syntax(String),
    /// It failed.
    #[error(transparent)]
    Failed(EffectError),
}

impl Machine {
    /// The node that it does next, and the path of its branch; `None` where it can do none, or a branch comes to its join
    /// first.
    pub(crate) fn next_node(&self) -> Option<(&NodeId, &str)> {
        let frame = self.next_frame().filter(|frame| frame.exit != Some(frame.node))?;
        Some((self.program.inner().id(frame.node), &frame.path))
    }

    fn next_frame(&self) -> Option<&Frame> {
        let key = self.ready.front().filter(|_| self.end.is_none())?;
        Some(self.frames.get(*key))
    }

    /// The variables of a branch; of the main one, where there is none of this path.
    pub(crate) fn variables(&self, branch: &str) -> BTreeMap<String, Value> {
        let program = self.program.inner();
        self.frame_of(branch).state(program).map(|(name, value)| (name.to_string(), value)).collect()
    }

    /// The value of an expression in a branch, as if it stood at the node that comes next. Nothing changes by it.
    pub(crate) fn evaluate(&self, branch: &str, text: &str) -> Result<Value, EvaluateError> {
        let syntax = |error: &dyn std::fmt::Display| EvaluateError::Syntax(error.to_string());
        let ast = bloom_ir::expr::parse(text).map_err(|error| syntax(&error))?;
        let frame = self.frame_of(branch);
        let region = self.program.inner().region(frame.region);
        let expression = expr::compile(&ast, &mut |name| region.variable(name)).map_err(|error| syntax(&error))?;
        let mut core = self.core.clone();
        core.value(frame, &expression).map_err(|Fault { error, .. }| EvaluateError::Failed(*error))
    }

    /// What its variables and cursors count for together.
    pub(crate) fn weight(&self) -> u64 {
        self.frames.in_order().map(|(_, frame)| frame.weight()).fold(0, u64::saturating_add)
    }

    fn frame_of(&self, branch: &str) -> &Frame {
        let found = self.frames.in_order().find(|(_, frame)| &*frame.path == branch);
        found.map_or_else(|| self.frames.main(), |(_, frame)| frame)
    }
}
