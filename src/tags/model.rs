//! What a tag is, and what a client may write of it.

use super::aliases::Alias;
use crate::{
    clock::Time,
    db::{Id, Kept},
    error::{Error, Result},
    http::{Changes, List, Settle, Versioned, field_names, list_params, page::ListOf},
    schema::tags,
    values::{Line, Prose, Ref, Slug, few},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A flat label; an article has many.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = tags)]
pub struct Tag {
    pub id: Id,
    pub slug: Slug,
    pub name: Line<1, 100>,
    pub description: Prose<0, 1000>,
    /// Other names under which it is found.
    #[schema(value_type = Vec<Alias>, max_items = 50)]
    pub aliases: Kept<Vec<Alias>>,
    /// How many published articles have it.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub article_count: i64,
    pub created_at: Time,
    pub updated_at: Time,
    #[serde(skip)]
    pub version: i32,
}

impl Versioned for Tag {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

pub type TagList = ListOf<Tag>;

/// A tag to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Open source", "description": "Software that anyone may read and change.", "aliases": ["Free software"]}))]
pub struct NewTag {
    /// Made from the name where it is left out.
    #[serde(default)]
    pub slug: Option<Slug>,
    pub name: Line<1, 100>,
    #[serde(default)]
    pub description: Option<Prose<0, 1000>>,
    /// Other names under which it is found: their slugs lead to it, and articles may name it by them.
    #[serde(default, deserialize_with = "few::<50, _, _>")]
    #[schema(value_type = Option<Vec<Alias>>, max_items = 50)]
    pub aliases: Option<Vec<Alias>>,
}

/// What a tag is to be merged into.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"into": "open-source"}))]
pub struct NewMerge {
    /// The tag that is left, by id or slug.
    pub into: Ref,
}

pub type TagChanges = Changes<NewTag>;

impl Settle for NewTag {
    fn settled(self, current: &Self) -> Self {
        Self {
            slug: self.slug.or_else(|| current.slug.clone()),
            description: self.description.or_else(|| Some(Prose::default())),
            aliases: self.aliases.or_else(|| Some(Vec::new())),
            ..self
        }
    }
}

impl TryFrom<&Tag> for NewTag {
    type Error = Error;

    fn try_from(tag: &Tag) -> Result<Self> {
        Ok(Self {
            slug: Some(tag.slug.clone()),
            name: tag.name.clone(),
            description: Some(tag.description.clone()),
            aliases: Some(tag.aliases.read()?),
        })
    }
}

field_names! {
    /// The fields of a tag.
    pub enum TagField {
        Id = "id", Slug = "slug", Name = "name", Description = "description", Aliases = "aliases", ArticleCount = "article_count",
        CreatedAt = "created_at", UpdatedAt = "updated_at",
    }
}

/// How tags may be ordered; with `-` in front, the other way round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum TagSort {
    #[default]
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDown,
    #[serde(rename = "article_count")]
    ArticleCount,
    #[serde(rename = "-article_count")]
    ArticleCountDown,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDown,
}

list_params! {
    /// What may be asked of a list of tags.
    pub struct TagParams {
        /// The order.
        #[param(inline)]
        pub sort: Option<TagSort>,
        /// Return these fields only, as `application/vnd.stet.sparse+json`.
        #[param(inline, value_type = Option<Vec<TagField>>, style = Form, explode = false, max_items = 50)]
        pub fields: Option<List<TagField>>,
    }
}
