//! Bounds on what the sanitiser is given: a parser's work grows with the square of what is open at once.

use super::Refusal;
use html5ever::{
    Attribute, ExpandedName, ParseOpts, QualName,
    driver::parse_fragment,
    interface::{ElementFlags, NodeOrText, QuirksMode, Tracer, TreeSink},
    local_name, ns,
    tendril::{StrTendril, TendrilSink},
};
use std::{borrow::Cow, cell::Cell, rc::Rc};

/// Elements that may be open at once.
const OPEN: usize = 100;
/// Elements in a body, with those that a parser adds: it opens `<b>` anew in each paragraph until it is closed.
const ELEMENTS: usize = 200_000;
/// The longest tag or HTML comment, in bytes: each attribute of a tag is compared with all others.
const TAG: usize = 32 * 1024;
/// Signs that may have to be escaped times bytes: half a second at the most. A long text in French comes to a tenth of that.
const LOOKED_AT: usize = 20_000_000_000;
/// How much is parsed before the bounds are looked at, in bytes.
const STEP: usize = 512;

/// Parses as the sanitiser will, keeps nothing, and stops where a bound is passed.
///
/// # Errors
/// The bound that was passed.
pub fn check(html: &str) -> Result<(), Refusal> {
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let mut parser = parse_fragment(Measure::default(), ParseOpts::default(), context, Vec::new(), false);
    let mut rest = html;
    // Where the last tag or text ended that the parser could make something of.
    let mut progress = (0, html.len());
    while !rest.is_empty() {
        let (step, behind) = rest.split_at(rest.floor_char_boundary(STEP));
        parser.process(StrTendril::from(step));
        rest = behind;
        let tree = &parser.tokenizer.sink;
        let open = Open::default();
        tree.trace_handles(&open);
        if open.0.get() > OPEN {
            return Err(too_deep());
        }
        if tree.sink.elements.get() > ELEMENTS {
            return Err(too_many());
        }
        if progress.0 != tree.sink.events.get() {
            progress = (tree.sink.events.get(), rest.len());
        } else if progress.1 - rest.len() > TAG {
            return Err(Refusal::new("too_long", format!("a tag or a comment in it is longer than {TAG} bytes")));
        }
    }
    Ok(())
}

/// The same for HTML in which every element is closed, and none within another's tags.
///
/// # Errors
/// The bound that was passed.
pub fn check_in_order(html: &str) -> Result<(), Refusal> {
    let (mut open, mut elements) = (0_usize, 0);
    for (at, _) in html.match_indices('<') {
        let tag = &html[at + 1..];
        if tag.starts_with('/') {
            open = open.saturating_sub(1);
        } else {
            elements += 1;
            // What has no end tag holds nothing.
            open += usize::from(!["br", "hr", "img", "input"].iter().any(|name| tag.starts_with(name)));
        }
        if open > OPEN {
            return Err(too_deep());
        }
    }
    if elements > ELEMENTS { Err(too_many()) } else { Ok(()) }
}

/// Whoever writes HTML looks, from each sign that may have to be escaped, through the text to its end.
///
/// # Errors
/// The bound that was passed.
pub fn check_escapes(html: &str) -> Result<(), Refusal> {
    // `&`, and the first byte of a no-break space.
    let signs = html.bytes().filter(|byte| [b'&', 0xc2].contains(byte)).count();
    if signs.saturating_mul(html.len()) <= LOOKED_AT {
        return Ok(());
    }
    Err(Refusal::new("too_long", "there are too many signs in it that HTML has to escape (`&`, no-break spaces)"))
}

fn too_deep() -> Refusal {
    Refusal::new("too_deep", format!("elements are nested at most {OPEN} deep, and none stays open"))
}

fn too_many() -> Refusal {
    Refusal::new("too_long", format!("it becomes more than {ELEMENTS} elements of HTML"))
}

/// Counts what the parser holds on to.
#[derive(Default)]
struct Open(Cell<usize>);

impl Tracer for Open {
    type Handle = Rc<QualName>;

    fn trace_handle(&self, _: &Self::Handle) {
        self.0.set(self.0.get() + 1);
    }
}

/// A tree of which only names are kept, and those only while the parser needs them.
#[derive(Default)]
struct Measure {
    elements: Cell<usize>,
    /// Whatever the parser did to the tree.
    events: Cell<usize>,
}

impl Measure {
    fn node(&self, name: QualName) -> Rc<QualName> {
        self.elements.set(self.elements.get() + 1);
        self.happened();
        Rc::new(name)
    }

    fn happened(&self) {
        self.events.set(self.events.get() + 1);
    }
}

impl TreeSink for Measure {
    type Handle = Rc<QualName>;
    type Output = ();
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Self::Handle {
        self.node(QualName::new(None, ns!(), local_name!("")))
    }

    fn elem_name<'a>(&'a self, target: &'a Self::Handle) -> ExpandedName<'a> {
        target.expanded()
    }

    fn create_element(&self, name: QualName, _: Vec<Attribute>, _: ElementFlags) -> Self::Handle {
        self.node(name)
    }

    fn create_comment(&self, _: StrTendril) -> Self::Handle {
        self.get_document()
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Self::Handle {
        self.get_document()
    }

    fn append(&self, _: &Self::Handle, _: NodeOrText<Self::Handle>) {
        self.happened();
    }

    fn append_based_on_parent_node(&self, _: &Self::Handle, _: &Self::Handle, _: NodeOrText<Self::Handle>) {
        self.happened();
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn pop(&self, _: &Self::Handle) {
        self.happened();
    }

    fn get_template_contents(&self, target: &Self::Handle) -> Self::Handle {
        Rc::clone(target)
    }

    fn same_node(&self, one: &Self::Handle, other: &Self::Handle) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, _: &Self::Handle, _: NodeOrText<Self::Handle>) {
        self.happened();
    }

    fn add_attrs_if_missing(&self, _: &Self::Handle, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, _: &Self::Handle) {}

    fn reparent_children(&self, _: &Self::Handle, _: &Self::Handle) {}
}

#[cfg(test)]
mod tests {
    use super::{ELEMENTS, OPEN, check, check_escapes, check_in_order};

    #[test]
    fn what_people_write_is_within_bounds() {
        let nested = |tag: &str, n| format!("{}x{}", format!("<{tag}>").repeat(n), format!("</{tag}>").repeat(n));
        for html in [
            nested("div", 90),
            "<p>One<p>Two<li>Three".repeat(5_000),
            "<p><b>bold</b> <i>and</i></p>".repeat(5_000),
            "<table><tr><td>1<td>2</table>".repeat(2_000),
            format!("<!--{}-->", "x".repeat(30_000)),
            "plain text, and more of it. ".repeat(20_000),
            format!("<pre>{}</pre>", "code &amp; code\n".repeat(20_000)),
        ] {
            assert_eq!(check(&html), Ok(()), "{}", &html[..40]);
        }
    }

    #[test]
    fn a_bound_is_passed_by_the_first_beyond_it() {
        let nested = |n| format!("{}{}", "<div>".repeat(n), "</div>".repeat(n));
        let code = |checked: Result<(), super::Refusal>| checked.map_err(|refusal| refusal.code);
        for (html, expected) in [
            (nested(OPEN), Ok(())),
            (nested(OPEN + 1), Err("too_deep")),
            ("<br>".repeat(OPEN + 1), Ok(())),
            ("<p></p>".repeat(ELEMENTS), Ok(())),
            ("<p></p>".repeat(ELEMENTS + 1), Err("too_long")),
        ] {
            assert_eq!(code(check_in_order(&html)), expected, "{} bytes", html.len());
        }
        // Of nothing but such signs, as many as the square root of the bound.
        assert_eq!(code(check_escapes(&"&".repeat(141_421))), Ok(()));
        assert_eq!(code(check_escapes(&"&".repeat(141_422))), Err("too_long"));
        assert_eq!(code(check_escapes(&"\u{a0}".repeat(100_001))), Err("too_long"));
        assert_eq!(code(check_escapes(&"plain ".repeat(1_000_000))), Ok(()));
    }

    #[test]
    fn what_would_take_a_parser_long_is_refused_soon() {
        let distinct = (0..20_000).map(|n| format!("<b id={n}>")).collect::<String>();
        let reopened = format!("<p>{}{}", &distinct[..distinct.find("<b id=40>").unwrap()], "<p>x".repeat(100_000));
        let attributes = (0..20_000).map(|n| format!(" a{n}")).collect::<String>();
        for (html, code) in [
            ("<div>".repeat(100_000), "too_deep"),
            ("<div><object></div></object>".repeat(10_000), "too_deep"),
            ("<table><tr><td>".repeat(10_000), "too_deep"),
            ("<svg>".repeat(10_000), "too_deep"),
            (distinct, "too_deep"),
            (reopened, "too_long"),
            (format!("<p{attributes}>"), "too_long"),
        ] {
            assert_eq!(check(&html).unwrap_err().code, code, "{}", &html[..40]);
        }
    }
}
