//! The expression language of the IR: a subset of CEL ([cel-spec], `langdef.md`), as text and as a tree.
//!
//! Here is its syntax; its meaning is computed by the interpreter's `expr` module.
//!
//! # What is in the subset
//!
//! - Literals: `null`, `true`, `false`, ints (decimal and hexadecimal, 64 bits), doubles, texts in all of CEL's
//!   spellings (both quotes, triple quotes, raw, escapes), lists, maps. No bytes, no unsigned ints, no types as values.
//! - Operators with CEL's precedence: `?:`, `||`, `&&`, `==` `!=` `<` `<=` `>` `>=` `in`, `+` `-`, `*` `/` `%`, `!` and
//!   `-`, `.name`, `[index]`.
//! - `has(x.y)` and the macros `all`, `exists`, `exists_one`, `filter`, `map`.
//! - The functions of [`functions`]; an unknown one, or a wrong number of arguments, is a parse error.
//! - Names: a variable of the flow, only as `v['name']`; `input` and its members; `run.id`, `run.flow`, `run.version`,
//!   `run.started_at`, `run.now`; and the names that macros bind, which are ASCII as in CEL.
//!
//! A text is at most [`MAX_TEXT`] bytes long, its brackets nest at most [`MAX_NESTING`] and its tree at most [`MAX_DEPTH`]
//! levels deep, so a recursive walk over a parsed tree never runs out of stack.
//!
//! # One canonical spelling
//!
//! [`print()`] writes a tree in the one canonical spelling, and `parse(print(tree))` gives the same tree, if the tree is
//! one that [`parse()`] can give. Those built by hand differ from it only where a tree has two forms:
//! an [`ast::Expr::Index`] by a literal text reads back as an [`ast::Expr::Member`], and an [`ast::Expr::Has`] of a name
//! that is not an identifier as `'name' in target`.
//!
//! ```
//! use bloom_ir::expr::{parse, print, variables::names};
//!
//! let expr = parse(r#"v["notes"].filter(n, !(n.slug in v['done']))"#)?;
//! assert_eq!(print(&expr), "v['notes'].filter(n, !(n.slug in v['done']))");
//! assert_eq!(names(&expr).variables.into_iter().collect::<Vec<_>>(), ["done", "notes"]);
//!
//! let error = parse("v['notes'].sze()").unwrap_err();
//! assert_eq!(error.to_string(), "there is no method `sze`; did you mean `size`?");
//! assert_eq!(error.span, 11..14);
//! # Ok::<(), bloom_ir::expr::ParseError>(())
//! ```
//!
//! [cel-spec]: https://github.com/google/cel-spec

pub mod ast;
pub mod functions;
#[cfg(any(test, feature = "generators"))]
pub mod generators;
mod identifier;
mod parse;
mod print;
mod quote;
mod token;
pub mod types;
pub mod variables;

pub use ast::Expr;
pub use identifier::is_identifier;
pub use parse::{MAX_DEPTH, MAX_NESTING, MAX_TEXT, ParseError, ParseErrorKind, parse};
pub use print::print;
