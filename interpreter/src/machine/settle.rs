//! What an effect's outcome makes of the branch that asked for it.

use std::sync::Arc;

use super::frame::Frame;
use super::step::{Core, Fault};
use crate::effect::{Answer, EffectCall, EffectError, EffectRequest, TIMEOUT, Usage};
use crate::limit::{Limit, weight_within};
use crate::program::{Ask, Inner, Op};

impl Core {
    /// Counts what an LLM call cost, or all those of another flow.
    pub(super) fn spend(&mut self, call: &EffectCall, usage: Option<&Usage>) {
        if let (EffectCall::Llm(_) | EffectCall::Flow(_), Some(usage)) = (call, usage) {
            self.tokens = self.tokens.saturating_add(usage.tokens());
            self.cost = self.cost.saturating_add(usage.cost_micro_usd.unwrap_or_default());
        }
    }

    /// Binds an answer and goes on behind the node, or gives the error.
    pub(super) fn settle(
        &mut self,
        program: &Inner,
        frame: &mut Frame,
        request: &EffectRequest,
        result: Result<Answer, EffectError>,
    ) -> Result<(), Fault> {
        let node = program.node(frame.node);
        let Op::Ask { ask, into, next, on_timeout } = &node.op else {
            unreachable!("only a node that asks leaves a pending request, and the node stays until it is resolved")
        };
        let answer = match (result, on_timeout) {
            (Ok(answer), _) => answer,
            (Err(error), Some(on_timeout)) if error.code == TIMEOUT => {
                frame.node = *on_timeout;
                return Ok(());
            }
            (Err(error), _) => return Err(Fault::error(error)),
        };
        let value = answer.value.normalized();
        let weight = weight_within(Limit::Result, &value).map_err(Fault::limit)?;
        if let Ask::Await { answer, .. } = &**ask {
            answer.iter().try_for_each(|contract| contract.check(&value)).map_err(Fault::error)?;
        }
        if let Some(output) = node.checks.as_ref().and_then(|checks| checks.output.as_ref()) {
            output.check(&value).map_err(Fault::error)?;
        }
        if let EffectCall::Timer(timer) = &request.call {
            Arc::make_mut(&mut frame.timers).insert(timer.name.as_str().into(), timer.due);
        }
        if let Some(into) = *into {
            frame.bind_weighed(into, value, weight, self.inputs_weight)?;
        }
        frame.node = *next;
        Ok(())
    }
}
