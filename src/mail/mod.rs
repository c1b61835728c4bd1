//! Mail: letters that wait in the database until a mail server has taken them.

mod delivery;
mod model;
mod outbox;
mod server;
mod wording;

pub use delivery::Delivery;
pub use model::{Kind, Letter};
pub use outbox::{clean_up, has_enough, withdraw};
pub use server::Server;

use crate::{
    clock::Time,
    db::Conn,
    error::{Code, Error, Result},
};
use lettre::message::Mailbox;
use server::Office;

/// Where mail goes, and who it is from.
#[derive(Debug, Clone)]
pub struct Settings {
    pub server: Server,
    /// Without a name the site's is taken.
    pub from: Mailbox,
    /// Where people finish what a letter asks of them, without a slash at its end.
    pub account_url: String,
}

/// Letters are written here; where no mail server is set, none is.
#[derive(Default)]
pub struct Mail(Option<Office>);

impl Mail {
    /// # Errors
    /// Where the certificates to trust cannot be read.
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        Ok(Self(Some(Office::open(settings)?)))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// # Errors
    /// 409 where no mail server is set: what takes a letter cannot be done, whoever it is for.
    pub fn must_be_on(&self) -> Result<()> {
        let message = "this server sends no mail; an administrator can invite you anew";
        if self.is_on() { Ok(()) } else { Err(Error::with(Code::MailNotConfigured, message)) }
    }

    /// Has a letter sent after this transaction. Where no mail server is set, nothing comes of it.
    pub fn post(&self, conn: &mut Conn, letter: &Letter<'_>, now: Time) -> Result<()> {
        if self.is_on() { outbox::insert(conn, letter, now) } else { Ok(()) }
    }

    fn office(&self) -> Option<&Office> {
        self.0.as_ref()
    }
}
