//! TLS to PostgreSQL: each `sslmode` against a real server with a certificate of our own making.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use stet::db::postgres::PgConn;
use tempfile::TempDir;

/// The user that runs the server where the tests are run by root, whom PostgreSQL refuses.
const NOBODY: u32 = 65534;

/// A throw-away server on a port of 127.0.0.1, gone when it is dropped.
pub(crate) struct Cluster {
    bin: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// `bin` holds `initdb` and `pg_ctl`; `files` are put beside the data; `settings` are lines of postgresql.conf.
    pub(crate) fn start(bin: &Path, files: &[(&str, &str)], settings: &str, access: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { bin: bin.to_owned(), folder, port };
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
        cluster.run("pg_ctl", &["start", "--wait", "--silent", "--log", &cluster.file("log").to_string_lossy()]);
        cluster
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The URL of a database on it, by a host name of your choice.
    pub(crate) fn url(&self, host: &str, parameters: &str) -> String {
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
        self.run("pg_ctl", &["stop", "--mode=immediate", "--silent"]);
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The newest server that the system's packages have installed, or what `PG_BIN` names.
#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "what a test run is told is not among the settings")]
pub(crate) fn bin() -> PathBuf {
    if let Some(folder) = std::env::var_os("PG_BIN") {
        return folder.into();
    }
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL's server programs, or PG_BIN");
    let number = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    versions.map(|version| version.unwrap().path()).max_by_key(number).unwrap().join("bin")
}

/// An authority for certificates, which are all there is to know of it.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate and its key, for a host and for a user of that name.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// Whether the connection that `url` gives is encrypted, or why there is none.
fn encrypted(url: &str) -> Result<bool, String> {
    let mut conn = PgConn::establish(url).map_err(|error| error.to_string())?;
    let ssl = "(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())";
    Ok(diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(ssl)).get_result(&mut conn).unwrap())
}

#[test]
fn each_sslmode_means_what_it_means_to_libpq() {
    let [authority, stranger, impostor] = ["The Paper", "Another Paper", "The Paper"].map(Authority::new);
    let (certificate, key) = authority.sign("localhost");
    let (users, users_key) = authority.sign("reporter");
    let files = [
        ("server.crt", certificate.as_str()),
        ("server.key", &key),
        ("ca.crt", &authority.pem),
        ("other.crt", &stranger.pem),
        ("same-name.crt", &impostor.pem),
        ("user.crt", &users),
        ("user.key", &users_key),
        ("empty.crt", ""),
    ];
    let settings =
        "ssl = on\nssl_cert_file = '../server.crt'\nssl_key_file = '../server.key'\nssl_ca_file = '../ca.crt'";
    let access = "hostssl all reporter 127.0.0.1/32 cert\nhost all stet 127.0.0.1/32 trust";
    let server = Cluster::start(&bin(), &files, settings, access);
    let path = |file: &str| server.file(file).to_string_lossy().into_owned();
    let (ca, other) = (path("ca.crt"), path("other.crt"));

    for (host, parameters, expected) in [
        ("localhost", "sslmode=disable".to_owned(), false),
        ("localhost", String::new(), true),
        ("localhost", "sslmode=allow".to_owned(), true),
        ("localhost", "sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={ca}"), true),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={ca}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={ca}"), true),
        (
            "localhost",
            format!("hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={ca}&options=-cwork_mem%3D2MB"),
            true,
        ),
    ] {
        assert_eq!(encrypted(&server.url(host, &parameters)), Ok(expected), "{host} {parameters}");
    }

    let (impostor, missing) = (path("same-name.crt"), path("missing.crt"));
    for (host, parameters, reason) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), "not signed by an authority that is trusted"),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={other}"), "not signed by an authority that is trusted"),
        ("localhost", format!("sslmode=require&sslrootcert={other}"), "not signed by an authority that is trusted"),
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={impostor}"),
            "not signed by an authority that is trusted",
        ),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={ca}"), "is for localhost, not for 127.0.0.1"),
        ("localhost", "sslmode=verify-full&sslrootcert=system".to_owned(), "authorit"),
        ("localhost", format!("sslmode=verify-full&sslrootcert={missing}"), &missing),
        ("localhost", format!("sslrootcert={}", path("empty.crt")), "holds no certificate"),
        ("localhost", "sslmode=verify".to_owned(), "verify-full"),
    ] {
        let text = encrypted(&server.url(host, &parameters)).expect_err(&parameters);
        assert!(text.contains(reason), "{host} {parameters}: {text}");
        assert!(!text.contains("not-to-be-told"), "{text}");
    }

    let signed =
        format!("sslmode=verify-full&sslrootcert={ca}&sslcert={}&sslkey={}", path("user.crt"), path("user.key"));
    let reporter = |parameters: &str| server.url("localhost", parameters).replace("//stet:", "//reporter:");
    PgConn::establish(&server.url("localhost", "")).unwrap().batch_execute("CREATE ROLE reporter LOGIN").unwrap();
    assert_eq!(encrypted(&reporter(&signed)), Ok(true));
    assert!(encrypted(&reporter("sslmode=require")).unwrap_err().contains("certificate"));
}

#[test]
fn a_server_without_tls_is_good_enough_for_prefer_alone() {
    let server = Cluster::start(&bin(), &[], "ssl = off", "host all all 127.0.0.1/32 trust");
    assert_eq!(encrypted(&server.url("127.0.0.1", "sslmode=prefer")), Ok(false));
    let text = encrypted(&server.url("127.0.0.1", "sslmode=require")).unwrap_err();
    assert!(text.contains("server does not support TLS"), "{text}");
}
