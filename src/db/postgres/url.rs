//! The URL of a PostgreSQL database, read as libpq reads it.

use std::time::Duration;

use diesel::result::{ConnectionError, ConnectionResult};
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::error::describe;
use super::tls::{Mode, Tls};

/// For one host to answer, unless the URL says `connect_timeout`.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long a line may be silent, or what was sent stay unacknowledged, before it counts as dead.
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// Where to connect, and how.
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) tls: Tls,
    /// For all hosts together.
    pub(super) time_limit: Duration,
    /// The hosts with their ports, for error texts.
    pub(super) name: String,
}

impl Target {
    /// No error text holds more of the URL than the name of a parameter.
    pub(super) fn parse(url: &str) -> ConnectionResult<Self> {
        parse(url).map_err(|reason| ConnectionError::InvalidConnectionUrl(format!("the database's URL: {reason}")))
    }
}

fn parse(url: &str) -> Result<Target, String> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    if address.matches('@').count() > 1 || query.contains('@') {
        return Err("write @ as %40 and ? as %3F in names, passwords and parameters".to_owned());
    }
    let Parameters { mut tls, mode, dead_after, others } = Parameters::read(query)?;
    let address = format!("{address}?{}", others.join("&"));
    let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| describe(&error))?;
    let name = name(&config)?;

    tls.mode = tls.settle(mode)?;
    // As with libpq, there is no TLS on a socket file.
    let tcp = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_))) || !config.get_hostaddrs().is_empty();
    config.ssl_mode(match tls.mode {
        Mode::Allow | Mode::Prefer if tcp => SslMode::Prefer,
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull if tcp => SslMode::Require,
        _ => SslMode::Disable,
    });

    if let Some(time) = dead_after {
        config.tcp_user_timeout(time);
    }
    let asked = |name: &str| others.iter().any(|pair| pair.starts_with(name));
    if !asked("keepalives_idle=") {
        config.keepalives_idle(DEAD_AFTER / 2);
    }
    if !asked("keepalives_interval=") {
        config.keepalives_interval(DEAD_AFTER / 6);
    }
    if !asked("keepalives_retries=") {
        config.keepalives_retries(3);
    }
    let each = config.get_connect_timeout().copied().unwrap_or(TIME_LIMIT);
    config.connect_timeout(each);
    let hosts = u32::try_from(config.get_hosts().len().max(config.get_hostaddrs().len())).unwrap_or(u32::MAX);
    Ok(Target { config, tls, time_limit: each.saturating_mul(hosts), name })
}

/// What stands behind the question mark.
struct Parameters {
    tls: Tls,
    mode: Option<Mode>,
    dead_after: Option<Duration>,
    /// As they stood, for the driver to read.
    others: Vec<String>,
}

impl Parameters {
    /// Takes out what the driver does not know, or knows by another name or unit than libpq.
    fn read(query: &str) -> Result<Self, String> {
        let mut read = Self { tls: Tls::default(), mode: None, dead_after: Some(DEAD_AFTER), others: Vec::new() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, raw) = pair.split_once('=').ok_or_else(|| format!("the parameter {pair} has no value"))?;
            let value = percent_decode_str(raw).decode_utf8().map_err(|_| format!("{name} is not UTF-8"))?;
            match name {
                "sslmode" => read.mode = Some(value.parse()?),
                "sslrootcert" => read.tls.root = Some(value.into_owned()),
                "sslcert" => read.tls.certificate = Some(value.into_owned()),
                "sslkey" => read.tls.key = Some(value.into_owned()),
                "tcp_user_timeout" => {
                    let milliseconds = value.parse().map_err(|_| "tcp_user_timeout is not a number".to_owned())?;
                    read.dead_after = Some(Duration::from_millis(milliseconds)).filter(|time| !time.is_zero());
                }
                "keepalives_count" => read.others.push(format!("keepalives_retries={raw}")),
                _ => read.others.push(pair.to_owned()),
            }
        }
        Ok(read)
    }
}

fn name(config: &Config) -> Result<String, String> {
    let hosts: Vec<String> = match config.get_hosts() {
        [] => config.get_hostaddrs().iter().map(ToString::to_string).collect(),
        hosts => hosts.iter().map(host_name).collect(),
    };
    if hosts.is_empty() {
        return Err("it names no host".to_owned());
    }
    let ports = config.get_ports();
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    let named: Vec<_> = hosts.iter().enumerate().map(|(at, host)| format!("{host}:{}", port(at))).collect();
    Ok(named.join(", "))
}

fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        parse(url).unwrap()
    }

    fn refusal(url: &str) -> String {
        parse(url).err().unwrap()
    }

    #[test]
    fn a_plain_url_prefers_tls_and_has_limits_on_waiting() {
        let target = target("postgres://ann:secret@db.example/stet");
        assert_eq!(target.tls.mode, Mode::Prefer);
        assert_eq!(target.config.get_ssl_mode(), SslMode::Prefer);
        assert_eq!(target.name, "db.example:5432");
        assert_eq!(target.time_limit, TIME_LIMIT);
        assert_eq!(target.config.get_connect_timeout(), Some(&TIME_LIMIT));
        assert_eq!(target.config.get_tcp_user_timeout(), Some(&DEAD_AFTER));
        assert_eq!(target.config.get_keepalives_idle(), DEAD_AFTER / 2);
        assert_eq!(target.config.get_password(), Some(&b"secret"[..]));
    }

    #[test]
    fn every_mode_of_libpq_is_known() {
        let modes = [
            ("disable", Mode::Disable, SslMode::Disable),
            ("allow", Mode::Allow, SslMode::Prefer),
            ("prefer", Mode::Prefer, SslMode::Prefer),
            ("require", Mode::Require, SslMode::Require),
            ("verify-ca", Mode::VerifyCa, SslMode::Require),
            ("verify-full", Mode::VerifyFull, SslMode::Require),
        ];
        for (word, mode, driver) in modes {
            let target = target(&format!("postgres://h/d?sslmode={word}"));
            assert_eq!((target.tls.mode, target.config.get_ssl_mode()), (mode, driver), "{word}");
        }
        assert!(refusal("postgres://h/d?sslmode=verify_full").contains("verify-full"));
    }

    #[test]
    fn paths_and_options_are_decoded() {
        let url = "postgres://h/d?sslmode=verify-ca&sslrootcert=%2Fetc%2Fmy%20ca%2B1.pem&options=-csearch_path%3Dnews";
        let target = target(url);
        assert_eq!(target.tls.root.as_deref(), Some("/etc/my ca+1.pem"));
        assert_eq!(target.config.get_options(), Some("-csearch_path=news"));
    }

    #[test]
    fn times_have_the_units_of_libpq() {
        let target = target("postgres://a,b:6432/d?connect_timeout=3&tcp_user_timeout=1500&keepalives_count=7");
        assert_eq!(target.time_limit, Duration::from_secs(6));
        assert_eq!(target.config.get_tcp_user_timeout(), Some(&Duration::from_millis(1500)));
        assert_eq!(target.config.get_keepalives_retries(), Some(7));
        assert_eq!(target.name, "a:5432, b:6432");
    }

    #[test]
    fn a_socket_file_needs_no_tls() {
        for url in ["postgres:///d?host=/run/pg&sslmode=require", "postgres://%2Frun%2Fpg/d"] {
            let target = target(url);
            assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
            assert_eq!(target.name, "/run/pg:5432");
        }
    }

    #[test]
    fn the_systems_authorities_are_only_good_for_full_verification() {
        assert_eq!(target("postgres://h/d?sslrootcert=system").tls.mode, Mode::VerifyFull);
        assert!(refusal("postgres://h/d?sslrootcert=system&sslmode=require").contains("verify-full"));
    }

    #[test]
    fn refusals_say_what_is_wrong_and_keep_the_password() {
        let refusals = [
            ("postgres://ann:sec@ret@h/d", "%40"),
            ("postgres://ann:sec?ret@h/d", "%3F"),
            ("postgres://ann:secret@/d", "names no host"),
            ("postgres://ann:secret@h/d?sslmod=require", "sslmod"),
            ("postgres://ann:secret@h/d?connect_timeout=soon", "connect_timeout"),
            ("postgres://ann:secret@h:port/d", "port"),
            ("postgres://ann:secret@h/d?sslcert=me.pem", "sslkey"),
        ];
        for (url, word) in refusals {
            let text = refusal(url);
            assert!(text.contains(word), "{url}: {text}");
            assert!(!text.contains("sec") && !text.contains("ret"), "{text}");
        }
    }
}
