//! The document that is committed is the one that is served, and it keeps its own rules.

#[test]
fn the_committed_document_is_the_one_that_the_code_makes() {
    let committed =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json")).unwrap_or_default();
    let made = stet::openapi::text().unwrap();
    assert!(committed == made, "run: cargo run -- openapi > openapi/openapi.json");
}
