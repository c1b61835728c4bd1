//! What a newsroom says of its site.

use super::{
    custom_fields::{CustomFields, MOST},
    permalinks::Permalinks,
    time_zone::TimeZone,
};
use crate::{
    clock::Time,
    db::Id,
    error::FieldError,
    http::{Changes, Settle, Versioned},
    redirects::Target,
    values::{Image, Language, Line, Refusal, WebUrl, few},
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

pub type Name = Line<1, 100>;

/// Degrees on the globe, from -`MAX` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Degrees<const MAX: i32>(f64);

impl<const MAX: i32> TryFrom<f64> for Degrees<MAX> {
    type Error = Refusal;

    fn try_from(degrees: f64) -> Result<Self, Refusal> {
        if degrees.abs() <= f64::from(MAX) {
            Ok(Self(degrees))
        } else {
            Err(Refusal::new("out_of_range", format!("it is a number of degrees from -{MAX} to {MAX}")))
        }
    }
}

impl<const MAX: i32> PartialSchema for Degrees<MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Number).minimum(Some(-MAX)).maximum(Some(MAX)).into()
    }
}

impl<const MAX: i32> ToSchema for Degrees<MAX> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("Degrees{MAX}").into()
    }
}

/// Where the newsroom is, so that a front end can ask its weather service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Aldermouth", "latitude": 54.62, "longitude": -1.07}))]
pub struct Place {
    pub name: Line<1, 100>,
    #[schema(inline)]
    pub latitude: Degrees<90>,
    #[schema(inline)]
    pub longitude: Degrees<180>,
}

/// Where else a site is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "Mastodon", "url": "https://social.example/@lantern"}))]
pub struct SocialLink {
    pub label: Line<1, 100>,
    pub url: WebUrl,
}

/// A step of a menu.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "Weather", "url": "/weather"}))]
pub struct NavigationLink {
    pub label: Line<1, 100>,
    pub url: Target,
}

/// A step of a menu, with those below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "News", "url": "/sections/news", "children": [{"label": "Weather", "url": "/weather"}]}))]
pub struct NavigationItem {
    pub label: Line<1, 100>,
    pub url: Target,
    #[serde(default, deserialize_with = "short::<50, _, _>")]
    #[schema(max_items = 50)]
    pub children: Vec<NavigationLink>,
}

/// Reads a list of at most `MAX` items; nothing is an empty one.
fn short<'de, const MAX: usize, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    few::<MAX, T, D>(deserializer).map(Option::unwrap_or_default)
}

fn english() -> Vec<Language> {
    vec![Language::default()]
}

/// What a newsroom says of its site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSite, example = json!({
    "name": "The Lantern", "description": "News from Aldermouth and the islands.", "locale": "en-GB", "languages": ["en", "cy"],
    "time_zone": "Europe/London", "place": {"name": "Aldermouth", "latitude": 54.62, "longitude": -1.07},
    "logo": {"url": "https://images.lantern.example/logo.png", "alt": "The Lantern", "caption": null, "credit": null, "width": 600, "height": 60},
    "navigation": [{"label": "News", "url": "/sections/news", "children": [{"label": "Weather", "url": "/weather"}]}],
    "secondary_navigation": [{"label": "Contact", "url": "/contact", "children": []}],
    "social_links": [{"label": "Mastodon", "url": "https://social.example/@lantern"}],
    "permalinks": {"article": "/articles/{slug}", "author": "/authors/{slug}", "section": "/sections/{path}", "tag": "/tags/{slug}"},
    "custom_fields": {"schema": null, "sections": []}
}))]
pub struct Profile {
    pub name: Name,
    /// A line or two, for feeds and search engines.
    #[serde(default)]
    pub description: Line<0, 500>,
    /// How dates and numbers are written.
    #[serde(default)]
    pub locale: Language,
    /// What the site is published in; the first is that of an article which does not say.
    #[serde(default = "english", deserialize_with = "short::<20, _, _>")]
    #[schema(min_items = 1, max_items = 20)]
    pub languages: Vec<Language>,
    /// Where a day begins and ends.
    #[serde(default)]
    pub time_zone: TimeZone,
    #[serde(default)]
    pub place: Option<Place>,
    #[serde(default)]
    pub logo: Option<Image>,
    #[serde(default, deserialize_with = "short::<50, _, _>")]
    #[schema(max_items = 50)]
    pub navigation: Vec<NavigationItem>,
    #[serde(default, deserialize_with = "short::<50, _, _>")]
    #[schema(max_items = 50)]
    pub secondary_navigation: Vec<NavigationItem>,
    #[serde(default, deserialize_with = "short::<20, _, _>")]
    #[schema(max_items = 20)]
    pub social_links: Vec<SocialLink>,
    /// How addresses look in answers, feeds and sitemaps.
    #[serde(default)]
    pub permalinks: Permalinks,
    /// Which fields of its own an article has. A schema is replaced as a whole, not merged.
    #[serde(default)]
    pub custom_fields: CustomFields,
}

impl Profile {
    pub fn named(name: Name) -> Self {
        Self {
            name,
            description: Line::default(),
            locale: Language::default(),
            languages: english(),
            time_zone: TimeZone::default(),
            place: None,
            logo: None,
            navigation: Vec::new(),
            secondary_navigation: Vec::new(),
            social_links: Vec::new(),
            permalinks: Permalinks::default(),
            custom_fields: CustomFields::default(),
        }
    }

    /// The language of an article that does not say.
    pub fn language(&self) -> Language {
        self.languages.first().cloned().unwrap_or_default()
    }

    /// Its languages, with one that is asked for.
    pub fn languages_with(&self, other: Option<&Language>) -> Vec<Language> {
        self.languages.iter().chain(other).cloned().collect()
    }

    /// What is wrong with it that no field alone shows.
    pub fn mistakes(&self) -> Vec<FieldError> {
        let mut mistakes = Vec::new();
        if self.languages.is_empty() {
            mistakes.push(FieldError::new("/languages", "too_few", "a site is published in one language at least"));
        }
        for (index, language) in self.languages.iter().enumerate() {
            if self.languages[..index].contains(language) {
                let message = format!("`{language}` stands there twice");
                mistakes.push(FieldError::new(format!("/languages/{index}"), "duplicate", message));
            }
        }
        if let Some((one, other)) = self.permalinks.collision() {
            let message = format!("nothing tells the address of one from that of a page of kind `{other}`");
            mistakes.push(FieldError::new(format!("/permalinks/{one}"), "collides", message));
        }
        if self.custom_fields.sections.len() > MOST {
            let message = format!("at most {MOST} sections have a schema of their own");
            mistakes.push(FieldError::new("/custom_fields/sections", "too_many", message));
        }
        mistakes
    }
}

pub type SiteChanges = Changes<Profile>;

impl Settle for Profile {
    const OPEN: &'static [&'static str] = &["custom_fields"];

    fn settled(self, _: &Self) -> Self {
        self
    }
}

/// What a front end needs to know of the site.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Site)]
pub struct SiteView {
    pub name: Name,
    /// A line or two, for feeds and search engines.
    pub description: Line<0, 500>,
    /// Where readers find it: `STET_PUBLIC_URL`.
    #[schema(format = "uri", max_length = 2000, example = "https://lantern.example")]
    pub url: String,
    /// How dates and numbers are written.
    pub locale: Language,
    /// What the site is published in; the first is that of an article which does not say.
    #[schema(min_items = 1, max_items = 20)]
    pub languages: Vec<Language>,
    /// Where a day begins and ends.
    pub time_zone: TimeZone,
    pub place: Option<Place>,
    pub logo: Option<Image>,
    #[schema(max_items = 50)]
    pub navigation: Vec<NavigationItem>,
    #[schema(max_items = 50)]
    pub secondary_navigation: Vec<NavigationItem>,
    #[schema(max_items = 20)]
    pub social_links: Vec<SocialLink>,
    /// How addresses look in answers, feeds and sitemaps.
    pub permalinks: Permalinks,
    /// Which fields of its own an article has: JSON Schemas of `custom`.
    pub custom_fields: CustomFields,
    pub updated_at: Time,
    #[serde(skip)]
    pub version: i32,
}

impl Versioned for SiteView {
    /// There is one.
    fn id(&self) -> Id {
        Id::LEAST
    }

    fn version(&self) -> i32 {
        self.version
    }
}
