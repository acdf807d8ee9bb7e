use super::{evaluate, fails, gives};

#[test]
fn literals_and_names() {
    for (text, json) in [
        ("null", "null"),
        ("[true, 1, 1.5, 'ї', {'k': []}]", r#"[true,1,1.5,"ї",{"k":[]}]"#),
        ("v['i']", "41"),
        ("v['never set']", "null"),
        ("v['notes'][1].slug", r#""б""#),
        ("v['deep'].a.b[1].c", r#""d""#),
        ("v['deep']['a']['b'][0]", "1"),
        ("input", r#"{"folder":"notes","ключ":7}"#),
        ("input.folder", r#""notes""#),
        ("input['ключ']", "7"),
        (
            "[run.id, run.flow, run.version, run.started_at, run.now]",
            r#"["01J","archivist","1.2.0",1763712000000,1763712001500]"#,
        ),
        ("has(input.folder) ? input.folder : 'none'", r#""notes""#),
        ("has(input.none) ? input.none : 'none'", r#""none""#),
        ("has(run.now)", "true"),
        ("'ключ' in input ? input['ключ'] : 0", "7"),
    ] {
        gives(text, json);
    }
    fails("input.none", "missing_member", "there is no member `none`; the map has `folder`, `ключ`");
    fails("{}.x", "missing_member", "there is no member `x`; the map has none");
    fails("v['i'].x", "wrong_type", "there is no member `x` of type int");
    fails("has(v['i'].x)", "wrong_type", "there is no member `x` of type int");
    fails("has(input.none.deeper)", "missing_member", "there is no member `none`; the map has `folder`, `ключ`");
    fails("[1, 2][2]", "index_out_of_range", "there is no element 2 in a list of 2");
    fails("[1, 2][-1]", "index_out_of_range", "there is no element -1 in a list of 2");
    fails("[1]['a' + 'b']", "wrong_type", "there is no list[string]; there is list[int] and map[string]");
    gives("[7, 8][1.0]", "8");
    gives("{'ab': 1}['a' + 'b']", "1");
}

#[test]
fn arithmetic() {
    for (text, json) in [
        ("v['i'] + 1", "42"),
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("-7 % 2", "-1"),
        ("7 / 2.0", "3.5"),
        ("1 + 0.5", "1.5"),
        ("0.5 + 0.5", "1"),
        ("2.0", "2"),
        ("[2.0, {'a': 4.0}]", r#"[2,{"a":4}]"#),
        ("-0.0", "0"),
        ("v['half'] * 4", "2"),
        ("v['half'] * 4 / 3", "0.6666666666666666"),
        ("1e300 * 10", "1e+301"),
        ("-(5) - -5", "0"),
        ("-v['half']", "-0.5"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("'a' + 'b'", r#""ab""#),
        ("[1] + [2, 3]", "[1,2,3]"),
    ] {
        gives(text, json);
    }
    fails("9223372036854775807 + 1", "overflow", "9223372036854775807 + 1 overflows");
    fails("-9223372036854775808 - 1", "overflow", "-9223372036854775808 - 1 overflows");
    fails("-(-9223372036854775808)", "overflow", "-(-9223372036854775808) overflows");
    fails("-9223372036854775808 / -1", "overflow", "-9223372036854775808 / -1 overflows");
    fails("4611686018427387904 * 2", "overflow", "4611686018427387904 * 2 overflows");
    fails("1e308 * 10.0", "overflow", "1e308 * 10.0 overflows");
    fails("1 / 0", "division_by_zero", "1 / 0 divides by zero");
    fails("1 % 0", "division_by_zero", "1 % 0 divides by zero");
    fails("1.5 / 0", "division_by_zero", "1.5 / 0 divides by zero");
    fails("1.5 % 2", "wrong_type", "there is no double % int");
    fails("1 + 'a'", "wrong_type", "there is no int + string");
    fails("'a' / 0", "wrong_type", "there is no string / int");
    fails("-'a'", "wrong_type", "there is no -string");
}

#[test]
fn equality_and_order() {
    for (text, holds) in [
        ("1 == 1.0", true),
        ("1 != 1.5", true),
        ("v['big'] == 9007199254740992.0", false),
        ("v['big'] > 9007199254740992.0", true),
        ("1 == '1'", false),
        ("null == v['nothing']", true),
        ("false == null", false),
        ("[1, [2.0]] == [1.0, [2]]", true),
        ("[1, 2] == [2, 1]", false),
        ("[1] == [1, 1]", false),
        ("{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1}", true),
        ("{'a': 1} == {'b': 1}", false),
        ("{'a': 1} == {}", false),
        ("1 < 1.5", true),
        ("2 <= 2.0", true),
        ("'Z' < 'a'", true),
        ("'ї' > 'я'", true),
        ("false < true", true),
        ("2 in [1, 2.0]", true),
        ("'x' in [1, 2]", false),
        ("'a' in v['done']", true),
        ("1 in v['done']", false),
        ("'б' in v['notes'].map(n, n.slug)", true),
    ] {
        gives(text, if holds { "true" } else { "false" });
    }
    fails("1 < 'a'", "wrong_type", "there is no int < string");
    fails("[1] < [2]", "wrong_type", "there is no list < list");
    fails("null >= null", "wrong_type", "there is no null >= null");
    fails("'a' in 'abc'", "wrong_type", "there is no string in string");
}

#[test]
fn logic_absorbs_errors_on_either_side() {
    for (text, holds) in [
        ("true && true", true),
        ("true && false", false),
        ("false && 1 / 0 == 1", false),
        ("1 / 0 == 1 && false", false),
        ("1 && false", false),
        ("false && 1", false),
        ("true || 1 / 0 == 1", true),
        ("1 / 0 == 1 || true", true),
        ("1 || true", true),
        ("(1 / 0 == 1 && true) || true", true),
        ("(1 / 0 == 1 || [1][5] == 1) && false", false),
        ("1 / 0 == 1 && ([1][5] == 1 && false)", false),
        ("1 / 0 == 1 || (true && (input.none || true))", true),
        ("[[1][5] == 1 || true, input.none && false] == [true, false]", true),
        ("!(v['i'] == 41) || v['i'] > 40 && v['i'] < 42", true),
    ] {
        gives(text, if holds { "true" } else { "false" });
    }
    fails("1 / 0 == 1 && true", "division_by_zero", "1 / 0 divides by zero");
    fails("true && 1 / 0 == 1", "division_by_zero", "1 / 0 divides by zero");
    fails("1 / 0 == 1 && [1][5] == 1", "division_by_zero", "1 / 0 divides by zero");
    fails("1 / 0 == 1 || (false || [1][5] == 1)", "division_by_zero", "1 / 0 divides by zero");
    fails("1 / 0 == 1 || ([1][5] == 1 || false)", "division_by_zero", "1 / 0 divides by zero");
    fails("1 / 0 == 1 && 7", "division_by_zero", "1 / 0 divides by zero");
    fails("true && 1", "wrong_type", "a condition must be a bool, not int");
    fails("'a' || false", "wrong_type", "a condition must be a bool, not string");
    fails("!null", "wrong_type", "a condition must be a bool, not null");
}

#[test]
fn a_condition_chooses_what_is_evaluated() {
    gives("true ? 1 : 1 / 0", "1");
    gives("false ? 1 / 0 : true ? 2 : 1 / 0", "2");
    gives("[true ? 1 : 2, false ? 3 : 4]", "[1,4]");
    fails("1 ? 1 : 2", "wrong_type", "a condition must be a bool, not int");
    fails("(1 / 0 == 1) ? 1 : 2", "division_by_zero", "1 / 0 divides by zero");
}

#[test]
fn macros() {
    for (text, json) in [
        ("[1, 2, 3].all(x, x > 0)", "true"),
        ("[1, 2, 3].all(x, x > 1)", "false"),
        ("[].all(x, 1 / 0 == x)", "true"),
        ("[1, 2].exists(x, x == 2)", "true"),
        ("[].exists(x, true)", "false"),
        ("[1, 2, 1].exists_one(x, x == 2)", "true"),
        ("[1, 2, 1].exists_one(x, x == 1)", "false"),
        ("[1, 2, 3].filter(x, x % 2 == 1)", "[1,3]"),
        ("[1, 2, 3].map(x, x * 2)", "[2,4,6]"),
        ("[1, 2, 3].map(x, x > 1, x * 2)", "[4,6]"),
        ("v['done'].map(k, k)", r#"["a","b"]"#),
        ("v['done'].filter(k, v['done'][k])", r#"["b"]"#),
        ("[[1, 2], [3]].map(x, x.map(y, y + size(x)))", "[[3,4],[4]]"),
        ("[1, 2].map(x, [10].map(x, x + 1)[0] + x)", "[12,13]"),
        ("v['notes'].filter(n, n.words >= 100 && !(n.slug in ['a'])).map(n, n.slug)", r#"["б"]"#),
        ("v['notes'].filter(n, has(n.tags)).map(n, size(n.tags))", "[1,0]"),
        // Errors are absorbed by the element that decides.
        ("[0, 1].exists(x, 1 / x == 1)", "true"),
        ("[1, 0].all(x, 1 / x == 2)", "false"),
        ("[0, 1].all(x, 1 / x == 2)", "false"),
        ("[1, 'a', true].exists(x, x)", "true"),
        ("[[0], [1]].exists(x, x.all(y, 1 / y == 1))", "true"),
        ("[1, 2].all(x, x == 1 / 0 || true) && [1].map(x, x)[0] == 1", "true"),
    ] {
        gives(text, json);
    }
    fails("[0, 1].all(x, 1 / x == 1)", "division_by_zero", "1 / 0 divides by zero");
    fails("[0, 2].exists(x, 1 / x == 1)", "division_by_zero", "1 / 0 divides by zero");
    fails("[0, 1].exists_one(x, 1 / x == 1)", "division_by_zero", "1 / 0 divides by zero");
    fails("[0].map(x, 1 / x)", "division_by_zero", "1 / 0 divides by zero");
    fails("[0].map(x, 1 / x == 1, x)", "division_by_zero", "1 / 0 divides by zero");
    fails("[1].filter(x, x)", "wrong_type", "a condition must be a bool, not int");
    fails("'abc'.map(x, x)", "wrong_type", "there is no macro over string; there is one over list and map");
}

#[test]
fn maps_have_distinct_text_keys() {
    gives("{'b': 1, 'a': 2}", r#"{"a":2,"b":1}"#);
    fails("{'a': 1, 'a': 2}", "duplicate_key", "the key `a` occurs twice in a map");
    fails("{1: 2}", "wrong_type", "there is no map with a key of type int; there is map with keys of type string");
}

#[test]
fn values_leave_normal() {
    for text in ["2.0", "[2.0]", "{'a': 4.0 / 2}", "[1.5 + 0.5].map(x, x)", "json.parse('[2.0]')", "sum([0.5, 0.5])"] {
        let value = evaluate(text).unwrap();
        assert_eq!(value.clone().normalized(), value, "{text}");
        assert!(!value.to_bytes().contains(&b'.'), "{text}");
    }
}
