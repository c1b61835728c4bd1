//! Sends the letters that wait, each until a server has taken it or it is of no use any more.

use super::{
    outbox::{self, Ready, Taken},
    server::{Office, Refused},
    wording,
};
use crate::{app::App, auth, clock, db::Id, error::Result, jobs::Left};
use actix_web::web::Data;
use futures_util::{StreamExt, stream};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// Letters that one look finds, and connections to the mail server at the same time.
const BATCH: i64 = 32;
const AT_ONCE: usize = 4;
/// How long a letter waits after its first try: twice as long each time, up to a bound, and up to half as long again, so that
/// not all of them come at once.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// How long a server that cannot be spoken to is left alone.
const REST: Duration = Duration::from_secs(2);

/// Sends letters, and remembers whether the server could be spoken to.
#[derive(Default)]
pub struct Delivery {
    failing: bool,
    rests_until: Option<Instant>,
}

/// What a try came to.
enum Tried {
    Nothing,
    Sent,
    Away,
    Refused,
}

impl Delivery {
    /// Tries a batch of what is due. Any number of processes may do this at the same time: each letter is tried by one.
    ///
    /// # Errors
    /// Where the database cannot be reached. A mail server that cannot is no error: the letters wait.
    pub async fn work(&mut self, app: &Data<App>) -> Result<Left> {
        let Some(office) = app.mail.office() else { return Ok(Left::Nothing) };
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return Ok(Left::Nothing);
        }
        let due = app.db.look_up(|conn| outbox::due(conn, BATCH)).await?;
        let (mut left, away) = (Left::Nothing, Cell::new(false));
        // What is on its way when the server goes is seen to its end; what is not waits, without a try of its own.
        let one = async |id| if away.get() { Ok(Tried::Nothing) } else { attempt(app, office, id).await };
        let mut tries = stream::iter(due).map(one).buffer_unordered(AT_ONCE);
        while let Some(tried) = tries.next().await {
            match tried? {
                Tried::Nothing | Tried::Refused => {}
                Tried::Sent => {
                    left = Left::More;
                    if std::mem::take(&mut self.failing) {
                        tracing::info!("mail is sent again");
                    }
                }
                Tried::Away => {
                    away.set(true);
                    self.failing = true;
                    self.rests_until = Some(Instant::now() + REST);
                }
            }
        }
        Ok(if away.get() { Left::Nothing } else { left })
    }
}

/// Tries one letter.
async fn attempt(app: &Data<App>, office: &Office, id: Id) -> Result<Tried> {
    let ready = match app.db.write(move |conn| outbox::take(conn, id)).await? {
        Taken::Ready(ready) => ready,
        Taken::Nothing => return Ok(Tried::Nothing),
        Taken::TooLate(kind) => {
            tracing::error!(letter = %id, kind = kind.as_ref(), "a letter was not sent: no server took it in time");
            return Ok(Tried::Nothing);
        }
    };
    let (kind, attempt) = (ready.kind, ready.attempt);
    // One that cannot be written is not to end the loop that sends the others.
    let site = app.site();
    let write = || wording::write(&ready, &office.settings, site.profile.name.as_str());
    let written =
        catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| Err(anyhow::anyhow!("it cannot be written")));
    let sent = match written {
        Ok(message) => office.send(message).await,
        Err(error) => Err(Refused { why: format!("{error:#}"), is_final: true, away: false }),
    };
    let Err(Refused { why, is_final, away }) = sent else {
        app.db.write(move |conn| outbox::sent(conn, id, attempt, clock::now())).await?;
        tracing::info!(letter = %id, kind = kind.as_ref(), "a letter was sent");
        return Ok(Tried::Sent);
    };
    if is_final {
        tracing::error!(letter = %id, kind = kind.as_ref(), why, "a letter was not sent: the server will not take it");
        app.db.write(move |conn| outbox::give_up(conn, id, attempt, &why, clock::now())).await?;
        return Ok(Tried::Refused);
    }
    let pause = pause_after(&ready);
    tracing::warn!(letter = %id, kind = kind.as_ref(), why, attempt, seconds = pause.as_secs(), "a letter was not sent yet, and waits");
    app.db.write(move |conn| outbox::put_off(conn, id, attempt, &why, pause)).await?;
    Ok(if away { Tried::Away } else { Tried::Refused })
}

fn pause_after(ready: &Ready) -> Duration {
    let doubled = u32::try_from(ready.attempt - 1).unwrap_or_default().min(16);
    let pause = (FIRST_PAUSE * 2u32.pow(doubled)).min(LONGEST_PAUSE);
    // Without random numbers there is no spread, and no harm.
    let spread = auth::random::<1>().map_or(0, |[byte]| u32::from(byte));
    pause + pause / 2 * spread / 255
}
