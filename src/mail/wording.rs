//! What letters say: the templates, filled in, as text and as HTML.

use super::{Settings, model::Kind, outbox::Ready};
use crate::html::escape;
use anyhow::Context;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use std::error::Error;
use url::Host;

/// A letter of one kind. The first line of the text is the subject.
struct Template {
    text: &'static str,
    html: &'static str,
}

macro_rules! template {
    ($name:literal) => {
        Template {
            text: include_str!(concat!("templates/", $name, ".txt")),
            html: include_str!(concat!("templates/", $name, ".html")),
        }
    };
}

impl Template {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Invitation => template!("invitation"),
            Kind::PasswordReset => template!("password_reset"),
            Kind::EmailConfirmation => template!("email_confirmation"),
            Kind::EmailChangeAsked => template!("email_change_asked"),
            Kind::EmailChanged => template!("email_changed"),
            Kind::PasswordChanged => template!("password_changed"),
        }
    }
}

/// What stands around the HTML of every letter.
const FRAME: &str = include_str!("templates/frame.html");

/// What a letter says.
struct Wording {
    subject: String,
    text: String,
    html: String,
}

/// What a template may name.
struct Values<'a> {
    site: &'a str,
    name: &'a str,
    link: &'a str,
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<String> {
        match name {
            "site" => Some(plain(self.site)),
            "name" => Some(plain(self.name)),
            "link" => Some(self.link.to_owned()),
            _ => None,
        }
    }
}

/// A name in one line, without what turns the direction of what follows: it stands in headers and between our words.
fn plain(name: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    name.chars().filter(|c| !turns(*c)).map(|c| if breaks(c) { ' ' } else { c }).collect()
}

/// Puts values in the place of `{{name}}`. What a value holds is not looked at again.
fn fill(template: &str, values: &Values<'_>, written: fn(&str) -> String) -> anyhow::Result<String> {
    let mut filled = String::with_capacity(template.len() + 200);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").context("a template has a {{ without an end")?;
        let value = values.get(name).with_context(|| format!("a template names {name}"))?;
        filled.push_str(before);
        filled.push_str(&written(&value));
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn word(kind: Kind, values: &Values<'_>) -> anyhow::Result<Wording> {
    let Template { text, html } = Template::of(kind);
    let (subject, text) = text.split_once("\n\n").context("a template has a subject and a body")?;
    let (top, bottom) = FRAME.split_once("{{body}}").context("the frame has a place for the body")?;
    Ok(Wording {
        subject: fill(subject, values, str::to_owned)?,
        text: fill(text, values, str::to_owned)?,
        html: fill(&format!("{top}{html}{bottom}"), values, escape)?,
    })
}

/// No program is to answer it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// An address as mail servers take it: the domain in ASCII.
fn address(email: &str) -> anyhow::Result<Address> {
    let (local, domain) = email.rsplit_once('@').context("an address has an @")?;
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { anyhow::bail!("its domain is none") };
    Address::new(local, domain).context("it is no address that mail can be sent to")
}

/// Writes a letter.
///
/// # Errors
/// Where there is no writing to its address.
pub fn write(ready: &Ready, settings: &Settings, site: &str) -> anyhow::Result<Message> {
    let link = match (ready.kind.page(), &ready.token) {
        (Some(page), Some(token)) => format!("{}{page}#{token}", settings.account_url),
        _ => String::new(),
    };
    let name = ready.name.as_str();
    let Wording { subject, text, html } = word(ready.kind, &Values { site, name, link: &link })?;
    let sender = settings.from.name.as_deref().unwrap_or(site);
    let from = Mailbox::new(Some(plain(sender)), settings.from.email.clone());
    // The same at each try, so that a letter that came twice is seen to be one.
    let message_id = format!("<{}@{}>", ready.id, settings.from.email.domain());
    Ok(Message::builder()
        .from(from)
        .to(Mailbox::new((!ready.kind.is_to_a_stranger()).then(|| plain(name)), address(ready.to.as_ref())?))
        .subject(subject)
        .message_id(Some(message_id))
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(text, html))?)
}

#[cfg(test)]
mod tests {
    use super::{Kind, Settings, Values, address, word, write};
    use crate::{
        db::Id,
        mail::{Server, outbox::Ready},
        values::{Email, Line},
    };

    fn letter(kind: Kind, name: &str, site: &str) -> String {
        let settings = Settings {
            server: Server::parse("smtp://localhost").unwrap(),
            from: "desk@lantern.example".parse().unwrap(),
            account_url: "https://news.example".into(),
        };
        let ready = Ready {
            id: Id::new(),
            kind,
            attempt: 1,
            to: Email::parse("mira@lantern.example".into()).unwrap(),
            // As no request could bring it.
            name: Line::trusted(name.to_owned()),
            token: kind.purpose().map(|_| "the-token".to_owned()),
        };
        String::from_utf8(write(&ready, &settings, site).unwrap().formatted()).unwrap()
    }

    #[test]
    fn every_letter_says_what_it_is_and_links_where_it_should() {
        for kind in Kind::ALL {
            let values = Values { site: "The Lantern", name: "Mira Holt", link: "https://news.example/x#token" };
            let wording = word(kind, &values).unwrap();
            assert!(wording.subject.contains("The Lantern") && !wording.subject.contains('\n'), "{}", wording.subject);
            for text in [&wording.text, &wording.html] {
                assert_eq!(text.contains("Mira Holt"), !kind.is_to_a_stranger(), "{text}");
                assert!(!text.contains("{{"), "{text}");
                assert_eq!(text.contains("https://news.example/x#token"), kind.page().is_some(), "{text}");
                assert_eq!(kind.page().is_some(), kind.purpose().is_some());
            }
        }
    }

    #[test]
    fn a_name_adds_no_header_and_no_recipient() {
        for name in [
            "Mira\r\nBcc: eve@evil.example",
            "Mira\nBcc: eve@evil.example\n\nHello",
            "Mira\" <eve@evil.example>, \"x",
            "Mira <eve@evil.example>, x",
            "=?utf-8?q?Mira=0D=0ABcc:_eve@evil.example?=",
            "Mïra \u{2028}Bcc: eve@evil.example",
            "\u{202e}Mira\u{85}Bcc: eve@evil.example",
            &"Mira, ".repeat(16),
        ] {
            for site in ["The Lantern", name] {
                let written = letter(Kind::Invitation, name, site);
                let parsed = mailparse::parse_mail(written.as_bytes()).unwrap();
                let mut headers: Vec<_> = parsed.headers.iter().map(mailparse::MailHeader::get_key).collect();
                headers.sort();
                let expected =
                    ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];
                assert_eq!(headers, expected, "{name:?}\n{written}");
                for (header, address) in [("To", "mira@lantern.example"), ("From", "desk@lantern.example")] {
                    let header = parsed.headers.iter().find(|h| h.get_key() == header).unwrap();
                    let people = mailparse::addrparse_header(header).unwrap();
                    assert_eq!(people.extract_single_info().unwrap().addr, address, "{name:?}\n{written}");
                }
            }
        }
    }

    #[test]
    fn a_name_is_text_in_html_too_and_no_template() {
        let values =
            Values { site: "A & B", name: "<img src=x onerror=alert(1)> {{link}}", link: "https://n.example/#t" };
        let wording = word(Kind::PasswordChanged, &values).unwrap();
        assert!(
            !wording.html.contains("<img") && wording.html.contains("&lt;img") && wording.html.contains("A &amp; B")
        );
        assert!(wording.html.contains("{{link}}") && wording.text.contains("{{link}}"));
    }

    #[test]
    fn a_domain_is_written_in_ascii() {
        assert_eq!(address("mira@bücher.example").unwrap().to_string(), "mira@xn--bcher-kva.example");
        assert!(address("mira@127.0.0.1").is_err());
    }
}
