//! TLS to PostgreSQL: each `sslmode` against a real server with a certificate of our own making.

use crate::support::Cluster;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use stet::db::postgres::PgConn;

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
    let Some(server) = Cluster::start(&files, settings, access) else { return };
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
    let Some(server) = Cluster::start(&[], "ssl = off", "host all all 127.0.0.1/32 trust") else { return };
    assert_eq!(encrypted(&server.url("127.0.0.1", "sslmode=prefer")), Ok(false));
    let text = encrypted(&server.url("127.0.0.1", "sslmode=require")).unwrap_err();
    assert!(text.contains("server does not support TLS"), "{text}");
}
