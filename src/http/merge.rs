//! JSON Merge Patch (RFC 7396): a change is merged into what is there, and the whole is read anew.

use super::{
    call,
    json::{accept, read, strict},
    validate::from_value,
};
use crate::error::{Error, FieldError, Result};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{borrow::Cow, marker::PhantomData, pin::Pin};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// What a client may write, where a change may take a field away.
pub trait Settle: Sized {
    /// The fields that hold whatever a client puts there.
    const OPEN: &'static [&'static str] = &[];

    /// With what stands for each field that was taken away: its default, or what the resource cannot be without.
    fn settled(self, current: &Self) -> Self;
}

/// The body of a `PATCH` of what `N` creates: the same fields, each of which may be left out.
pub struct Changes<N> {
    patch: Value,
    into: PhantomData<fn() -> N>,
}

impl<N: Serialize + DeserializeOwned + PartialSchema + Settle> Changes<N> {
    /// Merges the changes into `current` and reads the whole by the same rules as a new one.
    ///
    /// # Errors
    /// 422 with every mistake; a field that is required and set to `null` is one of them.
    pub fn apply(&self, current: &N) -> Result<N> {
        let mut value = serde_json::to_value(current).map_err(|e| Error::internal("a row is not JSON").because(e))?;
        merge(&mut value, &self.patch, Some(N::OPEN));
        Ok(from_value::<N>(value)?.settled(current))
    }

    /// The names of the fields that were sent.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.patch.as_object().into_iter().flat_map(|fields| fields.keys().map(String::as_str))
    }

    /// What stands for a field that is taken away, where its default is decided elsewhere.
    pub fn stand_in(mut self, name: &str, value: impl Serialize) -> Self {
        if let Some(field) = self.patch.get_mut(name).filter(|field| field.is_null()) {
            *field = serde_json::to_value(value).unwrap_or_default();
        }
        self
    }

    /// A field as it was sent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.patch.get(name)
    }

    /// The fields that the client meant to change and that are not as it has them: what a stale `If-Match` is told.
    pub fn differing(&self, current: &N) -> Vec<FieldError> {
        let current = serde_json::to_value(current).unwrap_or_default();
        let Value::Object(patch) = &self.patch else { return Vec::new() };
        let differs = |name: &&String| patch.get(*name) != current.get(name.as_str());
        patch
            .keys()
            .filter(differs)
            .map(|name| FieldError::new(format!("/{name}"), "differs", "it is not what you send"))
            .collect()
    }
}

impl<N> From<Value> for Changes<N> {
    fn from(patch: Value) -> Self {
        Self { patch, into: PhantomData }
    }
}

/// RFC 7396, section 2, which forgets a `null` for what is not there. But for `open` fields it is kept here, so that it
/// is refused where there is no such field; where there is one, it is the same as nothing. `None`: everything is open.
fn merge(target: &mut Value, patch: &Value, open: Option<&[&str]>) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(fields) = target {
        for (name, change) in changes {
            match change {
                Value::Null => {
                    let known = fields.shift_remove(name).is_some();
                    if !known && open.is_some() {
                        fields.insert(name.clone(), Value::Null);
                    }
                }
                change => {
                    let open = open.filter(|open| !open.contains(&name.as_str()));
                    merge(fields.entry(name).or_insert(Value::Null), change, open);
                }
            }
        }
    }
}

impl<N> FromRequest for Changes<N> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let accepted = accept(request, &["application/merge-patch+json", "application/json"]);
        let body = read(request, payload);
        Box::pin(async move {
            accepted?;
            let patch = strict(&body.await?)?;
            call::note_fields(&patch);
            if patch.is_object() {
                Ok(Self { patch, into: PhantomData })
            } else {
                Err(Error::invalid_field("", "invalid_type", "a change is an object with the fields to change"))
            }
        })
    }
}

/// The schema is `N`'s without defaults; `openapi/schemas.rs` takes from it what is required. Its name is made of `N`'s: `NewTag`
/// becomes `TagChanges`.
impl<N: ToSchema> PartialSchema for Changes<N> {
    fn schema() -> RefOr<Schema> {
        let mut schema = N::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            for property in object.properties.values_mut() {
                if let RefOr::T(Schema::Object(property)) = property {
                    property.default = None;
                }
            }
        }
        schema
    }
}

impl<N: ToSchema> ToSchema for Changes<N> {
    fn name() -> Cow<'static, str> {
        let name = N::name();
        format!("{}Changes", name.strip_prefix("New").unwrap_or(&name)).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        N::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use serde_json::json;

    #[test]
    fn the_examples_of_the_rfc_hold() {
        // RFC 7396, appendix A: original, patch, result.
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, result) in cases {
            merge(&mut target, &patch, None);
            assert_eq!(target, result, "{patch}");
        }
    }

    #[test]
    fn a_null_for_what_is_not_there_stays_to_be_refused_but_in_open_fields() {
        let mut target = json!({"seo": {"title": "a"}, "image": null, "custom": {"a": 1}});
        let patch = json!({
            "seo": {"title": null, "zz": null}, "image": {"zz": null}, "zz": null, "custom": {"zz": null, "b": {"zz": null}}
        });
        merge(&mut target, &patch, Some(&["custom"]));
        let expected = json!({
            "seo": {"zz": null}, "image": {"zz": null}, "zz": null, "custom": {"a": 1, "b": {}}
        });
        assert_eq!(target, expected);
    }
}
