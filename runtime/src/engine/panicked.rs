//! Panics of a part of the engine, which the rest outlives.

use std::any::Any;

use crate::panics;

/// A panic's message.
#[derive(Debug)]
pub(super) struct Panicked(pub(super) String);

impl Panicked {
    pub(super) fn new(panic: &(dyn Any + Send)) -> Self {
        Self(format!("it panicked: {}", panics::message(panic).unwrap_or("without a message")))
    }
}
