//! Compact JSON whose members stand in UTF-8 order of their names, in whatever order the types declare them: the same bytes
//! as through a tree of the JSON library, without the tree. Histories are hashed event by event, so it is worth the while.

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Error;

/// The bytes of some data. It fails where a name is no text.
pub(super) fn to_vec(data: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(256);
    data.serialize(Writer(&mut out))?;
    Ok(out)
}

struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    /// What has no members is written as the library writes it.
    fn plain(self, data: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        serde_json::to_writer(self.0, data)
    }

    /// Begins an object of one member, which the variant names.
    fn variant(&mut self, name: &str) -> Result<(), Error> {
        self.0.push(b'{');
        serde_json::to_writer(&mut *self.0, name)?;
        self.0.push(b':');
        Ok(())
    }

    fn elements(self, closing: &'static [u8]) -> Elements<'a> {
        self.0.push(b'[');
        Elements { out: self.0, is_first: true, closing }
    }

    fn members(self, closing: &'static [u8]) -> Members<'a> {
        self.0.push(b'{');
        let start = self.0.len();
        Members { out: self.0, start, names: Vec::new(), is_sorted: true, closing }
    }
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Elements<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    fn serialize_bool(self, data: bool) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_i8(self, data: i8) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_i16(self, data: i16) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_i32(self, data: i32) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_i64(self, data: i64) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_u8(self, data: u8) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_u16(self, data: u16) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_u32(self, data: u32) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_u64(self, data: u64) -> Result<(), Error> {
        self.plain(&data)
    }

    /// As the double that it is in a tree.
    fn serialize_f32(self, data: f32) -> Result<(), Error> {
        self.plain(&f64::from(data))
    }

    fn serialize_f64(self, data: f64) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_char(self, data: char) -> Result<(), Error> {
        self.plain(&data)
    }

    fn serialize_str(self, data: &str) -> Result<(), Error> {
        self.plain(data)
    }

    fn serialize_bytes(self, data: &[u8]) -> Result<(), Error> {
        self.plain(data)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, data: &T) -> Result<(), Error> {
        data.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.extend(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, data: &T) -> Result<(), Error> {
        data.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        data: &T,
    ) -> Result<(), Error> {
        self.variant(variant)?;
        data.serialize(Writer(self.0))?;
        self.0.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>, Error> {
        Ok(self.elements(b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'a>, Error> {
        Ok(self.elements(b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'a>, Error> {
        Ok(self.elements(b"]"))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Elements<'a>, Error> {
        self.variant(variant)?;
        Ok(self.elements(b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Error> {
        Ok(self.members(b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Error> {
        Ok(self.members(b"}"))
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Error> {
        self.variant(variant)?;
        Ok(self.members(b"}}"))
    }
}

/// An array that is being written.
struct Elements<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    closing: &'static [u8],
}

impl Elements<'_> {
    fn add(&mut self, data: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
        data.serialize(Writer(self.out))
    }

    fn close(self) {
        self.out.extend(self.closing);
    }
}

/// An object that is being written: each member is followed by a comma until all are there.
struct Members<'a> {
    out: &'a mut Vec<u8>,
    /// Where the first member begins.
    start: usize,
    /// Where each name begins and ends, quotes included.
    names: Vec<(usize, usize)>,
    is_sorted: bool,
    closing: &'static [u8],
}

impl Members<'_> {
    fn name(&mut self, name: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let start = self.out.len();
        serde_json::to_writer(&mut *self.out, name)?;
        if self.out.get(start) != Some(&b'"') {
            return Err(Error::custom("a name must be a text"));
        }
        let name = (start, self.out.len());
        self.out.push(b':');
        let text = |(start, end): (usize, usize)| Name::of(&self.out[start..end]);
        self.is_sorted = self.is_sorted && self.names.last().is_none_or(|last| text(*last) < text(name));
        self.names.push(name);
        Ok(())
    }

    fn content(&mut self, data: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        data.serialize(Writer(self.out))?;
        self.out.push(b',');
        Ok(())
    }

    fn close(self) {
        if !self.is_sorted {
            let written = self.out.split_off(self.start);
            let at = |position: usize| position - self.start;
            let ends = self.names.iter().skip(1).map(|(start, _)| at(*start)).chain([written.len()]);
            let mut members: Vec<(Name<'_>, &[u8])> = self
                .names
                .iter()
                .zip(ends)
                .map(|((start, end), next)| (Name::of(&written[at(*start)..at(*end)]), &written[at(*start)..next]))
                .collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            for (_, member) in members {
                self.out.extend(member);
            }
        }
        self.out.pop_if(|last| *last == b',');
        self.out.extend(self.closing);
    }
}

/// A name as it is meant, not as it is spelt: a spelling with escapes has another order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(std::borrow::Cow<'a, [u8]>);

impl<'a> Name<'a> {
    fn of(quoted: &'a [u8]) -> Self {
        let spelt = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        if !spelt.contains(&b'\\') {
            return Self(spelt.into());
        }
        // It was written a moment ago.
        Self(serde_json::from_slice::<String>(quoted).map(String::into_bytes).unwrap_or_default().into())
    }
}

impl SerializeSeq for Elements<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), Error> {
        self.add(data)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeTuple for Elements<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), Error> {
        self.add(data)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeTupleStruct for Elements<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), Error> {
        self.add(data)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeTupleVariant for Elements<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), Error> {
        self.add(data)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Error> {
        self.name(name)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), Error> {
        self.content(data)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, data: &T) -> Result<(), Error> {
        self.name(name)?;
        self.content(data)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeStructVariant for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, data: &T) -> Result<(), Error> {
        self.name(name)?;
        self.content(data)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Something of everything, its names in no order.
    #[derive(Clone, Debug, Serialize)]
    struct Sample {
        z: Option<f64>,
        b: Vec<Inner>,
        #[serde(skip_serializing_if = "Option::is_none")]
        y: Option<i64>,
        #[serde(flatten)]
        more: BTreeMap<String, u8>,
        a: (u64, char, ()),
        é: String,
    }

    #[derive(Clone, Debug, Serialize)]
    enum Inner {
        Unit,
        Newtype(String),
        Tuple(bool, f32),
        Struct { z: u8, a: BTreeMap<String, Inner> },
    }

    fn inner() -> impl Strategy<Value = Inner> {
        let leaf = prop_oneof![
            Just(Inner::Unit),
            any::<String>().prop_map(Inner::Newtype),
            (any::<bool>(), any::<f32>()).prop_map(|(one, other)| Inner::Tuple(one, other)),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            (any::<u8>(), prop::collection::btree_map("[\0-\u{2}\"\\a\u{7f}й]{0,3}", inner, 0..4))
                .prop_map(|(z, a)| Inner::Struct { z, a })
        })
    }

    fn sample() -> impl Strategy<Value = Sample> {
        (
            any::<Option<f64>>(),
            prop::collection::vec(inner(), 0..4),
            any::<Option<i64>>(),
            prop::collection::btree_map("[c-x\u{1}]{1,2}", any::<u8>(), 0..4),
            any::<(u64, char, ())>(),
            any::<String>(),
        )
            .prop_map(|(z, b, y, more, a, é)| Sample { z, b, y, more, a, é })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn same_bytes_as_through_a_tree(sample in sample()) {
            let tree = serde_json::to_value(&sample).unwrap();
            let written = to_vec(&sample).unwrap();
            prop_assert_eq!(String::from_utf8(written).unwrap(), tree.to_string());
        }
    }

    #[test]
    fn name_that_is_no_text_is_refused() {
        assert!(to_vec(&BTreeMap::from([(1, 2)])).is_err());
    }
}
