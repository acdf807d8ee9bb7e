//! Contracts: JSON Schemas that values are held to when a run starts, at nodes, and when it ends.

use bloom_ir::document::Schema;
use bloom_ir::schema::Violation;
use bloom_ir::{CompiledSchema, Value};

use crate::effect::EffectError;

/// What a schema speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The run's inputs.
    Inputs,
    /// The run's result.
    Outputs,
    /// What a node was given.
    Input,
    /// What a node gave.
    Output,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Contract {
    side: Side,
    schema: CompiledSchema,
}

impl Contract {
    pub(crate) fn new(schema: &Schema, side: Side) -> Result<Self, String> {
        let schema = CompiledSchema::compile(schema).map_err(|error| format!("{}: {error}", error.pointer))?;
        Ok(Self { side, schema })
    }

    /// The error's code is `contract`; its details are `{contract, path, violations: [{path, message}]}`, of which
    /// `path` is the first violation's.
    pub(crate) fn check(&self, value: &Value) -> Result<(), EffectError> {
        self.schema.validate(value).map_err(|violations| broken(self.side, &violations))
    }

    /// The same error for what no schema says.
    pub(crate) fn violation(side: Side, path: &str, message: &str) -> EffectError {
        broken(side, &[Violation { path: path.to_owned(), message: message.to_owned() }])
    }
}

fn broken(side: Side, violations: &[Violation]) -> EffectError {
    let listed = violations.iter().map(|violation| -> Value {
        [("path", Value::from(violation.path.as_str())), ("message", Value::from(violation.message.as_str()))]
            .into_iter()
            .collect()
    });
    let first = violations.first();
    let message = match first {
        Some(Violation { path, message }) if path.is_empty() => format!("{}: {message}", side.name()),
        Some(Violation { path, message }) => format!("{} at {path}: {message}", side.name()),
        None => format!("{} do not satisfy their schema", side.name()),
    };
    let details = [
        ("contract", Value::from(side.name())),
        ("path", Value::from(first.map_or("", |violation| violation.path.as_str()))),
        ("violations", listed.collect()),
    ];
    EffectError::new("contract", message).with_details(details.into_iter().collect())
}
