//! Errors of runs as the terminal tells them: what a code means, what was found, what to do about it.

use bloom_interpreter::effect::EffectError;
use bloom_runtime::explain::Explanation;

use crate::catalogue::Catalogue;
use crate::output::plain;

/// What the code means, where that is known, and what was found.
pub(crate) fn explained(error: &EffectError, catalogue: &Catalogue) -> String {
    let Explanation { meaning, found, .. } = Explanation::of(error, catalogue.locale());
    match meaning {
        Some(meaning) => format!("{meaning} ({}): {}", error.code, plain(&found)),
        None => format!("{}: {}", plain(&error.code), plain(&error.message)),
    }
}

/// On one line among others: `limit_steps: …`.
pub(crate) fn short(error: &EffectError, catalogue: &Catalogue) -> String {
    format!("{}: {}", error.code, plain(&Explanation::of(error, catalogue.locale()).found))
}

/// What to do about it.
pub(crate) fn advice(error: &EffectError, catalogue: &Catalogue) -> Option<String> {
    Explanation::of(error, catalogue.locale()).advice
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;

    use super::*;

    #[test]
    fn what_others_wrote_is_made_harmless() {
        let error = EffectError::new("timeout", "late\u{1b}[31m");
        let english = Catalogue::of(Locale::En);
        assert_eq!(explained(&error, &english), format!("it took too long (timeout): {}", plain("late\u{1b}[31m")));
        assert!(!short(&error, &english).contains('\u{1b}'));
        assert!(advice(&error, &english).is_some_and(|advice| advice.contains("more time")));
    }
}
