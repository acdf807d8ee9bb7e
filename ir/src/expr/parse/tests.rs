use proptest::prelude::*;

use super::*;
use crate::expr::print;

#[track_caller]
fn message(text: &str) -> (String, Range<usize>) {
    let error = parse(text).expect_err(text);
    (error.to_string(), error.span)
}

#[test]
fn every_mistake_has_a_place_and_says_what_to_write() {
    for (text, part, expected) in [
        ("", 0..0, "expected an expression, found the end"),
        ("1 +", 3..3, "expected an expression, found the end"),
        ("1 2", 2..3, "expected an operator or the end of what is open, found `2`"),
        ("(1", 2..2, "expected an operator or the end of what is open, found the end"),
        ("1u", 1..2, "expected an operator or the end of what is open, found `u`"),
        ("[1, 2", 5..5, "expected an operator or the end of what is open, found the end"),
        ("'abc", 0..1, "expected a text that ends on its line, found `'`"),
        ("r'''abc''", 1..2, "expected a text that ends on its line, found `'`"),
        ("v['abc", 2..3, "expected a text that ends on its line, found `'`"),
        ("'a'.5", 3..4, "expected an operator or the end of what is open, found `.`"),
        ("'a'.'b'", 4..5, "expected a name, found `'`"),
        ("size(1,)", 7..8, "expected an expression, found `)`"),
        ("1 = 2", 2..3, "expected an operator or the end of what is open, found `=`"),
        ("х + 1", 0..2, "expected an expression, found `х`"),
        ("9223372036854775808", 0..19, "the integer 9223372036854775808 does not fit 64 bits"),
        ("1e999", 0..5, "the number 1e999 is too great for a double"),
        (r"'a\q'", 2..4, r"`\q` is no escape of a text; a backslash itself is written `\\`"),
        ("foo", 0..3, "there is no name `foo`; a variable is written v['foo']"),
        ("v", 0..1, "variables are written v['name'] and not otherwise"),
        ("v.name", 0..1, "variables are written v['name'] and not otherwise"),
        ("v['a' + 'b']", 0..1, "variables are written v['name'] and not otherwise"),
        ("v[0]", 0..1, "variables are written v['name'] and not otherwise"),
        ("'x' in v", 7..8, "variables are written v['name'] and not otherwise"),
        ("has(v.x)", 4..5, "variables are written v['name'] and not otherwise"),
        ("run", 0..3, "`run` has id, flow, version, started_at, now, and is used only through them"),
        ("run.clock", 0..3, "`run` has id, flow, version, started_at, now, and is used only through them"),
        ("input.if", 6..8, "`if` is a reserved word of the language; write ['if']"),
        ("while", 0..5, "`while` is a reserved word of the language"),
        ("in(1)", 0..2, "`in` is a reserved word of the language"),
        ("upper('a')", 0..5, "there is no function `upper`; it is a method: x.upper(…)"),
        ("'a'.words()", 4..9, "there is no method `words`; it is a function: words(…)"),
        ("siez('a')", 0..4, "there is no function `siez`; did you mean `size`?"),
        ("json.prase('a')", 0..10, "there is no function `json.prase`; did you mean `json.parse`?"),
        ("whatever(1)", 0..8, "there is no function `whatever`"),
        ("json", 0..4, "there is no name `json`; a variable is written v['json']"),
        ("size()", 4..6, "0 arguments do not fit: size(string) -> int; size(list) -> int; size(map) -> int"),
        ("'a'.replace('b')", 11..16, "2 arguments do not fit: replace(string, string, string) -> string"),
        (
            "has(input['x'])",
            3..15,
            "has() takes a member that is written with a dot, as has(x.name); for other names write 'name' in x",
        ),
        (
            "has(1)",
            3..6,
            "has() takes a member that is written with a dot, as has(x.name); for other names write 'name' in x",
        ),
        ("[1].all(x)", 7..10, "the form is list.all(name, condition)"),
        ("[1].all(x.y, true)", 7..18, "the form is list.all(name, condition)"),
        ("[1].filter(x, true, 1)", 10..22, "the form is list.filter(name, condition)"),
        ("[1].map(x, x, x, (x)) == 1", 7..21, "the form is list.map(name, value) or list.map(name, condition, value)"),
        ("[1].map()", 7..9, "the form is list.map(name, value) or list.map(name, condition, value)"),
        ("[1].map(v, v)", 8..9, "`v` has a meaning already and cannot be bound"),
        ("[1].map(json, 1)", 8..12, "`json` has a meaning already and cannot be bound"),
        ("[1].map(x, y)", 11..12, "there is no name `y`; a variable is written v['y']"),
        ("[1].map(x, x) == x", 17..18, "there is no name `x`; a variable is written v['x']"),
    ] {
        assert_eq!(message(text), (expected.to_owned(), part), "{text}");
    }
}

#[test]
fn limits_are_errors_and_not_crashes() {
    let too_deep = format!("the expression has more than {MAX_DEPTH} levels");
    let chain = |operands: usize, op: &str| vec!["1"; operands].join(op);
    assert!(parse(&chain(MAX_DEPTH, "+")).is_ok());
    assert_eq!(message(&chain(MAX_DEPTH + 1, "+")).0, too_deep);
    assert_eq!(message(&chain(10_000, " + ")).0, too_deep);
    assert_eq!(message(&chain(5_000, "?1:")).0, too_deep);
    assert_eq!(message(&format!("{}1", "!".repeat(60_000))).0, too_deep);
    assert_eq!(message(&format!("{}true", "-".repeat(60_000))).0, too_deep);
    assert_eq!(message(&format!("input{}", ".x".repeat(30_000))).0, too_deep);
    let too_nested = format!("the expression's brackets nest deeper than {MAX_NESTING} levels");
    for (open, close) in [("(", ")"), ("[", "]"), ("{'a':", "}"), ("size(", ")"), ("[1].map(x,", ")"), ("input[", "]")]
    {
        let nested = |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
        assert!(parse(&nested(MAX_NESTING - 1)).is_ok(), "{open}");
        assert_eq!(message(&nested(MAX_NESTING + 1)).0, too_nested, "{open}");
        assert_eq!(message(&nested(5_000)).0, too_nested, "{open}");
        assert_eq!(message(&open.repeat(5_000)).0, too_nested, "{open}");
    }
    let sizes = |calls: usize| format!("input{}", ".size()".repeat(calls));
    assert_eq!(parse(&print(&parse(&sizes(MAX_NESTING)).unwrap())), parse(&sizes(MAX_NESTING)));
    assert_eq!(message(&sizes(MAX_NESTING + 1)).0, too_nested);
    let long = "(".repeat(100_000);
    assert_eq!(message(&long).0, format!("an expression of 100000 bytes is longer than the limit of {MAX_TEXT}"));
}

#[test]
fn brackets_in_texts_and_comments_do_not_nest() {
    let brackets = "(".repeat(1_000);
    for text in [
        format!("'{brackets}'"),
        format!("\"\"\"{brackets}\"\"\""),
        format!("r'{brackets}'"),
        format!("'\\'{brackets}'"),
        format!("1 // {brackets}\n + 1"),
    ] {
        assert!(parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn names_that_macros_bind_are_seen_inside_only_and_may_be_bound_again() {
    let expr = parse("[[1]].map(x, x.map(x, x + size(x)))").unwrap();
    assert_eq!(print(&expr), "[[1]].map(x, x.map(x, x + size(x)))");
    assert!(parse("[1].exists(size, size(size) > 0)").is_ok(), "a function's name may be bound");
    assert!(parse("[x].map(x, x)").is_err(), "the range is outside");
}

#[test]
fn literals_have_their_values() {
    for (text, literal) in [
        ("-9223372036854775808", Literal::Int(i64::MIN)),
        ("0x7fffffffffffffff", Literal::Int(i64::MAX)),
        ("-0x10", Literal::Int(-16)),
        ("007", Literal::Int(7)),
        ("1.5e-3", Literal::Double(0.0015)),
        ("5e0", Literal::Double(5.0)),
        ("- .5 // the sign is its own", Literal::Double(-0.5)),
        ("null", Literal::Null),
        ("r'\\d+'", Literal::String("\\d+".into())),
        ("'''it's'''", Literal::String("it's".into())),
        ("\"\\u0457\"", Literal::String("ї".into())),
    ] {
        assert_eq!(parse(text).unwrap(), Expr::Literal(literal), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused(text in ".*") {
        let _ = parse(&text);
    }

    #[test]
    fn texts_of_the_languages_own_words_print_canonically_or_are_refused(
        words in prop::collection::vec(prop::sample::select(vec![
            "1", "-", "0.5", "'a'", "(", ")", "[", "]", "{", "}", ":", "?", ",", ".", "v['x']", "x", "input", "run.now",
            "size(", ".map(x,", "in", "!", "&&", "||", "==", "<", "+", "*", "%", "has(", ".y", "null", "true", "if",
        ]), 0..24)
    ) {
        let text = words.join(" ");
        match parse(&text) {
            Ok(expr) => {
                let canonical = print(&expr);
                prop_assert_eq!(parse(&canonical).expect(&canonical), expr);
            }
            Err(error) => prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error.span),
        }
    }
}
