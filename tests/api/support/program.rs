//! The built program, run as its users run it: in a folder of its own, and with no setting but those it is given.

#![expect(clippy::disallowed_methods, reason = "the search path is the test run's, not the program's")]

use super::secrets;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Where the program was built.
pub const PATH: &str = env!("CARGO_BIN_EXE_stet");
/// How long a start or an end may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command in `folder` with an environment that holds nothing but the search path.
pub fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    // Whoever tests the limits sets them.
    command.env("STET_RATE_LIMIT", "off");
    command
}

/// Runs the program with these arguments and settings to its end.
pub fn run(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    command(PATH, folder).args(arguments).envs(settings.iter().copied()).output().unwrap()
}

/// What a server was started with, and what it says. Killed when it is dropped.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:port`, as it printed it.
    pub address: String,
    output: PathBuf,
}

impl Server {
    /// Starts `stet serve` on a free port.
    pub fn start(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut serve = command(PATH, folder);
        serve.arg("serve").args(arguments).env("STET_LISTEN", "127.0.0.1:0").envs(settings.iter().copied());
        Self::from(serve, folder)
    }

    /// Starts what serves, and waits until it says where.
    pub fn from(mut serve: Command, folder: &Path) -> Self {
        let output = tempfile::Builder::new().prefix("output-").tempdir_in(folder).unwrap().keep();
        let file = |name: &str| fs::File::create(output.join(name)).unwrap();
        let child = serve.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        let mut server = Self { child, address: String::new(), output };
        let began = Instant::now();
        loop {
            let said = server.stdout();
            if let Some((_, rest)) = said.split_once("Stet listens on ")
                && let Some((address, _)) = rest.split_once(" (ready in ")
            {
                server.address = address.to_owned();
                return server;
            }
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "the server did not start: {said}{}",
                server.stderr()
            );
            sleep(Duration::from_millis(5));
        }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn stdout(&self) -> String {
        fs::read_to_string(self.output.join("stdout")).unwrap()
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(self.output.join("stderr")).unwrap()
    }

    /// Sends `SIGTERM`.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success(), "no signal was sent to {id}");
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the server does not end: {}", self.stderr());
            sleep(Duration::from_millis(5));
        }
    }

    /// Sends `SIGTERM` and waits for a good end.
    pub fn stop(&mut self) {
        self.terminate();
        let status = self.wait();
        assert!(status.success(), "it ended with {status}: {}", self.stderr());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if !std::thread::panicking() {
            secrets::check_log(&(self.stdout() + &self.stderr()));
        }
    }
}
