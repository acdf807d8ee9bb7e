//! Settings and secrets that the operator gave this tool: capability `config:KEY` for each.
//!
//! A value must not come back in the output: the call fails with `secret_returned`. A secret that only goes into a header of
//! a request need not be asked for: the operator can have the host put it there.

use std::str::FromStr;

use crate::{Failure, host};

/// The value of a key. Fails with `not_granted` where the manifest does not ask for it.
pub fn get(key: &str) -> Result<String, Failure> {
    host::config::get(key)
}

/// The value of a key, read as a number, a flag, … Fails with `invalid_config` where it is none; the message does not hold
/// the value, which may be a secret.
pub fn parse<T: FromStr>(key: &str) -> Result<T, Failure> {
    get(key)?.parse().map_err(|_| {
        Failure::new("invalid_config", format!("the setting `{key}` is not of the form that this tool needs"))
    })
}
