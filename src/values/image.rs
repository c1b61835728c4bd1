//! Pictures: where they are, and what goes with them on a page.

use super::{Line, WebUrl, Whole};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A picture and what goes with it on a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "url": "https://images.lantern.example/harbour.jpg", "alt": "The harbour at low tide", "caption": "The old quay, seen from the light.",
    "credit": "Mira Holt", "width": 1600, "height": 900
}))]
pub struct Image {
    pub url: WebUrl,
    /// What it shows, for those who do not see it.
    #[serde(default)]
    pub alt: Option<Line<0, 300>>,
    #[serde(default)]
    pub caption: Option<Line<0, 500>>,
    /// Who made it.
    #[serde(default)]
    pub credit: Option<Line<0, 200>>,
    /// In pixels.
    #[serde(default)]
    pub width: Option<Whole<1, 100_000>>,
    /// In pixels.
    #[serde(default)]
    pub height: Option<Whole<1, 100_000>>,
}
