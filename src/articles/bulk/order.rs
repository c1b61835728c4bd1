//! What is to be done to many articles: as it is written, and with what it refers to looked up.

use crate::{
    db::{Conn, Id},
    error::{Error, FieldError, Result},
    sections, tags,
    values::{Ref, Refusal, few},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::ToSchema;

/// Articles in one request at the most.
const MAX: usize = 100;

/// Articles, and what to do to each of them.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "articles": ["harbour-reopens", "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"],
    "action": {"kind": "tag", "add": ["harbour"], "remove": ["weather"]}, "all_or_nothing": false
}))]
pub struct NewBulk {
    /// By ids or slugs, each once.
    #[serde(deserialize_with = "some")]
    #[schema(min_items = 1, max_items = 100)]
    pub articles: Vec<Ref>,
    pub action: NewAction,
    /// Whether nothing is changed where something cannot be.
    #[serde(default)]
    pub all_or_nothing: bool,
}

fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Ref>, D::Error> {
    let refused = |code, message: String| Err(D::Error::custom(Refusal::new(code, message)));
    match Vec::<Ref>::deserialize(deserializer)? {
        none if none.is_empty() => refused("required", "at least one article is named".to_owned()),
        many if many.len() > MAX => {
            refused("too_many", format!("at most {MAX} articles are changed at once, not {}", many.len()))
        }
        articles => Ok(articles),
    }
}

/// What to do, as it is written: which fields there are depends on the kind. Its schema says it kind by kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAction {
    kind: BulkKind,
    #[serde(default, deserialize_with = "given")]
    section: Option<Option<Ref>>,
    #[serde(default, deserialize_with = "few::<50, _, _>")]
    add: Option<Vec<Ref>>,
    #[serde(default, deserialize_with = "few::<50, _, _>")]
    remove: Option<Vec<Ref>>,
}

/// Tells `null` from what was left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Ref>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BulkKind {
    Publish,
    Unpublish,
    Trash,
    Restore,
    Move,
    Tag,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Publish,
    Unpublish,
    Trash,
    Restore,
    /// To a section, or out of the one it stands in.
    Move(Option<Ref>),
    Tag {
        add: Vec<Ref>,
        remove: Vec<Ref>,
    },
}

impl Action {
    /// Whether it changes how many articles a tag or an author has.
    pub fn counts(&self) -> bool {
        !matches!(self, Self::Move(_) | Self::Tag { .. })
    }
}

/// An article that was named before.
pub fn twice(index: usize) -> FieldError {
    FieldError::new(format!("/articles/{index}"), "duplicate", "this article is named twice")
}

impl NewBulk {
    /// What is to be done.
    ///
    /// # Errors
    /// 422 with everything that does not fit together.
    pub fn action(&self) -> Result<Action> {
        let mut mistakes = Vec::new();
        for (index, reference) in self.articles.iter().enumerate() {
            if self.articles[..index].contains(reference) {
                mistakes.push(twice(index));
            }
        }
        let action = self.action.check(&mut mistakes);
        if mistakes.is_empty() { Ok(action) } else { Err(Error::invalid(mistakes)) }
    }
}

impl NewAction {
    fn check(&self, mistakes: &mut Vec<FieldError>) -> Action {
        let Self { kind, section, add, remove } = self;
        for (name, is_given, of) in [
            ("section", section.is_some(), BulkKind::Move),
            ("add", add.is_some(), BulkKind::Tag),
            ("remove", remove.is_some(), BulkKind::Tag),
        ] {
            if is_given && *kind != of {
                let message = format!("`{name}` belongs to another kind of action");
                mistakes.push(FieldError::new(format!("/action/{name}"), "unknown_field", message));
            }
        }
        match kind {
            BulkKind::Publish => Action::Publish,
            BulkKind::Unpublish => Action::Unpublish,
            BulkKind::Trash => Action::Trash,
            BulkKind::Restore => Action::Restore,
            BulkKind::Move => {
                if section.is_none() {
                    let message = "a section is named, or null: out of the one it stands in";
                    mistakes.push(FieldError::new("/action/section", "required", message));
                }
                Action::Move(section.clone().flatten())
            }
            BulkKind::Tag => {
                let (add, remove) = (add.clone().unwrap_or_default(), remove.clone().unwrap_or_default());
                if add.is_empty() && remove.is_empty() {
                    mistakes.push(FieldError::new("/action/add", "required", "tags are named to add or to remove"));
                }
                Action::Tag { add, remove }
            }
        }
    }
}

/// The same with what it refers to looked up.
pub enum Known {
    Publish,
    Unpublish,
    Trash,
    Restore,
    Move(Option<Id>),
    Tag { add: Vec<Id>, remove: Vec<Id> },
}

impl Known {
    /// # Errors
    /// 422 with a pointer to each reference that names nothing, and to a tag that is both added and removed.
    pub fn look_up(conn: &mut Conn, action: &Action) -> Result<Self> {
        let mut mistakes = Vec::new();
        let known = match action {
            Action::Publish => Self::Publish,
            Action::Unpublish => Self::Unpublish,
            Action::Trash => Self::Trash,
            Action::Restore => Self::Restore,
            Action::Move(section) => Self::Move(match section {
                Some(section) => {
                    let found = sections::find(conn, section).map(|section| section.id);
                    expected(found, "/action/section".to_owned(), &mut mistakes)?
                }
                None => None,
            }),
            Action::Tag { add, remove } => {
                let mut ids = |conn: &mut Conn, field: &str, refs: &[Ref]| {
                    let mut ids = Vec::new();
                    for (index, reference) in refs.iter().enumerate() {
                        let found = tags::find_referred(conn, reference).map(|tag| tag.id);
                        ids.extend(expected(found, format!("/action/{field}/{index}"), &mut mistakes)?);
                    }
                    Ok::<_, Error>(ids)
                };
                let (add, remove) = (ids(conn, "add", add)?, ids(conn, "remove", remove)?);
                for (index, _) in remove.iter().enumerate().filter(|(_, tag)| add.contains(tag)) {
                    let message = "a tag is added or removed, not both";
                    mistakes.push(FieldError::new(format!("/action/remove/{index}"), "conflict", message));
                }
                Self::Tag { add, remove }
            }
        };
        if mistakes.is_empty() { Ok(known) } else { Err(Error::invalid(mistakes)) }
    }
}

/// What was found, or a mistake at its place.
fn expected(found: Result<Id>, at: String, mistakes: &mut Vec<FieldError>) -> Result<Option<Id>> {
    match found {
        Ok(id) => Ok(Some(id)),
        Err(error) if error.code() == crate::error::Code::NotFound => {
            mistakes.push(FieldError::new(at, "not_found", error.detail()));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
