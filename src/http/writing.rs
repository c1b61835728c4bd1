//! What a client says of a write besides its body: `If-Match`, `Idempotency-Key`, `dry_run`. Here, too, it is written down
//! who wrote.

use super::{Expected, answer::Answer, json::Digest};
use crate::{
    audit::{self, recorded},
    clock,
    db::{Conn, Db, Ending},
    error::{Code, Error, Result},
    idempotency,
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};

/// What may be asked of a write, besides what is its own.
pub trait WriteAsked: DeserializeOwned + 'static {
    fn is_rehearsal(&self) -> bool;
}

/// The parameters of a write: its own, and those that every write has.
macro_rules! write_params {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// Check and answer as if it were done, and change nothing.
            #[param(example = false)]
            pub dry_run: Option<bool>,
        }

        impl $crate::http::WriteAsked for $name {
            fn is_rehearsal(&self) -> bool {
                self.dry_run == Some(true)
            }
        }
    };
}
pub(crate) use write_params;

write_params! {
    /// What may be asked of every write.
    pub struct WriteParams {
    }
}

/// How a write is to be done.
pub struct Writing<P = WriteParams> {
    pub params: P,
    pub expected: Expected,
    ending: Ending,
    key: Option<String>,
    /// The method, path and query: what a key was used for.
    operation: String,
}

impl<P> Writing<P> {
    /// Whether it is to be done once.
    pub fn is_keyed(&self) -> bool {
        self.key.is_some()
    }

    /// Writes what can be repeated without harm: changes and deletions.
    pub async fn run(
        self,
        db: &Db,
        f: impl Fn(&mut Conn, &Expected) -> Result<Answer> + Send + 'static,
    ) -> Result<Answer> {
        let (expected, record) = (self.expected, audit::Record::of_staff());
        let write = move |conn: &mut Conn| recorded(conn, record.as_ref(), |conn| f(conn, &expected));
        let answer = db.write_or_rehearse(self.ending, write).await?;
        Ok(rehearsed(answer, self.ending))
    }

    /// Writes what must not be done twice: the first answer to a key is kept in the same transaction, and given again.
    /// Keys belong to a `scope`: one client's are no other's.
    ///
    /// # Errors
    /// 422 where the key was used for another request.
    pub async fn once(
        self,
        db: &Db,
        scope: String,
        digest: Digest,
        f: impl Fn(&mut Conn, &Expected) -> Result<Answer> + Send + 'static,
    ) -> Result<Answer> {
        let Some(key) = self.key.clone().filter(|_| self.ending == Ending::Commit) else {
            return self.run(db, f).await;
        };
        let (operation, expected, record) = (self.operation, self.expected, audit::Record::of_staff());
        db.write(move |conn| {
            let claim = idempotency::Claim { scope: &scope, key: &key, operation: &operation, digest: &digest };
            if let Some(answer) = idempotency::claim(conn, &claim, clock::now())? {
                return Ok(answer);
            }
            let answer = recorded(conn, record.as_ref(), |conn| f(conn, &expected))?;
            idempotency::keep(conn, &claim, &answer)?;
            Ok(answer)
        })
        .await
    }
}

/// A rehearsal made nothing that could be found somewhere.
fn rehearsed(mut answer: Answer, ending: Ending) -> Answer {
    if ending == Ending::Discard {
        answer.location = None;
        answer.etag = None;
    }
    answer
}

impl<P: WriteAsked> FromRequest for Writing<P> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let query = super::Query::<P>::from_request(request, payload).into_inner();
        ready(query.and_then(|query| {
            let params = query.into_params();
            Ok(Self {
                expected: Expected::of(request),
                ending: if params.is_rehearsal() { Ending::Discard } else { Ending::Commit },
                key: key_of(request)?,
                operation: format!("{} {}", request.method(), asked_of(request)),
                params,
            })
        }))
    }
}

/// The path, and the query where there is one.
fn asked_of(request: &HttpRequest) -> &str {
    request.uri().path_and_query().map_or(request.path(), |asked| asked.as_str())
}

fn key_of(request: &HttpRequest) -> Result<Option<String>> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Error::with(Code::InvalidParameter, "an Idempotency-Key has 1 to 255 visible ASCII characters")),
    }
}
