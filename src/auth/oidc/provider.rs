//! A provider: how one is sent there, what is asked of it, and who somebody is by its word.

use super::{
    caller::{Caller, Secret},
    id_token,
    metadata::{Known, Metadata},
    ticket::Ticket,
};
use crate::{
    clock::Time,
    error::{Code, Error, Result},
    permissions::Role,
    values::{Email, Line},
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};
use tokio::sync::Mutex;
use url::Url;

/// A provider as the settings have it.
pub struct Provider {
    /// In paths.
    pub name: String,
    /// On buttons.
    pub title: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    pub redirect_uri: String,
    pub scope: String,
    /// Whether somebody who comes for the first time gets the account with their address.
    pub link_by_email: bool,
    /// The claim that says which groups somebody is in, and the roles of groups.
    pub roles_claim: Option<String>,
    pub roles: BTreeMap<String, Role>,
    /// The role of who is in none of them. Without it they are refused.
    pub default_role: Option<Role>,
    pub(super) known: Mutex<Known>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.name)
    }
}

/// Who somebody is, by a provider's word.
#[derive(Debug, Clone)]
pub struct Identity {
    pub subject: String,
    /// Only one that the provider has verified.
    pub email: Option<Email>,
    pub name: Option<Line<1, 100>>,
    /// The role that their groups stand for: `None` where roles are not the provider's to say.
    pub role: Option<Role>,
}

impl Provider {
    /// Where a browser is sent to begin.
    pub async fn authorization_url(&self, caller: &Caller, ticket: &Ticket, now: Time) -> Result<String> {
        let metadata = self.metadata(caller, now).await?;
        let mut url = Url::parse(&metadata.authorization_endpoint)
            .map_err(|e| Error::new(Code::ProviderUnavailable).because(e))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &self.scope)
            .append_pair("state", &ticket.state)
            .append_pair("nonce", &ticket.nonce)
            .append_pair("code_challenge", &super::challenge_of(&ticket.verifier))
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Whether an answer may be this provider's (RFC 9207): another's code is not to be sent here.
    pub async fn may_have_answered(&self, caller: &Caller, iss: Option<&str>, now: Time) -> Result<bool> {
        Ok(match iss {
            Some(iss) => iss == self.issuer,
            None => !self.metadata(caller, now).await?.authorization_response_iss_parameter_supported,
        })
    }

    /// Changes a code for who it is.
    ///
    /// # Errors
    /// 401 where the provider does not take the code, or what it says does not hold; 403 for who has no role; 503.
    pub async fn identify(&self, caller: &Caller, code: &str, ticket: &Ticket, now: Time) -> Result<Identity> {
        let metadata = self.metadata(caller, now).await?;
        let (form, secret) = (self.code_form(code, ticket), self.secret(&metadata));
        let answer = caller.post_form(&metadata.token_endpoint, &form, secret).await?.map_err(|refusal| {
            let why = refusal.get("error").and_then(Value::as_str).unwrap_or("no reason given").to_owned();
            Error::with(Code::IdentityInvalid, "the provider did not take the code").because(anyhow::anyhow!(why))
        })?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let token = text("id_token").ok_or_else(|| id_token::refused("there is no ID token"))?;
        let key = self.key(caller, &metadata, id_token::key_of(token)?.as_deref(), now).await?;
        let expected = id_token::Expected {
            issuer: &self.issuer,
            client_id: &self.client_id,
            nonce: &ticket.nonce,
            access_token: text("access_token"),
            now,
        };
        self.identity(&expected.verify(token, &key)?)
    }

    fn code_form(&self, code: &str, ticket: &Ticket) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("code_verifier", ticket.verifier.clone()),
            ("client_id", self.client_id.clone()),
        ]
    }

    /// The name and secret for the `Authorization` header, or for the form where the provider takes them only there.
    fn secret(&self, metadata: &Metadata) -> Secret<'_> {
        match self.client_secret.as_deref() {
            None => Secret::None,
            Some(secret) if metadata.takes_basic() => Secret::Header(&self.client_id, secret),
            Some(secret) => Secret::Form(secret),
        }
    }

    fn identity(&self, claims: &Map<String, Value>) -> Result<Identity> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let subject = text("sub").filter(|sub| (1..=255).contains(&sub.len()));
        let subject = subject.ok_or_else(|| id_token::refused("there is no subject"))?.to_owned();
        // Some providers write it as text.
        let verified = claims.get("email_verified").is_some_and(|v| *v == Value::Bool(true) || *v == "true");
        let email = text("email").filter(|_| verified).and_then(|email| Email::parse(email.to_owned()).ok());
        let name = text("name").map(|name| name.chars().take(100).collect());
        Ok(Identity { subject, email, name: name.and_then(|name| Line::parse(name).ok()), role: self.role(claims)? })
    }

    /// The highest role that somebody's groups stand for.
    ///
    /// # Errors
    /// 403 where they stand for none.
    fn role(&self, claims: &Map<String, Value>) -> Result<Option<Role>> {
        let Some(claim) = self.roles_claim.as_deref() else { return Ok(None) };
        let groups: Vec<&str> = match found(claims, claim) {
            Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(group)) => vec![group],
            _ => Vec::new(),
        };
        let highest = groups.iter().filter_map(|group| self.roles.get(*group)).max().copied();
        match highest.or(self.default_role) {
            Some(role) => Ok(Some(role)),
            None => Err(Error::with(Code::NotOnStaff, "the provider names no group that has a role here")),
        }
    }
}

/// A claim by its name, or by the way to it: `realm_access.roles`.
fn found<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let by_name = claims.get(name);
    by_name.or_else(|| {
        let mut steps = name.split('.');
        let first = claims.get(steps.next()?)?;
        steps.try_fold(first, |place, step| place.get(step))
    })
}
