//! The file that `STET_OIDC` names: which providers there are, and what their word is worth.

use super::{caller::Caller, metadata::Known, provider::Provider};
use crate::permissions::Role;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};
use url::{Host, Url};

/// The providers that the settings name.
#[derive(Debug, Default)]
pub struct Providers {
    providers: Vec<Provider>,
    /// Where a browser may be sent back to, the first unless another is asked for.
    return_to: Vec<String>,
    caller: Option<Caller>,
    /// Whether the API is reached by https.
    pub secure: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    return_to: Vec<String>,
    api_url: Option<String>,
    providers: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    title: String,
    issuer: String,
    client_id: String,
    client_secret: Option<String>,
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    link_by_email: bool,
    roles_claim: Option<String>,
    #[serde(default)]
    roles: BTreeMap<String, Role>,
    default_role: Option<Role>,
}

impl Providers {
    /// Reads the file. `url` is where the API is reached, unless the file says otherwise.
    pub fn load(file: &Path, url: &str) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text, url).with_context(|| file.display().to_string())
    }

    pub fn parse(text: &str, url: &str) -> Result<Self> {
        // Of a mistake the line is not shown: it may be the one with a secret.
        let file: File = toml::from_str(text).map_err(|e| anyhow::anyhow!("{}", e.message()))?;
        ensure!(!file.return_to.is_empty(), "return_to: it names at least one address of the front end");
        for address in &file.return_to {
            ensure!(is_safe(address), "return_to: {address} is no https:// address without a fragment");
        }
        let api_url = file.api_url.unwrap_or_else(|| url.to_owned());
        let api_url = api_url.trim_end_matches('/');
        ensure!(is_safe(api_url), "api_url: {api_url} is no https:// address");
        let providers = file.providers.into_iter().map(|(name, entry)| {
            let context = format!("providers.{name}");
            entry.settle(name, api_url).context(context)
        });
        let providers: Vec<_> = providers.collect::<Result<_>>()?;
        ensure!(!providers.is_empty(), "providers: there is none");
        let secure = api_url.starts_with("https:");
        Ok(Self { providers, return_to: file.return_to, caller: Some(Caller::new()?), secure })
    }

    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter()
    }

    pub fn find(&self, name: &str) -> Option<(&Provider, &Caller)> {
        self.providers.iter().find(|provider| provider.name == name).zip(self.caller.as_ref())
    }

    /// The address that a browser is sent back to: one of those in the file, to the letter.
    pub fn return_to(&self, asked: Option<&str>) -> Option<&str> {
        match asked {
            Some(asked) => self.return_to.iter().find(|address| *address == asked).map(String::as_str),
            None => self.return_to.first().map(String::as_str),
        }
    }
}

impl Entry {
    fn settle(self, name: String, api_url: &str) -> Result<Provider> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!((1..=40).contains(&name.len()) && name.chars().all(plain), "its name has small letters and digits");
        ensure!((1..=100).contains(&self.title.chars().count()), "title: it has 1 to 100 characters");
        let issuer = Url::parse(&self.issuer).ok().filter(|url| url.query().is_none());
        ensure!(issuer.is_some() && is_safe(&self.issuer), "issuer: it looks like https://login.example.org");
        ensure!(!self.client_id.is_empty(), "client_id: it is empty");
        ensure!(
            self.roles_claim.is_some() != self.roles.is_empty(),
            "roles_claim and roles go together: one says where groups stand, the other which role is whose"
        );
        if self.roles.values().chain(&self.default_role).any(|role| *role == Role::Reader) {
            bail!("roles: reader is for keys, not for people");
        }
        let client_secret = match (self.client_secret, self.client_secret_file) {
            (Some(_), Some(_)) => bail!("client_secret and client_secret_file are two ways to say one thing"),
            (None, Some(file)) => {
                let secret = fs::read_to_string(&file);
                let secret =
                    secret.with_context(|| format!("client_secret_file: {} cannot be read", file.display()))?;
                Some(secret.trim().to_owned())
            }
            (secret, None) => secret,
        };
        let mut scopes = self.scopes;
        if scopes.is_empty() {
            scopes = ["openid", "email", "profile"].map(str::to_owned).to_vec();
        }
        if !scopes.iter().any(|scope| scope == "openid") {
            scopes.insert(0, "openid".to_owned());
        }
        Ok(Provider {
            redirect_uri: format!("{api_url}/api/v1/auth/oidc/{name}/callback"),
            name,
            title: self.title,
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret,
            scope: scopes.join(" "),
            link_by_email: self.link_by_email,
            roles_claim: self.roles_claim,
            roles: self.roles,
            default_role: self.default_role,
            known: tokio::sync::Mutex::new(Known::default()),
        })
    }
}

/// Whether what is sent to an address stays between the two ends: https, or this machine. An address with a fragment or a
/// name and password is none that a browser or a provider is sent to.
pub fn is_safe(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => return false,
    };
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && local))
}

#[cfg(test)]
mod tests {
    use super::{Providers, is_safe};

    const GOOD: &str = r#"
        return_to = ["https://desk.example/in", "https://other.example/in"]
        [providers.corp]
        title = "The house"
        issuer = "https://login.example"
        client_id = "stet"
        client_secret = "hunter2"
        roles_claim = "groups"
        roles = { desk = "editor" }
    "#;

    #[test]
    fn a_file_says_which_providers_there_are() {
        let providers = Providers::parse(GOOD, "https://cms.example/").unwrap();
        let (corp, _) = providers.find("corp").unwrap();
        assert_eq!(corp.redirect_uri, "https://cms.example/api/v1/auth/oidc/corp/callback");
        assert_eq!(corp.scope, "openid email profile");
        assert!(providers.find("other").is_none() && providers.secure);
        assert_eq!(providers.return_to(None), Some("https://desk.example/in"));
        assert_eq!(providers.return_to(Some("https://other.example/in")), Some("https://other.example/in"));
        for evil in ["https://evil.example", "https://desk.example/in/", "https://desk.example/in?x", "//evil.example"]
        {
            assert_eq!(providers.return_to(Some(evil)), None, "{evil}");
        }
    }

    #[test]
    fn a_wrong_file_is_refused_and_no_secret_is_shown() {
        for (good, wrong) in [
            ("https://login.example", "http://login.example"),
            ("https://login.example", "https://login.example/?x=1"),
            ("https://desk.example/in", "http://desk.example/in"),
            ("https://desk.example/in", "https://desk.example/in#x"),
            ("\"editor\"", "\"reader\""),
            ("\"editor\"", "\"boss\""),
            ("roles = { desk = \"editor\" }", ""),
            ("client_id", "client_ids"),
            ("[providers.corp]", "[providers.\"Corp!\"]"),
            ("\"hunter2\"", "hunter2"),
        ] {
            let text = GOOD.replace(good, wrong);
            assert_ne!(text, GOOD);
            let error = format!("{:#}", Providers::parse(&text, "https://cms.example").unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for good in ["https://a.example", "http://localhost:8080/x", "http://127.0.0.1", "http://[::1]:9"] {
            assert!(is_safe(good), "{good}");
        }
        for bad in ["http://a.example", "http://127.0.0.1.evil.example", "ftp://a", "https://u:p@a.example", "a", ""] {
            assert!(!is_safe(bad), "{bad}");
        }
    }
}
