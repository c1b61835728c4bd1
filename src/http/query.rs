//! Query parameters: typed, and refused where they are unknown, with the list of what is allowed.

use super::{
    mistakes::{explain, named},
    page::{PageParams, Scope, Window},
};
use crate::{
    app::App,
    error::{Error, Result},
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt,
    future::{Ready, ready},
    marker::PhantomData,
    ops::Deref,
};

/// The query of a request, read as `T`, which must refuse unknown fields.
pub struct Query<T> {
    params: T,
    scope: Scope,
}

impl<T: PageParams> Query<T> {
    /// Which part of the list is asked for.
    ///
    /// # Errors
    /// 400 for a cursor that this list did not make, or for a page beyond the bound.
    pub fn window(&self, app: &App) -> Result<Window> {
        Window::of(self.params.page_params(), &self.scope, app)
    }
}

impl<T> Query<T> {
    /// The `Link` header of what goes on where a parameter has this value.
    pub fn link_on(&self, parameter: &str, value: &str) -> String {
        format!("<{}>; rel=\"next\"", self.scope.with(parameter, value))
    }

    pub fn into_params(self) -> T {
        self.params
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.params
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(|params| Self { params, scope: Scope::of(request) }))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T> {
    let (query, repeated) = joined(query);
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let text = error.inner().to_string();
        let path = error.path().to_string();
        let name = match named(&text) {
            Some(name) if text.starts_with("unknown field") || path == "." || path == "?" => name.to_owned(),
            _ => path,
        };
        let (code, message) = explain(&text);
        let message = message.replacen("unknown field", "unknown parameter", 1);
        let code = if code == "unknown_field" { "unknown_parameter".to_owned() } else { code };
        let once = if repeated.contains(&name) { "; it was given more than once" } else { "" };
        Error::parameter(&name, code, message + once)
    })
}

/// The query of what takes no parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// Joins what is given more than once, and names it: some generated clients write `tag=a&tag=b` for `tag=a,b`.
fn joined(query: &str) -> (Cow<'_, str>, HashSet<String>) {
    let mut repeated = HashSet::new();
    if !query.contains('&') {
        return (query.into(), repeated);
    }
    let mut pairs: Vec<(Cow<'_, str>, String)> = Vec::new();
    let mut places: HashMap<Cow<'_, str>, usize> = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match places.get(&name).and_then(|place| pairs.get_mut(*place)) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
                repeated.insert(name.into_owned());
            }
            None => {
                places.insert(name.clone(), pairs.len());
                pairs.push((name, value.into_owned()));
            }
        }
    }
    (form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into(), repeated)
}

/// Values with commas between them: `a,b,c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

/// Values in one list at the most.
const MAX_VALUES: usize = 50;

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("values with commas between them")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<List<T>, E> {
                let values: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
                if values.len() > MAX_VALUES {
                    return Err(E::custom(format_args!("at most {MAX_VALUES} values may be given")));
                }
                values
                    .into_iter()
                    .map(|part| T::deserialize(serde::de::value::StrDeserializer::new(part)))
                    .collect::<Result<_, E>>()
                    .map(List)
            }
        }

        deserializer.deserialize_str(Visitor(PhantomData))
    }
}

/// The parameters of a list: its own, and those that every list has.
macro_rules! list_params {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// How many to return.
            #[param(minimum = 1, maximum = 100, default = 20, example = 20)]
            pub limit: Option<u32>,
            /// Where to go on: `page.next_cursor` of the page before. Worth nothing with other filters or another order.
            #[param(max_length = 2800, pattern = "^[A-Za-z0-9_-]*$")]
            pub cursor: Option<String>,
            /// A numbered page, from 1, instead of a cursor. Deep pages cost more: beyond the 10,000th item use cursors.
            #[param(minimum = 1, maximum = 10000, example = 1)]
            pub page: Option<u32>,
            /// Also say how many there are in all.
            #[param(example = false)]
            pub count: Option<bool>,
        }

        impl $crate::http::page::PageParams for $name {
            fn page_params(&self) -> $crate::http::page::Asked<'_> {
                $crate::http::page::Asked {
                    limit: self.limit,
                    cursor: self.cursor.as_deref(),
                    page: self.page,
                    count: self.count.unwrap_or_default(),
                }
            }
        }
    };
}
pub(crate) use list_params;

/// The names that `fields=` may ask for: those of the resource's own fields. Each is a `tt`: of a `literal` the schema's
/// derive takes no notice, and lists the names in Rust.
macro_rules! field_names {
    ($(#[$doc:meta])* pub enum $name:ident { $($variant:ident = $wire:tt),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $(#[serde(rename = $wire)] $variant),* }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                match self { $(Self::$variant => $wire),* }
            }
        }
    };
}
pub(crate) use field_names;

#[cfg(test)]
mod tests {
    use super::{List, parse};
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    struct Params {
        limit: Option<u32>,
        sort: Option<Sort>,
        tag: Option<List<String>>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Sort {
        Name,
    }

    #[test]
    fn a_parameter_that_is_wrong_is_named() {
        for (query, name) in [
            ("x=1", "x"),
            ("limit=a", "limit"),
            ("sort=age", "sort"),
            ("limit=1&limit=2", "limit"),
            ("limit=", "limit"),
        ] {
            let error = parse::<Params>(query).unwrap_err();
            assert_eq!(error.errors()[0].pointer, name, "{query}: {error}");
        }
        assert!(parse::<Params>("sort=age").unwrap_err().to_string().contains("name"));
        let twice = parse::<Params>("limit=1&limit=2").unwrap_err().to_string();
        assert!(twice.ends_with("it is a whole number; it was given more than once"), "{twice}");
        let read = parse::<Params>("tag=a,%20b,&limit=3").unwrap();
        assert_eq!(read.tag, parse::<Params>("tag=a&tag=b").unwrap().tag);
        assert_eq!(read, Params { limit: Some(3), sort: None, tag: Some(List(vec!["a".into(), "b".into()])) });
    }
}
