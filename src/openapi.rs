//! The OpenAPI document: what the handlers say of themselves, and what is the same for all of them, said once.

mod docs;
mod operations;
mod schemas;

pub use docs::{Document, PAGES, routes};

use crate::{app, clock::Time, db::Id, error, values};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::{AppExt, scope, service_config::ServiceConfig};

const DESCRIPTION: &str = "Lists are `{\"data\": [...], \"page\": {...}}`; errors are RFC 9457 problem details with a stable `code`. Changes are JSON \
Merge Patches (RFC 7396). `If-Match` keeps edits from getting lost, `Idempotency-Key` keeps a repeated `POST` from being \
done twice, and `dry_run=true` tries a write without doing it. Unknown parameters and fields are refused, with the list \
of what is allowed.

What is public needs no token; a token shows the staff what they may edit.";

/// The document as it is committed and served; a test holds it to [`document`].
const COMMITTED: &str = include_str!("../openapi/openapi.json");

/// Of the committed document its paths, their methods, and the ids of the operations: all of it would be megabytes.
///
/// # Errors
/// Where it is not JSON: whoever makes it anew empties it first.
pub fn operations() -> serde_json::Result<Value> {
    #[derive(Serialize, Deserialize)]
    struct Operation {
        #[serde(rename = "operationId")]
        id: String,
    }
    #[derive(Serialize, Deserialize)]
    struct Operations {
        paths: BTreeMap<String, BTreeMap<String, Operation>>,
    }
    serde_json::to_value(serde_json::from_str::<Operations>(COMMITTED)?)
}

/// The document, made from what the handlers say of themselves.
pub fn document() -> Value {
    let api = |config: &mut ServiceConfig| app::api(config);
    let routes = |config: &mut ServiceConfig| app::outside(config.service(scope(app::API).configure(api)));
    let (_, collected) = actix_web::App::new().into_utoipa_app().configure(routes).split_for_parts();
    let collected = serde_json::to_value(collected).unwrap_or_default();
    let mut schemas = collected.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, schema) in [
        (Id::name(), Id::schema()),
        (Time::name(), Time::schema()),
        (values::Ref::name(), values::Ref::schema()),
        (error::Problem::name(), error::Problem::schema()),
    ] {
        schemas.insert(name.into_owned(), serde_json::to_value(schema).unwrap_or_default());
    }
    let mut of_problems = Vec::new();
    error::Problem::schemas(&mut of_problems);
    for (name, schema) in of_problems {
        schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
    schemas.insert("ProblemCode".into(), serde_json::to_value(error::Code::schema()).unwrap_or_default());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stet",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A headless CMS for newsrooms.",
            "description": DESCRIPTION,
            "contact": {"name": "The Stet authors", "url": env!("CARGO_PKG_REPOSITORY"), "email": "hello@stet.example"},
            "license": {"name": env!("CARGO_PKG_LICENSE"), "url": "https://spdx.org/licenses/MIT.html"},
        },
        "servers": [{"url": "/", "description": "The server that serves this document."}],
        "security": [{"bearer": []}],
        "tags": [
            {"name": "API keys", "description": "What programs come with in place of a session."},
            {"name": "Articles", "description": "Stories: one identity, a list of immutable revisions, and what is public of them."},
            {"name": "Audit", "description": "Who did what, to what, when and from where."},
            {"name": "Auth", "description": "Signing in, and who one is."},
            {"name": "Authors", "description": "Public bylines."},
            {"name": "Changes", "description": "What happened in public, to be followed."},
            {"name": "Comments", "description": "Threads below articles, and their moderation."},
            {"name": "Health", "description": "Whether the process lives, and whether it can serve."},
            {"name": "Redirects", "description": "Paths of the site that lead elsewhere."},
            {"name": "Search", "description": "Finding what is public, by its words."},
            {"name": "Sections", "description": "The site's tree."},
            {"name": "Site", "description": "What the newsroom says of its site: its name, languages, menus, addresses and fields of its own."},
            {"name": "Syndication", "description": "What feed readers and crawlers take: public, whoever asks, and at the site's own address where what serves it hands it on."},
            {"name": "Tags", "description": "Flat labels."},
            {"name": "Users", "description": "People on the staff who sign in, and their invitations."},
        ],
        "paths": collected.get("paths").cloned().unwrap_or_default(),
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer",
                "description": "The `access_token` of `POST /api/v1/auth/login` (a JWT), or the `token` of an API key (`stet_…`).",
            }},
            "parameters": operations::parameters(),
            "headers": operations::headers(),
            "responses": operations::responses(),
            "schemas": schemas,
        },
    });
    operations::complete(&mut document);
    schemas::complete(&mut document);
    operations::add_examples(&mut document);
    schemas::prune(&mut document);
    document
}

/// The document as text, as it is committed.
pub fn text() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&document())? + "\n")
}

/// Each path with its methods in capitals.
pub fn methods(document: &Value) -> impl Iterator<Item = (&str, Vec<String>)> {
    let paths = document.get("paths").and_then(Value::as_object);
    paths.into_iter().flatten().map(|(path, item)| {
        let methods = item.as_object().map(|item| item.keys().map(|method| method.to_uppercase()).collect());
        (path.as_str(), methods.unwrap_or_default())
    })
}

/// Calls `f` with each operation, its path and its method.
fn each_operation(document: &mut Value, mut f: impl FnMut(&str, &str, &mut Map<String, Value>)) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                f(path, method, operation);
            }
        }
    }
}
