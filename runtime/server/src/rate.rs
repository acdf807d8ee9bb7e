//! How often somebody may ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{ApiError, Code};

/// So many wrong keys an address may show in a minute; then it is not listened to for a while, whatever it shows.
const FAILURES: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// More addresses or identities than this are looked through for those that may be forgotten.
const REMEMBERED: usize = 10_000;

/// Counts requests.
pub(crate) struct Rates {
    /// By address, where nobody has to show a key; `None`: not limited.
    open: Option<DefaultKeyedRateLimiter<IpAddr>>,
    /// By whom they are; `None`: not limited.
    identities: Option<DefaultKeyedRateLimiter<String>>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    /// Until when addresses are not listened to.
    blocked: Mutex<HashMap<IpAddr, Instant>>,
}

impl Rates {
    /// So many a minute; 0 is no limit.
    pub(crate) fn new(open: u32, identities: u32) -> Self {
        Self {
            open: NonZeroU32::new(open).map(|most| RateLimiter::keyed(Quota::per_minute(most))),
            identities: NonZeroU32::new(identities).map(|most| RateLimiter::keyed(Quota::per_minute(most))),
            failures: RateLimiter::keyed(Quota::per_minute(FAILURES)),
            blocked: Mutex::default(),
        }
    }

    /// A request of an address that need not show a key.
    pub(crate) fn open(&self, address: IpAddr) -> Result<(), ApiError> {
        counted(self.open.as_ref(), &site(address)).map_err(|_| too_many())
    }

    /// A request of somebody who is known.
    pub(crate) fn identity(&self, name: &str) -> Result<(), ApiError> {
        let Some(limiter) = &self.identities else { return Ok(()) };
        counted(Some(limiter), &name.to_owned()).map_err(|_| too_many())
    }

    /// Whether an address is listened to.
    pub(crate) fn listened_to(&self, address: IpAddr) -> Result<(), ApiError> {
        let address = site(address);
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        match blocked.get(&address) {
            Some(until) if *until > Instant::now() => Err(too_many()),
            Some(_) => {
                blocked.remove(&address);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// An address showed a key that is not known.
    pub(crate) fn failed(&self, address: IpAddr) {
        let address = site(address);
        let Err(wait) = counted(Some(&self.failures), &address) else { return };
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if blocked.len() > REMEMBERED {
            blocked.retain(|_, until| *until > now);
        }
        // Addresses that are many more than that are no guesses of one person, and take no more memory.
        if blocked.len() <= REMEMBERED {
            blocked.insert(address, now + wait.max(PAUSE));
        }
    }
}

/// An address that shows too many wrong keys is not listened to for so long.
const PAUSE: Duration = Duration::from_secs(30);

/// Whom an address stands for: of IPv6, whoever has one has all of its network of 64 bits (RFC 6177).
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// Counts; an error is how long to wait.
fn counted<K: Hash + Eq + Clone>(limiter: Option<&DefaultKeyedRateLimiter<K>>, key: &K) -> Result<(), Duration> {
    let Some(limiter) = limiter else { return Ok(()) };
    if limiter.len() > REMEMBERED {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|until| until.wait_time_from(DefaultClock::default().now()))
}

fn too_many() -> ApiError {
    ApiError::new(Code::RateLimited, "too many requests, or too many wrong keys; try again later")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn each_address_has_its_own_limit() {
        let rates = Rates::new(100, 0);
        // However slow this machine is, fewer than that come back meanwhile.
        let taken = (0..10_000).take_while(|_| rates.open(address(1)).is_ok()).count();
        assert!((100..10_000).contains(&taken), "{taken}");
        assert!(rates.open(address(2)).is_ok());
        assert!((0..10_000).all(|_| rates.identity("operator").is_ok()), "not limited");
    }

    #[test]
    fn who_shows_many_wrong_keys_is_not_listened_to() {
        let rates = Rates::new(0, 0);
        for _ in 0..10_000 {
            rates.failed(address(1));
        }
        assert!(rates.listened_to(address(1)).is_err());
        assert!(rates.listened_to(address(2)).is_ok());
        assert!(rates.open(address(1)).is_ok(), "no limit was set");
    }

    #[test]
    fn who_has_a_network_is_one() {
        let (rates, at) = (Rates::new(0, 0), |text: &str| text.parse::<IpAddr>().unwrap());
        for n in 0..10_000_u32 {
            rates.failed(Ipv6Addr::from_bits(at_bits("2001:db8:1:2::") + u128::from(n)).into());
        }
        assert!(rates.listened_to(at("2001:db8:1:2:ffff::1")).is_err());
        assert!(rates.listened_to(at("2001:db8:1:3::1")).is_ok());
        assert_eq!(site(at("::ffff:192.0.2.1")), address(1), "one of IPv4 stands for itself");
    }

    fn at_bits(text: &str) -> u128 {
        text.parse::<Ipv6Addr>().unwrap().to_bits()
    }
}
