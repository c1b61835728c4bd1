//! Entity tags: `"version.mark-hash"`, so that a cache compares the bytes and a writer compares which one it is and its version.

use crate::{
    db::Id,
    error::{Code, Error, FieldError, Result},
};
use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH},
};
use twox_hash::XxHash3_64;

/// What can be changed, and counts how often it was.
pub trait Versioned {
    /// Which one it is: another may have its slug by now.
    fn id(&self) -> Id;

    /// Changes with every edit, and with nothing else: not with a count, not with a comment.
    fn version(&self) -> i32;
}

/// The tag of something by which nothing can be changed.
pub fn of(body: &[u8]) -> String {
    format!("\"{:016x}\"", hash(body))
}

/// The tag of a representation of something that can be changed.
pub fn of_state(resource: &impl Versioned, body: &[u8]) -> String {
    format!("\"{}-{:016x}\"", state(resource), hash(body))
}

/// It tells versions apart and keeps no secret: whoever has the tag has the body.
fn hash(body: &[u8]) -> u64 {
    XxHash3_64::oneshot(body)
}

/// How often it was changed, and the end of its id: `3.9eb8722f`.
fn state(resource: &impl Versioned) -> String {
    format!("{}.{:08x}", resource.version(), mark(resource))
}

fn mark(resource: &impl Versioned) -> u32 {
    let [.., a, b, c, d] = *resource.id().as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// The tag of the same representation in a content coding: other bytes, another tag.
pub fn encoded(tag: &str, coding: &str) -> String {
    format!("{}~{coding}\"", tag.trim_end_matches('"'))
}

/// This tag as `If-None-Match` names it, in whatever coding: what a client has in that coding is still right.
pub fn known(headers: &HeaderMap, tag: &str) -> Option<String> {
    let plain = tag.trim_matches('"');
    headers.get_all(IF_NONE_MATCH).filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).find_map(|given| {
        let given = given.trim();
        let given = given.strip_prefix("W/").unwrap_or(given);
        let coding =
            given.trim_matches('"').strip_prefix(plain).filter(|rest| rest.is_empty() || rest.starts_with('~'));
        match coding {
            Some(coding) => Some(format!("\"{plain}{coding}\"")),
            None => (given == "*").then(|| tag.to_owned()),
        }
    })
}

/// What `If-Match` expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Anything,
    /// The states of the tags that were named; a weak tag never matches.
    States(Vec<String>),
}

impl Expected {
    pub fn of(request: &HttpRequest) -> Self {
        let mut states = Vec::new();
        let mut given = false;
        for value in request.headers().get_all(IF_MATCH) {
            given = true;
            for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
                match tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
                    Some(tag) => states.extend(tag.split_once('-').map(|(state, _)| state.to_owned())),
                    None if tag == "*" => return Self::Anything,
                    None => {}
                }
            }
        }
        if given { Self::States(states) } else { Self::Anything }
    }

    /// Refuses what was changed since the client read it.
    ///
    /// # Errors
    /// 412 with the fields that `differing` finds.
    pub fn check(&self, current: &impl Versioned, differing: impl FnOnce() -> Vec<FieldError>) -> Result<()> {
        if self.fits(current) { Ok(()) } else { Err(stale(differing())) }
    }

    /// The same for what has no states: no tag names one.
    ///
    /// # Errors
    /// 412 where a tag was named.
    pub fn check_stateless(&self) -> Result<()> {
        if matches!(self, Self::Anything) { Ok(()) } else { Err(stale(Vec::new())) }
    }

    /// Whether it is as the client read it.
    pub fn fits(&self, current: &impl Versioned) -> bool {
        match self {
            Self::States(states) => states.contains(&state(current)),
            Self::Anything => true,
        }
    }

    /// The version of it that the client read: of several that it names, the oldest, after which the most was changed.
    pub fn base(&self, current: &impl Versioned) -> Option<i32> {
        let Self::States(states) = self else { return None };
        let mark = format!("{:08x}", mark(current));
        let version = |state: &String| state.split_once('.').filter(|(_, of)| *of == mark)?.0.parse().ok();
        states.iter().filter_map(version).min()
    }
}

/// The refusal of a change to what is not as the client read it: 412 with the fields that differ.
pub fn stale(fields: Vec<FieldError>) -> Error {
    let names: Vec<_> = fields.iter().map(|f| f.pointer.trim_start_matches('/')).collect();
    let detail = match names.as_slice() {
        [] => "it was changed since you read it; read it again".to_owned(),
        names => format!("it was changed since you read it; these fields differ: {}", names.join(", ")),
    };
    Error::with(Code::PreconditionFailed, detail).list(fields)
}

#[cfg(test)]
mod tests {
    use super::{Expected, Versioned, encoded, known, of, of_state};
    use crate::db::Id;
    use actix_web::test::TestRequest;

    struct Thing(Id, i32);

    impl Versioned for Thing {
        fn id(&self) -> Id {
            self.0
        }

        fn version(&self) -> i32 {
            self.1
        }
    }

    #[test]
    fn a_writer_compares_the_state_and_a_cache_the_bytes() {
        let thing = Thing(Id::new(), 7);
        let (one, two) = (of_state(&thing, b"a"), of_state(&thing, b"b"));
        assert_ne!(one, two);
        let expected =
            |tag: &str| Expected::of(&TestRequest::default().insert_header(("if-match", tag)).to_http_request());
        assert_eq!(expected(&one), expected(&two));
        let (later, another) = (Thing(thing.0, 8), Thing(Id::new(), 7));
        assert_eq!([&thing, &later, &another].map(|thing| expected(&one).fits(thing)), [true, false, false]);
        assert_eq!([&thing, &later, &another].map(|thing| expected(&one).base(thing)), [Some(7), Some(7), None]);
        assert_eq!(expected(&format!("W/{one}")), Expected::States(vec![]));
        assert_eq!(expected("*"), Expected::Anything);
        assert_eq!(expected(&encoded(&one, "br")), expected(&one));
    }

    #[test]
    fn a_cache_may_name_several_tags_in_any_coding() {
        let tag = of(b"a");
        let known = |given: String| {
            known(TestRequest::default().insert_header(("if-none-match", given)).to_http_request().headers(), &tag)
        };
        assert_eq!(known(tag.clone()), Some(tag.clone()));
        assert_eq!(known(format!("\"x\", W/{}", encoded(&tag, "br"))), Some(encoded(&tag, "br")));
        assert_eq!(known("*".into()), Some(tag.clone()));
        assert_eq!(known("\"x\"".into()), None);
        assert_eq!(known(format!("{}x\"", tag.trim_end_matches('"'))), None);
    }
}
