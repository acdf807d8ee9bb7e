use bloom_ir::expr::functions as table;

use super::{evaluate, fails, gives};
use crate::expr::functions::BUILTINS;

#[test]
fn the_table_and_the_evaluator_name_the_same_functions() {
    let listed: Vec<&str> = table::all().iter().map(|function| function.name).collect();
    let built: Vec<&str> = BUILTINS.iter().map(|(name, _)| *name).collect();
    assert_eq!(built, listed);
}

#[test]
fn each_example_gives_what_the_table_says() {
    for function in table::all() {
        let (text, json) = function.example;
        gives(text, json);
    }
}

#[test]
fn each_function_takes_what_its_signatures_say_and_refuses_the_rest() {
    use table::Type;
    let samples = [
        ("null", &[Type::Any][..]),
        ("true", &[Type::Any, Type::Bool]),
        ("1", &[Type::Any, Type::Int, Type::Number]),
        ("1.5", &[Type::Any, Type::Double, Type::Number]),
        ("'1'", &[Type::Any, Type::String]),
        ("['a']", &[Type::Any, Type::List]),
        ("{'a': 1}", &[Type::Any, Type::Map]),
    ];
    for function in table::all() {
        for arity in 1..=4_usize {
            if !function.accepts(arity) {
                continue;
            }
            // All combinations of sample arguments.
            for mut choice in 0..samples.len().pow(u32::try_from(arity).unwrap()) {
                let chosen: Vec<_> = (0..arity)
                    .map(|_| {
                        let sample = samples[choice % samples.len()];
                        choice /= samples.len();
                        sample
                    })
                    .collect();
                let fits = function.signatures.iter().any(|signature| {
                    signature.arguments.len() == arity
                        && signature.arguments.iter().zip(&chosen).all(|(wanted, (_, types))| types.contains(wanted))
                });
                let args: Vec<&str> = chosen.iter().map(|(text, _)| *text).collect();
                let text = match function.canonical_spelling() {
                    table::Spelling::Function => format!("{}({})", function.name, args.join(", ")),
                    table::Spelling::Method => format!("{}.{}({})", args[0], function.name, args[1..].join(", ")),
                };
                match evaluate(&text) {
                    Ok(_) => assert!(fits, "{text} is not in the table"),
                    Err(error) if fits => {
                        assert!(
                            error.code() != "wrong_type"
                                || !error.to_string().contains("; there is ")
                                || error.to_string().contains(" list with "),
                            "{text}: {error}"
                        );
                    }
                    Err(error) => assert_eq!(error.code(), "wrong_type", "{text}: {error}"),
                }
            }
        }
    }
}

#[test]
fn texts() {
    for (text, json) in [
        ("size('👨‍👩‍👧')", "5"),
        ("'Їжак'.contains('')", "true"),
        ("'ǅ Straße ΣΑΣ'.lower()", r#""ǆ straße σας""#),
        ("'straße ŉ'.upper()", r#""STRASSE ʼN""#),
        ("'\\u00a0\\u3000 x y\\u2028'.trim()", r#""x y""#),
        ("''.split(',')", r#"[""]"#),
        ("'їж'.split('')", r#"["ї","ж"]"#),
        ("''.split('')", "[]"),
        ("'aXbX'.split('X')", r#"["a","b",""]"#),
        ("[].join(',')", r#""""#),
        ("['a', 'b'].join()", r#""ab""#),
        ("'aaa'.replace('aa', 'b')", r#""ba""#),
        ("'ab'.replace('', '-')", r#""-a-b-""#),
        ("lines('')", "0"),
        ("lines('a')", "1"),
        ("lines('\\n\\n')", "2"),
        ("words('')", "0"),
        ("words('  — п\\u2019ять\\t\\nслів\\u00a0')", "3"),
        ("tokens('')", "0"),
        ("tokens('a')", "1"),
        ("tokens('abcde 12345 їжак...')", "9"),
        ("tokens('a1')", "2"),
        ("'a\\nb'.matches('a.b')", "false"),
        ("'їжак'.matches('^\\\\w+$')", "true"),
        ("['x1', 'y'].filter(s, s.matches('[0-9]'))", r#"["x1"]"#),
        ("matches('abc', 'b' + 'c')", "true"),
    ] {
        gives(text, json);
    }
    fails("'a'.matches('(')", "invalid_regex", "`(` is no regular expression that can be used: unclosed group");
    fails("'a'.matches('(' + '')", "invalid_regex", "`(` is no regular expression that can be used: unclosed group");
    fails(
        "'a'.matches('(?:a{100}){100}{100}')",
        "invalid_regex",
        "`(?:a{100}){100}{100}` is no regular expression that can be used: it gets too large",
    );
    fails(
        "'a'.matches('(.)\\\\1')",
        "invalid_regex",
        "`(.)\\1` is no regular expression that can be used: backreferences are not supported",
    );
    fails(
        "['a', 1].join()",
        "wrong_type",
        "there is no join() of a list with int; there is join() of a list of string",
    );
    fails(
        "size(1)",
        "wrong_type",
        "there is no size(int); there is size(string) -> int; size(list) -> int; size(map) -> int",
    );
}

#[test]
fn conversions() {
    for (text, json) in [
        ("int(2.9)", "2"),
        ("int(-2.9)", "-2"),
        ("int('-9223372036854775808')", "-9223372036854775808"),
        ("int('007')", "7"),
        ("double(3) / 2", "1.5"),
        ("double('1e2')", "100"),
        ("double('-0.5E-1')", "-0.05"),
        ("string(-7)", r#""-7""#),
        ("string(1e21)", r#""1e+21""#),
        ("string(0.1 + 0.2)", r#""0.30000000000000004""#),
        ("string(4.0 / 2)", r#""2""#),
        ("bool('false')", "false"),
        ("bool('T' + 'rue')", "true"),
        ("div(7, 2)", "3.5"),
        ("div(4, 2)", "2"),
    ] {
        gives(text, json);
    }
    fails("int('9223372036854775808')", "overflow", "int('9223372036854775808') overflows");
    fails("int(1e19)", "overflow", "int(1e19) overflows");
    fails("int(-9223372036854775808.0)", "overflow", "int(-9.223372036854776e18) overflows");
    for text in [
        "int('+1')",
        "int('')",
        "int('1.0')",
        "int(' 1')",
        "int('١')",
        "double('01')",
        "double('.5')",
        "double('inf')",
        "double('1.')",
        "bool('yes')",
    ] {
        assert_eq!(evaluate(text).expect_err(text).code(), "invalid_argument", "{text}");
    }
    fails("double('1e999')", "overflow", "double('1e999') overflows");
    fails("div(1, 0)", "division_by_zero", "div(1, 0) divides by zero");
    fails(
        "string(null)",
        "wrong_type",
        "there is no string(null); there is string(string) -> string; string(number) -> string; string(bool) -> string",
    );
}

#[test]
fn collections() {
    for (text, json) in [
        ("[3, 1.5, 2].sort()", "[1.5,2,3]"),
        ("['б', 'a', 'Z'].sort()", r#"["Z","a","б"]"#),
        ("[true, false].sort()", "[false,true]"),
        ("[].sort()", "[]"),
        (
            "[1, 1.0, [1], [1.0], {'a': 1}, {'a': 1.0}, null, null, 'a', '1'].distinct()",
            r#"[1,[1],{"a":1},null,"a","1"]"#,
        ),
        ("sum([])", "0"),
        ("sum([1, 2])", "3"),
        ("min([2, 1.5, 3])", "1.5"),
        ("max('a', 'b')", r#""b""#),
        ("max(1, 1.5)", "1.5"),
        ("keys({})", "[]"),
        ("merge({'a': {'x': 1}}, {'a': {'y': 2}})", r#"{"a":{"y":2}}"#),
        ("size({'a': 1}) + size([1, 2])", "3"),
    ] {
        gives(text, json);
    }
    fails("[1, 'a'].sort()", "wrong_type", "there is no sort of int together with string");
    fails(
        "[[1]].sort()",
        "wrong_type",
        "there is no sort of a list with list; there is sort of a list of number, of string or of bool",
    );
    fails("min([])", "invalid_argument", "min: the list is empty");
    fails("max(1, 'a')", "wrong_type", "there is no max of int together with string");
    fails("sum(['a'])", "wrong_type", "there is no sum of a list with string; there is sum of a list of number");
    fails("sum([9223372036854775807, 1])", "overflow", "9223372036854775807 + 1 overflows");
}

#[test]
fn json() {
    for (text, json) in [
        ("json.parse(' {\"a\": 1, \"a\": 2} ')", r#"{"a":2}"#),
        ("json.parse('1e2')", "100"),
        ("json.format([2.0, 'ї\\n', {}])", r#""[2,\"ї\\n\",{}]""#),
        ("json.parse(json.format({'a': [0.1, -1, null]})) == {'a': [0.1, -1, null]}", "true"),
    ] {
        gives(text, json);
    }
    fails("json.parse('{')", "invalid_argument", "json.parse: EOF while parsing an object at line 1 column 1");
    fails("json.parse('1e999')", "invalid_argument", "json.parse: number out of range at line 1 column 5");
}

#[test]
fn dates() {
    for (text, json) in [
        ("date.format(run.started_at)", r#""2025-11-21T08:00:00.000Z""#),
        ("date.format(run.now, '+02:00')", r#""2025-11-21T10:00:01.500+02:00""#),
        ("date.format(run.now, '-03:30', '%H:%M:%S.%L %z %j %u %%')", r#""04:30:01.500 -03:30 325 5 %""#),
        ("date.format(-1)", r#""1969-12-31T23:59:59.999Z""#),
        ("date.parse(date.format(run.now)) == run.now", "true"),
        ("date.format(date.add(date.parse('2024-02-29'), -1, 'years'))", r#""2023-02-28T00:00:00.000Z""#),
        (
            "date.format(date.add(date.parse('2025-12-31T23:30:00Z'), 2, 'months', '+02:00'))",
            r#""2026-02-28T23:30:00.000Z""#,
        ),
        ("date.add(0, 1, 'weeks') == 7 * 24 * 60 * 60 * 1000", "true"),
        ("date.diff(0, 1999, 'seconds')", "-1"),
        ("date.diff(date.parse('2025-11-21'), date.parse('2025-11-14T00:00:01Z'), 'weeks')", "0"),
    ] {
        gives(text, json);
    }
    fails(
        "date.parse('вчора')",
        "invalid_argument",
        "date.parse: `вчора` is no RFC 3339 date, as 2026-11-21 or 2026-11-21T08:30:00Z",
    );
    fails(
        "date.format(0, 'Europe/Kyiv')",
        "invalid_argument",
        "date.format: `Europe/Kyiv` is no offset, as Z or +02:00",
    );
    fails("date.format(0, 'Z', '%Q')", "invalid_argument", "date.format: the pattern has `%Q`, which means nothing");
    fails("date.format(0, 'Z', '%')", "invalid_argument", "date.format: the pattern has `%`, which means nothing");
    fails(
        "date.add(0, 1, 'day')",
        "invalid_argument",
        "date.add: `day` is none of ms, seconds, minutes, hours, days, weeks, months or years",
    );
    fails(
        "date.diff(0, 1, 'months')",
        "invalid_argument",
        "date.diff: `months` is none of ms, seconds, minutes, hours, days, weeks",
    );
    for text in [
        "date.add(0, 9223372036854775807, 'days')",
        "date.add(0, 9223372036854775807, 'months')",
        "date.add(0, 9223372036854775807, 'years')",
        "date.add(0, 8030, 'years')",
        "date.format(9223372036854775807)",
        "date.diff(9223372036854775807, -1, 'ms')",
        "date.parse('0000-01-01T00:00:00+00:01')",
    ] {
        let error = evaluate(text).expect_err(text);
        assert!(error.to_string().ends_with("the time is not between the years 0000 and 9999"), "{text}: {error}");
    }
}
