//! What a panic says, for who goes on after it.

use std::any::Any;

/// The message of a panic that was caught; `None` where it has none that is text.
pub fn message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
