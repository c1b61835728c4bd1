//! The parts of the sitemap by their names, and what stands in them.

use crate::{
    articles::StoredSeo,
    clock::Time,
    db::{AsJson, Id},
    feeds::text_document,
    schema::published_articles,
    site::{self, Site},
    values::{Image, Language, Line, Refusal, Slug},
};
use chrono::{DateTime, Datelike, Months, NaiveDate};
use diesel::prelude::*;
use serde::Deserialize;
use std::{borrow::Cow, fmt};
use url::Url;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Addresses in one part. A sitemap may have 50,000, and 50 MB: with the longest ones that it takes this many fit in.
pub const SIZE: i64 = 10_000;

/// A month of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(NaiveDate);

impl Month {
    /// The one that a moment is in.
    pub fn of(time: Time) -> Option<Self> {
        time.utc().date_naive().with_day(1).map(Self)
    }

    fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |text: &str, n| text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
        let digits = digits(year, 4) && digits(month, 2);
        NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1).filter(|_| digits).map(Self)
    }

    pub fn begin(self) -> Time {
        micros(self.0)
    }

    /// When the next one begins.
    pub fn end(self) -> Time {
        self.0.checked_add_months(Months::new(1)).map_or(Time::from_micros(i64::MAX), micros)
    }
}

fn micros(day: NaiveDate) -> Time {
    let midnight = day.and_hms_opt(0, 0, 0).unwrap_or_default();
    Time::from_micros(
        DateTime::from_timestamp(midnight.and_utc().timestamp(), 0).unwrap_or_default().timestamp_micros(),
    )
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// A part with the articles of a month: `2026-11.xml`, and `2026-11-2.xml` where one part does not hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ArticlePart {
    pub month: Month,
    /// From 1.
    pub number: i64,
}

impl fmt::Display for ArticlePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.xml", self.month, Numbered(self.number))
    }
}

impl TryFrom<String> for ArticlePart {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        let part = || {
            let (month, number) = text.strip_suffix(".xml")?.split_at_checked(7)?;
            Some(Self { month: Month::parse(month)?, number: numbered(number)? })
        };
        part().ok_or_else(unknown)
    }
}

/// What pages a part lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// And the front page.
    Sections,
    Tags,
    Authors,
}

impl Pages {
    pub const ALL: [Self; 3] = [Self::Sections, Self::Tags, Self::Authors];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sections => "sections",
            Self::Tags => "tags",
            Self::Authors => "authors",
        }
    }
}

/// A part with the pages of sections, tags or authors: `tags.xml`, `tags-2.xml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PagePart {
    pub pages: Pages,
    /// From 1.
    pub number: i64,
}

impl fmt::Display for PagePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.xml", self.pages.name(), Numbered(self.number))
    }
}

impl TryFrom<String> for PagePart {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        let part = |pages: Pages| {
            let number = numbered(text.strip_suffix(".xml")?.strip_prefix(pages.name())?)?;
            Some(Self { pages, number })
        };
        Pages::ALL.into_iter().find_map(part).ok_or_else(unknown)
    }
}

/// A part's number as its name has it: the first has none.
struct Numbered(i64);

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 1 { write!(f, "-{}", self.0) } else { Ok(()) }
    }
}

fn numbered(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(1);
    }
    let number = text.strip_prefix('-')?;
    let plain = (1..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|n| plain && *n > 1 && !number.starts_with('0'))
}

fn unknown() -> Refusal {
    Refusal::new("invalid_part", "no part of the sitemap has such a name")
}

/// What is said of an article in a sitemap.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = published_articles)]
pub struct Listed {
    pub id: Id,
    pub slug: Slug,
    pub published_at: Option<Time>,
    #[diesel(column_name = public_updated_at)]
    pub updated_at: Time,
    pub title: Line<1, 200>,
    pub language: Language,
    pub image: Option<AsJson<Image>>,
    pub seo: AsJson<StoredSeo>,
    pub section_path: Option<String>,
    /// What it shares with its translations.
    #[diesel(column_name = translation_group)]
    pub group: Option<Id>,
}

impl Listed {
    /// Where search engines are to find it; `None` where they are not to, or on another page.
    pub fn address(&self, site: &Site) -> Option<String> {
        let (seo, own) = (&self.seo.0, site.article_url(&self.place()));
        match &seo.canonical_url {
            _ if seo.noindex => None,
            Some(canonical) => is_same_page(canonical.as_ref(), &own).then(|| canonical.to_string()),
            None => Some(own),
        }
    }

    /// What its address on the site is made from.
    fn place(&self) -> site::Address<'_> {
        site::Address {
            id: self.id,
            slug: &self.slug,
            date: self.published_at.unwrap_or(self.updated_at),
            path: self.section_path.as_deref(),
            language: Some(&self.language),
        }
    }
}

/// Whether two addresses are of one page, be they written with a slash at the end or without.
fn is_same_page(one: &str, other: &str) -> bool {
    let page = |url: &str| Url::parse(url).ok().map(|url| url.as_str().trim_end_matches('/').to_owned());
    page(one).is_some_and(|one| Some(one) == page(other))
}

macro_rules! part_schema {
    ($type:ident, $pattern:literal, $example:literal) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .max_length(Some(20))
                    .pattern(Some($pattern))
                    .examples([$example])
                    .into()
            }
        }

        impl ToSchema for $type {}
    };
}

part_schema!(ArticlePart, "^[0-9]{4}-(0[1-9]|1[0-2])(-[1-9][0-9]{0,4})?\\.xml$", "2026-11.xml");
part_schema!(PagePart, "^(sections|tags|authors)(-[1-9][0-9]{0,4})?\\.xml$", "sections.xml");

text_document!(
    /// A sitemap, or an index of sitemaps (sitemaps.org, protocol 0.9), with pictures and news as Google reads them.
    pub struct Sitemap,
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">…</urlset>"
);

#[cfg(test)]
mod tests {
    use super::{ArticlePart, Month, PagePart};
    use crate::clock::Time;

    #[test]
    fn a_part_has_one_name() {
        for name in ["2026-11.xml", "2026-11-2.xml", "0001-01.xml", "9999-12-99999.xml"] {
            assert_eq!(ArticlePart::try_from(name.to_owned()).unwrap().to_string(), name);
        }
        for name in ["sections.xml", "tags-2.xml", "authors-10.xml"] {
            assert_eq!(PagePart::try_from(name.to_owned()).unwrap().to_string(), name);
        }
        for wrong in [
            "",
            ".xml",
            "2026-13.xml",
            "2026-00.xml",
            "2026-1.xml",
            "2026-11",
            "2026-11-1.xml",
            "2026-11-02.xml",
            "2026-11-100000.xml",
            "+026-11.xml",
            "2026-11-+2.xml",
            "20é6-11.xml",
        ] {
            assert!(ArticlePart::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        for wrong in ["users.xml", "tags-1.xml", "tags-0.xml", "tags2.xml", "tags.xml.xml", "Tags.xml", "tags"] {
            assert!(PagePart::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let moment = |text: &str| Time::parse(text).unwrap();
        let month = Month::of(moment("2024-02-29T23:59:59.999999Z")).unwrap();
        assert_eq!(
            (month.to_string().as_str(), month.begin(), month.end()),
            ("2024-02", moment("2024-02-01T00:00:00Z"), moment("2024-03-01T00:00:00Z"))
        );
        let last = Month::of(moment("9999-12-31T00:00:00Z")).unwrap();
        assert!(last.end() > last.begin());
    }
}
