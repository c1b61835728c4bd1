//! XML, held against a parser that lets nothing pass, and against schemas.

use super::{Reply, blocking};
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// Panics where an answer is not well-formed XML.
#[track_caller]
pub fn assert_well_formed(reply: &Reply) {
    xmllint(&[], &reply.bytes);
}

/// Panics where an answer is not what `schemas/sitemap.xsd` says.
#[track_caller]
pub fn assert_sitemap(reply: &Reply) {
    assert!(reply.bytes.len() <= 50_000_000, "{} bytes", reply.bytes.len());
    xmllint(&["--schema", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/schemas/sitemap.xsd")], &reply.bytes);
}

#[track_caller]
fn xmllint(arguments: &[&str], xml: &[u8]) {
    let ended = blocking(|| {
        let mut command = Command::new("xmllint");
        command.args(["--noout", "--nonet"]).args(arguments).arg("-");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("xmllint is not installed ({e}); ./scripts/test installs it"));
        child.stdin.take().unwrap().write_all(xml).unwrap();
        child.wait_with_output().unwrap()
    });
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{said}\n{:.3000}", String::from_utf8_lossy(xml));
}

/// The texts of all elements of that name, in their order, as they are meant.
pub fn texts(reply: &Reply, name: &str) -> Vec<String> {
    let xml = String::from_utf8(reply.bytes.clone()).unwrap();
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&open).skip(1).map(|part| part.split(&close).next().unwrap());
    parts.map(|text| quick_xml::escape::unescape(text).unwrap().into_owned()).collect()
}
