//! What changed from one revision to another: for people to read, and for programs to work with.

use super::fields::keys;
use crate::{http::pointer_key, values::Ref};
use serde::Serialize;
use serde_json::{Map, Value};
use similar::{DiffTag, TextDiff};
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// How long a text is compared closely. What has not been found to be the same by then counts as changed.
const PATIENCE: Duration = Duration::from_millis(150);
/// Runs that a person might still read; a text that falls into more is compared by its lines, then as a whole.
const MAX_RUNS: usize = 5000;

/// What changed from one revision to another.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Diff {
    /// The number of the revision that it begins with.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub from: i32,
    /// The number of the revision that it leads to.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub to: i32,
    /// Empty where both hold the same.
    #[schema(max_items = 25_000)]
    pub changes: Vec<Change>,
}

/// A field that changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = RevisionChange, discriminator(
    property_name = "kind",
    mapping(
        ("value" = "#/components/schemas/ValueChange"),
        ("references" = "#/components/schemas/ReferencesChange"),
        ("text" = "#/components/schemas/TextChange")
    )
))]
pub enum Change {
    Value(ValueChange),
    References(ReferencesChange),
    Text(TextChange),
}

/// A value that changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ValueChange {
    #[schema(inline)]
    pub kind: OfValue,
    /// Which: a JSON Pointer into `content`.
    #[schema(max_length = 140_000, pattern = "^/", example = "/title")]
    pub pointer: String,
    /// What it was; left out where it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it became; left out where it is not there any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// A list of authors, tags or articles that changed: in what it holds, or in its order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReferencesChange {
    #[schema(inline)]
    pub kind: OfReferences,
    /// Which: a JSON Pointer into `content`.
    #[schema(max_length = 200, pattern = "^/", example = "/tags")]
    pub pointer: String,
    /// What came, by slugs.
    #[schema(value_type = Vec<Ref>, max_items = 50)]
    pub added: Vec<String>,
    /// What went, by slugs.
    #[schema(value_type = Vec<Ref>, max_items = 50)]
    pub removed: Vec<String>,
    /// Whether what stayed has another order.
    pub moved: bool,
    /// The list as it was.
    #[schema(value_type = Vec<Ref>, max_items = 50)]
    pub before: Vec<String>,
    /// The list as it became.
    #[schema(value_type = Vec<Ref>, max_items = 50)]
    pub after: Vec<String>,
}

/// A long text that changed. The runs that are not inserted are the text as it was, those that are not deleted what it
/// became.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TextChange {
    #[schema(inline)]
    pub kind: OfText,
    /// Which: a JSON Pointer into `content`.
    #[schema(max_length = 200, pattern = "^/", example = "/body/source")]
    pub pointer: String,
    #[schema(max_items = 10_000)]
    pub runs: Vec<Run>,
}

/// A piece of a text that stayed, came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Run {
    pub op: RunOp,
    #[schema(min_length = 1, max_length = 500_000, pattern = "^[^\\x00]*$")]
    pub text: String,
}

/// What became of a piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunOp {
    Equal,
    Delete,
    Insert,
}

macro_rules! kind {
    ($name:ident, $variant:ident) => {
        #[derive(Debug, Clone, Copy, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $variant,
        }
    };
}
kind!(OfValue, Value);
kind!(OfReferences, References);
kind!(OfText, Text);

impl Diff {
    /// What changed between two revisions, each with its number and what it holds.
    pub fn between(from: (i32, &Value), to: (i32, &Value)) -> Self {
        let mut changes = Vec::new();
        if let (Value::Object(before), Value::Object(after)) = (from.1, to.1) {
            compare(before, after, "", &mut changes);
        }
        Self { from: from.0, to: to.0, changes }
    }
}

fn compare(before: &Map<String, Value>, after: &Map<String, Value>, place: &str, changes: &mut Vec<Change>) {
    for key in keys(before, after) {
        let (old, new) = (before.get(key), after.get(key));
        if old == new {
            continue;
        }
        let pointer = format!("{place}/{}", pointer_key(key));
        match (pointer.as_str(), old, new) {
            ("/authors" | "/tags" | "/related", Some(Value::Array(old)), Some(Value::Array(new))) => {
                changes.push(Change::References(references(pointer, old, new)));
            }
            ("/body/source", Some(Value::String(old)), Some(Value::String(new))) => {
                changes.push(Change::Text(TextChange { kind: OfText::Text, pointer, runs: runs(old, new) }));
            }
            ("/body" | "/seo" | "/custom" | "/image", Some(Value::Object(old)), Some(Value::Object(new))) => {
                compare(old, new, &pointer, changes);
            }
            _ => {
                let (before, after) = (old.cloned(), new.cloned());
                changes.push(Change::Value(ValueChange { kind: OfValue::Value, pointer, before, after }));
            }
        }
    }
}

fn references(pointer: String, before: &[Value], after: &[Value]) -> ReferencesChange {
    let slugs = |list: &[Value]| list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (slugs(before), slugs(after));
    let only = |one: &[String], other: &[String], shared: bool| {
        one.iter().filter(|slug| other.contains(slug) == shared).cloned().collect::<Vec<_>>()
    };
    ReferencesChange {
        kind: OfReferences::References,
        pointer,
        added: only(&after, &before, false),
        removed: only(&before, &after, false),
        moved: only(&before, &after, true) != only(&after, &before, true),
        before,
        after,
    }
}

/// The pieces of two texts: by words where their lines differ, as far as that is worth reading.
fn runs(before: &str, after: &str) -> Vec<Run> {
    let until = Instant::now() + PATIENCE;
    let by_words = by_lines(before, after, until, |pieces, old, new| words(pieces, old, new, until));
    if by_words.len() <= MAX_RUNS {
        return by_words;
    }
    let by_lines = by_lines(before, after, until, Pieces::replace);
    if by_lines.len() <= MAX_RUNS {
        return by_lines;
    }
    let mut whole = Pieces::default();
    whole.replace(before, after);
    whole.finish()
}

/// Compares lines; `changed` looks closer at what differs.
fn by_lines(before: &str, after: &str, until: Instant, changed: impl Fn(&mut Pieces, &str, &str)) -> Vec<Run> {
    let mut pieces = Pieces::default();
    compare_tokens(&TextDiff::configure().deadline(until).diff_lines(before, after), |tag, old, new| match tag {
        DiffTag::Equal => pieces.keep(old),
        _ => changed(&mut pieces, old, new),
    });
    pieces.finish()
}

fn words(pieces: &mut Pieces, old: &str, new: &str, until: Instant) {
    if old.is_empty() || new.is_empty() || Instant::now() >= until {
        return pieces.replace(old, new);
    }
    compare_tokens(&TextDiff::configure().deadline(until).diff_words(old, new), |tag, old, new| match tag {
        DiffTag::Equal => pieces.keep(old),
        _ => pieces.replace(old, new),
    });
}

/// Calls `f` with each pair of pieces, in their order.
fn compare_tokens(diff: &TextDiff<'_, '_, str>, mut f: impl FnMut(DiffTag, &str, &str)) {
    for op in diff.ops() {
        let old: String = op.old_range().filter_map(|at| diff.old_slice(at)).collect();
        let new: String = op.new_range().filter_map(|at| diff.new_slice(at)).collect();
        f(op.tag(), &old, &new);
    }
}

/// Runs in the making.
#[derive(Default)]
struct Pieces {
    runs: Vec<Run>,
    deleted: String,
    inserted: String,
    /// What stands unchanged behind a change. If it is a mere space before the next change, it belongs to both.
    gap: String,
}

impl Pieces {
    fn keep(&mut self, text: &str) {
        let changing = !self.deleted.is_empty() || !self.inserted.is_empty();
        self.gap.push_str(text);
        if !changing || text.contains('\n') || !text.chars().all(char::is_whitespace) {
            self.settle();
        }
    }

    fn replace(&mut self, old: &str, new: &str) {
        let gap = std::mem::take(&mut self.gap);
        for (side, text) in [(&mut self.deleted, old), (&mut self.inserted, new)] {
            side.push_str(&gap);
            side.push_str(text);
        }
    }

    /// Ends the change that is open.
    fn settle(&mut self) {
        for (op, text) in [
            (RunOp::Delete, std::mem::take(&mut self.deleted)),
            (RunOp::Insert, std::mem::take(&mut self.inserted)),
            (RunOp::Equal, std::mem::take(&mut self.gap)),
        ] {
            match self.runs.last_mut() {
                _ if text.is_empty() => {}
                Some(last) if last.op == op => last.text.push_str(&text),
                _ => self.runs.push(Run { op, text }),
            }
        }
    }

    fn finish(mut self) -> Vec<Run> {
        self.settle();
        self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::{Diff, MAX_RUNS, PATIENCE, Run, RunOp, runs};
    use serde_json::json;
    use std::time::Instant;

    /// Numbers that look random, the same each time (xorshift).
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % sides
        }

        fn text(&mut self, length: u64) -> String {
            const PARTS: [&str; 12] = ["a", "b", " ", "\n", "ä", "🛟", "\r\n", "tide ", "the ", ".", "\u{301}", "\t"];
            let parts = u64::try_from(PARTS.len()).unwrap();
            (0..self.roll(length + 1)).map(|_| PARTS[usize::try_from(self.roll(parts)).unwrap()]).collect()
        }

        /// The text with some of it taken out, moved or written anew.
        fn edited(&mut self, text: &str) -> String {
            let mut words: Vec<String> = text.split_inclusive([' ', '\n']).map(str::to_owned).collect();
            for _ in 0..self.roll(4) {
                let at = usize::try_from(self.roll(u64::try_from(words.len()).unwrap() + 1)).unwrap();
                match self.roll(3) {
                    0 => words.insert(at, self.text(5)),
                    1 if at < words.len() => drop(words.remove(at)),
                    _ if at < words.len() => {
                        let word = words.remove(at);
                        words.insert(0, word);
                    }
                    _ => {}
                }
            }
            words.concat()
        }
    }

    #[track_caller]
    fn assert_tells_both(runs: &[Run], before: &str, after: &str) {
        let side = |without: RunOp| -> String {
            runs.iter().filter(|run| run.op != without).map(|run| run.text.as_str()).collect()
        };
        assert!(side(RunOp::Insert) == before && side(RunOp::Delete) == after, "{before:?} {after:?} {runs:?}");
        assert!(runs.windows(2).all(|pair| pair[0].op != pair[1].op), "{runs:?}");
        assert!(runs.iter().all(|run| !run.text.is_empty()), "{runs:?}");
    }

    #[test]
    fn both_texts_can_be_put_together_from_their_runs() {
        let mut dice = Dice(0x5EED_7E57);
        for _ in 0..2000 {
            let before = dice.text(60);
            let after = if dice.roll(4) == 0 { dice.text(60) } else { dice.edited(&before) };
            assert_tells_both(&runs(&before, &after), &before, &after);
        }
    }

    #[test]
    fn a_person_can_read_what_changed() {
        let told = |before: &str, after: &str| {
            let sign = |run: Run| match run.op {
                RunOp::Equal => run.text,
                RunOp::Delete => format!("[-{}-]", run.text),
                RunOp::Insert => format!("[+{}+]", run.text),
            };
            runs(before, after).into_iter().map(sign).collect::<String>()
        };
        let before = "The lamp was put out at six.\n\nNobody had told the gulls.\n";
        let after = "The lamp was lit at seven.\n\nNobody had told the gulls.\n\nThey stayed.\n";
        assert_eq!(
            told(before, after),
            "The lamp was [-put out-][+lit+] at [-six.-][+seven.+]\n\nNobody had told the gulls.\n[+\nThey stayed.\n+]"
        );
        assert_eq!(told("one two three", "four five six"), "[-one two three-][+four five six+]");
        assert_eq!(told("", "New."), "[+New.+]");
    }

    #[test]
    fn a_hostile_text_costs_no_more_than_patience() {
        let mut dice = Dice(99);
        let mut letters = |end: &str| -> String {
            (0..250_000).map(|_| format!("{}{end}", char::from(b'a' + u8::try_from(dice.roll(3)).unwrap()))).collect()
        };
        let pairs = [
            (letters("\n"), letters("\n")),
            (letters(" "), letters(" ")),
            ("a b ".repeat(125_000), "a c ".repeat(125_000)),
            ("\n".repeat(500_000), "a\n".repeat(250_000)),
            ("a\nb\nc\n".repeat(80_000), "b\na\nc\nc\n".repeat(60_000)),
            ("x".repeat(500_000), "y".repeat(500_000)),
        ];
        for (before, after) in pairs {
            let began = Instant::now();
            let runs = runs(&before, &after);
            // Reading and splitting a text comes on top, and without optimisation it takes a while.
            assert!(began.elapsed() < PATIENCE * 20, "{:?}", began.elapsed());
            assert!(runs.len() <= MAX_RUNS, "{}", runs.len());
            assert_tells_both(&runs, &before, &after);
        }
    }

    #[test]
    fn each_field_that_changed_is_named() {
        let before = json!({
            "title": "Tide", "subtitle": null, "body": {"format": "markdown", "source": "Ebb."}, "authors": ["a", "b", "c"],
            "tags": ["x"], "related": [], "section": "local", "image": null, "seo": {"title": null, "noindex": false},
            "custom": {"a/b": 1, "gone": null, "kept": [1]}
        });
        let after = json!({
            "title": "Tides", "subtitle": "Soon", "body": {"format": "markdown", "source": "Flood."}, "authors": ["c", "a"],
            "tags": ["x"], "related": ["y"], "section": null, "image": {"url": "https://lantern.example/a.jpg"},
            "seo": {"title": null, "noindex": true}, "custom": {"a/b": {"c": 2}, "kept": [1], "new": 0}
        });
        let diff = serde_json::to_value(Diff::between((1, &before), (4, &after))).unwrap();
        assert_eq!(
            diff,
            json!({"from": 1, "to": 4, "changes": [
                {"kind": "value", "pointer": "/title", "before": "Tide", "after": "Tides"},
                {"kind": "value", "pointer": "/subtitle", "before": null, "after": "Soon"},
                {"kind": "text", "pointer": "/body/source", "runs": [{"op": "delete", "text": "Ebb."}, {"op": "insert", "text": "Flood."}]},
                {"kind": "references", "pointer": "/authors", "added": [], "removed": ["b"], "moved": true, "before": ["a", "b", "c"], "after": ["c", "a"]},
                {"kind": "references", "pointer": "/related", "added": ["y"], "removed": [], "moved": false, "before": [], "after": ["y"]},
                {"kind": "value", "pointer": "/section", "before": "local", "after": null},
                {"kind": "value", "pointer": "/image", "before": null, "after": {"url": "https://lantern.example/a.jpg"}},
                {"kind": "value", "pointer": "/seo/noindex", "before": false, "after": true},
                {"kind": "value", "pointer": "/custom/a~1b", "before": 1, "after": {"c": 2}},
                {"kind": "value", "pointer": "/custom/gone", "before": null},
                {"kind": "value", "pointer": "/custom/new", "after": 0}
            ]})
        );
        assert_eq!(Diff::between((2, &after), (2, &after)).changes.len(), 0);
    }
}
