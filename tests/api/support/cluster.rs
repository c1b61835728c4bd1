//! A PostgreSQL server that one test has to itself: to set it up as it likes, and to make it fail.

use super::postgres;
use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// The user that runs the server where the tests are run by root, whom PostgreSQL refuses.
const NOBODY: u32 = 65534;

/// A throw-away server on a port of 127.0.0.1, gone when it is dropped.
pub struct Cluster {
    bin: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// `files` are put beside the data; `settings` are lines of postgresql.conf, `access` of pg_hba.conf. `None` where
    /// PostgreSQL is not installed.
    pub fn start(files: &[(&str, &str)], settings: &str, access: &str) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { bin: postgres::binaries()?, folder, port };
        cluster.own(cluster.folder.path(), 0o755);
        cluster.run("initdb", &["--username=stet", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        for (name, text) in files {
            let file = cluster.file(name);
            fs::write(&file, text).unwrap();
            cluster.own(&file, 0o600);
        }
        let listen =
            format!("listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nfsync = off\n");
        fs::write(cluster.file("data/postgresql.conf"), listen + settings).unwrap();
        fs::write(cluster.file("data/pg_hba.conf"), access).unwrap();
        cluster.resume();
        Some(cluster)
    }

    /// Ends the server as a crash would.
    pub fn crash(&self) {
        self.run("pg_ctl", &["stop", "--mode=immediate", "--silent"]);
    }

    /// Starts it again after a [`crash`](Self::crash).
    pub fn resume(&self) {
        self.run("pg_ctl", &["start", "--wait", "--silent", "--log", &self.file("log").to_string_lossy()]);
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The URL of a database on it, by a host name of your choice.
    pub fn url(&self, host: &str, parameters: &str) -> String {
        format!("postgres://stet:not-to-be-told@{host}:{}/postgres?{parameters}", self.port)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.bin.join(program));
        command.args(arguments).arg("-D").arg(self.file("data")).stdin(Stdio::null()).stdout(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let status = command.current_dir(self.folder.path()).status().unwrap();
        assert!(status.success(), "{program}: {status}");
    }

    fn own(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        if is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.file("data/postmaster.pid").exists() {
            self.crash();
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
