//! Every statement on users.

use super::model::{NewUser, UserRow};
use crate::{
    clock::Time,
    db::{Conn, Id, columns},
    error::{Code, Error, FieldError, Result},
    permissions::Role,
    schema::users,
    values::Email,
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as Diesel},
};

/// Whether there is an administrator who can sign in.
pub fn has_administrator(conn: &mut Conn) -> Result<bool> {
    let able = users::table
        .filter(users::role.eq(Role::Admin))
        .filter(users::password_hash.is_not_null())
        .filter(users::disabled_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(able)).get_result(conn)?)
}

pub fn find(conn: &mut Conn, id: Id) -> Result<UserRow> {
    let row = users::table.find(id).select(columns::<UserRow>()).first(conn).optional()?;
    row.ok_or_else(|| Error::not_found("user", id))
}

pub fn find_by_email(conn: &mut Conn, email: &Email) -> Result<Option<UserRow>> {
    Ok(users::table.filter(users::email.eq(email)).select(columns::<UserRow>()).first(conn).optional()?)
}

/// # Errors
/// 409 where the address is another user's, 422 for a reader: that is a key's role.
pub fn insert(conn: &mut Conn, new: &NewUser<'_>, id: Id, now: Time) -> Result<UserRow> {
    if new.role == Role::Reader {
        return Err(Error::invalid_field("/role", "not_allowed", "the role reader is for keys, not for people"));
    }
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
        .map_err(|e| match e {
            Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                let message = format!("there is a user with the address {}", new.email);
                Error::with(Code::Conflict, message.clone()).list(vec![FieldError::new("/email", "taken", message)])
            }
            e => e.into(),
        })
}
