//! Lines for the operator who looks for a fault. They are no part of a call's result, and a flow cannot see them.
//!
//! All lines of a call together may have 64 KiB, where each counts 16 bytes more than its text; more stops the call.

pub use crate::bindings::bloom::tool::log::Level;
use crate::host;

/// For whoever writes the tool.
pub fn debug(line: impl AsRef<str>) {
    host::log::write(Level::Debug, line.as_ref());
}

/// Worth knowing.
pub fn info(line: impl AsRef<str>) {
    host::log::write(Level::Info, line.as_ref());
}

/// Something is odd; the call goes on.
pub fn warn(line: impl AsRef<str>) {
    host::log::write(Level::Warn, line.as_ref());
}

/// Something is wrong.
pub fn error(line: impl AsRef<str>) {
    host::log::write(Level::Error, line.as_ref());
}
