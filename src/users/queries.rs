//! Every statement on users. A key has a row among them, too; whoever looks for people finds none of those.

use super::model::{EditedUser, NewUser, UserChanges, UserParams, UserRow, UserSort};
use crate::{
    auth::{self, Actor, one_time},
    authors,
    clock::Time,
    db::{Conn, Id, MultiBackend, columns, lock},
    error::{Code, Error, FieldError, Result},
    http::{Expected, Page, Window, cursor::Position, page::keyset},
    mail::{self, Kind, Letter, Mail},
    permissions::Role,
    schema::users,
    values::{Email, Line, Ref},
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as Diesel},
};

/// All who sign in.
fn people<'a>() -> users::BoxedQuery<'a, MultiBackend> {
    users::table.filter(users::is_key.eq(false)).into_boxed()
}

/// Whether there is an administrator who can sign in.
pub fn has_administrator(conn: &mut Conn) -> Result<bool> {
    Ok(administrators(conn, None)? > 0)
}

/// How many administrators can sign in, besides one.
pub fn administrators(conn: &mut Conn, except: Option<Id>) -> Result<i64> {
    let able = people()
        .filter(users::role.eq(Role::Admin))
        .filter(users::password_hash.is_not_null())
        .filter(users::disabled_at.is_null());
    Ok(match except {
        Some(id) => able.filter(users::id.ne(id)).count().get_result(conn)?,
        None => able.count().get_result(conn)?,
    })
}

fn filtered<'a>(params: &UserParams) -> users::BoxedQuery<'a, MultiBackend> {
    let mut query = people();
    if let Some(roles) = &params.role {
        query = query.filter(users::role.eq_any(roles.0.clone()));
    }
    match params.disabled {
        Some(true) => query.filter(users::disabled_at.is_not_null()),
        Some(false) => query.filter(users::disabled_at.is_null()),
        None => query,
    }
}

pub fn list(conn: &mut Conn, params: &UserParams, window: &Window) -> Result<Page<UserRow>> {
    let query = filtered(params).select(columns::<UserRow>());
    let sort = params.sort.unwrap_or_default();
    let page = match sort {
        UserSort::Name | UserSort::NameDown => {
            let down = sort == UserSort::NameDown;
            let rows =
                keyset!(query, window, down, users::name, users::id, Window::after_text).load::<UserRow>(conn)?;
            Page::cut(window, rows, |user| Position::new(user.name.as_str(), user.id))
        }
        UserSort::CreatedAt | UserSort::CreatedAtDown => {
            let down = sort == UserSort::CreatedAtDown;
            let rows = keyset!(query, window, down, users::created_at, users::id, Window::after_number)
                .load::<UserRow>(conn)?;
            Page::cut(window, rows, |user| Position::new(user.created_at.micros(), user.id))
        }
    };
    let total = window.count.then(|| filtered(params).count().get_result(conn)).transpose()?;
    Ok(Page { total, ..page })
}

pub fn find(conn: &mut Conn, id: Id) -> Result<UserRow> {
    let row = people().filter(users::id.eq(id)).select(columns::<UserRow>()).first(conn).optional()?;
    row.ok_or_else(|| Error::not_found("user", id))
}

pub fn find_by_email(conn: &mut Conn, email: &Email) -> Result<Option<UserRow>> {
    Ok(people().filter(users::email.eq(email.clone())).select(columns::<UserRow>()).first(conn).optional()?)
}

/// How somebody signs a comment.
pub struct Signature {
    pub id: Id,
    pub name: Line<1, 100>,
}

/// How a user or a key signs a comment.
pub fn signature(conn: &mut Conn, id: Id) -> Result<Signature> {
    Ok(Signature { id, name: users::table.find(id).select(users::name).first(conn)? })
}

/// Finds a user and holds them: a session is not opened while its user is being disabled.
pub fn hold(conn: &mut Conn, id: Id) -> Result<UserRow> {
    lock::rows(conn, users::table.find(id).select(users::id))?;
    find(conn, id)
}

/// The same where the user may be gone.
pub fn hold_if_there(conn: &mut Conn, id: Id) -> Result<Option<UserRow>> {
    match hold(conn, id) {
        Err(error) if error.code() == Code::NotFound => Ok(None),
        held => held.map(Some),
    }
}

/// The same for who is to be let in: nobody, where they were disabled or removed.
pub fn hold_able(conn: &mut Conn, id: Id) -> Result<Option<UserRow>> {
    Ok(hold_if_there(conn, id)?.filter(|user| user.disabled_at.is_none()))
}

/// Finds a user who is to be changed or removed. Of two who each would take the right to administer from one of the last
/// two, the second waits and then sees what the first did.
fn find_for_update(conn: &mut Conn, id: Id) -> Result<UserRow> {
    lock::name(conn, "administrators")?;
    hold(conn, id)
}

/// # Errors
/// 409 where nobody else could administer.
fn must_not_be_the_last(conn: &mut Conn, user: &UserRow) -> Result<()> {
    if user.is_able_administrator() && administrators(conn, Some(user.id))? == 0 {
        let message = "there is no other administrator who can sign in; make one first";
        return Err(Error::with(Code::LastAdministrator, message));
    }
    Ok(())
}

fn not_a_reader(role: Role) -> Result<()> {
    if role == Role::Reader {
        return Err(Error::invalid_field("/role", "not_allowed", "the role reader is for keys, not for people"));
    }
    Ok(())
}

/// The byline that a reference names.
///
/// # Errors
/// 422 where it names none.
pub fn byline(conn: &mut Conn, author: Option<&Ref>) -> Result<Option<Id>> {
    let Some(author) = author else { return Ok(None) };
    match authors::find(conn, author) {
        Ok(author) => Ok(Some(author.id)),
        Err(e) if e.code() == Code::NotFound => Err(Error::invalid_field("/author", "not_found", e.detail())),
        Err(e) => Err(e),
    }
}

/// The refusal of an address that is another user's.
pub fn is_taken(error: Diesel, email: &Email) -> Error {
    match error {
        Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            let message = format!("there is a user with the address {email}");
            Error::with(Code::Conflict, message.clone()).list(vec![FieldError::new("/email", "taken", message)])
        }
        e => e.into(),
    }
}

/// # Errors
/// 409 where the address is another user's, 422 for a reader: that is a key's role.
pub fn insert(conn: &mut Conn, new: &NewUser<'_>, id: Id, now: Time) -> Result<UserRow> {
    not_a_reader(new.role)?;
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::email.eq(new.email),
            users::name.eq(new.name),
            users::role.eq(new.role),
            users::password_hash.eq(new.password_hash),
            users::author_id.eq(new.author_id),
            users::version.eq(1),
            users::created_at.eq(now),
            users::updated_at.eq(now),
        ))
        .returning(columns::<UserRow>())
        .get_result(conn)
        .map_err(|e| is_taken(e, new.email))
}

/// Changes a user. Another role or address, or being disabled, ends their sessions. What was sent to an address that was
/// theirs opens nothing any more.
///
/// # Errors
/// 403 for one's own address; 409 for the last administrator, and for an address that is another user's; 422 for a byline that
/// is not there.
pub fn update(
    conn: &mut Conn,
    actor: &Actor,
    mail: &Mail,
    id: Id,
    changes: &UserChanges,
    expected: &Expected,
    now: Time,
) -> Result<UserRow> {
    let user = find_for_update(conn, id)?;
    let current = EditedUser::from(&user);
    expected.check(&user, || changes.differing(&current))?;
    let new = changes.apply(&current)?;
    let author_id = byline(conn, new.author.as_ref())?;
    let new = EditedUser { author: author_id.map(Ref::Id), ..new };
    if new == current {
        return Ok(user);
    }
    if id == actor.user && new.email != user.email {
        return Err(Error::with(Code::Forbidden, "one's own address takes the password: PUT /api/v1/me/email"));
    }
    not_a_reader(new.role)?;
    if new.role != Role::Admin || new.disabled {
        must_not_be_the_last(conn, &user)?;
    }
    let updated = diesel::update(users::table.find(id))
        .set((
            users::email.eq(&new.email),
            users::name.eq(&new.name),
            users::role.eq(new.role),
            users::author_id.eq(author_id),
            users::disabled_at.eq(new.disabled.then(|| user.disabled_at.unwrap_or(now))),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .returning(columns::<UserRow>())
        .get_result(conn)
        .map_err(|e| is_taken(e, &new.email))?;
    if new.role != user.role || new.email != user.email || new.disabled {
        auth::end_sessions(conn, id, None, now)?;
    }
    if new.email != user.email || new.disabled {
        void_letters(conn, id, now)?;
    }
    // Who has not come yet has an address that was wrong: it is somebody else's.
    if new.email != user.email && user.password_hash.is_some() {
        mail.post(conn, &Letter::new(Kind::EmailChanged, id, &user.email), now)?;
    }
    Ok(updated)
}

/// Gives a user the role that their provider says. The last administrator who has a password stays one: somebody has to be
/// able to come in where the provider is gone. The caller holds the user, and the lock of all who change roles.
pub fn follow_role(conn: &mut Conn, user: &UserRow, role: Role, now: Time) -> Result<bool> {
    not_a_reader(role)?;
    match must_not_be_the_last(conn, user) {
        Err(error) if error.code() == Code::LastAdministrator && role != Role::Admin => {
            tracing::warn!(user = %user.id, %role, "the last administrator stays one, whatever the provider says");
            return Ok(false);
        }
        Err(error) if error.code() != Code::LastAdministrator => return Err(error),
        _ => {}
    }
    let changed = (users::role.eq(role), users::version.eq(users::version + 1), users::updated_at.eq(now));
    diesel::update(users::table.find(user.id)).set(changed).execute(conn)?;
    auth::end_sessions(conn, user.id, None, now)?;
    Ok(true)
}

/// Changes one's own name.
pub fn rename(conn: &mut Conn, user: &UserRow, name: &Line<1, 100>, now: Time) -> Result<UserRow> {
    Ok(diesel::update(users::table.find(user.id))
        .set((users::name.eq(name), users::version.eq(users::version + 1), users::updated_at.eq(now)))
        .returning(columns::<UserRow>())
        .get_result(conn)?)
}

/// Gives a user another address. What was sent to the old one opens nothing any more.
///
/// # Errors
/// 409 where the address is another user's.
pub fn set_email(conn: &mut Conn, user: &UserRow, email: &Email, now: Time) -> Result<()> {
    let (version, at) = (users::version.eq(users::version + 1), users::updated_at.eq(now));
    let changed = diesel::update(users::table.find(user.id)).set((users::email.eq(email), version, at)).execute(conn);
    changed.map_err(|e| is_taken(e, email))?;
    void_letters(conn, user.id, now)
}

/// Takes back whatever a letter lets somebody do, whether it was sent or waits.
fn void_letters(conn: &mut Conn, user: Id, now: Time) -> Result<()> {
    one_time::forget_all(conn, user)?;
    mail::withdraw(conn, user, now)
}

/// Gives a user another password, takes back what would give them one more or another address, and ends their sessions but for one where it is named.
pub fn set_password(conn: &mut Conn, id: Id, hash: &str, session: Option<Id>, now: Time) -> Result<()> {
    let (version, at) = (users::version.eq(users::version + 1), users::updated_at.eq(now));
    diesel::update(users::table.find(id)).set((users::password_hash.eq(hash), version, at)).execute(conn)?;
    void_letters(conn, id, now)?;
    auth::end_sessions(conn, id, session, now)
}

/// Removes a user. What they wrote stays, and is nobody's.
///
/// # Errors
/// 409 for the last administrator.
pub fn delete(conn: &mut Conn, id: Id, expected: &Expected) -> Result<()> {
    let user = find_for_update(conn, id)?;
    expected.check(&user, Vec::new)?;
    must_not_be_the_last(conn, &user)?;
    // With them go their sessions and invitations, and they are named by nothing any more.
    diesel::delete(users::table.find(id)).execute(conn)?;
    Ok(())
}
