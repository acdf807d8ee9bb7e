//! What a name may be.

/// The members of `run`.
pub(super) const RUN_MEMBERS: [&str; 5] = ["id", "flow", "version", "started_at", "now"];

/// CEL's reserved words, its keywords included.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Whether the name is one of CEL's reserved words.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Whether the name is a CEL identifier (`[_a-zA-Z][_a-zA-Z0-9]*`) and not reserved: it may follow a dot, and a macro
/// may bind it unless the language gives it a meaning.
pub fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && characters.all(|character| character == '_' || character.is_ascii_alphanumeric())
        && !is_reserved(name)
}
