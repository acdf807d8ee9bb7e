use proptest::prelude::*;
use serde_json::json;

use super::*;

fn problem(text: impl AsRef<[u8]>) -> ReadError {
    let mut problems = read(text.as_ref()).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

fn canonical(text: &str) -> String {
    String::from_utf8(to_bytes(&read(text.as_bytes()).unwrap()).unwrap()).unwrap()
}

#[test]
fn repeated_keys_are_refused_at_any_depth_with_their_pointers() {
    assert_eq!(problem(r#"{"a":1,"a":1}"#), ReadError::DuplicateKey { pointer: "/a".into() });
    assert_eq!(problem(r#"{"a":1,"\u0061":2}"#), ReadError::DuplicateKey { pointer: "/a".into() });
    assert_eq!(
        problem(r#"[0,{"x":[{"a/b":{"":1,"":2}}]}]"#),
        ReadError::DuplicateKey { pointer: "/1/x/0/a~1b/".into() }
    );
    assert_eq!(read(br#"{"a":{"b":1,"b":1},"a":0}"#).unwrap_err().len(), 2);
    assert!(read(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
}

#[test]
fn numbers_beyond_what_a_double_holds_exactly_are_refused() {
    assert_eq!(read(b"[9007199254740991,-9007199254740991]").unwrap(), json!([MAX_NUMBER, -MAX_NUMBER]));
    for text in
        ["9007199254740992", "-9007199254740992", "18446744073709551615", "1e16", "123456789012345678901234567890"]
    {
        assert_eq!(problem(format!(r#"{{"n":{text}}}"#)), ReadError::UnsafeNumber { pointer: "/n".into() }, "{text}");
    }
    assert!(matches!(problem("1e400"), ReadError::NotJson { .. }));
}

#[test]
fn a_number_without_a_fraction_is_an_integer_however_it_is_spelt() {
    assert_eq!(read(b"[1.0, 1e3, -0.0, -0, 100e-2]").unwrap(), json!([1, 1000, 0, 0, 1]));
    assert_eq!(read(b"[1.5, 1e-7]").unwrap(), json!([1.5, 1e-7]));
}

#[test]
fn nesting_is_counted_exactly() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(matches!(problem(nested(MAX_DEPTH + 1)), ReadError::TooDeep { line: 1, .. }));
    assert!(matches!(problem("[".repeat(1_000_000)), ReadError::TooDeep { line: 1, .. }));
    let wide = format!("[{}]", vec!["[]"; 1000].join(","));
    assert!(read(wide.as_bytes()).is_ok(), "siblings do not add up");
}

#[test]
fn bytes_that_are_not_plain_json_are_refused() {
    assert_eq!(problem(vec![b' '; MAX_BYTES + 1]), ReadError::TooLarge { bytes: MAX_BYTES + 1, limit: MAX_BYTES });
    assert_eq!(problem(b"\xEF\xBB\xBF1"), ReadError::ByteOrderMark);
    assert_eq!(problem(b"[\"\xC3\"]"), ReadError::NotUtf8 { offset: 2 });
    for text in
        ["", "1 1", "[1,]", "{'a':1}", "[1]//", "nul", r#""\ud800""#, r#""\udc00\ud800""#, "\"\u{1}\"", "01", "NaN"]
    {
        assert!(matches!(problem(text), ReadError::NotJson { .. }), "{text}");
    }
    assert_eq!(problem("{\n  \"a\" 1}"), ReadError::NotJson { reason: "expected `:`".into(), line: 2, column: 7 });
}

/// RFC 8785, appendix B: the bits of a double and its text. The reader refuses those beyond 2^53, so they go to the
/// writer directly.
#[test]
fn numbers_are_written_as_rfc_8785_says() {
    for (bits, text) in [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        let number = f64::from_bits(bits);
        let written = String::from_utf8(to_bytes(&number).unwrap()).unwrap();
        assert_eq!(written, text);
        assert_eq!(written.as_bytes(), serde_jcs::to_vec(&number).unwrap());
    }
    assert!(to_bytes(&f64::NAN).is_err());
    assert!(to_bytes(&f64::INFINITY).is_err());
}

/// RFC 8785, §3.2.2 and §3.2.3.
#[test]
fn texts_and_the_order_of_keys_are_as_rfc_8785_says() {
    assert_eq!(
        canonical(
            r#"{ "numbers": [333333333.33333329, 4.50, 2e-3, 0.000000000000000000000000001],
                 "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                 "literals": [null, true, false] }"#
        ),
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
    );
    // By UTF-16 code units: an emoji (a surrogate pair) comes before U+FB33, which UTF-8 order puts first.
    assert_eq!(
        canonical(r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#),
        "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
    );
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-MAX_NUMBER..=MAX_NUMBER).prop_map(Value::from),
        (-1e15..1e15).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_json_read_and_written_again_is_the_same(value in json()) {
        let once = to_bytes(&value).unwrap();
        let twice = to_bytes(&read(&once).unwrap()).unwrap();
        prop_assert_eq!(&once, &twice);
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(to_bytes(&read(&pretty).unwrap()).unwrap(), once);
    }

    #[test]
    fn two_implementations_agree(value in json()) {
        prop_assert_eq!(to_bytes(&value).unwrap(), serde_jcs::to_vec(&value).unwrap());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = read(&bytes);
    }
}
