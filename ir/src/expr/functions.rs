//! The functions of the language, as a table: what the parser accepts, the printer writes, the compiler checks and the
//! evaluator implements.
//!
//! IR 0.1 fixes every result for ever. A function that should answer otherwise gets a new IR version; the old one stays.
//!
//! Words that the table uses:
//! - *white space* is Unicode's property `White_Space` (25 code points, unchanged since Unicode 6.3);
//! - a *time* is an int, in Unix milliseconds, between the years 0000 and 9999;
//! - an *offset* is `Z` or `+hh:mm` / `-hh:mm` east of UTC (RFC 3339); there are no time zones;
//! - a *unit* is one of `ms`, `seconds`, `minutes`, `hours`, `days`, `weeks`, and where said `months`, `years`.

use std::fmt;

/// A function of the language.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its full name, as `size` or `json.parse`.
    pub name: &'static str,
    /// How a call of it may be written; the first is canonical.
    pub spellings: &'static [Spelling],
    /// What it takes and gives, one line for each number or kind of arguments; a method's receiver comes first.
    pub signatures: &'static [Signature],
    /// What it does, in a line.
    pub doc: &'static str,
    /// An expression in canonical spelling, and its value as JSON.
    pub example: (&'static str, &'static str),
}

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `size(x)`
    Function,
    /// `x.contains(y)`
    Method,
}

/// One way to call a function.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The types of its arguments.
    pub arguments: &'static [Type],
    /// The type of its value.
    pub result: Type,
}

/// What is known of a value's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any value.
    Any,
    /// `true`, `false`
    Bool,
    /// An integer.
    Int,
    /// A double.
    Double,
    /// An integer or a double.
    Number,
    /// Text.
    String,
    /// A list.
    List,
    /// A map.
    Map,
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "any",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Number => "number",
            Self::String => "string",
            Self::List => "list",
            Self::Map => "map",
        })
    }
}

impl Function {
    /// Whether a call may have so many arguments, a method's receiver included.
    pub fn accepts(&self, arguments: usize) -> bool {
        self.signatures.iter().any(|signature| signature.arguments.len() == arguments)
    }

    /// Whether it may be called so.
    pub fn is_spelled(&self, spelling: Spelling) -> bool {
        self.spellings.contains(&spelling)
    }

    /// How the printer writes a call.
    pub fn canonical_spelling(&self) -> Spelling {
        self.spellings.first().copied().unwrap_or(Spelling::Function)
    }

    /// Its signatures as text, as `split(string, string) -> list`.
    pub fn signatures_text(&self) -> String {
        let one = |signature: &Signature| {
            let arguments: Vec<String> = signature.arguments.iter().map(Type::to_string).collect();
            format!("{}({}) -> {}", self.name, arguments.join(", "), signature.result)
        };
        self.signatures.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// All functions, by name.
pub fn all() -> &'static [Function] {
    FUNCTIONS
}

/// The function of that full name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok().and_then(|index| FUNCTIONS.get(index))
}

/// Whether functions are named `name.…`.
pub fn is_namespace(name: &str) -> bool {
    FUNCTIONS.iter().any(|function| function.name.split_once('.').is_some_and(|(namespace, _)| namespace == name))
}

const AS_FUNCTION: &[Spelling] = &[Spelling::Function];
const AS_METHOD: &[Spelling] = &[Spelling::Method];

macro_rules! signatures {
    ($( ($($argument:ident),*) -> $result:ident ),+ $(,)?) => {
        &[$( Signature { arguments: &[$(Type::$argument),*], result: Type::$result } ),+]
    };
}

/// Sorted by name; a test checks it.
static FUNCTIONS: &[Function] = &[
    Function {
        name: "bool",
        spellings: AS_FUNCTION,
        signatures: signatures![(Bool) -> Bool, (String) -> Bool],
        doc: "Converts the texts true, True, TRUE, t and 1, and false, False, FALSE, f and 0; any other is an error.",
        example: ("bool('true')", "true"),
    },
    Function {
        name: "contains",
        spellings: AS_METHOD,
        signatures: signatures![(String, String) -> Bool],
        doc: "Whether the text holds the other text.",
        example: ("'архіваріус'.contains('архів')", "true"),
    },
    Function {
        name: "date.add",
        spellings: AS_FUNCTION,
        signatures: signatures![(Int, Int, String) -> Int, (Int, Int, String, String) -> Int],
        doc: "A time plus so many units, also 'months' and 'years', counted at the offset (default Z); a day that the \
              month does not have becomes its last day.",
        example: ("date.format(date.add(date.parse('2026-01-31'), 1, 'months'))", "\"2026-02-28T00:00:00.000Z\""),
    },
    Function {
        name: "date.diff",
        spellings: AS_FUNCTION,
        signatures: signatures![(Int, Int, String) -> Int],
        doc: "How many whole units the first time is after the second; negative when before.",
        example: ("date.diff(date.parse('2026-03-01'), date.parse('2026-02-27'), 'days')", "2"),
    },
    Function {
        name: "date.format",
        spellings: AS_FUNCTION,
        signatures: signatures![(Int) -> String, (Int, String) -> String, (Int, String, String) -> String],
        doc: "A time as RFC 3339 text with milliseconds, at the offset (default Z), or by a pattern of %Y %m %d %H %M \
              %S %L (milliseconds) %j (day of the year) %u (weekday, Monday is 1) %z (offset) %%.",
        example: ("date.format(0, '+02:00', '%d.%m.%Y %H:%M')", "\"01.01.1970 02:00\""),
    },
    Function {
        name: "date.parse",
        spellings: AS_FUNCTION,
        signatures: signatures![(String) -> Int],
        doc: "The time of an RFC 3339 text, or of a date alone: its midnight, UTC. Digits beyond milliseconds are cut \
              off; the second 60 is refused.",
        example: ("date.parse('1970-01-01T02:00:00.5+02:00')", "500"),
    },
    Function {
        name: "distinct",
        spellings: AS_METHOD,
        signatures: signatures![(List) -> List],
        doc: "The list without elements that are equal to an earlier one.",
        example: ("[2, 1, 2, 'a', 1.0].distinct()", "[2,1,\"a\"]"),
    },
    Function {
        name: "div",
        spellings: AS_FUNCTION,
        signatures: signatures![(Number, Number) -> Double],
        doc: "Division as doubles, also of two ints.",
        example: ("div(1, 4)", "0.25"),
    },
    Function {
        name: "double",
        spellings: AS_FUNCTION,
        signatures: signatures![(Number) -> Double, (String) -> Double],
        doc: "Converts a number, or a text that is a JSON number.",
        example: ("double('1.5') + 1", "2.5"),
    },
    Function {
        name: "endsWith",
        spellings: AS_METHOD,
        signatures: signatures![(String, String) -> Bool],
        doc: "Whether the text ends with the other text.",
        example: ("'notes.md'.endsWith('.md')", "true"),
    },
    Function {
        name: "int",
        spellings: AS_FUNCTION,
        signatures: signatures![(Number) -> Int, (String) -> Int],
        doc: "Converts a number, cutting off towards zero, or a text of decimal digits with an optional '-'.",
        example: ("int(-2.9) + int('40')", "38"),
    },
    Function {
        name: "join",
        spellings: AS_METHOD,
        signatures: signatures![(List) -> String, (List, String) -> String],
        doc: "The texts of the list one after another, with the separator between them.",
        example: ("['a', 'b'].join(', ')", "\"a, b\""),
    },
    Function {
        name: "json.format",
        spellings: AS_FUNCTION,
        signatures: signatures![(Any) -> String],
        doc: "The value as compact JSON text, keys in UTF-8 order.",
        example: ("json.format({'b': [1, null], 'a': 'x'})", r#""{\"a\":\"x\",\"b\":[1,null]}""#),
    },
    Function {
        name: "json.parse",
        spellings: AS_FUNCTION,
        signatures: signatures![(String) -> Any],
        doc: "The value of a JSON text (RFC 8259), at most 100 levels deep; of a repeated key the last one counts.",
        example: ("json.parse('{\"a\": [1.0, null]}')", r#"{"a":[1,null]}"#),
    },
    Function {
        name: "keys",
        spellings: AS_FUNCTION,
        signatures: signatures![(Map) -> List],
        doc: "The keys of a map, in UTF-8 order.",
        example: ("keys({'b': 1, 'a': 2})", r#"["a","b"]"#),
    },
    Function {
        name: "lines",
        spellings: AS_FUNCTION,
        signatures: signatures![(String) -> Int],
        doc: "How many lines the text has; a last line counts with or without its line feed.",
        example: ("lines('a\\nb\\n')", "2"),
    },
    Function {
        name: "lower",
        spellings: AS_METHOD,
        signatures: signatures![(String) -> String],
        doc: "The text in lower case (Unicode 17 full mapping).",
        example: ("'ЇЖАК'.lower()", "\"їжак\""),
    },
    Function {
        name: "matches",
        spellings: &[Spelling::Method, Spelling::Function],
        signatures: signatures![(String, String) -> Bool],
        doc: "Whether the regular expression (RE2 syntax, linear time, at most 1000 bytes) matches a part of the text.",
        example: ("'note-12'.matches('^[a-z]+-[0-9]+$')", "true"),
    },
    Function {
        name: "max",
        spellings: AS_FUNCTION,
        signatures: signatures![(List) -> Any, (Any, Any) -> Any],
        doc: "The greatest element of a list of numbers, of texts or of Booleans, or the greater of two.",
        example: ("max([3, 4.5, 4])", "4.5"),
    },
    Function {
        name: "merge",
        spellings: AS_FUNCTION,
        signatures: signatures![(Map, Map) -> Map],
        doc: "The members of both maps; the second wins.",
        example: ("merge({'a': 1, 'b': 1}, {'b': 2})", r#"{"a":1,"b":2}"#),
    },
    Function {
        name: "min",
        spellings: AS_FUNCTION,
        signatures: signatures![(List) -> Any, (Any, Any) -> Any],
        doc: "The least element of a list of numbers, of texts or of Booleans, or the lesser of two.",
        example: ("min(2, 3)", "2"),
    },
    Function {
        name: "replace",
        spellings: AS_METHOD,
        signatures: signatures![(String, String, String) -> String],
        doc: "The text with every occurrence of the second text replaced by the third.",
        example: ("'a-b-c'.replace('-', '')", "\"abc\""),
    },
    Function {
        name: "size",
        spellings: &[Spelling::Function, Spelling::Method],
        signatures: signatures![(String) -> Int, (List) -> Int, (Map) -> Int],
        doc: "How many code points a text has, elements a list, or members a map.",
        example: ("size('їжак')", "4"),
    },
    Function {
        name: "sort",
        spellings: AS_METHOD,
        signatures: signatures![(List) -> List],
        doc: "The list in ascending order, stable; all numbers, all texts (by code points) or all Booleans.",
        example: ("[3, 1.5, 2].sort()", "[1.5,2,3]"),
    },
    Function {
        name: "split",
        spellings: AS_METHOD,
        signatures: signatures![(String, String) -> List],
        doc: "The parts of the text between the separators; an empty separator gives the code points.",
        example: ("'a,b,'.split(',')", r#"["a","b",""]"#),
    },
    Function {
        name: "startsWith",
        spellings: AS_METHOD,
        signatures: signatures![(String, String) -> Bool],
        doc: "Whether the text starts with the other text.",
        example: ("'notes.md'.startsWith('notes')", "true"),
    },
    Function {
        name: "string",
        spellings: AS_FUNCTION,
        signatures: signatures![(String) -> String, (Number) -> String, (Bool) -> String],
        doc: "Converts: a number as in JSON, an integral double as an integer. For lists and maps use json.format.",
        example: ("string(1.5) + string(2.0) + string(true)", "\"1.52true\""),
    },
    Function {
        name: "sum",
        spellings: AS_FUNCTION,
        signatures: signatures![(List) -> Number],
        doc: "The sum of a list of numbers, from left to right; 0 when it is empty.",
        example: ("sum([1, 2, 0.5])", "3.5"),
    },
    Function {
        name: "tokens",
        spellings: AS_FUNCTION,
        signatures: signatures![(String) -> Int],
        doc: "About how many LLM tokens the text has, by a fixed rule: a run of n ASCII letters counts n/4, of ASCII \
              digits n/3, of characters beyond ASCII n/2, each rounded up; any other character 1, white space 0.",
        example: ("tokens('Hello, світ 2026!')", "8"),
    },
    Function {
        name: "trim",
        spellings: AS_METHOD,
        signatures: signatures![(String) -> String],
        doc: "The text without white space at both ends.",
        example: ("'  a b\\n'.trim()", "\"a b\""),
    },
    Function {
        name: "upper",
        spellings: AS_METHOD,
        signatures: signatures![(String) -> String],
        doc: "The text in upper case (Unicode 17 full mapping).",
        example: ("'їжак'.upper()", "\"ЇЖАК\""),
    },
    Function {
        name: "words",
        spellings: AS_FUNCTION,
        signatures: signatures![(String) -> Int],
        doc: "How many words the text has: runs of characters that are not white space.",
        example: ("words('Ці два слова - п\\'ять?')", "5"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{parse, print};

    #[test]
    fn the_table_is_sorted_and_each_name_is_found() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for function in all() {
            assert_eq!(find(function.name).unwrap().name, function.name);
        }
        assert!(find("no").is_none());
    }

    #[test]
    fn each_example_is_canonical_and_calls_its_function() {
        for function in all() {
            let (text, result) = function.example;
            let expr = parse(text).unwrap();
            assert_eq!(print(&expr), text, "{}", function.name);
            assert!(text.contains(function.name), "{}", function.name);
            serde_json::from_str::<crate::Value>(result).unwrap();
        }
    }

    #[test]
    fn signatures_read_as_text() {
        assert_eq!(find("join").unwrap().signatures_text(), "join(list) -> string; join(list, string) -> string");
    }
}
