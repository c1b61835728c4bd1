//! The parts of an article that change by themselves: its fields, and what stands in `seo`, `custom` and `image`.

use super::write::NewArticle;
use crate::http::pointer_key;
use serde_json::{Map, Value};

/// Keys of `custom` that are named one by one, and bytes of one; beyond that it is told as a whole.
const MAX_KEYS: usize = 50;
const MAX_KEY: usize = 200;

/// The names of what differs, as JSON Pointers without the first `/`: `title`, `seo/description`. The body is one
/// part, whatever of it differs, and so is an image that shows something else.
pub fn differing(new: &NewArticle, current: &NewArticle) -> Vec<String> {
    macro_rules! differing {
        ($($field:ident),*) => {{
            // Nothing is left out: a field more does not compile.
            let NewArticle { $($field),* } = new;
            [$((stringify!($field), *$field != current.$field)),*]
        }};
    }
    let fields = differing!(
        slug,
        title,
        subtitle,
        excerpt,
        body,
        authors,
        tags,
        section,
        related,
        image,
        visibility,
        featured,
        language,
        translation_of,
        comments,
        seo,
        custom
    );
    let named = fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name);
    named
        .flat_map(|name| {
            let whole = vec![name.to_owned()];
            match name {
                "seo" => within(name, &new.seo, &current.seo),
                "custom" => within(name, &new.custom, &current.custom)
                    .filter(|parts| parts.len() <= MAX_KEYS && parts.iter().all(|part| is_name(part))),
                "image" => within(name, &new.image, &current.image)
                    .filter(|parts| !parts.iter().any(|part| part == "image/url")),
                _ => None,
            }
            .unwrap_or(whole)
        })
        .collect()
}

/// Whether it can be told in a line. A key of `custom` may be any text.
fn is_name(part: &str) -> bool {
    part.len() <= MAX_KEY && !part.contains(char::is_control)
}

/// What differs within two objects; `None` where one of them is none.
fn within(name: &str, new: &impl serde::Serialize, current: &impl serde::Serialize) -> Option<Vec<String>> {
    let object = |value: serde_json::Result<Value>| match value {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    let (new, current) = (object(serde_json::to_value(new))?, object(serde_json::to_value(current))?);
    let differs = |key: &&String| new.get(*key) != current.get(*key);
    Some(keys(&current, &new).filter(differs).map(|key| format!("{name}/{}", pointer_key(key))).collect())
}

/// The keys of two objects, each once, in their order.
pub fn keys<'a>(one: &'a Map<String, Value>, other: &'a Map<String, Value>) -> impl Iterator<Item = &'a String> {
    one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)))
}

/// Whether one name is the other, or a part of it.
pub fn overlap(one: &str, other: &str) -> bool {
    let holds = |whole: &str, part: &str| part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('/'));
    one == other || holds(one, other) || holds(other, one)
}

#[cfg(test)]
mod tests {
    use super::{differing, overlap};
    use crate::articles::NewArticle;
    use serde_json::{Value, json};

    fn article(fields: Value) -> NewArticle {
        let mut article = json!({"title": "Tide"});
        article.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(article).unwrap()
    }

    #[test]
    fn what_differs_is_named_as_closely_as_it_can_change_by_itself() {
        let url = |name: &str| format!("https://images.lantern.example/{name}.jpg");
        let many: Value = (0..60).map(|n| (format!("key_{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
        let cases = [
            (json!({}), json!({}), vec![]),
            (json!({"subtitle": "A"}), json!({"tags": ["b"]}), vec!["subtitle", "tags"]),
            (json!({"body": {"source": "a"}}), json!({"body": {"source": "b", "format": "html"}}), vec!["body"]),
            (
                json!({"seo": {"title": "a"}}),
                json!({"seo": {"description": "b"}}),
                vec!["seo/title", "seo/description"],
            ),
            (
                json!({"custom": {"a/b": 1, "c": {"d": 1}}}),
                json!({"custom": {"c": {"d": 2}}}),
                vec!["custom/a~1b", "custom/c"],
            ),
            (json!({"custom": {}}), json!({"custom": many}), vec!["custom"]),
            (json!({"custom": {}}), json!({"custom": {"a\nb": 1}}), vec!["custom"]),
            (json!({"image": {"url": url("a")}}), json!({"image": {"url": url("a"), "alt": "A"}}), vec!["image/alt"]),
            (json!({"image": {"url": url("a")}}), json!({"image": {"url": url("b"), "alt": "A"}}), vec!["image"]),
            (json!({"image": null}), json!({"image": {"url": url("b")}}), vec!["image"]),
        ];
        for (one, other, names) in cases {
            assert_eq!(differing(&article(other.clone()), &article(one.clone())), names, "{one} {other}");
        }
    }

    #[test]
    fn a_whole_meets_each_of_its_parts() {
        for (one, other) in [("image", "image"), ("image", "image/alt"), ("seo/title", "seo")] {
            assert!(overlap(one, other), "{one} {other}");
        }
        for (one, other) in [("seo/title", "seo/title_2"), ("seo/a", "seo/b"), ("title", "subtitle")] {
            assert!(!overlap(one, other), "{one} {other}");
        }
    }
}
