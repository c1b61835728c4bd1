//! One bound, kept for many keys: GCRA, by `governor`, in memory that has an end.

use super::classes::Bound;
use crate::error::{Code, Error};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};
use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

/// Keys that are told apart at the most: some two megabytes. Whoever comes when there are more shares the limit of one
/// of the crowds, until keys are forgotten.
const MOST: usize = 50_000;
/// How many crowds there are.
const CROWDS: u64 = 1024;
/// How often it is looked how many there are, in requests.
const LOOK: u32 = 256;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

pub struct Bucket<C: Clock = MonotonicClock> {
    bound: Bound,
    limiter: RateLimiter<u64, Capped, C, StateInformationMiddleware>,
    clock: C,
}

/// How a key stands to its limit.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    bound: Bound,
    remaining: u32,
    /// Seconds until there is one more.
    wait: u64,
}

/// One too many.
#[derive(Debug)]
pub struct Refused(Standing);

impl Bucket {
    pub fn new(bound: Bound) -> Self {
        Self::with_clock(bound, MonotonicClock)
    }
}

impl<C: Clock + Clone> Bucket<C> {
    fn with_clock(bound: Bound, clock: C) -> Self {
        let burst = NonZeroU32::new(bound.requests).unwrap_or(NonZeroU32::MIN);
        let each = Duration::from_secs(u64::from(bound.seconds)) / burst.get();
        let quota = Quota::with_period(each).unwrap_or_else(|| Quota::per_second(burst)).allow_burst(burst);
        let limiter = RateLimiter::new(quota, Capped::default(), clock.clone());
        Self { bound, limiter, clock }
    }

    /// Takes one of what the key may.
    pub fn take(&self, key: u64) -> Result<Standing, Refused> {
        let standing = |remaining, wait: Duration| Standing {
            bound: self.bound,
            remaining,
            wait: wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
        };
        match self.limiter.check_key(&key.max(CROWDS)) {
            Ok(state) => Ok(standing(state.remaining_burst_capacity(), state.quota().replenish_interval())),
            Err(until) => {
                let until: NotUntil<C::Instant> = until;
                Err(Refused(standing(0, until.wait_time_from(self.clock.now()))))
            }
        }
    }

    /// Forgets the keys whose limit is whole again.
    pub fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl Standing {
    /// The headers of draft-ietf-httpapi-ratelimit-headers-10.
    fn headers(&self) -> [(HeaderName, String); 2] {
        let Bound { name, requests, seconds } = self.bound;
        let (remaining, wait) = (self.remaining, self.wait);
        [
            (LIMIT, format!("\"{name}\";r={remaining};t={wait}")),
            (POLICY, format!("\"{name}\";q={requests};w={seconds}")),
        ]
    }

    /// Adds them to an answer that says nothing of another limit.
    pub fn tell(&self, headers: &mut HeaderMap) {
        if headers.contains_key(LIMIT) {
            return;
        }
        for (name, value) in self.headers() {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

impl Refused {
    pub fn told(&self) -> Error {
        let Bound { name, requests, seconds } = self.0.bound;
        let wait = self.0.wait.max(1);
        let detail = format!("the limit `{name}` is {requests} requests in {seconds} seconds; come back in {wait}");
        let error = Error::with(Code::RateLimited, detail).header(RETRY_AFTER, wait.to_string());
        self.0.headers().into_iter().fold(error, |error, (name, value)| error.header(name, value))
    }
}

/// The keys of a bucket, of which there are never more than [`MOST`] and the [`CROWDS`].
#[derive(Default)]
struct Capped {
    keys: DashMapStateStore<u64>,
    taken: AtomicU32,
    full: AtomicBool,
}

impl Capped {
    fn look(&self) {
        self.full.store(self.keys.len() >= MOST, Ordering::Relaxed);
    }
}

impl StateStore for Capped {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if self.taken.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOK) {
            self.look();
        }
        let crowd = key % CROWDS;
        let alone = !self.full.load(Ordering::Relaxed) || self.keys.contains_key(key);
        self.keys.measure_and_replace(if alone { key } else { &crowd }, f)
    }
}

impl ShrinkableKeyedStateStore<u64> for Capped {
    fn retain_recent(&self, drop_below: Nanos) {
        self.keys.retain_recent(drop_below);
        self.look();
    }

    fn shrink_to_fit(&self) {
        self.keys.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Bucket, CROWDS, MOST};
    use governor::clock::FakeRelativeClock;
    use std::time::Duration;

    const BOUND: Bound = Bound { name: "test", requests: 10, seconds: 60 };

    #[test]
    fn what_was_taken_comes_back_with_time() {
        let clock = FakeRelativeClock::default();
        let bucket = Bucket::with_clock(BOUND, clock.clone());
        for left in (0..10).rev() {
            assert_eq!(bucket.take(1 << 20).unwrap().remaining, left);
        }
        assert_eq!(bucket.take(1 << 20).unwrap_err().0.wait, 6);
        assert!(bucket.take(1 << 21).is_ok(), "another key");
        clock.advance(Duration::from_secs(6));
        assert!(bucket.take(1 << 20).is_ok());
        assert!(bucket.take(1 << 20).is_err());
        // Whoever is refused takes nothing.
        clock.advance(Duration::from_secs(60));
        assert_eq!(bucket.take(1 << 20).unwrap().remaining, 9);
    }

    #[test]
    fn a_million_keys_take_no_more_memory_than_the_most() {
        let clock = FakeRelativeClock::default();
        let bucket = Bucket::with_clock(BOUND, clock.clone());
        let first = u64::MAX;
        while bucket.take(first).is_ok() {}
        let mut refused = 0;
        for key in 0..1_000_000_u64 {
            refused += usize::from(bucket.take((key << 20) + key).is_err());
        }
        assert!(bucket.limiter.len() <= MOST + super::LOOK as usize + usize::try_from(CROWDS).unwrap());
        assert!(refused > 900_000, "whoever comes late shares a limit: {refused}");
        assert!(bucket.take(first).is_err(), "whoever was there before is still known");
        bucket.sweep();
        assert!(bucket.limiter.len() >= MOST, "nothing is forgotten too early");
        // Whole again after a minute, and forgotten when that has been so for one request more.
        clock.advance(Duration::from_secs(70));
        bucket.sweep();
        assert_eq!(bucket.limiter.len(), 0);
        assert_eq!(bucket.take(77 << 20).unwrap().remaining, 9);
    }
}
