//! From text to tokens.

use std::ops::Range;

use super::ast::BinaryOp;

/// What a token is. Its own text is that of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `[_a-zA-Z][_a-zA-Z0-9]*`, words with a meaning of their own among them.
    Name,
    /// `12`
    Decimal,
    /// `0x1f`
    Hexadecimal,
    /// `1.5`, `.5`, `1e3`
    Double,
    /// A text with its quotation marks.
    Text,
    /// A quotation mark whose partner is missing.
    Unclosed,
    /// An infix operator other than `in`; `-` may turn out to be a prefix.
    Infix(BinaryOp),
    /// A bracket, or one of `.`, `,`, `:`, `?`, `!`.
    Symbol(u8),
    /// A character that begins no token.
    Other,
    /// The end of the text.
    End,
}

/// The first token at or after a position, past white space and comments.
pub(super) fn next_token(text: &str, position: usize) -> (Token, Range<usize>) {
    let start = position + blank(&text.as_bytes()[position..]);
    let (token, length) = token(&text[start..]);
    (token, start..start + length)
}

/// How many bytes of white space and comments there are.
fn blank(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at = past(bytes, at, |byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\x0C'));
        if !bytes[at..].starts_with(b"//") {
            return at;
        }
        at = past(bytes, at, |byte| byte != b'\n');
    }
}

/// Where the bytes from a position on are of the kind no more.
fn past(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !is(*byte)).unwrap_or(rest.len())
}

/// The token that the text begins with, and how long it is.
fn token(text: &str) -> (Token, usize) {
    let bytes = text.as_bytes();
    let [first, rest @ ..] = bytes else { return (Token::End, 0) };
    let infix = |op, length| (Token::Infix(op), length);
    match (first, rest.first()) {
        (b'r' | b'R', Some(b'\'' | b'"')) => quoted(bytes, 1),
        (b'\'' | b'"', _) => quoted(bytes, 0),
        (b'a'..=b'z' | b'A'..=b'Z' | b'_', _) => {
            (Token::Name, past(bytes, 1, |byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        }
        (b'0'..=b'9', _) | (b'.', Some(b'0'..=b'9')) => number(bytes),
        (b'|', Some(b'|')) => infix(BinaryOp::Or, 2),
        (b'&', Some(b'&')) => infix(BinaryOp::And, 2),
        (b'=', Some(b'=')) => infix(BinaryOp::Equal, 2),
        (b'!', Some(b'=')) => infix(BinaryOp::NotEqual, 2),
        (b'<', Some(b'=')) => infix(BinaryOp::LessEqual, 2),
        (b'>', Some(b'=')) => infix(BinaryOp::GreaterEqual, 2),
        (b'<', _) => infix(BinaryOp::Less, 1),
        (b'>', _) => infix(BinaryOp::Greater, 1),
        (b'+', _) => infix(BinaryOp::Add, 1),
        (b'-', _) => infix(BinaryOp::Subtract, 1),
        (b'*', _) => infix(BinaryOp::Multiply, 1),
        (b'/', _) => infix(BinaryOp::Divide, 1),
        (b'%', _) => infix(BinaryOp::Remainder, 1),
        (b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'.' | b',' | b':' | b'?' | b'!', _) => (Token::Symbol(*first), 1),
        _ => (Token::Other, text.chars().next().map_or(0, char::len_utf8)),
    }
}

fn number(bytes: &[u8]) -> (Token, usize) {
    let digits = |from| past(bytes, from, |byte| byte.is_ascii_digit());
    let whole = digits(0);
    if let [b'0', b'x' | b'X', digit, ..] = bytes
        && digit.is_ascii_hexdigit()
    {
        return (Token::Hexadecimal, past(bytes, 2, |byte| byte.is_ascii_hexdigit()));
    }
    let mut end = whole;
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let first = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digits(first) > first {
            end = digits(first);
        }
    }
    (if end == whole { Token::Decimal } else { Token::Double }, end)
}

/// A text whose quotation mark stands at `open`, after the `r` of a raw one.
fn quoted(bytes: &[u8], open: usize) -> (Token, usize) {
    let quote = bytes[open];
    let long = bytes[open..].starts_with(&[quote; 3]);
    let marks = if long { 3 } else { 1 };
    let raw = open > 0;
    let mut at = open + marks;
    loop {
        match bytes.get(at) {
            Some(b'\\') if !raw => at += 2,
            Some(b'\n' | b'\r') if !long => return (Token::Unclosed, open + 1),
            Some(byte) if *byte == quote && bytes[at..].starts_with(&[quote; 3][..marks]) => {
                return (Token::Text, at + marks);
            }
            Some(_) => at += 1,
            None => return (Token::Unclosed, open + 1),
        }
    }
}
