//! The text of a revision, made ready before a transaction: no write waits while another's Markdown is rendered.

use super::{
    model::{BodyFormat, Visibility},
    saving::{Note, Saving},
    write::{ArticleChanges, NewArticle, NewBody},
};
use crate::{
    db,
    error::{Code, Error, Result},
    html,
};
use actix_web::web;

/// Characters of an excerpt that is made from the body.
const EXCERPT: usize = 280;
/// The longest HTML that a body may become, in bytes.
const MAX_HTML: usize = 5_000_000;

/// A body and what follows from it.
#[derive(Debug, Clone)]
pub struct Text {
    pub body: NewBody,
    pub html: String,
    pub words: i32,
    /// The beginning, for an article without an excerpt of its own.
    excerpt: String,
    characters: usize,
}

impl Text {
    /// # Errors
    /// 422 where the body is nested too deeply or becomes too much HTML.
    pub fn of(body: NewBody) -> Result<Self> {
        let source = body.source.as_str();
        let html = match body.format {
            BodyFormat::Markdown => html::from_markdown(source, MAX_HTML),
            BodyFormat::Html => html::from_html(source, MAX_HTML),
        };
        let html = html.map_err(|refusal| refusal.at("/body/source"))?;
        Ok(Self::ready(body, html))
    }

    /// A body that was rendered before. What is struck out in it is no part of its excerpt, and does not count.
    pub fn ready(body: NewBody, html: String) -> Self {
        let text = html::said(&html);
        Self {
            words: html::count_words(&text),
            excerpt: html::excerpt(&text, EXCERPT),
            characters: text.chars().count(),
            html,
            body,
        }
    }

    /// The beginning of the body as anybody may read it: of one that is not for everybody, at most a third.
    pub fn teaser(&self, visibility: Visibility) -> String {
        match visibility {
            Visibility::Public => self.excerpt.clone(),
            Visibility::Members | Visibility::Premium => html::excerpt(&self.excerpt, EXCERPT.min(self.characters / 3)),
        }
    }
}

/// An article to create, with its text.
#[derive(Debug, Clone)]
pub struct Draft {
    pub new: NewArticle,
    pub text: Text,
    /// Why it is written.
    pub note: Option<Note>,
}

impl Draft {
    /// # Errors
    /// As [`Text::of`].
    pub fn of(new: NewArticle) -> Result<Self> {
        Ok(Self { text: Text::of(new.body.clone().unwrap_or_default())?, new, note: None })
    }

    /// The same on a thread that may block.
    pub async fn prepare(new: NewArticle) -> Result<Self> {
        blocking(move || Self::of(new)).await
    }
}

/// Changes of an article, how they are to be saved, and the text that they bring.
pub struct Edit {
    pub changes: ArticleChanges,
    pub saving: Saving,
    text: Option<Text>,
}

impl Edit {
    /// Changes that leave the body as it is.
    pub fn without_text(changes: ArticleChanges, saving: Saving) -> Self {
        Self { changes, saving, text: None }
    }

    /// Merges the changes into the article as `current` has it, to see which text they lead to.
    ///
    /// # Errors
    /// As [`Text::of`].
    pub async fn prepare(
        changes: ArticleChanges,
        saving: Saving,
        current: impl Future<Output = Result<NewArticle>>,
    ) -> Result<Self> {
        if changes.get("body").is_none() {
            return Ok(Self::without_text(changes, saving));
        }
        let current = current.await?;
        // What is wrong with the changes is said later, after what is wrong with who makes them or when.
        let text = match changes.apply(&current).ok().and_then(|new| new.body) {
            Some(body) if Some(&body) != current.body.as_ref() => Some(blocking(move || Text::of(body)).await?),
            _ => None,
        };
        Ok(Self { changes, saving, text })
    }

    /// Whether it saves the text, not just what belongs to the article itself.
    pub fn is_of_text(&self) -> bool {
        let mut names = self.changes.names().peekable();
        names.peek().is_none() || names.any(|name| !["slug", "translation_of", "comments"].contains(&name))
    }

    /// The text of the body that the changes led to: the one made ready, unless another edit came between.
    pub fn text(&self, body: &NewBody) -> Result<Text> {
        match &self.text {
            Some(text) if text.body == *body => Ok(text.clone()),
            _ => Text::of(body.clone()),
        }
    }
}

/// Works on a long text, on a thread that may block, while another stays free for whoever reads.
pub async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let turn = db::turn().await?;
    let work = move || {
        // For as long as the work takes, should the one who asked have gone.
        let _turn = turn;
        f()
    };
    web::block(work).await.map_err(|_| Error::new(Code::Unavailable))?
}
