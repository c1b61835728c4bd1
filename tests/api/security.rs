//! docs/SECURITY.md says what is: its table of roles is the code's, each test that it names exists, and no requirement is left out.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};
use stet::permissions::{Role, TABLE};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BEGIN: &str = "<!-- The table is made by tests/api/security.rs. -->\n";
const END: &str = "<!-- The table ends. -->";

/// The requirements of ASVS 5.0 at levels 1 and 2, by their sections: chapters 1 to 16.
const REQUIREMENTS: &[(&str, u32)] = &[
    ("V1.1", 2),
    ("V1.2", 9),
    ("V1.3", 11),
    ("V1.4", 3),
    ("V1.5", 2),
    ("V2.1", 3),
    ("V2.2", 3),
    ("V2.3", 4),
    ("V2.4", 1),
    ("V3.2", 2),
    ("V3.3", 4),
    ("V3.4", 6),
    ("V3.5", 5),
    ("V3.7", 2),
    ("V4.1", 3),
    ("V4.2", 1),
    ("V4.3", 2),
    ("V4.4", 4),
    ("V5.1", 1),
    ("V5.2", 3),
    ("V5.3", 2),
    ("V5.4", 3),
    ("V6.1", 3),
    ("V6.2", 12),
    ("V6.3", 4),
    ("V6.4", 4),
    ("V6.5", 5),
    ("V6.6", 3),
    ("V6.8", 4),
    ("V7.1", 3),
    ("V7.2", 4),
    ("V7.3", 2),
    ("V7.4", 5),
    ("V7.5", 2),
    ("V7.6", 2),
    ("V8.1", 2),
    ("V8.2", 3),
    ("V8.3", 1),
    ("V8.4", 1),
    ("V9.1", 3),
    ("V9.2", 4),
    ("V10.1", 2),
    ("V10.2", 2),
    ("V10.3", 4),
    ("V10.4", 11),
    ("V10.5", 5),
    ("V10.6", 2),
    ("V10.7", 3),
    ("V11.1", 2),
    ("V11.2", 3),
    ("V11.3", 3),
    ("V11.4", 4),
    ("V11.5", 1),
    ("V11.6", 1),
    ("V12.1", 3),
    ("V12.2", 2),
    ("V12.3", 4),
    ("V13.1", 1),
    ("V13.2", 5),
    ("V13.3", 2),
    ("V13.4", 5),
    ("V14.1", 2),
    ("V14.2", 4),
    ("V14.3", 3),
    ("V15.1", 3),
    ("V15.2", 3),
    ("V15.3", 7),
    ("V16.1", 1),
    ("V16.2", 5),
    ("V16.3", 4),
    ("V16.4", 3),
    ("V16.5", 3),
];

fn document() -> String {
    fs::read_to_string(format!("{ROOT}/docs/SECURITY.md")).unwrap()
}

fn table() -> String {
    let mut table = "| permission | what one may |".to_owned();
    for role in Role::ALL {
        write!(table, " {role} |").unwrap();
    }
    table += " keys |\n|---|---|---|---|---|---|---|---|\n";
    for row in TABLE {
        write!(table, "| `{}` | {} |", row.name, row.says.trim().trim_end_matches('.')).unwrap();
        for role in Role::ALL {
            // A reader is no person: where no key may, no reader may.
            let may = role >= row.from;
            table += if may { " ✓ |" } else { " |" };
        }
        let keys = match (row.for_people, row.in_sections) {
            (true, _) => "never",
            // Sections bound what a key writes, its role what it reads.
            (false, true) if row.from == Role::Reader => "also for some sections, everywhere",
            (false, true) => "also for some sections, in them",
            (false, false) => "only for all sections",
        };
        writeln!(table, " {keys} |").unwrap();
    }
    table
}

#[test]
fn the_table_of_roles_is_the_codes() {
    let document = document();
    let (_, rest) = document.split_once(BEGIN).unwrap();
    let (written, _) = rest.split_once(END).unwrap();
    let made = table();
    assert!(written.trim() == made.trim(), "the table of docs/SECURITY.md is not the code's; it should be:\n{made}");
}

/// `permissions::name` is a test of tests/api/permissions.rs, `src::html::policy::name` one of src/html/policy.rs.
fn exists(test: &str) -> bool {
    let (module, name) = test.rsplit_once("::").unwrap();
    let path = module.replace("::", "/");
    let path = path.strip_prefix("src/").map_or_else(|| format!("tests/api/{path}"), |path| format!("src/{path}"));
    let files = [format!("{ROOT}/{path}.rs"), format!("{ROOT}/{path}/mod.rs")];
    let text = files.iter().find(|file| Path::new(file).exists()).map(|file| fs::read_to_string(file).unwrap());
    text.is_some_and(|text| text.contains(&format!("fn {name}(")))
}

#[test]
fn every_test_that_it_names_exists() {
    let document = document();
    let named: Vec<&str> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| {
            code.contains("::")
                && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c))
        })
        .collect();
    assert!(named.len() > 60, "{} tests are named", named.len());
    let missing: Vec<_> = named.into_iter().filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:?}");
}

#[test]
fn every_requirement_stands_there_once() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    // `V1.2.3`, or several of one section: `V1.2.3–5`.
    for word in
        document().split(|c: char| c.is_whitespace() || "|,;()".contains(c)).filter(|word| word.starts_with('V'))
    {
        let Some((section, numbers)) = word.trim_end_matches('.').rsplit_once('.') else { continue };
        let (first, last) = numbers.split_once('–').unwrap_or((numbers, numbers));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>())
            && section.contains('.')
        {
            for number in first..=last {
                *found.entry(format!("{section}.{number}")).or_default() += 1;
            }
        }
    }
    let all =
        REQUIREMENTS.iter().flat_map(|(section, count)| (1..=*count).map(move |number| format!("{section}.{number}")));
    let all: Vec<String> = all.collect();
    let missing: Vec<_> = all.iter().filter(|id| found.get(*id) != Some(&1)).collect();
    assert!(missing.is_empty(), "not there, or more than once: {missing:?}");
    let unknown: Vec<_> = found.keys().filter(|id| !all.contains(id)).collect();
    assert!(unknown.is_empty(), "no requirement of levels 1 and 2: {unknown:?}");
}
