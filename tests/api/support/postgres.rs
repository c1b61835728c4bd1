//! The PostgreSQL server of a test run: the one that `STET_TEST_POSTGRES` names, or a throw-away cluster of this process.

#![expect(clippy::disallowed_methods, reason = "what a test run is told does not belong to the program's settings")]

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// The URL of a database `postgres` whose user may create others, or `None` where there is no server to be had.
/// Panics instead where PostgreSQL is required: with `CI` or `STET_TEST_REQUIRE_POSTGRES` set.
pub fn server() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    URL.get_or_init(|| given("STET_TEST_POSTGRES").or_else(start)).as_deref()
}

fn given(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Finds the binaries and starts a cluster from them.
fn start() -> Option<String> {
    // It is never dropped: its standard input stays open for as long as this process lives, and the cluster with it.
    static SUPERVISOR: OnceLock<Child> = OnceLock::new();

    let Some(bin) = binaries() else {
        let required = given("CI").or_else(|| given("STET_TEST_REQUIRE_POSTGRES")).is_some();
        assert!(!required, "PostgreSQL is required here, and no initdb, pg_ctl and postgres were found");
        // Written past the capture of the test harness, so that nobody takes half a run for a whole one.
        _ = io::stderr()
            .write_all(b"\nNO POSTGRESQL: ITS HALF OF THE TESTS IS SKIPPED. ./scripts/test installs it.\n\n");
        return None;
    };
    let (supervisor, port) = Cluster::new(&bin).and_then(Cluster::start).unwrap_or_else(|why| {
        panic!("the throw-away PostgreSQL from {} did not start: {why}", bin.display());
    });
    _ = SUPERVISOR.set(supervisor);
    Some(format!("postgres://stet@127.0.0.1:{port}/postgres"))
}

/// The folder of `initdb`, `pg_ctl` and `postgres`: the one on the PATH, or else the newest that packages have installed.
pub fn binaries() -> Option<PathBuf> {
    let complete = |bin: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| bin.join(name).is_file());
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).find(complete).or_else(|| {
        // Debian and Alpine have /usr/lib/postgresql/15/bin, Fedora /usr/pgsql-15/bin, Homebrew …/postgresql@15/bin.
        let mut installed: Vec<(u32, PathBuf)> = ["/usr/lib/postgresql", "/usr", "/usr/local", "/opt/homebrew/opt"]
            .iter()
            .filter_map(|parent| fs::read_dir(parent).ok())
            .flat_map(Iterator::flatten)
            .map(|entry| (version(&entry.file_name().to_string_lossy()), entry.path().join("bin")))
            .filter(|(_, bin)| complete(bin))
            .collect();
        installed.sort();
        installed.pop().map(|(_, bin)| bin)
    })
}

/// The number in a folder's name: 15 in `15` and in `postgresql@15`, 0 where there is none.
fn version(folder: &str) -> u32 {
    folder.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

/// A folder for a cluster, and whom it belongs to.
struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    /// User and group to run as, since PostgreSQL refuses to run as root.
    account: Option<(u32, u32)>,
}

impl Cluster {
    fn new(bin: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("stet-postgres-").tempdir()?.keep();
        let as_root = fs::metadata(&folder)?.uid() == 0;
        let account = if as_root { Some(unprivileged_account()?) } else { None };
        if let Some((user, group)) = account {
            chown(&folder, Some(user), Some(group))?;
        }
        Ok(Self { bin: bin.to_owned(), folder, account })
    }

    /// Starts the supervisor and waits until the server answers. Returns the supervisor and the server's port.
    fn start(self) -> io::Result<(Child, u16)> {
        let mut command = match self.account {
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={group}")]).args(["--clear-groups", "sh"]);
                command
            }
            None => Command::new("sh"),
        };
        let mut supervisor = command
            .args(["-c", SUPERVISOR, "supervisor"])
            .args([&self.bin, &self.folder])
            .args(free_ports()?.map(|port| port.to_string()))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C stops the tests, and then the supervisor stops the server
            .spawn()?;
        let mut said = String::new();
        for line in BufReader::new(supervisor.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).lines() {
            let line = line?;
            if let Some(port) = line.strip_prefix("ready ").and_then(|port| port.parse().ok()) {
                return Ok((supervisor, port));
            }
            said = said + "\n" + &line;
        }
        supervisor.wait()?;
        _ = fs::remove_dir_all(&self.folder);
        Err(io::Error::other(said))
    }
}

/// Makes the cluster, starts it on the first port that is still free, and removes it when standard input ends,
/// which the kernel sees to however the test process dies.
const SUPERVISOR: &str = r#"
exec 2>&1
bin=$1 folder=$2
shift 2
remove() {
    [ ! -f "$folder/data/postmaster.pid" ] || "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1
    rm -rf "$folder"
}
trap remove EXIT
trap 'exit 1' HUP INT TERM
make() { "$bin/initdb" -D "$folder/data" -A trust -U stet -E UTF8 --locale="$1" --no-sync >"$folder/log" 2>&1; }
make C.UTF-8 || make C || { [ ! -r "$folder/log" ] || cat "$folder/log"; exit 1; }
cat >>"$folder/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
min_wal_size = 32MB
max_wal_size = 64MB
max_wal_senders = 0
autovacuum = off
jit = off
SETTINGS
for port; do
    if "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 -o "-p $port" start >/dev/null 2>&1; then
        echo "ready $port"
        exec >/dev/null 2>&1
        cat
        exit
    fi
done
cat "$folder/log"
exit 1
"#;

/// Ports that nothing listens on. Several, as another program may take one before the server does.
fn free_ports() -> io::Result<[u16; 4]> {
    let mut ports = [0; 4];
    // All are held until the last is found, so that no two are alike.
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// The account that PostgreSQL's package made, or else `nobody`.
fn unprivileged_account() -> io::Result<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd")?;
    // name:password:user:group:…
    let find = |name: &str| {
        let mut fields =
            accounts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody")).ok_or_else(|| io::Error::other("no user postgres or nobody exists"))
}
