//! The settings: `.env.example` is the whole list of them, and every example in it is a good one.

use clap::CommandFactory;
use std::{collections::BTreeMap, fs};
use stet::config::Cli;

/// A variable of `.env.example`.
#[derive(Debug)]
struct Example {
    value: String,
    commented: bool,
}

/// The variables of `.env.example`: each on a line `#NAME=value`, below the lines that say what it is, alone or with
/// those that belong to it. A value that is empty there has no default.
fn examples() -> BTreeMap<String, Example> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example")).unwrap();
    let mut found = BTreeMap::new();
    let mut commented = false;
    for line in text.lines() {
        if !line.is_empty() && !line.starts_with("# ") {
            let (name, value) = line.trim_start_matches('#').split_once('=').unwrap_or_else(|| panic!("{line}"));
            let example = Example { value: value.to_owned(), commented };
            assert!(found.insert(name.to_owned(), example).is_none(), "{name} stands there twice");
        }
        commented = line.starts_with("# ") || (commented && !line.is_empty());
    }
    found
}

fn serve() -> clap::Command {
    Cli::command().find_subcommand("serve").unwrap().clone()
}

#[test]
fn the_example_lists_every_variable_with_a_comment_and_nothing_else() {
    let examples = examples();
    let known: Vec<String> =
        serve().get_arguments().filter_map(|arg| Some(arg.get_env()?.to_str().unwrap().to_owned())).collect();
    assert!(known.len() > 10, "{known:?}");
    for name in &known {
        let example = examples.get(name).unwrap_or_else(|| panic!("{name} is not in .env.example"));
        assert!(example.commented, "{name} has no comment");
    }
    for name in examples.keys() {
        assert!(known.contains(name), "{name} is no setting");
    }
}

#[test]
fn what_has_a_default_is_shown_with_it() {
    for arg in serve().get_arguments() {
        let (Some(name), [default]) = (arg.get_env(), arg.get_default_values()) else { continue };
        assert_eq!(examples()[name.to_str().unwrap()].value, default.to_str().unwrap(), "{name:?}");
    }
}

#[test]
fn every_example_is_taken() {
    let examples = examples();
    let mut line = vec!["stet".to_owned(), "serve".to_owned()];
    for arg in serve().get_arguments() {
        if let Some(name) = arg.get_env() {
            let example = &examples[name.to_str().unwrap()];
            if !example.value.is_empty() {
                line.push(format!("--{}={}", arg.get_long().unwrap(), example.value));
            }
        }
    }
    assert!(line.len() > 5, "{line:?}");
    Cli::command().try_get_matches_from(line).unwrap();
}

#[test]
fn a_wrong_setting_is_named_in_the_error() {
    for (flag, wrong) in [
        ("--database-url", "mysql://localhost/stet"),
        ("--secret-key", "short"),
        ("--listen", "everywhere"),
        ("--public-url", "news.example.org"),
        ("--admin-email", "nobody"),
        ("--smtp-url", "mail.example.org"),
        ("--mail-from", "The Lantern"),
        ("--account-url", "cms.example.org"),
        ("--cors-origins", "https://news.example.org/path"),
        ("--rate-limit", "some"),
        ("--trusted-proxies", "10.0.0.0/33"),
        ("--workers", "0"),
        ("--comment-depth", "11"),
        ("--trash-days", "36501"),
        ("--audit-days", "29"),
        ("--preflight", "pray"),
        ("--log-format", "xml"),
    ] {
        let error = Cli::command().try_get_matches_from(["stet", "serve", flag, wrong]).unwrap_err().to_string();
        assert!(error.contains(flag), "{flag} {wrong}: {error}");
    }
}
