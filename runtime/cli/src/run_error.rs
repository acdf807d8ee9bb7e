//! Errors of runs in the reader's language: what a code means, what was found, what to do about it.
//!
//! A recorded message is English. Of a limit, what was found stands in the error's details too, and can be said in any language.

use bloom_interpreter::effect::EffectError;
use bloom_interpreter::usd;
use bloom_ir::Value;
use fluent_bundle::FluentArgs;

use crate::catalogue::{Catalogue, text};
use crate::output::plain;

/// What the code means, where the catalogue knows it, and what was found.
pub(crate) fn explained(error: &EffectError, catalogue: &Catalogue) -> String {
    match of_code(&error.code, "", &FluentArgs::new(), catalogue) {
        Some(meaning) => format!("{meaning} ({}): {}", error.code, plain(&found(error, catalogue))),
        None => format!("{}: {}", plain(&error.code), plain(&error.message)),
    }
}

/// On one line among others: `limit_steps: …`.
pub(crate) fn short(error: &EffectError, catalogue: &Catalogue) -> String {
    format!("{}: {}", error.code, found(error, catalogue))
}

/// What to do about it.
pub(crate) fn advice(code: &str, catalogue: &Catalogue) -> Option<String> {
    of_code(code, ".hint", &FluentArgs::new(), catalogue)
}

/// What was found: of a limit in the reader's language, else the message as it was recorded.
fn found(error: &EffectError, catalogue: &Catalogue) -> String {
    let Some(details) = &error.details else { return error.message.clone() };
    let is_of_day = details.get("per").and_then(Value::as_str) == Some("day");
    let found = if is_of_day { ".found-day" } else { ".found" };
    let known = measured(&error.code, details).and_then(|args| of_code(&error.code, found, &args, catalogue));
    let Some(known) = known else { return error.message.clone() };
    let last = details.get("last").map(|last| {
        let member = |name| last.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("{}: {}", member("code"), member("message"))
    });
    match last {
        Some(last) => text!(catalogue, "error-after", found = known, last = last),
        None => known,
    }
}

/// The numbers of a limit that was met, in the units in which people read them; `None` where they are not all there.
fn measured(code: &str, details: &Value) -> Option<FluentArgs<'static>> {
    let number = |name: &str| details.get(name).and_then(Value::as_int).and_then(|number| u64::try_from(number).ok());
    let of = details.get("of").and_then(Value::as_str).unwrap_or_default().to_owned();
    let shown = |number: u64| match code {
        "limit_cost" => usd(number),
        "budget_exhausted" if of == "cost_micro_usd" => usd(number),
        "limit_time" | "limit_node_time" if number.is_multiple_of(1000) => (number / 1000).to_string(),
        "limit_time" | "limit_node_time" => format!("{}.{}", number / 1000, number % 1000 / 100),
        _ => number.to_string(),
    };
    let names: &[&str] = if code == "budget_exhausted" { &["limit", "used", "needed"] } else { &["limit", "measured"] };
    let mut args = FluentArgs::new();
    if let (Some(reserved), Some(agent)) = (number("reserved"), details.get("agent").and_then(Value::as_str)) {
        args.set("reserved", shown(reserved));
        args.set("agent", plain(agent).into_owned());
    }
    for name in names {
        args.set((*name).to_owned(), shown(number(name)?));
    }
    args.set("of", of.clone());
    Some(args)
}

/// What the catalogue has about a code; an attribute with its point.
fn of_code(code: &str, attribute: &str, args: &FluentArgs<'_>, catalogue: &Catalogue) -> Option<String> {
    catalogue.find(&format!("code-{}{attribute}", code.replace('_', "-")), args)
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;
    use serde_json::json;

    use super::*;

    fn error(code: &str, details: serde_json::Value) -> EffectError {
        EffectError::new(code, "as recorded").with_details(Value::from(details))
    }

    #[test]
    fn a_limit_that_was_met_is_told_in_both_languages() {
        let told = |error: &EffectError| [Locale::En, Locale::Uk].map(|locale| short(error, &Catalogue::of(locale)));
        for (code, details, english, ukrainian) in [
            (
                "limit_cost",
                json!({ "limit": 200_000, "measured": 250_000 }),
                "limit_cost: the run has cost 0.25 USD; the limit is 0.20 USD",
                "limit_cost: запуск коштував 0.25 USD; обмеження: 0.20 USD",
            ),
            (
                "limit_time",
                json!({ "limit": 2000, "measured": 2130 }),
                "limit_time: the run was active for 2.1 s; the limit is 2 s",
                "limit_time: запуск працював 2.1 с; обмеження: 2 с",
            ),
            (
                "budget_exhausted",
                json!({ "of": "tokens", "limit": 9, "used": 4, "needed": 6, "measured": 10 }),
                "budget_exhausted: the run has used 4 tokens, and this call may use 6 more; the limit is 9",
                "budget_exhausted: запуск витратив токенів: 4, а цьому виклику може знадобитися ще 6; обмеження: 9",
            ),
            (
                "budget_exhausted",
                json!({ "of": "calls", "limit": 9, "used": 9, "needed": 1, "measured": 10 }),
                "budget_exhausted: the run has asked LLMs 9 times; the limit is 9",
                "budget_exhausted: запуск звертався до LLM стільки разів: 9; обмеження: 9",
            ),
            (
                "budget_exhausted",
                json!({
                    "of": "tokens", "per": "day", "agent": "greet", "limit": 9, "used": 4, "reserved": 3, "needed": 5,
                    "measured": 12,
                }),
                "budget_exhausted: on this day (UTC) the runs of greet have used 4 tokens, may use 3 more already, and this \
                 call may use 5; the limit is 9",
                "budget_exhausted: за цей день (UTC) запуски greet витратили токенів: 4, іще 3 уже зарезервовано, а цьому \
                 виклику може знадобитися 5; обмеження: 9",
            ),
            (
                "limit_node_time",
                json!({ "limit": 1000, "measured": 1500, "last": { "code": "timeout", "message": "no answer" } }),
                "limit_node_time: the node takes 1.5 s with all attempts and delays; its limit is 1 s; \
                 the last attempt failed: timeout: no answer",
                "limit_node_time: вузол з усіма спробами й паузами триває 1.5 с; обмеження: 1 с; \
                 остання спроба не вдалася: timeout: no answer",
            ),
        ] {
            assert_eq!(told(&error(code, details)), [english, ukrainian]);
        }
    }

    #[test]
    fn what_is_not_whole_is_told_as_it_was_recorded() {
        let ukrainian = Catalogue::of(Locale::Uk);
        for error in [
            error("limit_steps", json!({ "limit": 3 })),
            error("limit_steps", json!({ "limit": -1, "measured": 2 })),
            error("refused", json!({ "limit": 3, "measured": 4 })),
            EffectError::new("limit_steps", "as recorded"),
        ] {
            assert_eq!(short(&error, &ukrainian), format!("{}: as recorded", error.code));
        }
    }
}
