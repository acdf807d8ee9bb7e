//! Static types: what is certain of a value before a program runs.
//!
//! A [`Type`] says which values are possible. It may allow too many, never too few: it comes from JSON Schemas that are
//! checked when the program runs, and from what operators and functions give. So whatever [`infer()`] finds goes wrong
//! wherever it is computed, except for [`Finding::MaybeNull`], which goes wrong when the value is the null that a schema
//! expressly allows.

mod infer;
pub mod nulls;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use infer::{Finding, Scope, infer};
use nulls::Nullness;

/// Deeper parts of a type are anything.
const MAX_DEPTH: usize = 8;

/// A type with more parts keeps its kinds only, so that types of values that grow in a loop stay small.
const MAX_PARTS: usize = 256;

/// A set of kinds of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// No value at all.
    pub const NONE: Self = Self(0);
    /// `null`
    pub const NULL: Self = Self(1);
    /// `true`, `false`
    pub const BOOL: Self = Self(1 << 1);
    /// Whole numbers.
    pub const INT: Self = Self(1 << 2);
    /// Doubles.
    pub const DOUBLE: Self = Self(1 << 3);
    /// Whole numbers and doubles.
    pub const NUMBER: Self = Self(Self::INT.0 | Self::DOUBLE.0);
    /// Texts.
    pub const STRING: Self = Self(1 << 4);
    /// Lists.
    pub const LIST: Self = Self(1 << 5);
    /// Maps.
    pub const MAP: Self = Self(1 << 6);
    /// All of them.
    pub const ALL: Self = Self((1 << 7) - 1);

    /// Those of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that the other has not.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether they share one.
    pub fn meets(self, other: Self) -> bool {
        self.and(other) != Self::NONE
    }

    /// Whether all of these are among the others.
    pub fn is_within(self, other: Self) -> bool {
        self.without(other) == Self::NONE
    }
}

impl fmt::Display for Kinds {
    /// `number or string`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = if self.meets(Self::INT) && self.meets(Self::DOUBLE) { "number" } else { "int" };
        let named = [
            (Self::BOOL, "bool"),
            (Self::INT, number),
            (if number == "number" { Self::NONE } else { Self::DOUBLE }, "double"),
            (Self::STRING, "string"),
            (Self::LIST, "list"),
            (Self::MAP, "map"),
            (Self::NULL, "null"),
        ];
        let names: Vec<&str> = named.iter().filter(|(kind, _)| self.meets(*kind)).map(|(_, name)| *name).collect();
        formatter.write_str(&names.join(" or "))
    }
}

/// What is certain of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Type {
    /// What it may be.
    kinds: Kinds,
    /// Whether it is a schema that says that it may be null.
    nullable: bool,
    /// What the elements are, where it is a list; absent: anything.
    items: Option<Arc<Type>>,
    /// What its members are if they are there, where it is a map.
    members: BTreeMap<String, Type>,
    /// Whether a map has no other members.
    closed: bool,
}

impl Type {
    /// Nothing is certain.
    pub fn any() -> Self {
        Self::of(Kinds::ALL)
    }

    /// No value: what is known of a variable before anything is known to be put into it.
    pub fn never() -> Self {
        Self::default()
    }

    /// A value of one of the kinds.
    pub fn of(kinds: Kinds) -> Self {
        Self { kinds, ..Self::default() }
    }

    /// A list of such elements.
    pub fn list(items: Self) -> Self {
        Self { items: Some(Arc::new(items)), ..Self::of(Kinds::LIST) }.bounded()
    }

    /// A map with these members and, unless it is closed, others.
    pub fn map(members: BTreeMap<String, Self>, closed: bool) -> Self {
        Self { members, closed, ..Self::of(Kinds::MAP) }.bounded()
    }

    /// The kinds that it may be of.
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Whether a schema says that it may be null.
    pub fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// What it is where this is known of it.
    #[must_use]
    pub fn narrowed(self, known: Nullness) -> Self {
        match known {
            // Where it cannot be null, nothing comes to this place, and whatever stands there goes well.
            Nullness::Null if !self.kinds.meets(Kinds::NULL) => self,
            Nullness::Null => Self::of(Kinds::NULL),
            Nullness::NotNull => Self { nullable: false, kinds: self.kinds.without(Kinds::NULL), ..self },
            Nullness::Asked => Self { nullable: false, ..self },
        }
    }

    /// Whether it may be of one of these kinds. What has no value yet may be anything.
    pub fn may(&self, kinds: Kinds) -> bool {
        self.kinds == Kinds::NONE || self.kinds.meets(kinds)
    }

    /// The type of its elements, where it is a list.
    #[must_use]
    pub fn items(&self) -> Self {
        match &self.items {
            _ if self.kinds == Kinds::NONE => Self::never(),
            Some(items) => (**items).clone(),
            None => Self::any(),
        }
    }

    /// The type of a member, where it is a map; `None` where it is certain that there is no such member.
    pub fn member(&self, name: &str) -> Option<Self> {
        match self.members.get(name) {
            _ if self.kinds == Kinds::NONE => Some(Self::never()),
            Some(member) => Some(member.clone()),
            None => (!self.closed).then(Self::any),
        }
    }

    /// The names of the members that are known.
    pub fn member_names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// What a value is that is of either type.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let (left, right) = (self, other);
        let [left_map, right_map] = [left, right].map(|side| side.kinds.meets(Kinds::MAP));
        let [left_list, right_list] = [left, right].map(|side| side.kinds.meets(Kinds::LIST));
        let items = match (left_list, right_list) {
            (true, true) => {
                left.items.as_ref().zip(right.items.as_ref()).map(|(left, right)| Arc::new(left.join(right)))
            }
            (true, false) => left.items.clone(),
            _ => right.items.clone(),
        };
        let (members, closed) = match (left_map, right_map) {
            (true, true) => (joined_members(left, right), left.closed && right.closed),
            (true, false) => (left.members.clone(), left.closed),
            _ => (right.members.clone(), right.closed),
        };
        let (kinds, nullable) = (left.kinds.or(right.kinds), left.nullable || right.nullable);
        Self { kinds, nullable, items, members, closed }.bounded()
    }

    /// Without what is too deep or too much.
    fn bounded(self) -> Self {
        let mut left = MAX_PARTS;
        if self.fits(MAX_DEPTH, &mut left) {
            return self;
        }
        Self { nullable: self.nullable, ..Self::of(self.kinds) }
    }

    fn fits(&self, depth: usize, left: &mut usize) -> bool {
        let Some(rest) = left.checked_sub(1) else { return false };
        *left = rest;
        let Some(depth) = depth.checked_sub(1) else { return false };
        self.items.iter().map(Arc::as_ref).chain(self.members.values()).all(|part| part.fits(depth, left))
    }
}

/// Of two maps; a member that one of them may have without anything known of it is not known.
fn joined_members(left: &Type, right: &Type) -> BTreeMap<String, Type> {
    let names = left.members.keys().chain(right.members.keys());
    let member = |name: &String| match (left.members.get(name), right.members.get(name)) {
        (Some(left), Some(right)) => Some(left.join(right)),
        (Some(member), None) => right.closed.then(|| member.clone()),
        (None, Some(member)) => left.closed.then(|| member.clone()),
        (None, None) => None,
    };
    names.filter_map(|name| Some((name.clone(), member(name)?))).collect()
}
