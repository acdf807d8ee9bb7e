//! What the functions of [`bloom_ir::expr::functions`] do.
//!
//! Every one charges the meter before it works or allocates, in proportion to what it is given or makes.

mod collections;
mod convert;
pub(super) mod date;
mod json;
mod text;

use bloom_ir::Value;

use super::budget::Meter;
use super::error::EvalError;
use super::regular;

/// What a function does with its arguments.
pub(super) type Builtin = fn(&[Value], &mut Meter) -> Result<Value, EvalError>;

/// By name; the tests hold it against the table of the language.
pub(super) static BUILTINS: &[(&str, Builtin)] = &[
    ("bool", convert::bool),
    ("contains", text::contains),
    ("date.add", date::add),
    ("date.diff", date::diff),
    ("date.format", date::format),
    ("date.parse", date::parse),
    ("distinct", collections::distinct),
    ("div", convert::div),
    ("double", convert::double),
    ("endsWith", text::ends_with),
    ("int", convert::int),
    ("join", text::join),
    ("json.format", json::format),
    ("json.parse", json::parse),
    ("keys", collections::keys),
    ("lines", text::lines),
    ("lower", text::lower),
    ("matches", regular::matches),
    ("max", collections::max),
    ("merge", collections::merge),
    ("min", collections::min),
    ("replace", text::replace),
    ("size", collections::size),
    ("sort", collections::sort),
    ("split", text::split),
    ("startsWith", text::starts_with),
    ("string", convert::string),
    ("sum", collections::sum),
    ("tokens", text::tokens),
    ("trim", text::trim),
    ("upper", text::upper),
    ("words", text::words),
];

/// The function of that full name.
pub(super) fn find(name: &str) -> Option<Builtin> {
    BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, builtin)| *builtin)
}
