//! JSON as answers have it: to the byte what serde_json writes, which takes each byte of a text by itself. Here a text is
//! looked through in steps of many bytes, and JSON that is kept is not read again before it is shown.

use serde::{
    Serialize, Serializer,
    ser::{
        Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};
use serde_json::Error;

type Result<T, E = Error> = std::result::Result<T, E>;

/// What most answers fit in, in bytes: they need not grow from nothing.
const ROOM: usize = 16 * 1024;
/// The same of a part of one.
const ROOM_OF_A_PART: usize = 1024;

/// Writes JSON in UTF-8, without spaces.
///
/// # Errors
/// For a map whose keys are not text, and what a `Serialize` says.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut writer = Writer(Vec::with_capacity(ROOM));
    value.serialize(&mut writer)?;
    Ok(writer.0)
}

/// JSON that is written already. It is taken on trust, and by this writer alone: to others it is bytes.
///
/// serde_json's own way, `RawValue`, is none of ours: with it, any object that has a certain key is read as JSON in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Written(pub String);

impl Written {
    /// # Errors
    /// As [`to_vec`].
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        let mut writer = Writer(Vec::with_capacity(ROOM_OF_A_PART));
        value.serialize(&mut writer)?;
        String::from_utf8(writer.0).map(Self).map_err(Error::custom)
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.as_bytes())
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        let mut rest = text.as_bytes();
        loop {
            let (plain, behind) = rest.split_at(plain(rest));
            self.put(plain);
            let Some((escaped, behind)) = behind.split_first() else { break };
            match escaped {
                b'"' => self.put(b"\\\""),
                b'\\' => self.put(b"\\\\"),
                b'\n' => self.put(b"\\n"),
                b'\r' => self.put(b"\\r"),
                b'\t' => self.put(b"\\t"),
                b'\x08' => self.put(b"\\b"),
                b'\x0c' => self.put(b"\\f"),
                control => self.put(format!("\\u{control:04x}").as_bytes()),
            }
            rest = behind;
        }
        self.0.push(b'"');
    }

    fn integer(&mut self, value: impl itoa::Integer) {
        self.put(itoa::Buffer::new().format(value).as_bytes());
    }

    /// What serde_json says of a number with a fraction.
    fn fraction(&mut self, value: impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.0, &value)
    }
}

/// Bytes that are looked at together.
const STEP: usize = 16;

/// How many bytes at the beginning stand in JSON as they are.
fn plain(text: &[u8]) -> usize {
    let passed = text.chunks_exact(STEP).take_while(|step| are_plain(step)).count() * STEP;
    let rest = &text[passed..];
    // What is left is looked at in one or two pieces, which may overlap.
    let is_plain = match (rest.len(), text.last_chunk::<STEP>()) {
        (0, _) => true,
        (1..STEP, Some(end)) => are_plain(end),
        (8..STEP, None) => ends_are_plain::<8>(rest),
        (4..8, None) => ends_are_plain::<4>(rest),
        _ => false,
    };
    if is_plain {
        return text.len();
    }
    rest.iter().position(is_escaped).map_or(text.len(), |more| passed + more)
}

fn ends_are_plain<const N: usize>(text: &[u8]) -> bool {
    let (first, last) = (text.first_chunk::<N>(), text.last_chunk::<N>());
    first.is_some_and(|bytes| are_plain(bytes)) && last.is_some_and(|bytes| are_plain(bytes))
}

/// Without a way out of the loop, the compiler looks at all bytes of a piece at once.
#[inline]
fn are_plain(piece: &[u8]) -> bool {
    !piece.iter().fold(false, |found, byte| found | is_escaped(byte))
}

fn is_escaped(byte: &u8) -> bool {
    *byte < b' ' || *byte == b'"' || *byte == b'\\'
}

/// A list or an object, written bit by bit.
struct Parts<'a> {
    writer: &'a mut Writer,
    is_first: bool,
    end: &'static [u8],
}

impl<'a> Parts<'a> {
    fn begin(writer: &'a mut Writer, start: u8, end: &'static [u8]) -> Self {
        writer.0.push(start);
        Self { writer, is_first: true, end }
    }

    /// Within `{"name": …}`.
    fn of_variant(writer: &'a mut Writer, name: &str, start: u8, end: &'static [u8]) -> Self {
        writer.put(b"{");
        writer.text(name);
        writer.put(b":");
        Self::begin(writer, start, end)
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.writer.0.push(b',');
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<()> {
        self.separate();
        item.serialize(&mut *self.writer)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.separate();
        self.writer.text(name);
        self.writer.0.push(b':');
        value.serialize(&mut *self.writer)
    }

    fn finish(self) {
        self.writer.put(self.end);
    }
}

macro_rules! integers {
    ($($method:ident $type:ty)*) => {
        $(fn $method(self, value: $type) -> Result<()> {
            self.integer(value);
            Ok(())
        })*
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    integers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
    }

    fn serialize_bool(self, value: bool) -> Result<()> {
        self.put(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.fraction(value)
    }

    fn serialize_f64(self, value: f64) -> Result<()> {
        self.fraction(value)
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<()> {
        self.text(text);
        Ok(())
    }

    /// None of our types is bytes but [`Written`].
    fn serialize_bytes(self, json: &[u8]) -> Result<()> {
        self.put(json);
        Ok(())
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.put(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let mut object = Parts::begin(self, b'{', b"}");
        object.field(variant, value)?;
        object.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>> {
        Ok(Parts::begin(self, b'[', b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Parts<'a>> {
        Ok(Parts::of_variant(self, variant, b'[', b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>> {
        Ok(Parts::begin(self, b'{', b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Parts<'a>> {
        Ok(Parts::of_variant(self, variant, b'{', b"}}"))
    }
}

macro_rules! parts {
    ($($part:ident $method:ident($($name:ident)?) $by:ident)*) => {
        $(impl $part for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Result<()> {
                self.$by($($name,)? value)
            }

            fn end(self) -> Result<()> {
                self.finish();
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq serialize_element() item
    SerializeTuple serialize_element() item
    SerializeTupleStruct serialize_field() item
    SerializeTupleVariant serialize_field() item
    SerializeStruct serialize_field(name) field
    SerializeStructVariant serialize_field(name) field
}

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.separate();
        let start = self.writer.0.len();
        key.serialize(&mut *self.writer)?;
        if self.writer.0.get(start) == Some(&b'"') { Ok(()) } else { Err(Error::custom("a key is not text")) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.writer.0.push(b':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<()> {
        self.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Written, to_vec};
    use serde::Serialize;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Pair(u8, Option<i128>);

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Plain,
        One(f64),
        Two(f32, char),
        Named { a: Unit, b: (), c: [u64; 3] },
    }

    #[derive(Serialize)]
    struct Whole<'a> {
        kinds: Vec<Kind>,
        pair: Pair,
        map: BTreeMap<&'a str, Option<bool>>,
        empty: (Vec<u8>, BTreeMap<String, u8>),
        #[serde(rename = "a \"name\"")]
        name: &'a str,
        #[serde(flatten)]
        flat: BTreeMap<String, u8>,
    }

    fn same<T: Serialize + ?Sized>(value: &T) {
        let (ours, theirs) = (to_vec(value).unwrap(), serde_json::to_vec(value).unwrap());
        assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(theirs).unwrap());
    }

    #[test]
    fn it_is_what_serde_json_writes() {
        let kinds = vec![
            Kind::Plain,
            Kind::One(f64::NAN),
            Kind::One(-0.1),
            Kind::Two(1.5, '"'),
            Kind::Named { a: Unit, b: (), c: [0, 1, u64::MAX] },
        ];
        let flat = [("flat".to_owned(), 1)].into();
        let map = [("", None), ("\n", Some(true)), ("z", Some(false))].into();
        let empty = Default::default();
        same(&Whole { kinds, pair: Pair(255, Some(i128::MIN)), map, empty, name: "x", flat });
    }

    #[test]
    fn a_text_is_escaped_wherever_in_it_that_is_needed() {
        let every: String = (0..=0x80).filter_map(char::from_u32).chain("ä\u{2028}😀".chars()).collect();
        same(&every);
        for length in 0..70 {
            for at in 0..length {
                for escaped in ["\"", "\\", "\u{1f}", "ß"] {
                    let mut text = "x".repeat(length);
                    text.replace_range(at..=at, escaped);
                    same(&text);
                }
            }
        }
    }

    #[test]
    fn what_is_written_stands_as_it_is() {
        let written = Written::of(&["a", "b"]).unwrap();
        assert_eq!(written.0, r#"["a","b"]"#);
        let kept = Written(r#"{"b":[1, "ä"]}"#.to_owned());
        assert_eq!(to_vec(&(Some(written), kept)).unwrap(), r#"[["a","b"],{"b":[1, "ä"]}]"#.as_bytes());
    }

    #[test]
    fn a_key_is_text() {
        assert!(to_vec(&BTreeMap::from([(1, 2)])).is_err());
    }
}
