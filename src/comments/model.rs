//! What a comment is, and what a client may write of one.

use crate::{
    clock::Time,
    db::{Id, column::text_enum},
    error::{Error, Result},
    html,
    http::{Changes, List, Settle, Versioned, list_params, page::ListOf},
    schema::comments,
    values::{Email, Line, Prose, Ref, WebUrl, is_invisible},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// What became of a comment.
    #[schema(as = CommentStatus)]
    pub enum Moderation {
        /// It waits for an editor.
        Pending = "pending",
        Approved = "approved",
        Spam = "spam",
        Trash = "trash",
    }
}

text_enum! {
    /// Who wrote a comment.
    #[schema(as = CommentAuthorKind)]
    pub enum Kind {
        Guest = "guest",
        Member = "member",
        User = "user",
    }
}

/// The row: of `comments`, or of `published_comments` with the same columns.
#[derive(Debug, Clone, Queryable, Insertable)]
#[diesel(table_name = comments, treat_none_as_default_value = false)]
pub struct Row {
    pub id: Id,
    pub article_id: Id,
    pub parent_id: Option<Id>,
    /// The comment that the thread began with.
    pub root_id: Id,
    pub depth: i32,
    pub kind: Kind,
    pub user_id: Option<Id>,
    pub name: Line<1, 100>,
    pub email: Option<Email>,
    pub website: Option<WebUrl>,
    pub body: Prose<1, 5000>,
    pub body_html: String,
    pub status: Moderation,
    /// It is approved, and so is all that it answers.
    pub visible: bool,
    pub version: i32,
    pub created_at: Time,
    pub edited_at: Option<Time>,
    pub trashed_at: Option<Time>,
}

/// A comment, with the replies to it where it stands in a thread.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Comment {
    pub id: Id,
    pub article_id: Id,
    pub parent_id: Option<Id>,
    /// How many comments stand above it in its thread.
    #[schema(minimum = 0, maximum = 10)]
    pub depth: i32,
    pub author: CommentAuthor,
    /// HTML that is safe in a page.
    #[schema(max_length = 200_000, pattern = "^[^\\x00]*$")]
    pub body_html: String,
    /// As it was written; for the staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<Prose<1, 5000>>,
    /// A guest's; for the staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<Email>,
    pub status: Moderation,
    pub created_at: Time,
    pub edited_at: Option<Time>,
    /// How many replies to it are approved. In an article's threads that may be more than are shown: 500 come with a page.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub reply_count: i64,
    /// The replies, oldest first; only in an article's threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, no_recursion, max_items = 500)]
    pub replies: Option<Vec<Comment>>,
    #[serde(skip)]
    pub version: i32,
}

impl Versioned for Comment {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// A page of comments; in an article's threads each carries its replies.
pub type CommentList = ListOf<Comment>;
pub type ThreadList = CommentList;

/// Who wrote a comment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CommentAuthor {
    pub kind: Kind,
    pub name: Line<1, 100>,
    pub website: Option<WebUrl>,
}

impl Row {
    /// What is shown of it; `staff` also see who wrote it and how.
    pub fn shown(self, staff: bool, reply_count: i64, replies: Option<Vec<Comment>>) -> Comment {
        Comment {
            id: self.id,
            article_id: self.article_id,
            parent_id: self.parent_id,
            depth: self.depth,
            author: CommentAuthor { kind: self.kind, name: self.name, website: self.website },
            body_html: self.body_html,
            body: staff.then_some(self.body),
            // Whose own it is to sign in with is for administrators.
            email: self.email.filter(|_| staff && self.kind != Kind::User),
            status: self.status,
            created_at: self.created_at,
            edited_at: self.edited_at,
            reply_count,
            replies,
            version: self.version,
        }
    }
}

/// A comment to leave. Guests give a name and an email address; who is signed in needs neither.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Jo Brandt", "email": "jo@example.org", "website": "https://jo.example/", "body": "The *old* quay was better.",
    "parent_id": "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"
}))]
pub struct NewComment {
    /// The name it is signed with; required of guests.
    #[serde(default)]
    pub name: Option<Line<1, 100>>,
    /// Never shown; required of guests.
    #[serde(default)]
    pub email: Option<Email>,
    #[serde(default)]
    pub website: Option<WebUrl>,
    /// Markdown without headings, images and HTML.
    pub body: Prose<1, 5000>,
    /// The comment it answers.
    #[serde(default)]
    pub parent_id: Option<Id>,
}

/// What an editor may change of a comment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Comment, example = json!({
    "status": "approved", "name": "Jo Brandt", "website": "https://jo.example/", "body": "The *old* quay was better."
}))]
pub struct Edited {
    pub status: Moderation,
    pub name: Line<1, 100>,
    #[serde(default)]
    pub website: Option<WebUrl>,
    pub body: Prose<1, 5000>,
}

/// The longest HTML that a comment may become, in bytes.
const MAX_HTML: usize = 200_000;

/// A comment's text as HTML that is safe in a page.
///
/// # Errors
/// 422 where it is nested too deeply, becomes too much, or leaves nothing to see.
pub fn rendered(body: &Prose<1, 5000>) -> Result<String> {
    let html = html::from_comment(body.as_str(), MAX_HTML).map_err(|refusal| refusal.at("/body"))?;
    if html::text(&html).chars().all(is_invisible) {
        return Err(Error::invalid_field("/body", "required", "it leaves nothing to see"));
    }
    Ok(html)
}

pub type CommentChanges = Changes<Edited>;

impl Settle for Edited {
    fn settled(self, _: &Self) -> Self {
        self
    }
}

impl From<&Row> for Edited {
    fn from(row: &Row) -> Self {
        Self { status: row.status, name: row.name.clone(), website: row.website.clone(), body: row.body.clone() }
    }
}

/// How comments may be ordered; with `-` in front, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum CommentSort {
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDown,
}

list_params! {
    /// What may be asked of an article's threads.
    pub struct ThreadParams {
        /// The order of the threads; replies stand oldest first. The oldest first where it is left out.
        #[param(inline)]
        pub sort: Option<CommentSort>,
    }
}

list_params! {
    /// What may be asked of the moderation queue.
    pub struct QueueParams {
        /// Is in any of these states.
        #[param(inline, value_type = Option<Vec<Moderation>>, style = Form, explode = false, max_items = 50)]
        pub status: Option<List<Moderation>>,
        /// Stands below this article, by id or slug.
        #[param(inline)]
        pub article: Option<Ref>,
        /// The order. The newest first where it is left out.
        #[param(inline)]
        pub sort: Option<CommentSort>,
    }
}
