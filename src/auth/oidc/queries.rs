//! Every statement on identities and on the codes that a front end changes for a session.

use super::{
    provider::{Identity, Provider},
    ticket::challenge_of,
};
use crate::{
    auth::{end_sessions, hash_of},
    clock::Time,
    db::{Conn, Id, lock},
    error::{Code, Error, Result},
    schema::{identities as i, sign_in_codes as c},
    users::{self, NewUser, UserRow},
};
use diesel::prelude::*;
use std::time::Duration;

/// How long a front end may take.
const LIFETIME: Duration = Duration::from_secs(2 * 60);

/// Who was let in.
pub struct Admitted {
    pub user: Id,
    /// What the provider's word changed of the account, for the audit.
    pub changed: Vec<&'static str>,
}

/// Whom a provider's word lets in: whoever it let in before; at the first time the account with their address, where the
/// settings allow that, or a new one. Their role is what the provider says, where roles are its to say.
///
/// # Errors
/// 403 for who is not on the staff, is disabled, has an address that is not verified, or one that is somebody else's here.
pub fn admit(conn: &mut Conn, provider: &Provider, who: &Identity, now: Time) -> Result<Admitted> {
    // Two who come for the first time at once come one after the other; and whoever changes roles takes this one first.
    lock::name(conn, "administrators")?;
    let known = i::table.filter(i::issuer.eq(&provider.issuer)).filter(i::subject.eq(&who.subject));
    let (user, mut changed) = match known.select(i::user_id).first::<Id>(conn).optional()? {
        Some(user) => (users::hold(conn, user)?, Vec::new()),
        None => newcomer(conn, provider, who, now)?,
    };
    if user.disabled_at.is_some() {
        return Err(Error::with(Code::NotOnStaff, "the account is disabled"));
    }
    let used = i::table.filter(i::issuer.eq(&provider.issuer)).filter(i::subject.eq(&who.subject));
    diesel::update(used).set(i::last_used_at.eq(now)).execute(conn)?;
    if let Some(role) = who.role.filter(|role| *role != user.role)
        && users::follow_role(conn, &user, role, now)?
    {
        changed.push("role");
    }
    Ok(Admitted { user: user.id, changed })
}

fn newcomer(conn: &mut Conn, provider: &Provider, who: &Identity, now: Time) -> Result<(UserRow, Vec<&'static str>)> {
    let Some(email) = &who.email else {
        return Err(Error::with(Code::EmailUnverified, "the provider does not say that your address is yours"));
    };
    let (user, changed) = match users::find_by_email(conn, email)? {
        Some(user) => (linked(conn, provider, &user, now)?, vec!["identity"]),
        None => {
            let role = who.role.or(provider.default_role);
            let role = role.ok_or_else(|| {
                Error::with(Code::NotOnStaff, "there is no account with your address; ask an administrator for one")
            })?;
            let first = email.as_ref().split('@').next().unwrap_or_default();
            let name = who.name.as_ref().map_or(first, AsRef::as_ref);
            let new = NewUser { email, name, role, password_hash: None, author_id: None };
            (users::insert(conn, &new, Id::new(), now)?, vec!["email", "name", "role", "identity"])
        }
    };
    let row = (
        i::issuer.eq(&provider.issuer),
        i::subject.eq(&who.subject),
        i::user_id.eq(user.id),
        i::created_at.eq(now),
        i::last_used_at.eq(now),
    );
    diesel::insert_into(i::table).values(row).execute(conn)?;
    Ok((user, changed))
}

/// The account with somebody's address, which is theirs from now on: whoever was signed in to it has to sign in again, and
/// an invitation to it is void.
fn linked(conn: &mut Conn, provider: &Provider, user: &UserRow, now: Time) -> Result<UserRow> {
    let refused = |why: &str| Err(Error::with(Code::AccountNotLinked, why));
    if !provider.link_by_email {
        return refused("there is an account with your address, and the settings do not let this provider open it");
    }
    let user = users::hold(conn, user.id)?;
    // Addresses are given to others when somebody leaves.
    let others = i::table.filter(i::user_id.eq(user.id)).filter(i::issuer.eq(&provider.issuer));
    if diesel::select(diesel::dsl::exists(others)).get_result(conn)? {
        return refused("the account with your address is somebody else's at this provider");
    }
    users::forget_invitations(conn, user.id)?;
    end_sessions(conn, user.id, None, now)?;
    Ok(user)
}

/// Keeps a code that opens a session for a user, once, to whoever has the other half of the challenge.
pub fn hand_out(conn: &mut Conn, user: Id, challenge: &str, code: &str, now: Time) -> Result<()> {
    let row = (
        c::hash.eq(hash_of(code)),
        c::user_id.eq(user),
        c::challenge.eq(challenge),
        c::created_at.eq(now),
        c::expires_at.eq(now.plus(LIFETIME)),
    );
    diesel::insert_into(c::table).values(row).execute(conn)?;
    Ok(())
}

/// Uses a code up. Whose it was, where it was good and the verifier is the right one.
pub fn redeem(conn: &mut Conn, code: &str, verifier: &str, now: Time) -> Result<Option<Id>> {
    let hash = hash_of(code);
    let good = c::table.filter(c::hash.eq(&hash)).filter(c::expires_at.gt(now));
    let found: Option<(Id, String)> = good.select((c::user_id, c::challenge)).first(conn).optional()?;
    let Some((user, challenge)) = found else { return Ok(None) };
    // Of two at once, one has it.
    let taken = diesel::delete(c::table.filter(c::hash.eq(&hash))).execute(conn)? == 1;
    Ok((taken && challenge_of(verifier) == challenge).then_some(user))
}

/// Forgets codes that nobody came for.
pub fn forget_expired(conn: &mut Conn, now: Time) -> Result<usize> {
    Ok(diesel::delete(c::table.filter(c::expires_at.le(now))).execute(conn)?)
}
