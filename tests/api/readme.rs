//! Every command of the README is run, in its order, and its answers are as the README shows them.

use crate::support::{
    Kind, fresh, postgres,
    program::{self, Server},
    shown,
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Where the README's server listens; the test's listens on a free port.
const ADDRESS: &str = "http://127.0.0.1:8080";
/// How the README starts the program.
const CARGO: &str = "cargo run --release --";
/// The README's database, which nobody has.
const DATABASE: &str = "postgres://stet:secret@db.example.org/stet?sslmode=verify-full&sslrootcert=/etc/stet/db-ca.pem";

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let curl = Command::new("curl").arg("--version").output();
    assert!(curl.is_ok(), "the README's commands need curl, and it is not installed; ./scripts/test installs it");
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Shell::start(folder.path());
    let mut server: Option<Server> = None;
    let blocks = blocks(&read("README.md"));
    for (index, (language, text)) in blocks.iter().enumerate() {
        let next = blocks.get(index + 1);
        let answer = next.filter(|(language, _)| language == "json").map_or("", |(_, text)| text);
        let said = next.filter(|(language, _)| language == "text").map(|(_, text)| text);
        match language.as_str() {
            "sh" if text.contains(" serve") => {
                let Some(command) = with_database(text) else { continue };
                // Two servers at once would write to one file.
                if let Some(server) = &mut server {
                    server.stop();
                }
                let server = server.insert(serve(&command, folder.path()));
                if let Some(said) = said {
                    let (said, real) = (without_digits(said), without_digits(&server.stdout()));
                    assert!(real.ends_with(&said), "{text}\n{real}");
                }
            }
            "sh" if text.lines().all(is_for_the_machine) => text.lines().for_each(exists),
            "sh" => {
                let address = &server.as_ref().unwrap_or_else(|| panic!("no server was started before {text}")).address;
                let there = |text: &str| text.replace(ADDRESS, address).replace(CARGO, program::PATH);
                shell.run(&there(text), &there(answer));
            }
            "ts" => are_lines_of_the_sample(text),
            "json" | "text" => {}
            other => panic!("a block of {other} that no test reads:\n{text}"),
        }
    }
    assert!(shell.commands > 15, "only {} requests were sent", shell.commands);
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut documents: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/SECURITY.md"].map(in_root).to_vec();
    documents.extend(fs::read_dir(in_root("docs/adr")).unwrap().map(|entry| entry.unwrap().path()));
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            let there = path.contains("://") || document.parent().unwrap().join(path).exists();
            assert!(there, "{}: nothing is at {link}", document.display());
        }
    }
}

#[test]
fn every_setting_that_the_readme_names_is_in_the_example() {
    let example = read(".env.example");
    let readme = read("README.md");
    let table = readme.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
    let names: Vec<&str> = table.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(example.contains(&format!("\n#{name}=")), "{name} is not in .env.example");
    }
}

fn in_root(path: &str) -> PathBuf {
    Path::new(ROOT).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_root(path)).unwrap()
}

/// The fenced blocks of a document, each with its language.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(language) if !inside => {
                blocks.push((language.to_owned(), String::new()));
                inside = true;
            }
            Some(_) => inside = false,
            None if inside => {
                let (_, text) = blocks.last_mut().unwrap();
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

/// The command with a database that is there in place of the README's; none where there is no PostgreSQL.
fn with_database(text: &str) -> Option<String> {
    if !text.contains(DATABASE) {
        return Some(text.to_owned());
    }
    postgres::server()?;
    match fresh(Kind::Postgres) {
        (stet::db::Target::Postgres(url), place) => {
            place.keep();
            Some(text.replace(DATABASE, &url))
        }
        (other, _) => panic!("not PostgreSQL: {other:?}"),
    }
}

/// Starts the server of one line such as `NAME=value cargo run --release -- serve`.
fn serve(line: &str, folder: &Path) -> Server {
    assert_eq!(line.lines().count(), 1, "a server is started by one line: {line}");
    let mut bash = program::command("bash", folder);
    bash.env("STET_LISTEN", "127.0.0.1:0").arg("-c").arg(format!("exec env {}", line.replace(CARGO, program::PATH)));
    Server::from(bash, folder)
}

/// Whether a line runs the tests or installs something, which a test does not do.
fn is_for_the_machine(line: &str) -> bool {
    ["./scripts/", "npm install ", "npx "].iter().any(|start| line.starts_with(start))
}

/// The script that such a line names is there; the package is one that `scripts/check-spec` works with.
fn exists(line: &str) {
    if line.starts_with("./") {
        let script = in_root(line.split(' ').next().unwrap());
        assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o111, 0o111, "{line}");
    } else {
        let packages: Value = serde_json::from_str(&read("scripts/spec/package.json")).unwrap();
        let name = line.trim_start_matches("npm install ").trim_start_matches("npx ").split(' ').next().unwrap();
        assert!(packages["devDependencies"][name].is_string(), "{name} is not what scripts/check-spec installs");
    }
}

/// `scripts/check-spec` compiles the sample, so that its lines are known to be right.
fn are_lines_of_the_sample(text: &str) {
    let sample = read("scripts/spec/sample.ts");
    for line in text.lines() {
        assert!(sample.lines().any(|known| known == line), "not in scripts/spec/sample.ts: {line}");
    }
}

/// The text with one 0 for each number.
fn without_digits(text: &str) -> String {
    let mut kept = text.replace(|c: char| c.is_ascii_digit(), "0");
    while kept.contains("00") {
        kept = kept.replace("00", "0");
    }
    kept
}

/// One shell for all commands: what one sets, the next ones have.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: PathBuf,
    /// Requests that were sent.
    commands: usize,
}

/// Stands in the output where a block's commands have ended.
const END: &str = "\u{1}end\n";

impl Shell {
    fn start(folder: &Path) -> Self {
        let errors = folder.join("errors");
        let mut bash = program::command("bash", folder);
        bash.args(["--noprofile", "--norc", "-euo", "pipefail"]);
        bash.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(fs::File::create(&errors).unwrap());
        let mut child = bash.spawn().unwrap();
        let (mut input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        // Each request notes its status where the answer is not in the way.
        input.write_all(b"curl() { command curl -sS -w '%{stderr}HTTP %{http_code}\\n' \"$@\"; }\n").unwrap();
        Self { child, input, output, errors, commands: 0 }
    }

    /// Runs a block of commands. Where an answer is shown, the real one has to agree with it; where none is, every
    /// request has to succeed.
    fn run(&mut self, commands: &str, shown: &str) {
        let before = fs::read_to_string(&self.errors).unwrap().len();
        write!(self.input, "{{\n{commands}}} </dev/null\nprintf '\\001end\\n'\n").unwrap();
        let mut said = String::new();
        while !said.ends_with(END) {
            let read = self.output.read_line(&mut said).unwrap();
            assert!(read > 0, "failed: {commands}\n{said}\n{}", fs::read_to_string(&self.errors).unwrap());
        }
        let errors = fs::read_to_string(&self.errors).unwrap();
        let statuses = errors[before..].lines().filter_map(|line| line.strip_prefix("HTTP "));
        let statuses: Vec<u16> = statuses.map(|status| status.parse().unwrap()).collect();
        self.commands += statuses.len();
        let shown = shown::parse(shown);
        let refused: Vec<u16> = statuses.into_iter().filter(|status| *status >= 400).collect();
        let refusals = shown.iter().filter_map(|v| u16::try_from(v["status"].as_u64()?).ok());
        let refusals: Vec<u16> = refusals.filter(|status| *status >= 400).collect();
        assert_eq!(
            refused, refusals,
            "other requests were refused than those that are shown to be:\n{commands}\n{said}"
        );
        if !shown.is_empty() {
            let real = serde_json::Deserializer::from_str(said.trim_end_matches(END)).into_iter::<Value>();
            let real: Vec<Value> = real.map(Result::unwrap).collect();
            assert_eq!(shown.len(), real.len(), "another number of answers is shown:\n{commands}\n{said}");
            for (shown, real) in shown.iter().zip(&real) {
                shown::assert_agrees(shown, real);
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
