//! What a section is, and what a client may write of one.

use crate::{
    clock::Time,
    db::{AsJson, Id, Kept},
    http::{Changes, List, Settle, Versioned, field_names, list_params, page::ListOf},
    schema::sections,
    values::{Line, Prose, Ref, Refusal, Slug, Whole},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Sections on the way from the root to the deepest one.
pub const MAX_DEPTH: usize = 10;

/// A place in the site's tree.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = sections)]
pub struct Section {
    pub id: Id,
    pub slug: Slug,
    pub name: Line<1, 100>,
    pub description: Prose<0, 1000>,
    pub parent_id: Option<Id>,
    /// Its place among its siblings, from 0.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub position: i32,
    /// The slugs from the root down, with slashes between them.
    #[schema(max_length = 1000, pattern = "^[a-z0-9-]+(/[a-z0-9-]+)*$", example = "news/technology")]
    pub path: String,
    /// The sections from the root down to this one: breadcrumbs.
    #[schema(value_type = Vec<Crumb>, max_items = 10)]
    pub trail: AsJson<Vec<Crumb>>,
    pub created_at: Time,
    pub updated_at: Time,
    #[serde(skip)]
    pub version: i32,
}

impl Versioned for Section {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// The way to a section from the root: slugs with slashes between them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SectionPath(String);

impl SectionPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SectionPath {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        let parts: Vec<_> = text.split('/').map(|part| Slug::parse(part.to_owned())).collect();
        if parts.len() > MAX_DEPTH || parts.iter().any(Result::is_err) {
            let message =
                format!("a path is made of 1 to {MAX_DEPTH} slugs with slashes between them, such as news/technology");
            return Err(Refusal::new("invalid_path", message));
        }
        Ok(Self(text))
    }
}

pub type SectionList = ListOf<Section>;

/// One step of a breadcrumb trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Crumb {
    pub slug: Slug,
    pub name: Line<1, 100>,
    #[schema(max_length = 1000, pattern = "^[a-z0-9-]+(/[a-z0-9-]+)*$", example = "news/technology")]
    pub path: String,
}

/// Where an article stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SectionRef {
    pub id: Id,
    pub slug: Slug,
    pub name: Line<1, 100>,
    #[schema(max_length = 1000, pattern = "^[a-z0-9-]+(/[a-z0-9-]+)*$", example = "news/technology")]
    pub path: String,
    /// The sections from the root down to this one: breadcrumbs.
    #[schema(value_type = Vec<Crumb>, max_items = 10)]
    pub trail: Kept<Vec<Crumb>>,
}

impl SectionRef {
    /// As the views of articles hold it: all of it, or nothing.
    pub fn of(
        id: Option<Id>,
        slug: Option<Slug>,
        name: Option<Line<1, 100>>,
        path: Option<String>,
        trail: Option<Kept<Vec<Crumb>>>,
    ) -> Option<Self> {
        Some(Self { id: id?, slug: slug?, name: name?, path: path?, trail: trail? })
    }
}

/// A section to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Technology", "parent": "news", "position": 2, "description": "Machines, code, and who they serve."}))]
pub struct NewSection {
    /// Made from the name where it is left out.
    #[serde(default)]
    pub slug: Option<Slug>,
    pub name: Line<1, 100>,
    #[serde(default)]
    pub description: Option<Prose<0, 1000>>,
    /// The section it stands below, by id or slug; left out or `null` at the root.
    #[serde(default)]
    pub parent: Option<Ref>,
    /// Its place among its siblings; 0 where it is left out.
    #[serde(default)]
    pub position: Option<Whole<0, 1_000_000>>,
}

pub type SectionChanges = Changes<NewSection>;

impl Settle for NewSection {
    fn settled(self, current: &Self) -> Self {
        Self {
            slug: self.slug.or_else(|| current.slug.clone()),
            description: self.description.or_else(|| Some(Prose::default())),
            position: self.position.or_else(|| Some(Whole::trusted(0))),
            ..self
        }
    }
}

impl From<&Section> for NewSection {
    fn from(section: &Section) -> Self {
        Self {
            slug: Some(section.slug.clone()),
            name: section.name.clone(),
            description: Some(section.description.clone()),
            parent: section.parent_id.map(Ref::Id),
            position: Some(Whole::trusted(section.position)),
        }
    }
}

field_names! {
    /// The fields of a section.
    pub enum SectionField {
        Id = "id", Slug = "slug", Name = "name", Description = "description", ParentId = "parent_id", Position = "position",
        Path = "path", Trail = "trail", CreatedAt = "created_at", UpdatedAt = "updated_at",
    }
}

/// How sections may be ordered; with `-` in front, the other way round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum SectionSort {
    /// Parents before their children.
    #[default]
    #[serde(rename = "path")]
    Path,
    #[serde(rename = "-path")]
    PathDown,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDown,
    #[serde(rename = "position")]
    Position,
    #[serde(rename = "-position")]
    PositionDown,
}

list_params! {
    /// What may be asked of a list of sections.
    pub struct SectionParams {
        /// Only the section that stands at this path, or stood there before it was moved.
        #[param(value_type = Option<String>, max_length = 1000, pattern = "^[a-z0-9-]+(/[a-z0-9-]+)*$", example = "news/technology")]
        pub path: Option<SectionPath>,
        /// Only the children of this section, by id or slug.
        #[param(inline)]
        pub parent: Option<Ref>,
        /// The order.
        #[param(inline)]
        pub sort: Option<SectionSort>,
        /// Return these fields only, as `application/vnd.stet.sparse+json`.
        #[param(inline, value_type = Option<Vec<SectionField>>, style = Form, explode = false, max_items = 50)]
        pub fields: Option<List<SectionField>>,
    }
}
