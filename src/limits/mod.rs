//! How often one may ask: by address, by account and by key, each class of operations for itself.

mod address;
mod bucket;
mod classes;
mod familiar;

pub use address::{Proxies, block};
pub use bucket::{Bucket, Standing};
pub use classes::{Bound, Class, class_of};

use crate::{
    auth::Actor,
    error::{Error, Result},
    http::call,
    values::Email,
};
use actix_web::HttpRequest;
use classes::{ACCOUNT, FAMILIAR_ACCOUNT, FAMILIAR_ADDRESS};
use familiar::Familiar;
use ipnet::IpNet;
use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

/// What is set of it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub on: bool,
    /// Those who are believed when they say on whose behalf they ask.
    pub trusted_proxies: Vec<IpNet>,
}

/// The limits of this process, and who may say where a request came from. By default there are none.
#[derive(Default)]
pub struct Limits {
    proxies: Proxies,
    buckets: Option<Box<Buckets>>,
}

struct Buckets {
    of_addresses: Vec<Bucket>,
    of_actors: Vec<Bucket>,
    of_accounts: Bucket,
    of_familiar_accounts: Bucket,
    of_familiar_addresses: Bucket,
    familiar: Familiar,
    /// Random for each process: nobody outside can tell which keys fall together.
    hasher: RandomState,
}

impl Limits {
    pub fn new(settings: Settings) -> Self {
        let all = |actor: bool| Class::ALL.iter().map(|class| Bucket::new(class.bound(actor))).collect();
        let buckets = settings.on.then(|| {
            Box::new(Buckets {
                of_addresses: all(false),
                of_actors: all(true),
                of_accounts: Bucket::new(ACCOUNT),
                of_familiar_accounts: Bucket::new(FAMILIAR_ACCOUNT),
                of_familiar_addresses: Bucket::new(FAMILIAR_ADDRESS),
                familiar: Familiar::default(),
                hasher: RandomState::new(),
            })
        });
        Self { proxies: Proxies(settings.trusted_proxies), buckets }
    }

    /// Where a request came from.
    pub fn address(&self, request: &HttpRequest) -> IpAddr {
        self.proxies.client(request)
    }

    /// Whether somebody on this machine asks, and not a proxy for somebody else.
    pub fn is_from_here(&self, request: &HttpRequest) -> bool {
        self.proxies.is_from_here(request)
    }

    /// Counts a request. Who is known is counted by account or key, whoever is not by address. Who signs in is counted by
    /// address in any case. Reading from this machine (`here`) is free: that is a front end, or a proxy that nobody named, behind
    /// which all readers would share one limit.
    ///
    /// # Errors
    /// 429 for one too many.
    pub fn count(&self, class: Class, actor: Option<&Actor>, address: IpAddr, here: bool) -> Result<Option<Standing>> {
        let Some(buckets) = self.buckets.as_deref().filter(|_| class != Class::Free) else { return Ok(None) };
        if actor.is_none() && here && matches!(class, Class::Reads | Class::Search) {
            return Ok(None);
        }
        let mut standing = None;
        if actor.is_none() || class == Class::SignIn {
            let key = buckets.hasher.hash_one(block(address));
            let familiar = class == Class::SignIn && buckets.familiar.knows(key);
            let bucket = if familiar { &buckets.of_familiar_addresses } else { &buckets.of_addresses[class as usize] };
            standing = Some(bucket.take(key)?);
        }
        if let Some(actor) = actor {
            let key = buckets.hasher.hash_one(actor.user.as_bytes());
            standing = Some(buckets.of_actors[class as usize].take(key)?);
        }
        Ok(standing)
    }

    /// Counts a try to sign in to an account, whether there is one or not. Where its user has signed in from before is
    /// counted apart: nobody elsewhere keeps them out.
    ///
    /// # Errors
    /// 429 for one too many.
    pub fn count_account(&self, email: &Email) -> Result<()> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        let there = buckets.hasher.hash_one((email.as_ref(), call::address().map(block)));
        let anywhere = buckets.hasher.hash_one(email.as_ref());
        if buckets.familiar.knows(there) {
            buckets.of_familiar_accounts.take(there)?;
        } else {
            buckets.of_accounts.take(anywhere)?;
        }
        Ok(())
    }

    /// Notes that somebody has signed in from here.
    pub fn welcome(&self, email: &Email) {
        let (Some(buckets), Some(address)) = (&self.buckets, call::address().map(block)) else { return };
        buckets.familiar.note(buckets.hasher.hash_one((email.as_ref(), Some(address))));
        buckets.familiar.note(buckets.hasher.hash_one(address));
    }

    /// Forgets whose limits are whole again.
    pub fn sweep(&self) {
        let Some(buckets) = &self.buckets else { return };
        let single = [&buckets.of_accounts, &buckets.of_familiar_accounts, &buckets.of_familiar_addresses];
        for bucket in buckets.of_addresses.iter().chain(&buckets.of_actors).chain(single) {
            bucket.sweep();
        }
    }
}

impl From<bucket::Refused> for Error {
    fn from(refused: bucket::Refused) -> Self {
        refused.told()
    }
}
