//! Preflight: what an editor would rather know before readers do, and what the site does about it.

use super::{
    conflicts,
    queries::{find_editable, find_for_update, numbered},
};
use crate::{
    auth::Actor,
    db::{Conn, column::text_enum},
    error::{Code, Error, FieldError, Result},
    http::Expected,
    site::Site,
    values::{Ref, Whole},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

mod findings;
mod links;

/// What becomes of a publication in which preflight finds an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Policy {
    /// It is told to whoever asks.
    #[default]
    Advise,
    /// It is refused.
    Block,
}

text_enum! {
    /// How bad it is.
    pub enum PreflightSeverity {
        /// Readers would meet something broken.
        Error = "error",
        /// Something that most articles have is missing or goes too far.
        Warning = "warning",
        /// Good to know.
        Info = "info",
    }
}

text_enum! {
    /// What was found.
    pub enum PreflightCode {
        EmptyBody = "empty_body",
        /// A link to an article of the site that is not public.
        DeadLink = "dead_link",
        /// The hero image has no alternative text.
        ImageWithoutAlt = "image_without_alt",
        /// A picture in the body has no alternative text.
        PictureWithoutAlt = "picture_without_alt",
        NoSection = "no_section",
        NoByline = "no_byline",
        NoExcerpt = "no_excerpt",
        /// It stands in for the description that search engines are given.
        ExcerptTooLong = "excerpt_too_long",
        DescriptionTooLong = "description_too_long",
        TitleTooLong = "title_too_long",
        /// A public article has the same title.
        DuplicateTitle = "duplicate_title",
        /// A pinned story that is not public: it is not shown.
        HiddenPin = "hidden_pin",
        /// What is to become public at its time is another revision.
        OtherRevisionScheduled = "other_revision_scheduled",
        /// An editor asked for changes.
        ChangesRequested = "changes_requested",
        NoImage = "no_image",
        NoCredit = "no_credit",
        NoTags = "no_tags",
        NoSubtitle = "no_subtitle",
        /// Search engines are told to leave it out.
        Noindex = "noindex",
    }
}

impl PreflightCode {
    fn severity(self) -> PreflightSeverity {
        use PreflightSeverity::{Error, Info, Warning};
        match self {
            Self::EmptyBody | Self::DeadLink => Error,
            Self::ImageWithoutAlt
            | Self::PictureWithoutAlt
            | Self::NoSection
            | Self::NoByline
            | Self::NoExcerpt
            | Self::ExcerptTooLong
            | Self::DescriptionTooLong
            | Self::TitleTooLong
            | Self::DuplicateTitle
            | Self::HiddenPin
            | Self::OtherRevisionScheduled
            | Self::ChangesRequested => Warning,
            Self::NoImage | Self::NoCredit | Self::NoTags | Self::NoSubtitle | Self::Noindex => Info,
        }
    }
}

/// What preflight finds in a revision.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preflight {
    /// Whether there is no error.
    pub ready: bool,
    /// Whether the site refuses to publish what has errors.
    pub blocking: bool,
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: i32,
    /// The worst first.
    #[schema(max_items = 100)]
    pub checks: Vec<PreflightCheck>,
}

/// Something that preflight found.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreflightCheck {
    pub code: PreflightCode,
    pub severity: PreflightSeverity,
    /// A JSON Pointer into the article.
    #[schema(max_length = 500, pattern = "^[^\\x00-\\x1f]*$", example = "/body/source")]
    pub pointer: String,
    /// The same for people.
    #[schema(max_length = 2000, pattern = "^[^\\x00]*$", example = "the body is empty")]
    pub message: String,
}

/// What may be asked of preflight.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreflightParams {
    /// The revision to look at; the working one where it is left out.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub revision: Option<Whole<1, 2_147_483_647>>,
}

/// Looks an article over that the actor may edit.
///
/// # Errors
/// 404 for a revision that it does not have.
pub fn look_over(
    conn: &mut Conn,
    site: &Site,
    actor: &Actor,
    reference: &Ref,
    revision: Option<i32>,
) -> Result<Preflight> {
    let working = find_editable(conn, actor, reference, false)?;
    let row = match revision {
        Some(number) => numbered(conn, working.id, number)?.ok_or_else(|| Error::not_found("revision", number))?,
        None => working,
    };
    let checks = findings::of(conn, site, &row)?;
    let ready = checks.iter().all(|check| check.severity != PreflightSeverity::Error);
    Ok(Preflight { ready, blocking: site.preflight == Policy::Block, revision: row.revision, checks })
}

/// Refuses to publish what has errors, where the site wants that. It holds the article, as publishing does.
///
/// # Errors
/// 422 with each error.
pub fn clear(
    conn: &mut Conn,
    site: &Site,
    actor: &Actor,
    reference: &Ref,
    revision: Option<i32>,
    expected: &Expected,
) -> Result<()> {
    if site.preflight == Policy::Advise {
        return Ok(());
    }
    let working = find_for_update(conn, actor, reference, false)?;
    conflicts::check(conn, &working, expected)?;
    let row = match revision {
        Some(number) => numbered(conn, working.id, number)?,
        None => Some(working),
    };
    // A revision that is not there is refused by what publishes it, and one that is public was let through before.
    let Some(row) = row.filter(|row| row.published_id != Some(row.revision_id)) else { return Ok(()) };
    let errors = findings::of(conn, site, &row)?.into_iter().filter(|check| check.severity == PreflightSeverity::Error);
    let errors: Vec<_> =
        errors.map(|check| FieldError::new(check.pointer, check.code.as_ref().to_owned(), check.message)).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let detail = format!("preflight found {} that must be mended first", counted(errors.len(), "error"));
    Err(Error::with(Code::PreflightFailed, detail).list(errors))
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
