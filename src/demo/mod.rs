//! The demo newsroom: The Lantern of Aldermouth, the same ids, slugs and dates each time.

use crate::{
    articles::{self, Creation, Draft, NewCorrection, trash},
    authors::{self, NewAuthor},
    clock::{self, Time},
    comments::{self, Kind, Moderation},
    db::{Conn, Id},
    error::{Error, Result},
    permissions::Role,
    redirects::{self, NewRedirect},
    sections::{self, NewSection},
    site::{self, Profile},
    slugs,
    tags::{self, NewTag},
    users::{self, NewUser},
    values::{Email, Line, Prose, Ref, Slug, WebUrl},
};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::collections::HashMap;

const NEWSROOM: &str = include_str!("newsroom.json");
static BODIES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/demo/articles");

#[derive(Deserialize)]
struct Newsroom {
    site: Profile,
    sections: Vec<Named>,
    authors: Vec<Named>,
    tags: Vec<Named>,
    users: Vec<DemoUser>,
    articles: Vec<DemoArticle>,
    comments: Vec<DemoComment>,
    redirects: Vec<Named>,
}

/// What has an id, and else the form in which a client would create it.
#[derive(Deserialize)]
struct Named {
    id: Id,
    #[serde(default)]
    old_slugs: Vec<Slug>,
    #[serde(flatten)]
    written: Map<String, Value>,
}

#[derive(Deserialize)]
struct DemoUser {
    id: Id,
    email: Email,
    name: String,
    role: Role,
    author: Option<Slug>,
}

#[derive(Deserialize)]
struct DemoArticle {
    id: Id,
    slug: Slug,
    #[serde(default)]
    old_slugs: Vec<Slug>,
    owner: Email,
    status: articles::Status,
    created_at: Time,
    published_at: Option<Time>,
    publish_at: Option<Time>,
    /// What its owner said when asking for a review.
    review: Option<articles::Note>,
    /// Articles pinned below it; they may stand further down.
    pins: Vec<Slug>,
    /// What it says in another language.
    translation_of: Option<Slug>,
    /// An edit of the live article that is not published.
    changes: Option<Value>,
    #[serde(default)]
    corrections: Vec<DemoCorrection>,
    #[serde(default)]
    trashed: bool,
    /// The rest, in the form in which a client would create it.
    article: Map<String, Value>,
}

#[derive(Deserialize)]
struct DemoCorrection {
    id: Id,
    created_at: Time,
    #[serde(flatten)]
    written: Map<String, Value>,
}

#[derive(Deserialize)]
struct DemoComment {
    id: Id,
    article: Slug,
    parent: Option<Id>,
    name: Line<1, 100>,
    email: Email,
    website: Option<WebUrl>,
    body: Prose<1, 5000>,
    status: Moderation,
    created_at: Time,
}

/// Fills an empty database; one that has anything in it stays as it is. Readers find the site at `site`.
pub fn fill(conn: &mut Conn, site: &str) -> Result<()> {
    if articles::exist(conn)? || sections::exist(conn)? {
        tracing::info!("the database is not empty: the demo newsroom is left out");
        return Ok(());
    }
    let newsroom: Newsroom = read(serde_json::from_str(NEWSROOM))?;
    let founded = newsroom.articles.iter().map(|article| article.created_at).min().unwrap_or(Time::from_micros(0));
    site::found(conn, &newsroom.site)?;
    for section in newsroom.sections {
        sections::insert(conn, &written::<NewSection>(section.written)?, section.id, founded)?;
    }
    for tag in newsroom.tags {
        tags::insert(conn, &written::<NewTag>(tag.written)?, tag.id, founded)?;
        for slug in &tag.old_slugs {
            slugs::leave(conn, slugs::Kind::Tag, slug, tag.id, true, founded)?;
        }
    }
    let mut bylines = HashMap::new();
    for author in newsroom.authors {
        let author = authors::insert(conn, &written::<NewAuthor>(author.written)?, author.id, founded)?;
        bylines.insert(author.slug, author.id);
    }
    let mut owners = HashMap::new();
    for user in newsroom.users {
        let id = match users::find_by_email(conn, &user.email)? {
            Some(known) => known.id,
            None => {
                let author_id = user.author.and_then(|slug| bylines.get(&slug).copied());
                let new =
                    NewUser { email: &user.email, name: &user.name, role: user.role, password_hash: None, author_id };
                users::insert(conn, &new, user.id, founded)?.id
            }
        };
        owners.insert(user.email.to_string(), id);
    }
    fill_articles(conn, newsroom.articles, &owners)?;
    for redirect in newsroom.redirects {
        let creation = redirects::Creation { by: None, at: founded };
        redirects::insert(conn, site, written::<NewRedirect>(redirect.written)?, redirect.id, creation)?;
    }
    fill_comments(conn, newsroom.comments)
}

fn fill_articles(conn: &mut Conn, all: Vec<DemoArticle>, owners: &HashMap<String, Id>) -> Result<()> {
    let ids: HashMap<Slug, Id> = all.iter().map(|article| (article.slug.clone(), article.id)).collect();
    for article in &all {
        let draft = Draft::of(written(with_body(article)?)?)?;
        let by = owners.get(article.owner.as_ref()).copied();
        articles::insert(conn, &draft, Creation { id: article.id, by, at: article.created_at })?;
    }
    for article in all {
        let pins: Vec<Id> = article.pins.iter().filter_map(|slug| ids.get(slug).copied()).collect();
        articles::pin(conn, article.id, &pins)?;
        if let Some(original) = article.translation_of.as_ref().and_then(|slug| ids.get(slug)) {
            articles::translate(conn, article.id, *original)?;
        }
        for slug in &article.old_slugs {
            slugs::leave(conn, slugs::Kind::Article, slug, article.id, true, article.created_at)?;
        }
        let by = owners.get(article.owner.as_ref()).copied();
        articles::lead(conn, article.id, article.status, article.published_at, article.publish_at)?;
        if let Some(note) = article.review {
            articles::ask_for_review(conn, article.id, Some(note), by, article.created_at)?;
        }
        for said in article.corrections {
            let creation = Creation { id: said.id, by, at: said.created_at };
            articles::correct(conn, article.id, &written::<NewCorrection>(said.written)?, creation)?;
        }
        if let Some(changes) = &article.changes {
            articles::revise(conn, article.id, changes, by, article.published_at.unwrap_or(article.created_at))?;
        }
        if article.trashed {
            // From now on, or it would be removed at once.
            trash::throw_away(conn, article.id, clock::now())?;
        }
    }
    Ok(())
}

fn with_body(article: &DemoArticle) -> Result<Map<String, Value>> {
    let mut written = article.article.clone();
    let (format, ending) =
        if BODIES.contains(format!("{}.html", article.slug)) { ("html", "html") } else { ("markdown", "md") };
    let source = BODIES.get_file(format!("{}.{ending}", article.slug)).and_then(|file| file.contents_utf8());
    let source = source.ok_or_else(|| Error::internal("a demo article has no body"))?;
    written.insert("slug".into(), article.slug.to_string().into());
    written.insert("body".into(), serde_json::json!({"format": format, "source": source}));
    Ok(written)
}

fn fill_comments(conn: &mut Conn, all: Vec<DemoComment>) -> Result<()> {
    // Where each thread began, how deep the comment stands in it, and whether it is shown.
    let mut places: HashMap<Id, (Id, i32, bool)> = HashMap::new();
    for comment in all {
        let above = comment.parent.and_then(|parent| places.get(&parent).copied());
        let (root_id, depth, above) =
            above.map_or((comment.id, 0, true), |(root, depth, shown)| (root, depth + 1, shown));
        let visible = above && comment.status == Moderation::Approved;
        places.insert(comment.id, (root_id, depth, visible));
        let article = articles::id_of(conn, &Ref::Slug(comment.article))?;
        let row = comments::Row {
            id: comment.id,
            article_id: article,
            parent_id: comment.parent,
            root_id,
            depth,
            kind: Kind::Guest,
            user_id: None,
            name: comment.name,
            email: Some(comment.email),
            website: comment.website,
            body_html: comments::rendered(&comment.body)?,
            body: comment.body,
            status: comment.status,
            visible,
            version: 1,
            created_at: comment.created_at,
            edited_at: None,
            trashed_at: (comment.status == Moderation::Trash).then(clock::now),
        };
        comments::insert_row(conn, &row)?;
    }
    Ok(())
}

fn written<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T> {
    read(serde_json::from_value(Value::Object(fields)))
}

fn read<T>(result: serde_json::Result<T>) -> Result<T> {
    result.map_err(|e| Error::internal("the demo newsroom is not in order").because(e))
}
