//! How the sources are kept: what a reviewer would otherwise have to say again and again.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lines of a file that nobody reads in one go.
const LONGEST: usize = 600;
/// Names that say where something was put and not what it is.
const EMPTY_NAMES: [&str; 12] = [
    "util", "utils", "helper", "helpers", "common", "misc", "service", "services", "manager", "managers", "types",
    "shared",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the repository, by its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["src", "tests", "benches"].map(|folder| root().join(folder)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found.sort();
    found
}

/// Fails with the files, and why, that `fault` finds something in.
#[track_caller]
fn none(fault: impl Fn(&str, &str) -> Option<String>) {
    let faults: Vec<_> =
        sources().iter().filter_map(|(name, text)| fault(name, text).map(|why| format!("{name}: {why}"))).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    none(|_, text| (!text.starts_with("//! ")).then(|| "no `//!` line at its head".to_owned()));
}

#[test]
fn no_file_is_too_long() {
    none(|_, text| {
        let lines = text.lines().count();
        (lines > LONGEST).then(|| format!("{lines} lines; {LONGEST} at the most"))
    });
}

#[test]
fn nothing_is_left_for_later() {
    // In two halves, so that this file is no find of its own.
    let marks = [("to", "do!"), ("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("unimple", "mented!")];
    let marks = marks.map(|(first, second)| format!("{first}{second}"));
    none(|_, text| marks.iter().find(|mark| text.contains(mark.as_str())).cloned());
}

#[test]
fn files_are_named_for_what_is_in_them() {
    none(|name, _| {
        let parts: Vec<_> = name.trim_end_matches(".rs").split('/').collect();
        let part = parts.iter().find(|part| EMPTY_NAMES.contains(part))?;
        Some(format!("`{part}` names no concept"))
    });
}

#[test]
fn every_resource_has_the_same_files() {
    let app = fs::read_to_string(root().join("src/app.rs")).unwrap();
    let routed: Vec<&str> = app
        .split(".configure(")
        .filter_map(|part| part.split_once("::routes::routes)"))
        .map(|(name, _)| name)
        .collect();
    assert!(routed.len() >= 6, "the list of routes was not found");
    for resource in &routed {
        for file in ["mod", "model", "queries", "routes"] {
            let path = root().join(format!("src/{resource}/{file}.rs"));
            assert!(path.is_file(), "src/{resource} has no {file}.rs");
        }
    }
    for (name, _) in sources() {
        if let Some(folder) = name.strip_prefix("src/").and_then(|name| name.strip_suffix("/routes.rs")) {
            assert!(routed.contains(&folder), "{name} is not in the list of routes");
        }
    }
}

#[test]
fn only_the_data_layer_knows_that_there_are_two_databases() {
    none(|name, text| {
        if name.starts_with("src/db/") || !name.starts_with("src/") {
            return None;
        }
        let line = text.lines().find(|line| line.contains("Conn::Postgres") || line.contains("Conn::Sqlite"))?;
        Some(line.trim().to_owned())
    });
}
