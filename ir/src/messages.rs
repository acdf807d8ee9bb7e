//! The texts of diagnostics, in one Fluent catalogue per language. Ids are codes; the attribute `.hint` says what to do.

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};

use crate::diagnostic::Diagnostic;
use crate::document::Locale;

const ENGLISH: &str = include_str!("../messages/en.ftl");
const UKRAINIAN: &str = include_str!("../messages/uk.ftl");

thread_local! {
    static BUNDLES: [FluentBundle<FluentResource>; 2] = [bundle(ENGLISH), bundle(UKRAINIAN)];
}

fn bundle(catalogue: &str) -> FluentBundle<FluentResource> {
    // A message that does not parse is left out of the resource, and the test below finds it.
    let resource = FluentResource::try_new(catalogue.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let mut bundle = FluentBundle::default();
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

pub(crate) fn message(diagnostic: &Diagnostic, locale: Locale) -> String {
    format(diagnostic, locale, None).unwrap_or_else(|| diagnostic.code.to_string())
}

pub(crate) fn hint(diagnostic: &Diagnostic, locale: Locale) -> Option<String> {
    format(diagnostic, locale, Some("hint"))
}

fn format(diagnostic: &Diagnostic, locale: Locale, attribute: Option<&str>) -> Option<String> {
    let mut args = FluentArgs::new();
    for (name, value) in &diagnostic.args {
        args.set(*name, value.as_str());
    }
    BUNDLES.with(|[english, ukrainian]| {
        let bundle = match locale {
            Locale::En => english,
            Locale::Uk => ukrainian,
        };
        let message = bundle.get_message(diagnostic.code.0)?;
        let pattern = match attribute {
            None => message.value()?,
            Some(name) => message.get_attribute(name)?.value(),
        };
        Some(bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
    })
}
