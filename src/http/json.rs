//! JSON bodies: read strictly, and refused with every mistake at once.

use super::{call, validate::from_value};
use crate::error::{Code, Error, Result};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header,
    web::{Bytes, BytesMut},
};
use aws_lc_rs::digest::{SHA256, digest};
use futures_util::StreamExt;
use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use std::{cell::Cell, fmt, pin::Pin, time::Duration};
use utoipa::ToSchema;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 2 * 1024 * 1024;
/// The same of somebody who is not signed in: they comment and sign in, and no more is read of what they send.
const MAX_OF_A_STRANGER: usize = 64 * 1024;
/// Values in a body, all that stand in others counted: by many small ones it costs more than its bytes.
const MAX_VALUES: usize = 100_000;

/// How long a body may take: whoever sends it slowly holds what was read of it.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is set aside for a body before it comes, in bytes.
const RESERVED: usize = 64 * 1024;

/// A body of JSON that is a valid `T`, and the digest that an idempotency key, where there is one, holds it to.
pub struct Json<T> {
    pub value: T,
    pub digest: Digest,
}

/// SHA-256 of a body.
pub type Digest = [u8; 32];

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(extract(request, payload, || None))
    }
}

/// The same, or no body at all: then it is `T`'s default.
pub struct OptionalJson<T>(pub T, pub Digest);

impl<T: DeserializeOwned + ToSchema + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = extract(request, payload, || Some(T::default()));
        Box::pin(async {
            let Json { value, digest } = body.await?;
            Ok(Self(value, digest))
        })
    }
}

/// Reads a body; `absent` stands for one that was left out.
fn extract<T: DeserializeOwned + ToSchema>(
    request: &HttpRequest,
    payload: &mut Payload,
    absent: fn() -> Option<T>,
) -> impl Future<Output = Result<Json<T>>> + use<T> {
    let accepted = accept(request, &["application/json"]);
    let body = read(request, payload);
    let keyed = request.headers().contains_key("idempotency-key");
    async move {
        let body = body.await?;
        let value = match absent() {
            Some(value) if body.is_empty() => value,
            _ => {
                accepted?;
                let body = strict(&body)?;
                call::note_fields(&body);
                from_value(body)?
            }
        };
        Ok(Json { value, digest: if keyed { digest_of(&body) } else { Digest::default() } })
    }
}

pub fn digest_of(body: &[u8]) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, body).as_ref());
    bytes
}

/// Refuses a body of another media type than `allowed`, in another charset than UTF-8, or compressed.
pub fn accept(request: &HttpRequest, allowed: &[&str]) -> Result<()> {
    let coding = request.headers().get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Error::with(Code::UnsupportedMediaType, "send the body as it is, not compressed")
            .header(header::ACCEPT_ENCODING, "identity"));
    }
    let given = request.content_type();
    let utf8 = || request.encoding().is_ok_and(|e| e.name() == "UTF-8");
    if allowed.iter().any(|a| given.eq_ignore_ascii_case(a)) && utf8() {
        return Ok(());
    }
    let detail = format!("send {} in UTF-8", allowed.join(" or "));
    let accepts = if request.method() == "PATCH" { "accept-patch" } else { "accept-post" };
    Err(Error::with(Code::UnsupportedMediaType, detail)
        .header(header::HeaderName::from_static(accepts), allowed.join(", ")))
}

/// Reads the whole body, up to the bound.
pub fn read(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Bytes>> + use<> {
    let announced = request.headers().get("content-length").and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let mut payload = payload.take();
    let max = if call::is_of_staff() { MAX_BODY } else { MAX_OF_A_STRANGER };
    async move {
        let too_large = || Error::with(Code::BodyTooLarge, format!("a body has at most {max} bytes"));
        if announced.is_some_and(|n| n > max) {
            return Err(too_large());
        }
        let late =
            || Error::with(Code::RequestTimeout, format!("a body is sent within {} seconds", PATIENCE.as_secs()));
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut body = BytesMut::with_capacity(announced.unwrap_or(1024).min(RESERVED));
        while let Some(chunk) = tokio::time::timeout_at(until, payload.next()).await.map_err(|_| late())? {
            let chunk = chunk.map_err(|e| {
                Error::with(Code::BadRequest, "the body could not be read").because(anyhow::anyhow!("{e}"))
            })?;
            if body.len() + chunk.len() > max {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// Reads JSON and refuses what lax readers let pass: a key given twice, and anything behind the value.
pub fn strict(body: &[u8]) -> Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let left = Cell::new(MAX_VALUES);
    let value = Strict(&left).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|e| {
        if left.get() == 0 {
            return Error::with(Code::BodyTooLarge, format!("a body has at most {MAX_VALUES} values"));
        }
        let text = e.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        Error::with(Code::MalformedJson, format!("line {}, column {}: {text}", e.line(), e.column()))
    })
}

/// Builds a `Value` of no more values than are left, and refuses an object that has a key twice.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.set(self.0.get().saturating_sub(1));
        if self.0.get() == 0 {
            return Err(D::Error::custom("there are too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice in one object")));
            }
            let value = map.next_value_seed(self)?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::strict;

    #[test]
    fn what_lax_readers_let_pass_is_refused() {
        for body in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            "{} {}",
            "",
            "{",
            r#""\ud800""#,
            "[1,]",
            "NaN",
            &"[".repeat(200),
        ] {
            assert!(strict(body.as_bytes()).is_err(), "{body}");
        }
        let error = strict(b"{\n  \"a\": trie\n}").unwrap_err();
        assert!(error.to_string().starts_with("line 2, column "), "{error}");
    }
}
