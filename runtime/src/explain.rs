//! What the errors of runs mean, in the reader's language: what the code says, what was found, what to do about it.
//!
//! A recorded message is English. Of a limit, what was found stands in the error's details too, and can be said in any language.
//! Whatever is told may hold text that others wrote.

use std::sync::LazyLock;

use bloom_interpreter::effect::EffectError;
use bloom_interpreter::usd;
use bloom_ir::Value;
use bloom_ir::catalogue::{Catalogues, FluentArgs};
use bloom_ir::document::Locale;

const ENGLISH: &str = include_str!("../messages/errors.en.ftl");
const UKRAINIAN: &str = include_str!("../messages/errors.uk.ftl");

/// What an error means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the code means; none of a code that is not known, as one that a flow makes.
    pub meaning: Option<String>,
    /// What was found: of a limit in the reader's language, else the message as it was recorded.
    pub found: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Explanation {
    /// What this error means.
    pub fn of(error: &EffectError, locale: Locale) -> Self {
        let nothing = FluentArgs::new();
        Self {
            meaning: text(&error.code, &nothing, locale),
            found: found(error, locale),
            advice: text(&format!("{}.hint", error.code), &nothing, locale),
        }
    }
}

fn found(error: &EffectError, locale: Locale) -> String {
    let Some(details) = &error.details else { return error.message.clone() };
    let is_of_day = details.get("per").and_then(Value::as_str) == Some("day");
    let attribute = if is_of_day { "found-day" } else { "found" };
    let args = measured(&error.code, details);
    let Some(known) = args.and_then(|args| text(&format!("{}.{attribute}", error.code), &args, locale)) else {
        return error.message.clone();
    };
    let Some(last) = details.get("last") else { return known };
    let member = |name| last.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut args = FluentArgs::new();
    args.set("found", known.clone());
    args.set("last", format!("{}: {}", member("code"), member("message")));
    text("after-attempt", &args, locale).unwrap_or(known)
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
        args.set("agent", agent.to_owned());
    }
    for name in names {
        args.set((*name).to_owned(), shown(number(name)?));
    }
    args.set("of", of.clone());
    Some(args)
}

/// What the catalogue has about a code, or in its attribute (`CODE.attribute`).
fn text(id: &str, args: &FluentArgs<'_>, locale: Locale) -> Option<String> {
    static CATALOGUES: LazyLock<Catalogues> = LazyLock::new(|| Catalogues::read(&[ENGLISH], &[UKRAINIAN]));
    CATALOGUES.of(locale).find(&id.replace('_', "-"), args)
}

#[cfg(test)]
mod tests {
    use bloom_ir::catalogue::variables;
    use serde_json::json;

    use super::*;

    fn error(code: &str, details: serde_json::Value) -> EffectError {
        EffectError::new(code, "as recorded").with_details(Value::from(details))
    }

    #[test]
    fn a_limit_that_was_met_is_told_in_both_languages() {
        let told = |error: &EffectError| [Locale::En, Locale::Uk].map(|locale| Explanation::of(error, locale).found);
        for (code, details, english, ukrainian) in [
            (
                "limit_cost",
                json!({ "limit": 200_000, "measured": 250_000 }),
                "the run has cost 0.25 USD; the limit is 0.20 USD",
                "запуск коштував 0.25 USD; обмеження: 0.20 USD",
            ),
            (
                "limit_time",
                json!({ "limit": 2000, "measured": 2130 }),
                "the run was active for 2.1 s; the limit is 2 s",
                "запуск працював 2.1 с; обмеження: 2 с",
            ),
            (
                "budget_exhausted",
                json!({ "of": "tokens", "limit": 9, "used": 4, "needed": 6, "measured": 10 }),
                "the run has used 4 tokens, and this call may use 6 more; the limit is 9",
                "запуск витратив токенів: 4, а цьому виклику може знадобитися ще 6; обмеження: 9",
            ),
            (
                "budget_exhausted",
                json!({ "of": "calls", "limit": 9, "used": 9, "needed": 1, "measured": 10 }),
                "the run has asked LLMs 9 times; the limit is 9",
                "запуск звертався до LLM стільки разів: 9; обмеження: 9",
            ),
            (
                "budget_exhausted",
                json!({
                    "of": "tokens", "per": "day", "agent": "greet", "limit": 9, "used": 4, "reserved": 3, "needed": 5,
                    "measured": 12,
                }),
                "on this day (UTC) the runs of greet have used 4 tokens, may use 3 more already, and this call may use 5; \
                 the limit is 9",
                "за цей день (UTC) запуски greet витратили токенів: 4, іще 3 уже зарезервовано, а цьому виклику може \
                 знадобитися 5; обмеження: 9",
            ),
            (
                "limit_node_time",
                json!({ "limit": 1000, "measured": 1500, "last": { "code": "timeout", "message": "no answer" } }),
                "the node takes 1.5 s with all attempts and delays; its limit is 1 s; the last attempt failed: timeout: no answer",
                "вузол з усіма спробами й паузами триває 1.5 с; обмеження: 1 с; остання спроба не вдалася: timeout: no answer",
            ),
        ] {
            assert_eq!(told(&error(code, details)), [english, ukrainian]);
        }
    }

    #[test]
    fn what_is_not_whole_is_told_as_it_was_recorded() {
        for error in [
            error("limit_steps", json!({ "limit": 3 })),
            error("limit_steps", json!({ "limit": -1, "measured": 2 })),
            error("refused", json!({ "limit": 3, "measured": 4 })),
            EffectError::new("limit_steps", "as recorded"),
        ] {
            assert_eq!(Explanation::of(&error, Locale::Uk).found, "as recorded");
        }
    }

    #[test]
    fn a_code_that_a_flow_made_means_what_its_message_says() {
        let told = Explanation::of(&EffectError::new("own_code", "as drawn"), Locale::En);
        assert_eq!(told, Explanation { meaning: None, found: "as drawn".to_owned(), advice: None });
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_variables() {
        assert_eq!(variables(ENGLISH).unwrap(), variables(UKRAINIAN).unwrap());
    }
}
