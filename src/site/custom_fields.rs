//! Fields of a site's own: JSON Schemas that `custom` of every article is held to.

use super::json_schema::{JsonSchema, compile, shortened};
use crate::{
    articles::Custom,
    db::{AsJson, Conn, Id, among, lock},
    error::{Code, Error, FieldError, Result},
    http::pointer_key,
    schema::{articles, revisions, sections, site},
    values::{Ref, Slug},
};
use diesel::prelude::*;
use jsonschema::{Validator, error::ValidationErrorKind as Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use utoipa::ToSchema;

/// Sections with a schema of their own.
pub const MOST: usize = 50;
/// Mistakes that one answer lists, and articles that are looked at in one statement.
const LISTED: usize = 50;
const CHUNK: i64 = 500;

/// The fields that an article may have of a site's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "schema": {"type": "object", "properties": {"rating": {"type": "integer", "minimum": 1, "maximum": 5}}, "additionalProperties": false},
    "sections": [{"section": "reviews", "schema": {"type": "object", "required": ["rating"]}}]
}))]
pub struct CustomFields {
    /// What `custom` of every article is held to; anything goes where there is none.
    #[serde(default)]
    pub schema: Option<JsonSchema>,
    /// What it is held to instead in some sections, and below them: the nearest one counts.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sections: Vec<SectionFields>,
}

/// The same for what stands in a section, or below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"section": "reviews", "schema": {"type": "object", "required": ["rating"]}}))]
pub struct SectionFields {
    /// The section's id or slug.
    pub section: Ref,
    pub schema: JsonSchema,
}

impl CustomFields {
    pub fn is_empty(&self) -> bool {
        self.schema.is_none() && self.sections.is_empty()
    }
}

/// The schemas, ready to be held against articles.
struct Rules {
    all: Option<Validator>,
    sections: HashMap<Id, Validator>,
}

impl Rules {
    fn of(fields: &CustomFields) -> Result<Self> {
        let ready = |schema: &JsonSchema| {
            compile(&Value::Object(schema.clone().into()))
                .map_err(|e| Error::internal("a schema of custom fields is none").because(anyhow::anyhow!(e)))
        };
        let all = fields.schema.as_ref().map(ready).transpose()?;
        let section = |fields: &SectionFields| match &fields.section {
            Ref::Id(id) => Some(ready(&fields.schema).map(|ready| (*id, ready))),
            Ref::Slug(_) => None,
        };
        let sections = fields.sections.iter().filter_map(section).collect::<Result<_>>()?;
        Ok(Self { all, sections })
    }

    /// The one that counts where the sections from the root down to an article's own are these.
    fn of_place(&self, way: &[Id]) -> Option<&Validator> {
        way.iter().rev().find_map(|section| self.sections.get(section)).or(self.all.as_ref())
    }
}

/// What was made ready last: the same text is not made ready again.
static READY: Mutex<Option<(String, Arc<Rules>)>> = Mutex::new(None);

fn ready(text: String) -> Result<Arc<Rules>> {
    let mut last = READY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, rules)) = &*last
        && *known == text
    {
        return Ok(rules.clone());
    }
    let fields = serde_json::from_str(&text).map_err(|e| Error::internal("custom fields are not JSON").because(e))?;
    let rules = Arc::new(Rules::of(&fields)?);
    *last = Some((text, rules.clone()));
    Ok(rules)
}

/// The site's schemas as they are kept; nothing where there are none.
fn stored(conn: &mut Conn) -> Result<Option<String>> {
    Ok(site::table.select(site::custom_fields).first::<Option<String>>(conn).optional()?.flatten())
}

/// Holds what a revision that was just added has of its own fields against the site's schemas. It comes after the statement
/// that added it: whoever changes the schemas meanwhile has waited for it, or is seen here.
///
/// # Errors
/// 422 with a pointer to all that is wrong.
pub fn check(conn: &mut Conn, section: Option<Id>, custom: Option<&Custom>) -> Result<()> {
    match stored(conn)? {
        Some(text) => hold(conn, &*ready(text)?, section, custom.map_or(&Map::new(), |custom| &custom.0)),
        None => Ok(()),
    }
}

fn hold(conn: &mut Conn, rules: &Rules, section: Option<Id>, custom: &Map<String, Value>) -> Result<()> {
    let way = section.map_or_else(|| Ok(Vec::new()), |section| way_to(conn, section))?;
    let Some(rule) = rules.of_place(&way) else { return Ok(()) };
    let mistakes = mistakes(rule, custom);
    if mistakes.is_empty() { Ok(()) } else { Err(Error::invalid(mistakes)) }
}

/// The sections from the root down to one.
fn way_to(conn: &mut Conn, section: Id) -> Result<Vec<Id>> {
    let mut way = Vec::new();
    let mut next = Some(section);
    while let Some(id) = next.filter(|id| !way.contains(id)) {
        way.push(id);
        next = sections::table.find(id).select(sections::parent_id).first::<Option<Id>>(conn).optional()?.flatten();
    }
    way.reverse();
    Ok(way)
}

/// What is wrong with the fields of an article, each at the field: at the one that is missing, too, or that is not known.
fn mistakes(rule: &Validator, custom: &Map<String, Value>) -> Vec<FieldError> {
    let custom = Value::Object(custom.clone());
    let errors = rule.iter_errors(&custom).flat_map(|error| {
        let place = format!("/custom{}", error.instance_path());
        let below = |name: &str| format!("{place}/{}", pointer_key(name));
        let mistake = |pointer, message: &str| FieldError::new(pointer, "custom_field", shortened(message));
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().map(|name| mistake(below(name), "there is no such field in the schema")).collect()
            }
            Kind::Required { property: Value::String(name) } => vec![mistake(below(name), "the schema requires it")],
            // The value itself may be long, and whoever sent it knows it.
            _ => vec![mistake(place, &error.masked_with("it").to_string())],
        }
    });
    errors.take(LISTED).collect()
}

/// Holds what an article shows or is to show against the site's schemas, by the ids of those of its revisions.
///
/// # Errors
/// As [`check`].
pub fn check_revisions(conn: &mut Conn, ids: Vec<Id>) -> Result<()> {
    let Some(text) = stored(conn)? else { return Ok(()) };
    let rules = ready(text)?;
    let rows = revisions::table.filter(among(revisions::id, ids)).select((revisions::section_id, revisions::custom));
    for (section, custom) in rows.load::<(Option<Id>, AsJson<Map<String, Value>>)>(conn)? {
        hold(conn, &rules, section, &custom.0)?;
    }
    Ok(())
}

/// Holds all that is stored against the schemas that are there already, after sections were moved below others.
///
/// # Errors
/// 409 that names the articles which the schemas of their new places refuse.
pub fn check_moved(conn: &mut Conn) -> Result<()> {
    let Some(text) = stored(conn)? else { return Ok(()) };
    let fields = serde_json::from_str(&text).map_err(|e| Error::internal("custom fields are not JSON").because(e))?;
    lock::table(conn, "revisions")?;
    check_stored(conn, &fields, "/parent")
}

/// Holds all that is stored and not in the trash against new schemas: working copies, what is public and what is scheduled.
///
/// # Errors
/// 409 that names the articles which they would refuse.
pub fn check_stored(conn: &mut Conn, fields: &CustomFields, pointer: &str) -> Result<()> {
    let rules = Rules::of(fields)?;
    let ways = ways(conn)?;
    let mut refused: Vec<FieldError> = Vec::new();
    let mut count = 0_usize;
    let mut after: Option<Id> = None;
    loop {
        let mut page = articles::table
            .inner_join(revisions::table.on(revisions::article_id.eq(articles::id)))
            .filter(articles::deleted_at.is_null())
            .filter(
                revisions::id
                    .eq(articles::working_id)
                    .or(articles::published_id.eq(revisions::id.nullable()))
                    .or(articles::scheduled_id.eq(revisions::id.nullable()))
                    .assume_not_null(),
            )
            .order(revisions::id)
            .limit(CHUNK)
            .select((revisions::id, articles::slug, revisions::section_id, revisions::custom))
            .into_boxed();
        if let Some(after) = after {
            page = page.filter(revisions::id.gt(after));
        }
        type Stored = (Id, String, Option<Id>, AsJson<Map<String, Value>>);
        let rows: Vec<Stored> = page.load(conn)?;
        let Some(last) = rows.last().map(|row| row.0) else { break };
        after = Some(last);
        for (_, slug, section, custom) in rows {
            let way = section.and_then(|section| ways.get(&section)).map_or(&[][..], Vec::as_slice);
            let Some(rule) = rules.of_place(way) else { continue };
            let Some(mistake) = mistakes(rule, &custom.0).into_iter().next() else { continue };
            count += 1;
            if refused.len() < LISTED {
                let message =
                    format!("it would refuse the article `{slug}`, at {}: {}", mistake.pointer, mistake.message);
                refused.push(FieldError::new(pointer, "refuses_stored", message));
            }
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let detail = format!("the schemas would refuse {count} revisions that are stored; change those articles first");
    Err(Error::with(Code::Conflict, detail).list(refused))
}

/// For each section the ones from the root down to it.
fn ways(conn: &mut Conn) -> Result<HashMap<Id, Vec<Id>>> {
    let parents: HashMap<Id, Option<Id>> = sections::table
        .select((sections::id, sections::parent_id))
        .load::<(Id, Option<Id>)>(conn)?
        .into_iter()
        .collect();
    let way = |id: &Id| {
        let mut way = vec![*id];
        while let Some(Some(parent)) =
            way.last().and_then(|id| parents.get(id)).filter(|p| p.is_some_and(|p| !way.contains(&p)))
        {
            way.push(*parent);
        }
        way.reverse();
        (*id, way)
    };
    Ok(parents.keys().map(way).collect())
}

/// Names the sections by their ids.
///
/// # Errors
/// 422 with a pointer to each that there is not, or that stands there twice.
pub fn named_by_id(conn: &mut Conn, fields: CustomFields) -> Result<CustomFields> {
    let mut mistakes = Vec::new();
    let mut known: Vec<Id> = Vec::new();
    let mut named = Vec::new();
    for (index, fields) in fields.sections.into_iter().enumerate() {
        let at = format!("/custom_fields/sections/{index}/section");
        let id = match &fields.section {
            Ref::Id(id) => sections::table.find(*id).select(sections::id).first::<Id>(conn).optional()?,
            Ref::Slug(slug) => {
                sections::table.filter(sections::slug.eq(slug)).select(sections::id).first(conn).optional()?
            }
        };
        match id {
            None => {
                mistakes.push(FieldError::new(at, "not_found", format!("there is no section `{}`", fields.section)));
            }
            Some(id) if known.contains(&id) => mistakes.push(FieldError::new(at, "duplicate", "it stands there twice")),
            Some(id) => {
                known.push(id);
                named.push(SectionFields { section: Ref::Id(id), schema: fields.schema });
            }
        }
    }
    if mistakes.is_empty() { Ok(CustomFields { sections: named, ..fields }) } else { Err(Error::invalid(mistakes)) }
}

/// The same with the sections named by their slugs, and without those that are gone.
pub fn shown(conn: &mut Conn, fields: CustomFields) -> Result<CustomFields> {
    let ids: Vec<Id> =
        fields.sections.iter().filter_map(|f| if let Ref::Id(id) = f.section { Some(id) } else { None }).collect();
    if ids.is_empty() {
        return Ok(fields);
    }
    let there = sections::table.filter(among(sections::id, ids)).select((sections::id, sections::slug));
    let there: HashMap<Id, Slug> = there.load(conn)?.into_iter().collect();
    let by_slug = |f: SectionFields| match f.section {
        Ref::Id(id) => there.get(&id).map(|slug| SectionFields { section: Ref::Slug(slug.clone()), ..f }),
        Ref::Slug(_) => None,
    };
    Ok(CustomFields { sections: fields.sections.into_iter().filter_map(by_slug).collect(), ..fields })
}
