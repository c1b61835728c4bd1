//! Redirects as a table: CSV (RFC 4180) whose first line is `source,target,status`.

use super::{
    address::{Source, Target},
    model::{NewRedirect, Redirect, RedirectStatus},
    queries::Entry,
};
use crate::{
    error::{Error, FieldError, Result},
    http::json::{Digest, accept, digest_of, read},
    values::Refusal,
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};
use std::{borrow::Cow, pin::Pin};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Its media type.
pub const CSV: &str = "text/csv";
/// Lines of a table that is sent, besides the first.
const MAX_LINES: usize = 10_000;
/// Mistakes that are looked for in one table.
const MAX_MISTAKES: usize = 100;
const HEADER: [&str; 3] = ["source", "target", "status"];

/// A table that was sent, and the digest that an idempotency key holds it to.
pub struct Table {
    pub entries: Vec<Entry>,
    pub digest: Digest,
}

impl FromRequest for Table {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let accepted = accept(request, &[CSV]);
        let body = read(request, payload);
        Box::pin(async move {
            accepted?;
            let body = body.await?;
            Ok(Self { entries: parse(&body)?, digest: digest_of(&body) })
        })
    }
}

/// # Errors
/// 422 with a pointer to each line that is wrong and to the field in it: `/3/target`.
fn parse(body: &[u8]) -> Result<Vec<Entry>> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
    let (mut entries, mut mistakes) = (Vec::new(), Vec::new());
    let mut lines = Lines { body, at: 0, line: 1 };
    let mut begun = false;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = lines.of(error.position());
                mistakes.push(FieldError::new(format!("/{line}"), "invalid_characters", "it is not text in UTF-8"));
                break;
            }
        };
        let line = lines.of(record.position());
        if !begun {
            begun = true;
            let named = |names: &[&str]| record.iter().eq(names.iter().copied());
            if !named(&HEADER) && !named(&HEADER[..2]) {
                let message = format!("the first line is {}", HEADER.join(","));
                return Err(Error::invalid_field("/1", "invalid_header", message));
            }
        } else if entries.len() == MAX_LINES {
            return Err(Error::invalid_field(
                &format!("/{line}"),
                "too_many",
                format!("at most {MAX_LINES} redirects come in one table"),
            ));
        } else {
            match entry(&record, line) {
                Ok(entry) => entries.push(entry),
                Err(found) => mistakes.extend(found),
            }
        }
        if mistakes.len() >= MAX_MISTAKES {
            break;
        }
    }
    match mistakes.is_empty() {
        true if !begun => {
            Err(Error::invalid_field("/1", "invalid_header", format!("the first line is {}", HEADER.join(","))))
        }
        true => Ok(entries),
        false => Err(Error::invalid(mistakes)),
    }
}

/// Counts lines as an editor shows them; a reader of CSV leaves out those that are empty.
struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record, each further down than the one before.
    fn of(&mut self, record: Option<&csv::Position>) -> u64 {
        let begins = record.and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(self.at);
        while let Some(byte) = self.body.get(self.at) {
            let ends = matches!(byte, b'\r' | b'\n');
            if self.at >= begins && !ends {
                break;
            }
            self.at += 1;
            let half = *byte == b'\r' && self.body.get(self.at) == Some(&b'\n');
            self.line += u64::from(ends && !half);
        }
        self.line
    }
}

fn entry(record: &StringRecord, line: u64) -> Result<Entry, Vec<FieldError>> {
    if !(2..=3).contains(&record.len()) {
        let message = format!("a line has a source, a target and a status, not {} fields", record.len());
        return Err(vec![FieldError::new(format!("/{line}"), "invalid_line", message)]);
    }
    let field = |at: usize| record.get(at).unwrap_or_default().to_owned();
    let status = match field(2) {
        text if text.is_empty() => Ok(None),
        text => RedirectStatus::try_from(text.parse::<i64>().unwrap_or_default()).map(Some),
    };
    match (Source::parse(field(0)), Target::parse(field(1)), status) {
        (Ok(source), Ok(target), Ok(status)) => {
            Ok(Entry { line: Some(line), new: NewRedirect { source, target, status } })
        }
        (source, target, status) => {
            let refusals = [source.err(), target.err(), status.err()];
            let mistake = |(name, refusal): (&str, Refusal)| {
                FieldError::new(format!("/{line}/{name}"), refusal.code, refusal.message.into_owned())
            };
            let found = HEADER.into_iter().zip(refusals).filter_map(|(name, refusal)| Some((name, refusal?)));
            Err(found.map(mistake).collect())
        }
    }
}

/// The table of these redirects.
pub fn write(redirects: &[Redirect]) -> Result<Vec<u8>> {
    let broken = |e: csv::Error| Error::internal("a table could not be written").because(e);
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(HEADER).map_err(broken)?;
    for Redirect { source, target, status, .. } in redirects {
        writer.write_record([source.as_ref(), target.as_ref(), &status.get().to_string()]).map_err(broken)?;
    }
    writer.into_inner().map_err(|_| Error::internal("a table could not be written"))
}

/// The schema of a table of at most `MAX` characters.
pub struct Text<const MAX: usize>;

/// 100,000 lines of the longest addresses.
pub type RedirectTable = Text<402_000_000>;
/// As long as any body.
pub type NewRedirectTable = Text<2_097_152>;

impl<const MAX: usize> PartialSchema for Text<MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(13))
            .max_length(Some(MAX))
            .pattern(Some("^[^\\x00]*$"))
            .description(Some(
                "CSV (RFC 4180) in UTF-8. The first line is `source,target,status`; a status may be left out.",
            ))
            .examples(["source,target,status\r\n/2019/harbour.html,/articles/harbour-reopens,308\r\n"])
            .into()
    }
}

impl<const MAX: usize> ToSchema for Text<MAX> {
    fn name() -> Cow<'static, str> {
        if MAX == 2_097_152 { "NewRedirectTable".into() } else { "RedirectTable".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn mistakes(body: &[u8]) -> Vec<String> {
        let error = parse(body).unwrap_err();
        error.errors().iter().map(|e| format!("{} {}", e.pointer, e.code)).collect()
    }

    #[test]
    fn a_table_is_read_as_programs_write_it() {
        let body = "\u{feff}source,target,status\r\n/a,/b,301\n\"/c\",\"https://d.example/?x=1,2\",\r\n\r\n/e,/f\n";
        let entries = parse(body.as_bytes()).unwrap();
        let read: Vec<_> = entries.iter().map(|e| (e.line, e.new.source.as_ref(), e.new.target.as_ref())).collect();
        assert_eq!(read, [(Some(2), "/a", "/b"), (Some(3), "/c", "https://d.example/?x=1,2"), (Some(5), "/e", "/f")]);
        assert!(parse(b"source,target\n").unwrap().is_empty());
    }

    #[test]
    fn each_line_that_is_wrong_is_named() {
        let body = "source,target,status\na,b,c\n/a,/b,308\n/x\n/a b,/c,300\n";
        assert_eq!(
            mistakes(body.as_bytes()),
            [
                "/2/source invalid_path",
                "/2/target invalid_target",
                "/2/status unknown_value",
                "/4 invalid_line",
                "/5/source invalid_characters",
                "/5/status unknown_value",
            ]
        );
        assert_eq!(mistakes(b""), ["/1 invalid_header"]);
        assert_eq!(mistakes(b"from,to\n/a,/b\n"), ["/1 invalid_header"]);
        assert_eq!(mistakes(b"source,target,status\n/a,/\xff,308\n"), ["/2 invalid_characters"]);
        let many = format!("source,target,status\n{}", "/a,/b,308\n".repeat(10_001));
        assert_eq!(mistakes(many.as_bytes()), ["/10002 too_many"]);
    }
}
