//! Panics of a part of the engine, which the rest outlives.

use std::any::Any;

/// A panic's message.
#[derive(Debug)]
pub(super) struct Panicked(pub(super) String);

impl Panicked {
    pub(super) fn new(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self(format!("it panicked: {}", text.unwrap_or("without a message")))
    }
}
