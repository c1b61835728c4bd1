//! A change in public, and what may be asked of them.

use crate::{
    articles::Article,
    authors::Author,
    clock::Time,
    db::Id,
    http::{List, page::PageInfo},
    schema::changes,
    sections::Section,
    site::{Address, Site},
    slugs::Kind,
    tags::Tag,
    values::{Language, Slug},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A row of the table, once it has its number.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = changes)]
pub struct Row {
    pub id: Id,
    pub kind: Kind,
    pub slug: Slug,
    pub revision: Option<i32>,
    pub path: Option<String>,
    pub dated_at: Option<Time>,
    pub language: Option<Language>,
    pub deleted: bool,
    pub changed_at: Time,
    pub sequence: Option<i64>,
}

impl Row {
    /// Where readers find it, or found it.
    pub fn url(&self, site: &Site) -> String {
        match self.kind {
            Kind::Article => site.article_url(&Address {
                id: self.id,
                slug: &self.slug,
                date: self.dated_at.unwrap_or(self.changed_at),
                path: self.path.as_deref(),
                language: self.language.as_ref(),
            }),
            Kind::Author => site.author_url(self.id, &self.slug),
            Kind::Section => site.section_url(self.id, &self.slug, self.path.as_deref().unwrap_or_default()),
            Kind::Tag => site.tag_url(self.id, &self.slug),
        }
    }
}

/// What last happened in public to an article, an author, a section or a tag.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    pub kind: Kind,
    pub id: Id,
    /// What it goes by; the last that the public knew where it is not public any more.
    pub slug: Slug,
    /// Where readers find it, or found it.
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example/articles/harbour-reopens")]
    pub url: String,
    pub change: Happened,
    /// The revision of an article that is public; `null` with all else.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: Option<i32>,
    pub changed_at: Time,
    /// With `include=resource`, of an article: as it is in lists, without its body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub article: Option<Box<Article>>,
    /// With `include=resource`, of an author.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub author: Option<Box<Author>>,
    /// With `include=resource`, of a section.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub section: Option<Box<Section>>,
    /// With `include=resource`, of a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tag: Option<Box<Tag>>,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It is public: it became so, or something of it changed.
    Updated,
    /// It is not public any more, whatever the reason.
    Deleted,
}

/// A part of the changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeList {
    #[schema(max_items = 100)]
    pub data: Vec<Change>,
    /// `next_cursor` is `since` again where there is more at the moment.
    pub page: PageInfo,
    /// Give it as `since` to go on, at once or next year.
    #[schema(
        max_length = 200,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "AAAAAAAAAbwAAAAAAAAAAAAGQ2bqjX4RQqHPvS7vqU9yWnnqIPqXDA"
    )]
    pub since: String,
}

/// What to add to each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChangeInclude)]
pub enum Include {
    /// The thing itself, as the public sees it.
    Resource,
}

/// What may be asked of the changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangeParams {
    /// Where to go on: `since` of an answer to the same `kind`. Left out: at the beginning, with everything that is public.
    #[param(max_length = 200, pattern = "^[A-Za-z0-9_-]*$")]
    pub since: Option<String>,
    /// Is any of these.
    #[param(inline, value_type = Option<Vec<Kind>>, style = Form, explode = false, max_items = 50)]
    pub kind: Option<List<Kind>>,
    /// What to add to each change.
    #[param(inline, value_type = Option<Vec<Include>>, style = Form, explode = false, max_items = 50)]
    pub include: Option<List<Include>>,
    /// How many to return.
    #[param(minimum = 1, maximum = 100, default = 20, example = 20)]
    pub limit: Option<u32>,
}
