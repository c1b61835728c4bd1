//! What is indexed of an article, an author, a section or a tag: the public's part, and the staff's.

use super::{
    analysis::{Analyser, Token, words},
    pending::{Kind, Pending},
    reach::{Reach, is_often},
    terms::EVERYTHING,
};
use crate::{
    articles::Visibility,
    clock::Time,
    db::{
        AsJson, Conn, Id, among,
        full_text::{GAP, Indexed},
    },
    error::Result,
    html,
    schema::{articles, authors, revision_authors, revision_tags, revisions, sections, tags},
    values::Language,
};
use diesel::prelude::*;
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
    rc::Rc,
    sync::Arc,
};

/// Words of a document that keep their place. PostgreSQL knows no places beyond 16,383; the words behind are found, but
/// in no phrase.
const PLACES: usize = 16_000;
/// Times that one word keeps its place, for the same reason.
const TIMES: usize = 250;
/// Bytes of all different words: PostgreSQL holds no more than a mebibyte. What comes behind is not found.
const BYTES: usize = 600_000;

/// A document as it is written.
#[derive(Debug)]
pub struct Document {
    pub subject: Id,
    pub kind: Kind,
    pub revision: Option<Id>,
    pub key: i64,
    pub labels: Vec<u8>,
    language: Option<Language>,
    title: String,
    lead: Vec<String>,
    body: String,
    filters: Vec<String>,
}

/// Keys of articles are greater than this, those of all else are smaller, so that those come first. Migration 0020 of PostgreSQL
/// knows the number.
pub const ARTICLES: i64 = -(1 << 62);

/// The farthest time that keys tell apart, in thousandths of a second before and after 1970.
const FARTHEST: i64 = 1 << 41;

/// Where an article stands among all: the newer, the smaller. Of several at one time its id decides.
fn article_key(at: Time, id: Id) -> i64 {
    let millis = at.micros().div_euclid(1000).clamp(-FARTHEST, FARTHEST);
    -((millis << 20) | i64::from(tail(id) & 0xf_ffff))
}

/// The same for what has a name.
fn name_key(kind: Kind, id: Id) -> i64 {
    let rank = match kind {
        Kind::Section => 3,
        Kind::Tag => 2,
        Kind::Author | Kind::Article => 1,
    };
    ARTICLES - (rank << 40) - i64::from(tail(id))
}

/// The random end of an id.
fn tail(id: Id) -> u32 {
    let bytes = id.as_bytes();
    u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]])
}

/// What is counted in facets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    Section(Id),
    Tag(Id),
    Author(Id),
    Year(i32),
}

/// Bytes of a label.
const LABEL: usize = 17;

impl Label {
    fn write(self, labels: &mut Vec<u8>) {
        let (letter, id) = match self {
            Self::Section(id) => (b's', *id.as_bytes()),
            Self::Tag(id) => (b't', *id.as_bytes()),
            Self::Author(id) => (b'a', *id.as_bytes()),
            Self::Year(year) => (b'y', i128::from(year).to_be_bytes()),
        };
        labels.push(letter);
        labels.extend(id);
    }

    pub fn read(labels: &[u8]) -> impl Iterator<Item = Self> {
        labels.chunks_exact(LABEL).filter_map(|label| {
            let (letter, bytes) = label.split_first()?;
            let id = Id::from_bytes(bytes)?;
            Some(match letter {
                b's' => Self::Section(id),
                b't' => Self::Tag(id),
                b'a' => Self::Author(id),
                _ => Self::Year(i128::from_be_bytes(*id.as_bytes()).try_into().ok()?),
            })
        })
    }
}

/// The word that stands in all documents with the label, for filters. Years are ranges of keys.
pub fn label_word(label: Label) -> String {
    let (letter, id) = match label {
        Label::Section(id) => ('s', id),
        Label::Tag(id) => ('t', id),
        Label::Author(id) => ('a', id),
        Label::Year(year) => return format!("fy{year}"),
    };
    hex(&format!("f{letter}"), id)
}

/// The word that stands in all documents of this language.
pub fn language_word(language: &Language) -> String {
    let language: &str = language.as_ref();
    let letters = language.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    format!("fl{}", letters.to_ascii_lowercase())
}

/// The word that stands in all working copies of what somebody wrote.
pub fn owner_word(owner: Id) -> String {
    hex("o", owner)
}

fn hex(begins: &str, id: Id) -> String {
    id.as_bytes().iter().fold(begins.to_owned(), |mut word, byte| {
        _ = write!(word, "{byte:02x}");
        word
    })
}

/// The keys of articles that were published from one time on and before another: greater than the first, and not greater
/// than the second. Keys are no finer than a thousandth of a second.
pub fn keys_between(from: Option<Time>, before: Option<Time>) -> (i64, i64) {
    let edge = |millis: i64| -(millis.clamp(-FARTHEST, FARTHEST) << 20);
    let least = before.map_or(ARTICLES, |before| edge(-(-before.micros()).div_euclid(1000)));
    let most = from.map_or(i64::MAX, |from| edge(from.micros().div_euclid(1000)));
    (least, most)
}

/// What stands in the public's index of a subject, and what in the staff's.
#[derive(Debug, Default)]
pub struct Pair {
    pub published: Option<Document>,
    pub staff: Option<Document>,
}

/// Reads what is to be indexed of some subjects. What is gone has nothing.
pub fn load(conn: &mut Conn, some: &[Pending], language: &Language) -> Result<HashMap<Id, Pair>> {
    let of = |kind: Kind| some.iter().filter(|p| p.kind == kind).map(|p| p.subject).collect::<Vec<_>>();
    let mut found = load_articles(conn, of(Kind::Article))?;
    let named = load_names(conn, &of, language)?;
    found.extend(named.into_iter().map(|document| (document.subject, Pair { published: Some(document), staff: None })));
    Ok(found)
}

/// A subject with its title and its text.
type Named = (Id, String, String);

fn load_names(conn: &mut Conn, of: &impl Fn(Kind) -> Vec<Id>, language: &Language) -> Result<Vec<Document>> {
    // Each with its title, its text, and its other names.
    let mut found: Vec<(Kind, Named, Vec<String>)> = Vec::new();
    let ids = of(Kind::Author);
    if !ids.is_empty() {
        let columns = (authors::id, authors::name, authors::bio_html);
        let rows: Vec<Named> = authors::table.filter(among(authors::id, ids)).select(columns).load(conn)?;
        found.extend(rows.into_iter().map(|(id, name, bio)| (Kind::Author, (id, name, html::text(&bio)), Vec::new())));
    }
    let ids = of(Kind::Section);
    if !ids.is_empty() {
        let columns = (sections::id, sections::name, sections::description);
        let rows = sections::table.filter(among(sections::id, ids)).select(columns).load(conn)?;
        found.extend(rows.into_iter().map(|row| (Kind::Section, row, Vec::new())));
    }
    let ids = of(Kind::Tag);
    if !ids.is_empty() {
        let columns = ((tags::id, tags::name, tags::description), tags::aliases);
        let rows: Vec<(Named, AsJson<Vec<String>>)> =
            tags::table.filter(among(tags::id, ids)).select(columns).load(conn)?;
        found.extend(rows.into_iter().map(|(row, aliases)| (Kind::Tag, row, aliases.0)));
    }
    let document = |(kind, (subject, title, body), lead): (Kind, Named, Vec<String>)| Document {
        subject,
        kind,
        revision: None,
        key: name_key(kind, subject),
        labels: Vec::new(),
        language: Some(language.clone()),
        title,
        lead,
        body,
        filters: Vec::new(),
    };
    Ok(found.into_iter().map(document).collect())
}

/// An article, and which of its revisions are indexed.
#[derive(Queryable)]
struct Identity {
    id: Id,
    created_by: Option<Id>,
    created_at: Time,
    published_at: Option<Time>,
    working: Id,
    published: Option<Id>,
    deleted_at: Option<Time>,
}

/// What is read of a revision.
#[derive(Queryable)]
struct Text {
    id: Id,
    title: String,
    subtitle: Option<String>,
    excerpt: String,
    visibility: Visibility,
    language: Language,
    section: Option<Id>,
    body_html: String,
}

/// The names that revisions carry, with their ids.
type Names = HashMap<Id, Vec<(Id, String)>>;

fn load_articles(conn: &mut Conn, ids: Vec<Id>) -> Result<HashMap<Id, Pair>> {
    use crate::schema::{articles as a, revisions as r};
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let columns = (a::id, a::created_by, a::created_at, a::published_at, a::working_id, a::published_id, a::deleted_at);
    let identities: Vec<Identity> = articles::table.filter(among(a::id, ids)).select(columns).load(conn)?;
    let wanted: Vec<Id> = identities.iter().flat_map(|i| [Some(i.working), i.published]).flatten().collect();
    let columns = (r::id, r::title, r::subtitle, r::excerpt, r::visibility, r::language, r::section_id, r::body_html);
    let texts: Vec<Text> = revisions::table.filter(among(r::id, wanted.clone())).select(columns).load(conn)?;
    let texts: HashMap<Id, Text> = texts.into_iter().map(|text| (text.id, text)).collect();
    let names = (authors_of(conn, wanted.clone())?, tags_of(conn, wanted)?, sections_of(conn, &texts)?);
    let mut found = HashMap::new();
    for identity in identities {
        let text = |revision: Option<Id>| revision.and_then(|revision| texts.get(&revision));
        let published = text(identity.published.filter(|_| identity.deleted_at.is_none()));
        // What the public's index holds of the working copy is found there by the staff, too.
        let working = text(Some(identity.working))
            .filter(|text| published.is_none_or(|p| p.id != text.id || p.visibility != Visibility::Public));
        let public_body = |text: &Text| text.visibility == Visibility::Public;
        let pair = Pair {
            published: published.map(|text| identity.document(text, &names, public_body(text))),
            staff: working.map(|text| {
                let mut document = identity.document(text, &names, true);
                document.filters.extend(identity.created_by.map(owner_word));
                document
            }),
        };
        found.insert(identity.id, pair);
    }
    Ok(found)
}

impl Identity {
    fn document(
        &self,
        text: &Text,
        (authors, tags, sections): &(Names, Names, HashMap<Id, String>),
        whole: bool,
    ) -> Document {
        let at = self.published_at.unwrap_or(self.created_at);
        let (mut labels, mut filters, mut lead) = (Vec::new(), vec![language_word(&text.language)], Vec::new());
        lead.extend(text.subtitle.clone());
        lead.push(text.excerpt.clone());
        let mut carry = |label: Label, name: &str| {
            label.write(&mut labels);
            filters.push(label_word(label));
            lead.push(name.to_owned());
        };
        for (id, name) in authors.get(&text.id).into_iter().flatten() {
            carry(Label::Author(*id), name);
        }
        for (id, name) in tags.get(&text.id).into_iter().flatten() {
            carry(Label::Tag(*id), name);
        }
        if let Some((id, name)) = text.section.and_then(|id| Some((id, sections.get(&id)?))) {
            carry(Label::Section(id), name);
        }
        Label::Year(at.year()).write(&mut labels);
        Document {
            subject: self.id,
            kind: Kind::Article,
            revision: Some(text.id),
            key: article_key(at, self.id),
            labels,
            language: Some(text.language.clone()),
            title: text.title.clone(),
            lead,
            body: if whole { html::said(&text.body_html) } else { String::new() },
            filters,
        }
    }
}

fn authors_of(conn: &mut Conn, ids: Vec<Id>) -> Result<Names> {
    let rows = revision_authors::table
        .inner_join(authors::table)
        .filter(among(revision_authors::revision_id, ids))
        .order((revision_authors::revision_id, revision_authors::position))
        .select((revision_authors::revision_id, authors::id, authors::name));
    Ok(by_revision(rows.load(conn)?))
}

fn tags_of(conn: &mut Conn, ids: Vec<Id>) -> Result<Names> {
    let rows = revision_tags::table
        .inner_join(tags::table)
        .filter(among(revision_tags::revision_id, ids))
        .order((revision_tags::revision_id, revision_tags::position))
        .select((revision_tags::revision_id, tags::id, tags::name));
    Ok(by_revision(rows.load(conn)?))
}

fn by_revision(rows: Vec<(Id, Id, String)>) -> Names {
    let mut names = Names::new();
    for (revision, id, name) in rows {
        names.entry(revision).or_default().push((id, name));
    }
    names
}

fn sections_of(conn: &mut Conn, texts: &HashMap<Id, Text>) -> Result<HashMap<Id, String>> {
    let ids: BTreeSet<Id> = texts.values().filter_map(|text| text.section).collect();
    let rows = sections::table.filter(among(sections::id, ids.into_iter().collect::<Vec<_>>()));
    Ok(rows.select((sections::id, sections::name)).load::<(Id, String)>(conn)?.into_iter().collect())
}

/// Analysers by language, kept for a batch.
#[derive(Default)]
pub struct Analysers(HashMap<String, Analyser>);

impl Analysers {
    fn of(&mut self, language: Option<&Language>) -> &mut Analyser {
        let name = language.map_or("", AsRef::as_ref).to_owned();
        self.0.entry(name).or_insert_with(|| Analyser::of(language))
    }
}

impl Document {
    /// The words of it, as they are indexed. What is typed is read in the site's `languages`: of a document in another one the
    /// words stand in their order as they are written, too, or no phrase would be found.
    pub fn indexed(&self, analysers: &mut Analysers, languages: &[Language]) -> Indexed {
        let is_foreign = self.language.as_ref().is_some_and(|own| languages.iter().all(|other| !own.is_akin(other)));
        let analyser = analysers.of(self.language.as_ref());
        let mut words = Words::default();
        words.add(analyser, &self.title, Reach::Title);
        for text in &self.lead {
            words.add(analyser, text, Reach::Lead);
        }
        words.add(analyser, &self.body, Reach::Anywhere);
        if is_foreign {
            let plain = analysers.of(None);
            words.title.push(GAP.to_owned());
            words.add(plain, &self.title, Reach::Title);
            self.lead.iter().for_each(|text| words.add(plain, text, Reach::Lead));
            words.add(plain, &self.body, Reach::Anywhere);
        }
        words.forms.extend(self.filters.iter().cloned());
        words.forms.insert(EVERYTHING.to_owned());
        Indexed { title: words.title, words: words.words, forms: words.forms.into_iter().collect() }
    }
}

/// The words of a document, as they come.
#[derive(Default)]
struct Words {
    title: Vec<String>,
    words: Vec<Option<Arc<str>>>,
    forms: BTreeSet<String>,
    times: HashMap<Arc<str>, usize>,
    bytes: usize,
}

impl Words {
    fn add(&mut self, analyser: &mut Analyser, text: &str, reach: Reach) {
        self.words.push(None);
        // How often each stands in this text, and how many there are.
        let mut counts: HashMap<Rc<Token>, usize> = HashMap::new();
        let mut count = 0;
        for token in words(text).filter_map(|(_, word)| analyser.token(word)) {
            count += 1;
            let seen = self.place(&token);
            match counts.get_mut(&token) {
                Some(times) => *times += 1,
                None => {
                    counts.insert(token.clone(), 1);
                }
            }
            if !seen && self.bytes > BYTES {
                return;
            }
            if reach == Reach::Title {
                self.title.push(Reach::Title.word(&token.stem));
            }
        }
        let mut by_stem: HashMap<&str, usize> = HashMap::new();
        for (token, times) in &counts {
            *by_stem.entry(&token.stem).or_default() += times;
        }
        for token in counts.keys() {
            let is_often = || by_stem.get(token.stem.as_str()).is_some_and(|times| is_often(*times, count));
            let reaches: &[Reach] = match reach {
                Reach::Title => &[Reach::Title, Reach::Lead, Reach::Often],
                Reach::Lead => &[Reach::Lead, Reach::Often],
                Reach::Often | Reach::Anywhere if is_often() => &[Reach::Often],
                Reach::Often | Reach::Anywhere => &[],
            };
            for reach in reaches {
                self.form(reach.word(&token.stem));
                self.form(reach.word(&token.plain));
            }
            if token.plain != token.stem {
                self.form(Reach::Anywhere.word(&token.plain));
            }
        }
    }

    /// Gives a word its place, if there is one left, and says whether it was there before.
    fn place(&mut self, token: &Token) -> bool {
        let (seen, times) = match self.times.get_mut(&token.word) {
            Some(times) => {
                *times += 1;
                (true, *times)
            }
            None => {
                self.times.insert(token.word.clone(), 1);
                self.bytes += token.word.len();
                (false, 1)
            }
        };
        if self.words.len() < PLACES {
            self.words.push((times <= TIMES).then(|| token.word.clone()));
        } else if !seen {
            self.forms.insert(token.word.to_string());
        }
        seen
    }

    fn form(&mut self, word: String) {
        self.bytes += word.len();
        if self.bytes <= BYTES {
            self.forms.insert(word);
        }
    }
}
