//! The texts of the pages, in Fluent catalogues: one for each language, with the same messages and variables.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::language::Language;

const ENGLISH: &str = include_str!("../../messages/en.ftl");
const UKRAINIAN: &str = include_str!("../../messages/uk.ftl");

/// The texts of one language.
pub(super) struct Texts {
    tag: &'static str,
    bundle: FluentBundle<FluentResource>,
}

static ALL: LazyLock<[Texts; 2]> = LazyLock::new(|| [Texts::read("en", ENGLISH), Texts::read("uk", UKRAINIAN)]);

impl Texts {
    /// Those of a language.
    pub(super) fn of(language: Language) -> &'static Self {
        let [english, ukrainian] = &*ALL;
        match language {
            Language::English => english,
            Language::Ukrainian => ukrainian,
        }
    }

    fn read(tag: &'static str, text: &str) -> Self {
        // The language's plural rules. Both tags are well-formed; without one, the rules of the root language hold.
        let mut bundle = FluentBundle::new_concurrent(tag.parse().into_iter().collect());
        bundle.set_use_isolating(false);
        // A message that does not parse is left out of the resource, and the tests below find it.
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
        Self { tag, bundle }
    }

    /// The language, as BCP 47 has it.
    pub(super) fn tag(&self) -> &'static str {
        self.tag
    }

    /// A text without variables, if there is one.
    pub(super) fn find(&self, id: &str) -> Option<String> {
        self.bundle.has_message(id).then(|| self.get(id))
    }

    /// A text without variables.
    pub(super) fn get(&self, id: &str) -> String {
        self.format(id, &FluentArgs::new())
    }

    /// A text with its variables; its id where it is missing. Use it through [`text!`].
    pub(super) fn format(&self, id: &str, args: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.bundle.get_message(id).and_then(|message| message.value()) else {
            return id.to_owned();
        };
        self.bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned()
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Texts").field(&self.tag).finish()
    }
}

/// What a text may name: numbers, which choose plurals, and other texts.
pub(super) struct Variable(pub(super) FluentValue<'static>);

macro_rules! variables {
    ($($kind:ty => |$value:ident| $made:expr;)*) => {$(
        impl From<$kind> for Variable {
            fn from($value: $kind) -> Self {
                Self($made.into())
            }
        }
    )*};
}

variables! {
    &str => |value| value.to_owned();
    &String => |value| value.clone();
    String => |value| value;
    usize => |value| value;
    u64 => |value| value;
    &u64 => |value| *value;
    u32 => |value| value;
    i64 => |value| value;
}

/// The text of a message with its variables: `text!(shell.texts, "run-by", name = by)`.
macro_rules! text {
    ($texts:expr, $id:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        #[allow(unused_mut, reason = "a message without variables")]
        let mut args = fluent_bundle::FluentArgs::new();
        $(args.set(stringify!($name), $crate::ui::texts::Variable::from($value).0);)*
        $texts.format($id, &args)
    }};
}
pub(super) use text;
